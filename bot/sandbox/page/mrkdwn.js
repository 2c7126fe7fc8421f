// Slack's mrkdwn as DOM nodes: *bold*, _italic_, ~strike~, `code`, ```blocks```, > quotes, lists, <links|text>,
// mentions, emoji.

import { bareUrl, broadcastChip, channelChip, codeBlock, emoji, inlineCode, link, userChip } from "./chips.js";
import { el } from "./dom.js";
import { emojiChar } from "./emoji.js";
import { formatDateToken } from "./time.js";

const MARKS = { "*": "strong", _: "em", "~": "s" };
const QUOTE = /^(?:&gt;|>) ?/;
const BULLET = /^(\s*)(?:[•◦▪]|[-*](?=\s))\s+(?=\S)/;
const NUMBER = /^(\s*)(\d{1,3})[.)]\s+(?=\S)/;

/** Render a message text. `names` resolves people and channels (see state.js). */
export function mrkdwn(text, names) {
  const nodes = [];
  text.split(/```/).forEach((part, index, parts) => {
    const fenced = index % 2 === 1 && index < parts.length - 1;
    if (fenced) nodes.push(codeBlock(unescapeEntities(stripLinks(part.replace(/^\n/, "").replace(/\n$/, "")))));
    else nodes.push(...blocks((index % 2 === 1 ? "```" : "") + trimBeside(part, index, parts.length), names));
  });
  return nodes;
}

/** Only the inside of a line, without lists and quotes: for titles and labels. */
export const mrkdwnInline = (text, names) =>
  text.split("\n").flatMap((line, i) => (i ? [el("br"), ...inline(line, names)] : inline(line, names)));

/** &amp; &lt; &gt; as the characters they stand for. */
export const unescapeEntities = (text) => text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");

// Inside code Slack still marks links; people should read the address, not the markup.
const stripLinks = (text) =>
  text.replace(/<((?:https?|mailto):[^>|]+)(?:\|([^>]*))?>/g, (_, url, label) => label || url);

function trimBeside(part, index, count) {
  let text = part;
  if (index > 0) text = text.replace(/^\n/, "");
  if (index < count - 1) text = text.replace(/\n$/, "");
  return text;
}

// Quotes do not nest in Slack: inside one, another ">" is only a character.
function kindOf(line, quoted) {
  if (!quoted && QUOTE.test(line)) return "quote";
  if (BULLET.test(line)) return "bullet";
  if (NUMBER.test(line)) return "number";
  return line.trim() === "" ? "blank" : "text";
}

function blocks(text, names, quoted = false) {
  if (text === "") return [];
  const nodes = [];
  const lines = text.split("\n");
  for (let i = 0; i < lines.length;) {
    const kind = kindOf(lines[i], quoted);
    let end = i + 1;
    while (end < lines.length && kindOf(lines[end], quoted) === kind) end += 1;
    nodes.push(group(kind, lines.slice(i, end), names));
    i = end;
  }
  return nodes;
}

function group(kind, lines, names) {
  if (kind === "quote")
    return el("blockquote", {}, blocks(lines.map((line) => line.replace(QUOTE, "")).join("\n"), names, true));
  if (kind === "bullet") return list("ul", lines, BULLET, names);
  if (kind === "number") return list("ol", lines, NUMBER, names);
  if (kind === "blank") return el("div", { class: "blank-line" });
  return el(
    "p",
    {},
    lines.flatMap((line, i) => (i ? [el("br"), ...inline(line, names)] : inline(line, names))),
  );
}

function list(tag, lines, pattern, names) {
  const start = tag === "ol" ? Number(pattern.exec(lines[0])[2]) : null;
  return el(
    tag,
    { start: start !== null && start !== 1 ? start : null },
    lines.map((line) => {
      const indent = Math.min(4, Math.floor(pattern.exec(line)[1].length / 2));
      return el("li", { class: indent ? `indent-${indent}` : null }, inline(line.replace(pattern, ""), names));
    }),
  );
}

