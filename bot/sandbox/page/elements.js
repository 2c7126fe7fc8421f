// Interactive Block Kit elements: buttons, selects, overflow menus, feedback. Each asks its confirm question first,
// shows that it is busy while the app has not acknowledged, and reports through `ctx.press`.

import { picture } from "./blocks.js";
import { plainText, safeUrl } from "./chips.js";
import { confirmDialog } from "./dialogs.js";
import { el, icon } from "./dom.js";
import { control, isControl } from "./inputs.js";
import { openMenu } from "./menu.js";

/** One element of an actions block, a context_actions block, or a section's accessory. */
export function actionElement(element, ctx) {
  if (element?.visible_to_user_ids && !element.visible_to_user_ids.includes(ctx.names.me))
    return el("span", { hidden: true });
  if (element?.type === "image") return picture(element, "accessory-image");
  if (element?.type === "button" || element?.type === "workflow_button") return button(element, ctx);
  if (element?.type === "overflow") return overflow(element, ctx);
  if (element?.type === "feedback_buttons") return feedback(element, ctx);
  if (element?.type === "icon_button") return iconOnly(element, ctx);
  if (isControl(element)) return liveControl(element, ctx);
  return el("span", { class: "unsupported" }, `Unsupported element: ${element?.type}`);
}

async function fire(node, element, ctx, value) {
  if (element.confirm && !(await confirmDialog(element.confirm, ctx.names))) return false;
  node.setAttribute("aria-busy", "true");
  try {
    return await ctx.press({
      action_id: element.action_id,
      block_id: ctx.blockId,
      ...(value === undefined ? {} : { value }),
    });
  } finally {
    node.removeAttribute("aria-busy");
  }
}

function button(element, ctx) {
  const style = element.style ? ` button-${element.style}` : "";
  const data = { actionId: element.action_id, value: element.value };
  const label = plainText(element.text?.text ?? "");
  const href = element.url ? safeUrl(element.url) : null;
  const press = (event) => {
    if (event.currentTarget.getAttribute("aria-busy") !== "true")
      void fire(event.currentTarget, element, ctx, element.value);
  };
  const props = { class: `button${style}`, data, "aria-label": element.accessibility_label, on: { click: press } };
  if (href) return el("a", { ...props, href, target: "_blank", rel: "noopener noreferrer" }, label);
  return el("button", { ...props, type: "button" }, label);
}

function overflow(element, ctx) {
  const open = (event) => {
    const anchor = event.currentTarget;
    openMenu(
      anchor,
      (element.options ?? []).map((option) => ({
        label: plainText(option.text?.text ?? ""),
        hint: option.description?.text,
        url: option.url,
        data: { value: option.value },
        run: () => fire(anchor, element, ctx, option.value),
      })),
    );
  };
  return el(
    "button",
    {
      type: "button",
      class: "button button-square",
      data: { actionId: element.action_id },
      "aria-label": "More options",
      "aria-haspopup": "menu",
      on: { click: open },
    },
    icon("more"),
  );
}

function feedback(element, ctx) {
  const memory = ctx.names.pressedFeedback;
  const key = `${ctx.key}/${element.action_id}`;
  const group = el("span", { class: "feedback", role: "group", "aria-label": "Feedback" });
  const draw = (which) => {
    for (const node of group.children) node.setAttribute("aria-pressed", String(node.dataset.value === which));
  };
  const choice = (option, glyph) =>
    el(
      "button",
      {
        type: "button",
        class: "icon-button",
        data: { actionId: element.action_id, value: option?.value },
        "aria-label": option?.accessibility_label ?? option?.text?.text,
        title: option?.text?.text,
        on: {
          click: async (event) => {
            if ((await fire(event.currentTarget, element, ctx, option?.value)) === false) return;
            memory.set(key, option?.value);
            draw(option?.value);
          },
        },
      },
      icon(glyph),
    );
  group.append(choice(element.positive_button, "up_thumb"), choice(element.negative_button, "down_thumb"));
  draw(memory.get(key));
  return group;
}

const ICON_NAMES = {
  trash: "trash",
  refresh: "refresh",
  copy: "copy",
  link: "link",
  eye: "eye",
  stop: "stop",
  info: "info",
};

function iconOnly(element, ctx) {
  const label = element.accessibility_label ?? element.text?.text ?? element.icon;
  const glyph = Object.hasOwn(ICON_NAMES, element.icon ?? "") ? ICON_NAMES[element.icon] : "dot";
  return el(
    "button",
    {
      type: "button",
      class: "icon-button",
      data: { actionId: element.action_id, value: element.value },
      "aria-label": label,
      title: label,
      on: { click: (event) => void fire(event.currentTarget, element, ctx, element.value) },
    },
    icon(glyph),
  );
}

// A select, checkbox group, date … outside an input block acts as soon as it is changed.
function liveControl(element, ctx) {
  const part = control(element, { ...ctx, label: element.placeholder?.text ?? "Choose" });
  part.node.addEventListener("change", () => void fire(part.node, element, ctx, part.read()));
  ctx.register?.(element.action_id, part);
  return part.node;
}
