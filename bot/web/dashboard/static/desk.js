"use strict";
// Keeps a page up to date: when figures have changed, its live part is fetched anew and put in place of the old one.
// Without this script everything works, only not by itself.
(() => {
  const PAUSE = 3000;
  const part = document.querySelector("[data-live]");
  if (!part || !window.EventSource) return;
  const told = document.getElementById("live");
  let due = 0;
  let last = 0;
  let announced = 0;

  const keyOf = (one) => one.querySelector("summary")?.textContent ?? "";

  async function refresh() {
    due = 0;
    last = Date.now();
    const answer = await fetch(location.href, { credentials: "same-origin", redirect: "error" }).catch(() => null);
    if (!answer || !answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const now = document.getElementById(part.id);
    const newer = page.getElementById(part.id);
    if (!now || !newer || now.contains(document.activeElement?.closest("form") ?? null)) return;
    const open = new Map([...now.querySelectorAll("details")].map((one) => [keyOf(one), one.open]));
    const focused = document.activeElement && now.contains(document.activeElement) ? keyOf(document.activeElement.closest("details") ?? now) : "";
    for (const one of newer.querySelectorAll("details")) if (open.has(keyOf(one))) one.open = open.get(keyOf(one));
    now.replaceChildren(...newer.childNodes);
    now.dataset.live = newer.dataset.live;
    if (focused) [...now.querySelectorAll("details")].find((one) => keyOf(one) === focused)?.querySelector("summary")?.focus();
    if (Date.now() - announced > 60000) {
      announced = Date.now();
      told.textContent = "Updated.";
    }
  }

  function soon() {
    if (due || document.hidden) return;
    due = setTimeout(refresh, Math.max(0, last + PAUSE - Date.now()));
  }

  // Browsers keep few connections to one host: a page that nobody looks at gives up its own.
  let events = null;

  function listen() {
    if (events || document.hidden) return;
    events = new EventSource(part.dataset.live);
    events.addEventListener("figures", soon);
    events.addEventListener("signed-out", () => { rest(); location.reload(); });
  }

  function rest() {
    events?.close();
    events = null;
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return rest();
    listen();
    soon();
  });
  addEventListener("pagehide", rest);
  addEventListener("pageshow", listen);
  listen();
})();
