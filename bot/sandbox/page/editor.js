// Editing one's own message in place: Enter saves, Escape gives up.

import { el } from "./dom.js";
import { unescapeEntities } from "./mrkdwn.js";

/** The text as its author typed it: names instead of ids, plain addresses, plain characters. */
export function asTyped(text, state) {
  const named = text
    .replace(/<@(\w+)(?:\|[^>]*)?>/g, (_, id) => `@${state.person(id)?.name ?? id}`)
    .replace(/<#(\w+)(?:\|([^>]*))?>/g, (_, id, name) => `#${state.channel(id)?.name ?? (name || id)}`)
    .replace(/<!(here|channel|everyone)>/g, "@$1")
    .replace(/<((?:https?|mailto):[^>|]+)(?:\|[^>]*)?>/g, "$1");
  return unescapeEntities(named);
}

/** A small form in place of the message's text. */
export function inlineEditor(message, channel, state, act) {
  const area = el("textarea", {
    class: "field",
    rows: "3",
    "aria-label": "Edit message",
    data: { testid: "edit-box" },
    prop: { value: asTyped(message.text ?? "", state) },
  });
  const save = () => {
    const text = area.value.trim();
    if (text && text !== asTyped(message.text ?? "", state)) void act.saveEdit(channel, message.ts, text);
    else act.cancelEdit();
  };
  area.addEventListener("keydown", (event) => {
    if (event.isComposing || (event.key === "Enter" && event.shiftKey) || !["Enter", "Escape"].includes(event.key))
      return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Enter") save();
    else act.cancelEdit();
  });
  queueMicrotask(() => {
    area.focus();
    area.setSelectionRange(area.value.length, area.value.length);
  });
  return el(
    "div",
    { class: "editor" },
    area,
    el(
      "div",
      { class: "editor-actions" },
      el("button", { type: "button", class: "button", on: { click: () => act.cancelEdit() } }, "Cancel"),
      el(
        "button",
        { type: "button", class: "button button-primary", data: { testid: "save-edit" }, on: { click: save } },
        "Save",
      ),
    ),
  );
}