/** One line: a single pass over the characters; what cannot be closed stays as it was typed. */
function inline(text, names) {
  const out = [];
  const hopeless = new Set();
  let plain = "";
  const flush = () => {
    if (plain) out.push(unescapeEntities(plain));
    plain = "";
  };
  for (let i = 0; i < text.length;) {
    const found = hopeless.has(text[i]) ? null : piece(text, i, names, hopeless);
    if (!found) {
      plain += text[i];
      i += 1;
      continue;
    }
    flush();
    out.push(found.node);
    i = found.end;
  }
  flush();
  return out;
}

function piece(text, i, names, hopeless) {
  switch (text[i]) {
    case "`":
      return codeAt(text, i, hopeless);
    case "<":
      return tokenAt(text, i, names, hopeless);
    case ":":
      return emojiAt(text, i);
    case "h":
      return urlAt(text, i);
    case "*":
    case "_":
    case "~":
      return markAt(text, i, names, hopeless);
    default:
      return null;
  }
}

function codeAt(text, i, hopeless) {
  const end = text.indexOf("`", i + 1);
  if (end < 0) hopeless.add("`");
  if (end <= i + 1) return null;
  return { node: inlineCode(unescapeEntities(stripLinks(text.slice(i + 1, end)))), end: end + 1 };
}

function emojiAt(text, i) {
  const match = /^:([a-z0-9_+-]{1,40})(?:::skin-tone-\d)?:/.exec(text.slice(i, i + 60));
  return match && emojiChar(match[1]) ? { node: emoji(match[1]), end: i + match[0].length } : null;
}

function urlAt(text, i) {
  if (i > 0 && /[\w/]/.test(text[i - 1])) return null;
  const url = bareUrl(text, i);
  return url ? { node: link(unescapeEntities(url), unescapeEntities(url)), end: i + url.length } : null;
}

function tokenAt(text, i, names, hopeless) {
  const end = text.indexOf(">", i + 1);
  if (end < 0) hopeless.add("<");
  if (end <= i + 1) return null;
  const node = token(text.slice(i + 1, end), names);
  return node ? { node, end: end + 1 } : null;
}

function token(inside, names) {
  const bar = inside.indexOf("|");
  const target = bar < 0 ? inside : inside.slice(0, bar);
  const label = bar < 0 ? null : unescapeEntities(inside.slice(bar + 1));
  if (/^@[UW]\w+$/.test(target)) return userChip(target.slice(1), names, label);
  if (/^#[CGD]\w+$/.test(target)) return channelChip(target.slice(1), names, label);
  if (/^!(here|channel|everyone)$/.test(target)) return broadcastChip(target.slice(1));
  if (target.startsWith("!subteam^")) return broadcastChip((label ?? target.slice(9)).replace(/^@/, ""));
  const date = /^!date\^(\d+)\^([^^]*)/.exec(target);
  if (date) return el("time", { title: label }, formatDateToken(Number(date[1]), date[2]));
  if (/^(https?:\/\/|mailto:|tel:)/i.test(target))
    return link(unescapeEntities(target), label ?? unescapeEntities(target).replace(/^mailto:/, ""));
  return null;
}

const isWord = (char) => char !== undefined && /[\p{L}\p{N}]/u.test(char);
const isSpace = (char) => char === undefined || /\s/.test(char);

function markAt(text, i, names, hopeless) {
  const mark = text[i];
  if (isWord(text[i - 1]) || isSpace(text[i + 1]) || text[i + 1] === mark) return null;
  const end = closing(text, i, mark);
  if (end < 0) {
    hopeless.add(mark);
    return null;
  }
  return { node: el(MARKS[mark], {}, inline(text.slice(i + 1, end), names)), end: end + 1 };
}

function closing(text, start, mark) {
  for (let j = start + 1; j < text.length; j += 1) {
    if (text[j] === "`" || text[j] === "<") j = skip(text, j);
    else if (text[j] === mark && j > start + 1 && !isSpace(text[j - 1]) && !isWord(text[j + 1])) return j;
  }
  return -1;
}

function skip(text, from) {
  const end = text.indexOf(text[from] === "<" ? ">" : "`", from + 1);
  return end < 0 ? from : end;
}
