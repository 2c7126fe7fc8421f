// Slack's rich_text blocks as DOM nodes.

import { broadcastChip, channelChip, codeBlock, emoji, inlineCode, link, userChip } from "./chips.js";
import { el } from "./dom.js";
import { formatDateToken } from "./time.js";

/** Render the elements of one rich_text block. */
export function richText(block, names) {
  return el(
    "div",
    { class: "rich-text" },
    (block.elements ?? []).map((element) => part(element, names)),
  );
}

function part(element, names) {
  switch (element.type) {
    case "rich_text_section":
      return el("p", {}, inlines(element.elements, names));
    case "rich_text_quote":
      return el("blockquote", {}, el("p", {}, inlines(element.elements, names)));
    case "rich_text_preformatted":
      return codeBlock((element.elements ?? []).map((item) => item.text ?? item.url ?? "").join(""));
    case "rich_text_list":
      return list(element, names);
    default:
      return el("p", { class: "unsupported" }, `[${element.type}]`);
  }
}

function list(element, names) {
  const tag = element.style === "ordered" ? "ol" : "ul";
  const indent = Math.min(4, element.indent ?? 0);
  return el(
    tag,
    { start: element.offset ? element.offset + 1 : null, class: indent ? `indent-${indent}` : null },
    (element.elements ?? []).map((item) => el("li", {}, inlines(item.elements, names))),
  );
}

function inlines(elements, names) {
  return (elements ?? []).flatMap((element) => styled(inlineNode(element, names), element.style));
}

function inlineNode(element, names) {
  switch (element.type) {
    case "text":
      return element.style?.code ? inlineCode(element.text) : lines(element.text ?? "");
    case "link":
      return link(element.url, element.text || element.url);
    case "user":
      return userChip(element.user_id, names);
    case "channel":
      return channelChip(element.channel_id, names);
    case "usergroup":
      return broadcastChip(element.usergroup_id);
    case "broadcast":
      return broadcastChip(element.range);
    case "emoji":
      return element.unicode && !emojiIsKnown(element.name) ? fromCodePoints(element.unicode) : emoji(element.name);
    case "date":
      return el("time", { title: element.fallback }, formatDateToken(element.timestamp, element.format ?? "{date}"));
    case "color":
      return inlineCode(element.value);
    default:
      return `[${element.type}]`;
  }
}

const emojiIsKnown = (name) => typeof emoji(name) !== "string";
const fromCodePoints = (codes) => String.fromCodePoint(...codes.split("-").map((code) => Number.parseInt(code, 16)));
const lines = (text) => text.split("\n").flatMap((line, i) => (i ? [el("br"), line] : [line]));

const STYLES = [
  ["bold", "strong"],
  ["italic", "em"],
  ["strike", "s"],
  ["underline", "u"],
];

function styled(node, style) {
  return STYLES.filter(([name]) => style?.[name]).reduce((inner, [, tag]) => el(tag, {}, inner), node);
}
