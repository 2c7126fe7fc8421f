// What one can fill in: input blocks, and the controls in them. A control is `{node, read(), focus()}`;
// `read()` gives text, an option's value, or a list of values.

import { plainText } from "./chips.js";
import { el } from "./dom.js";
import { mrkdwnInline } from "./mrkdwn.js";

const uid = (() => {
  let n = 0;
  return (prefix) => `${prefix}-${(n += 1)}`;
})();

const CONTROLS = {
  plain_text_input: textInput,
  number_input: numberInput,
  email_text_input: (e, c) => typed(e, c, "email"),
  url_text_input: (e, c) => typed(e, c, "url"),
  datepicker: (e, c) => picker(e, c, "date", e.initial_date),
  timepicker: (e, c) => picker(e, c, "time", e.initial_time),
  static_select: select,
  users_select: peopleSelect,
  conversations_select: channelSelect,
  channels_select: channelSelect,
  multi_static_select: (e, c) => choices(e, c, "checkbox"),
  radio_buttons: (e, c) => choices(e, c, "radio"),
  checkboxes: (e, c) => choices(e, c, "checkbox"),
};

/** Whether this element is something to fill in. */
export const isControl = (element) => Object.hasOwn(CONTROLS, element?.type ?? "");

/**
 * Build one control; `ctx` is as for blocks, plus `label`, `labelId`, `hintId`, `initial` (what was typed before a
 * redraw).
 */
export const control = (element, ctx) => CONTROLS[element.type](element, ctx);

/** An input block: label, control, hint, and a place for the error. It registers its control with the modal. */
export function inputBlock(block, ctx) {
  const element = block.element ?? {};
  if (!isControl(element)) return el("div", { class: "unsupported" }, `Unsupported input: ${element.type}`);
  const ids = { labelId: uid("label"), hintId: uid("hint"), errorId: uid("error") };
  const part = control(element, {
    ...ctx,
    ...ids,
    label: block.label?.text ?? "",
    initial: ctx.initial?.(element.action_id),
  });
  const optional = block.optional ? el("span", { class: "input-optional" }, " (optional)") : null;
  const error = el("p", { class: "input-error", id: ids.errorId, role: "alert", hidden: true });
  ctx.register?.(element.action_id, {
    ...part,
    blockId: block.block_id,
    optional: Boolean(block.optional),
    element,
    error,
    labelText: block.label?.text,
  });
  if (block.dispatch_action)
    part.node.addEventListener(
      "change",
      () => void ctx.press({ action_id: element.action_id, block_id: block.block_id, value: part.read() }),
    );
  return el(
    "div",
    { class: "block-input" },
    part.target
      ? el("label", { id: ids.labelId, for: part.target.id }, plainText(block.label?.text ?? ""), optional)
      : el("p", { id: ids.labelId, class: "label" }, plainText(block.label?.text ?? ""), optional),
    part.node,
    error,
    block.hint ? el("p", { class: "input-hint", id: ids.hintId }, plainText(block.hint.text)) : null,
  );
}

/** The first thing that is wrong with what was filled in, as a sentence, or null. */
export function problemWith({ element, optional, read }) {
  const value = read();
  const empty = value === null || value === "" || (Array.isArray(value) && value.length === 0);
  if (empty) return optional ? null : "Please complete this required field.";
  if (element.type === "plain_text_input") return lengthProblem(String(value), element);
  if (element.type === "number_input") return numberProblem(value, element);
  return null;
}

function lengthProblem(value, { min_length: min, max_length: max }) {
  if (min && value.length < min) return `Please write at least ${min} characters.`;
  if (max && value.length > max) return `Please write at most ${max} characters (${value.length} now).`;
  return null;
}

function numberProblem(text, element) {
  const value = Number(text);
  if (Number.isNaN(value)) return "Please enter a number.";
  if (!element.is_decimal_allowed && !Number.isInteger(value)) return "Please enter a whole number.";
  if (element.min_value !== undefined && value < Number(element.min_value))
    return `Please enter ${element.min_value} or more.`;
  if (element.max_value !== undefined && value > Number(element.max_value))
    return `Please enter ${element.max_value} or less.`;
  return null;
}

