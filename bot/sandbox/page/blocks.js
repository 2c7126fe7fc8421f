// Block Kit layout blocks as DOM nodes. What a block does when it is pressed comes in through `ctx`:
// {names, me, key, press({action_id, block_id, value}) → Promise}; `key` is stable for one message or view.

import { codeBlock, link, plainText, safeUrl } from "./chips.js";
import { append, el, icon } from "./dom.js";
import { actionElement } from "./elements.js";
import { inputBlock } from "./inputs.js";
import { markdown } from "./markdown.js";
import { mrkdwn, mrkdwnInline } from "./mrkdwn.js";
import { richText } from "./richtext.js";

/** All blocks of a message or view. */
export function renderBlocks(blocks, ctx) {
  return el(
    "div",
    { class: "blocks" },
    (blocks ?? []).map((block) => renderBlock(block, ctx)),
  );
}

/** A Slack text object (or a plain string) as nodes. */
export function textObject(text, names) {
  if (!text) return [];
  if (typeof text === "string") return plainText(text);
  return text.type === "mrkdwn" ? mrkdwn(text.text ?? "", names) : plainText(text.text ?? "");
}

const inlineText = (text, names) =>
  text?.type === "mrkdwn" ? mrkdwnInline(text.text ?? "", names) : textObject(text, names);

const RENDERERS = {
  section,
  header,
  context,
  actions,
  image,
  plan,
  alert,
  card,
  table,
  carousel,
  container,
  divider: () => el("hr", { class: "block-divider" }),
  rich_text: (block, ctx) => richText(block, ctx.names),
  markdown: (block, ctx) => el("div", { class: "markdown" }, markdown(block.text ?? "", ctx.names)),
  context_actions: (block, ctx) => el("div", { class: "block-context-actions" }, elements(block, ctx)),
  input: inputBlock,
  task_card: taskCard,
};

function renderBlock(block, ctx) {
  const known = Object.hasOwn(RENDERERS, block?.type ?? "");
  const node = known ? RENDERERS[block.type](block, ctx) : unsupported(block);
  if (block?.block_id) node.dataset.blockId = block.block_id;
  node.classList.add("block");
  return node;
}

function unsupported(block) {
  return el(
    "div",
    { class: "unsupported", data: { testid: "unsupported-block" } },
    el("p", {}, icon("warning"), ` Unsupported block: ${block?.type ?? "without a type"}`),
    el("details", {}, el("summary", {}, "Show its JSON"), codeBlock(JSON.stringify(block, null, 2))),
  );
}

const elements = (block, ctx) =>
  (block.elements ?? []).map((element) => actionElement(element, { ...ctx, blockId: block.block_id }));

function section(block, ctx) {
  const fields = (block.fields ?? []).map((field) =>
    el("div", { class: "section-field" }, textObject(field, ctx.names)),
  );
  return el(
    "div",
    { class: "block-section" },
    el(
      "div",
      { class: "section-main" },
      block.text ? el("div", { class: "section-text" }, textObject(block.text, ctx.names)) : null,
      fields.length ? el("div", { class: "section-fields" }, fields) : null,
    ),
    block.accessory
      ? el("div", { class: "section-accessory" }, actionElement(block.accessory, { ...ctx, blockId: block.block_id }))
      : null,
  );
}

function header(block, ctx) {
  return el("h3", { class: "block-header" }, textObject(block.text, ctx.names));
}

function actions(block, ctx) {
  return el("div", { class: "block-actions" }, elements(block, ctx));
}

function context(block, ctx) {
  return el(
    "div",
    { class: "block-context" },
    (block.elements ?? []).map((element) =>
      element.type === "image"
        ? picture(element, "context-image")
        : el("div", { class: "context-text" }, textObject(element, ctx.names)),
    ),
  );
}

/**
 * An image, or its alternative text where the picture lies outside this machine (the page loads nothing from
 * elsewhere).
 */
export function picture(image, className) {
  const address = image.image_url ?? image.slack_file?.url ?? "";
  const url = safeUrl(address);
  const local = url !== null && new URL(url).origin === location.origin;
  const note = el(
    "span",
    { class: `picture-note ${className}`, title: address },
    icon("eye"),
    link(address, image.alt_text || "image"),
  );
  if (!local) return note;
  return el("img", {
    src: url,
    alt: image.alt_text ?? "",
    class: className,
    loading: "lazy",
    on: { error: (event) => event.target.replaceWith(note) },
  });
}

function image(block, ctx) {
  return el(
    "figure",
    { class: "block-image" },
    block.title ? el("figcaption", {}, textObject(block.title, ctx.names)) : null,
    picture(block, "image-large"),
  );
}

const ALERT_ICONS = { success: "check", warning: "warning", error: "warning", info: "info", default: "info" };

