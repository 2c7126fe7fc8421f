// A menu that hangs on a button: arrow keys move, Escape and a click elsewhere close it, the focus goes back to the
// button.

import { el, focusQuietly } from "./dom.js";

let current = null;

/** Close the menu that is open, if any. */
export function closeMenu() {
  current?.close();
}

/** Open a menu of `{label, hint?, url?, danger?, data?, run}` under `anchor`; a null item is a line between groups. */
export function openMenu(anchor, items) {
  const again = current?.anchor === anchor;
  closeMenu();
  if (again) return;
  const menu = el(
    "div",
    { class: "menu", role: "menu", on: { keydown: (event) => onKey(event, menu) } },
    items.map(menuItem),
  );
  (anchor.closest("dialog") ?? document.body).append(menu);
  place(menu, anchor);
  anchor.setAttribute("aria-expanded", "true");
  const outside = (event) => {
    if (!menu.contains(event.target) && !anchor.contains(event.target)) current?.close(false);
  };
  document.addEventListener("pointerdown", outside, true);
  current = {
    anchor,
    close: (refocus = true) => {
      current = null;
      document.removeEventListener("pointerdown", outside, true);
      menu.remove();
      anchor.setAttribute("aria-expanded", "false");
      if (refocus) focusQuietly(anchor);
    },
  };
  menu.querySelector("[role=menuitem]")?.focus();
}

function menuItem(item) {
  if (item === null) return el("hr", { class: "menu-line" });
  const choose = () => {
    closeMenu();
    void item.run?.();
  };
  const props = {
    class: `menu-item${item.danger ? " menu-danger" : ""}`,
    role: "menuitem",
    tabindex: "-1",
    data: item.data ?? {},
    on: { click: choose },
  };
  const inside = [el("span", {}, item.label), item.hint ? el("span", { class: "menu-hint" }, item.hint) : null];
  if (item.url) return el("a", { ...props, href: item.url, target: "_blank", rel: "noopener noreferrer" }, inside);
  return el("button", { ...props, type: "button" }, inside);
}

function place(menu, anchor) {
  const box = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const below = box.bottom + height + 8 < window.innerHeight;
  menu.style.left = `${Math.max(8, Math.min(box.right - width, window.innerWidth - width - 8))}px`;
  menu.style.top = `${below ? box.bottom + 4 : Math.max(8, box.top - height - 4)}px`;
}

function onKey(event, menu) {
  const items = [...menu.querySelectorAll("[role=menuitem]")];
  const at = items.indexOf(document.activeElement);
  const target = {
    ArrowDown: items[(at + 1) % items.length],
    ArrowUp: items.at(at - 1),
    Home: items[0],
    End: items.at(-1),
  }[event.key];
  if (target) {
    event.preventDefault();
    target.focus();
  } else if (event.key === "Escape" || event.key === "Tab") {
    event.preventDefault();
    event.stopPropagation();
    closeMenu();
  }
}