function field(tag, element, ctx, props) {
  const initial = ctx.initial ?? element.initial_value ?? "";
  const node = el(tag, {
    class: "field",
    id: uid("field"),
    placeholder: element.placeholder?.text,
    data: { actionId: element.action_id },
    "aria-label": ctx.labelId ? null : ctx.label,
    "aria-describedby": ctx.hintId ? `${ctx.errorId} ${ctx.hintId}` : null,
    prop: { value: initial },
    ...props,
  });
  return { node, target: node, read: () => node.value, focus: () => node.focus() };
}

function textInput(element, ctx) {
  return field(element.multiline ? "textarea" : "input", element, ctx, {
    maxlength: element.max_length,
    rows: element.multiline ? 4 : null,
    autocomplete: "off",
  });
}

const typed = (element, ctx, type) => field("input", element, ctx, { type });

function numberInput(element, ctx) {
  return field("input", element, ctx, {
    inputmode: element.is_decimal_allowed ? "decimal" : "numeric",
    autocomplete: "off",
  });
}

const picker = (element, ctx, type, initial) => field("input", { ...element, initial_value: initial }, ctx, { type });

function select(element, ctx) {
  const groups = element.option_groups ?? [{ options: element.options ?? [] }];
  const initial = ctx.initial ?? element.initial_option?.value ?? "";
  return selectNode(
    element,
    ctx,
    initial,
    groups.map((group) => ({
      label: group.label?.text,
      options: group.options.map((o) => [o.value, o.text?.text ?? o.value]),
    })),
  );
}

function selectNode(element, ctx, initial, groups) {
  const option = ([value, text]) => el("option", { value, selected: value === initial }, text);
  const node = el(
    "select",
    {
      class: "field",
      id: uid("field"),
      data: { actionId: element.action_id },
      "aria-label": ctx.labelId ? null : ctx.label,
    },
    el("option", { value: "", selected: initial === "" }, element.placeholder?.text ?? "Choose…"),
    groups.map((group) =>
      group.label ? el("optgroup", { label: group.label }, group.options.map(option)) : group.options.map(option),
    ),
  );
  return { node, target: node, read: () => node.value || null, focus: () => node.focus() };
}

function peopleSelect(element, ctx) {
  const people = [...ctx.names.people.values()].map((person) => [person.id, person.label]);
  return selectNode(element, ctx, ctx.initial ?? element.initial_user ?? "", [{ options: people }]);
}

function channelSelect(element, ctx) {
  const channels = ctx.names.joined().map((channel) => [channel.id, `#${channel.name}`]);
  return selectNode(element, ctx, ctx.initial ?? element.initial_channel ?? element.initial_conversation ?? "", [
    { options: channels },
  ]);
}

function choices(element, ctx, type) {
  const chosen =
    ctx.initial ??
    (type === "radio" ? element.initial_option?.value : (element.initial_options ?? []).map((option) => option.value));
  const name = uid("choice");
  const node = el(
    "div",
    {
      class: "choices",
      role: type === "radio" ? "radiogroup" : "group",
      "aria-labelledby": ctx.labelId,
      "aria-label": ctx.labelId ? null : ctx.label,
      data: { actionId: element.action_id },
    },
    (element.options ?? []).map((option) =>
      choice(option, type, name, [chosen].flat().includes(option.value), ctx.names),
    ),
  );
  const boxes = () => [...node.querySelectorAll("input")];
  const read = () => {
    const values = boxes()
      .filter((box) => box.checked)
      .map((box) => box.value);
    return type === "radio" ? (values[0] ?? null) : values;
  };
  return { node, target: null, read, focus: () => boxes()[0]?.focus() };
}

function choice(option, type, name, checked, names) {
  const words = (text) => (text?.type === "mrkdwn" ? mrkdwnInline(text.text, names) : plainText(text?.text ?? ""));
  return el(
    "label",
    { class: "choice" },
    el("input", { type, name, value: option.value, checked }),
    el(
      "span",
      {},
      words(option.text),
      option.description ? el("span", { class: "choice-hint" }, words(option.description)) : null,
    ),
  );
}