function alert(block, ctx) {
  const level = Object.hasOwn(ALERT_ICONS, block.level ?? "") ? block.level : "default";
  return el(
    "div",
    { class: `block-alert alert-${level}`, role: "note" },
    icon(ALERT_ICONS[level]),
    el("div", {}, textObject(block.text, ctx.names)),
  );
}

function table(block, ctx) {
  const [head, ...rows] = block.rows ?? [];
  const settings = block.column_settings ?? [];
  const row = (cells, tag) =>
    el(
      "tr",
      {},
      (cells ?? []).map((cell, n) => el(tag, { class: cellClass(settings[n]) }, tableCell(cell, ctx))),
    );
  return el(
    "div",
    { class: "table-scroll", tabindex: "0" },
    el(
      "table",
      {},
      el("thead", {}, row(head, "th")),
      el(
        "tbody",
        {},
        rows.map((cells) => row(cells, "td")),
      ),
    ),
  );
}

const cellClass = (setting) => `align-${setting?.align ?? "left"}${setting?.is_wrapped ? " wrapped" : ""}`;

function tableCell(cell, ctx) {
  if (cell?.type === "rich_text") return richText(cell, ctx.names);
  return cell?.text ?? cell?.value ?? "";
}

const TASK_STATES = {
  pending: ["dot", "to do"],
  in_progress: ["spinner", "working"],
  complete: ["check", "done"],
  error: ["cross", "failed"],
};

function taskCard(block, ctx) {
  const [glyph, word] = TASK_STATES[block.status] ?? TASK_STATES.pending;
  const mark = glyph === "spinner" ? el("span", { class: "spinner" }) : icon(glyph);
  const title = [
    el("span", { class: `task-mark task-${block.status}` }, mark),
    el("span", { class: "task-title" }, block.title ?? ""),
    el("span", { class: "visually-hidden" }, ` (${word})`),
  ];
  const inside = [taskText(block.details, ctx), taskText(block.output, ctx), sources(block.sources)].filter(Boolean);
  if (!inside.length) return el("div", { class: "task-card" }, el("div", { class: "task-line" }, title));
  return el(
    "details",
    { class: "task-card", open: block.status === "in_progress" || block.status === "error" },
    el("summary", { class: "task-line" }, title),
    el("div", { class: "task-body" }, inside),
  );
}

function taskText(text, ctx) {
  if (!text) return null;
  return typeof text === "string" ? el("div", {}, markdown(text, ctx.names)) : richText(text, ctx.names);
}

function sources(list) {
  if (!list?.length) return null;
  return el(
    "div",
    { class: "task-sources" },
    list.map((source) => link(source.url, source.text ?? source.url)),
  );
}

function plan(block, ctx) {
  const title = typeof block.title === "string" ? block.title : textObject(block.title, ctx.names);
  return el(
    "div",
    { class: "block-plan" },
    el("p", { class: "plan-title" }, title),
    (block.tasks ?? []).map((task) => taskCard(task, ctx)),
  );
}

function card(block, ctx) {
  return el(
    "div",
    { class: "block-card" },
    block.hero_image ? picture(block.hero_image, "card-hero") : null,
    el(
      "div",
      { class: "card-head" },
      block.icon ? picture(block.icon, "card-icon") : null,
      el(
        "div",
        {},
        block.title ? el("p", { class: "card-title" }, inlineText(block.title, ctx.names)) : null,
        block.subtitle ? el("p", { class: "card-subtitle" }, inlineText(block.subtitle, ctx.names)) : null,
      ),
    ),
    block.body ? el("div", { class: "card-body" }, textObject(block.body, ctx.names)) : null,
    block.actions?.length ? actions({ ...block, elements: block.actions }, ctx) : null,
  );
}

function carousel(block, ctx) {
  return el(
    "div",
    { class: "block-carousel", tabindex: "0", role: "group", "aria-label": "Cards" },
    (block.elements ?? []).map((item) => card(item, ctx)),
  );
}

function container(block, ctx) {
  const title = block.rich_text_title ? richText(block.rich_text_title, ctx.names) : inlineText(block.title, ctx.names);
  const head = [
    block.icon ? picture(block.icon, "card-icon") : null,
    el("span", { class: "card-title" }, title),
    block.subtitle ? el("span", { class: "card-subtitle" }, inlineText(block.subtitle, ctx.names)) : null,
  ];
  const body = renderBlocks(block.child_blocks, ctx);
  if (!block.is_collapsible) return el("div", { class: "block-card" }, el("div", { class: "card-head" }, head), body);
  return append(
    el("details", { class: "block-card", open: !block.default_collapsed }, el("summary", { class: "card-head" }, head)),
    body,
  );
}
