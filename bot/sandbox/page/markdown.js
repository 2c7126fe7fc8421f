// Standard Markdown as DOM nodes (markdown blocks, streamed text): headings, lists, tables, quotes, code, links,
// emphasis.

import { bareUrl, broadcastChip, channelChip, codeBlock, emoji, inlineCode, link, userChip } from "./chips.js";
import { el } from "./dom.js";
import { emojiChar } from "./emoji.js";

const ITEM = /^(\s*)(?:([-*+])|(\d{1,9})[.)])\s+(.*)$/;
const FENCE = /^\s*(```+|~~~+)/;
const RULE = /^\s*([-*_])(?:\s*\1){2,}\s*$/;
const HEADING = /^(#{1,6})\s+(.*?)\s*#*$/;
const QUOTE = /^\s*> ?/;
const TABLE_RULE = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;
const MAX_DEPTH = 8;

/** Render Markdown text. `names` resolves people and channels (see state.js). */
export const markdown = (text, names) => blocks(text.replace(/\r\n?/g, "\n").split("\n"), names, 0);

function blocks(lines, names, depth) {
  const nodes = [];
  for (let i = 0; i < lines.length;) {
    const [node, next] = blockAt(lines, i, names, depth);
    if (node) nodes.push(node);
    i = next;
  }
  return nodes;
}

function blockAt(lines, i, names, depth) {
  const line = lines[i];
  if (line.trim() === "") return [null, i + 1];
  if (FENCE.test(line)) return fence(lines, i);
  const heading = HEADING.exec(line);
  if (heading)
    return [
      el(`h${Math.min(6, heading[1].length + 2)}`, { class: `md-h${heading[1].length}` }, inline(heading[2], names)),
      i + 1,
    ];
  if (RULE.test(line)) return [el("hr"), i + 1];
  if (isTable(lines, i)) return table(lines, i, names);
  if (depth < MAX_DEPTH && QUOTE.test(line)) return quote(lines, i, names, depth);
  if (depth < MAX_DEPTH && ITEM.test(line)) return list(lines, i, names, depth);
  return paragraph(lines, i, names);
}

function fence(lines, i) {
  const mark = FENCE.exec(lines[i])[1];
  let end = i + 1;
  while (end < lines.length && !lines[end].trim().startsWith(mark)) end += 1;
  return [codeBlock(lines.slice(i + 1, end).join("\n")), end + 1];
}

const isTable = (lines, i) =>
  lines[i].includes("|") && i + 1 < lines.length && lines[i + 1].includes("-") && TABLE_RULE.test(lines[i + 1]);
const cells = (line) =>
  line
    .trim()
    .replace(/^\||\|$/g, "")
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll("\\|", "|"));

function table(lines, i, names) {
  const align = cells(lines[i + 1]).map((cell) =>
    cell.endsWith(":") ? (cell.startsWith(":") ? "center" : "right") : "left",
  );
  let end = i + 2;
  while (end < lines.length && lines[end].includes("|") && lines[end].trim() !== "") end += 1;
  const row = (line, tag) =>
    el(
      "tr",
      {},
      cells(line).map((cell, n) => el(tag, { class: `align-${align[n] ?? "left"}` }, inline(cell, names))),
    );
  const node = el(
    "div",
    { class: "table-scroll", tabindex: "0" },
    el(
      "table",
      {},
      el("thead", {}, row(lines[i], "th")),
      el(
        "tbody",
        {},
        lines.slice(i + 2, end).map((line) => row(line, "td")),
      ),
    ),
  );
  return [node, end];
}

function quote(lines, i, names, depth) {
  let end = i;
  while (end < lines.length && QUOTE.test(lines[end])) end += 1;
  return [
    el(
      "blockquote",
      {},
      blocks(
        lines.slice(i, end).map((line) => line.replace(QUOTE, "")),
        names,
        depth + 1,
      ),
    ),
    end,
  ];
}

function list(lines, i, names, depth) {
  const first = ITEM.exec(lines[i]);
  const base = first[1].length;
  const ordered = first[3] !== undefined;
  const items = [];
  let at = i;
  while (at < lines.length) {
    const match = ITEM.exec(lines[at]);
    if (match && match[1].length <= base && (match[3] !== undefined) === ordered) items.push([match[4]]);
    else if (items.length && belongs(lines, at, base)) items.at(-1).push(lines[at]);
    else break;
    at += 1;
  }
  const start = ordered && Number(first[3]) !== 1 ? first[3] : null;
  return [
    el(
      ordered ? "ol" : "ul",
      { start },
      items.map((item) => listItem(item, names, depth)),
    ),
    at,
  ];
}

// A line belongs to the item above it when it is indented, or blank with an indented line or another item to follow.
function belongs(lines, at, base) {
  const line = lines[at];
  if (line.trim() !== "") return line.search(/\S/) > base;
  const next = lines[at + 1];
  return next !== undefined && next.trim() !== "" && (next.search(/\S/) > base || ITEM.test(next));
}

function listItem(lines, names, depth) {
  const [head, ...rest] = lines;
  const task = /^\[([ xX])\]\s+(.*)$/.exec(head);
  const indent = Math.min(...rest.filter((line) => line.trim()).map((line) => line.search(/\S/)), 8);
  const children = blocks(
    rest.map((line) => line.slice(indent)),
    names,
    depth + 1,
  );
  const label = inline(task ? task[2] : head, names);
  const box = task
    ? el("input", {
        type: "checkbox",
        disabled: true,
        checked: task[1] !== " ",
        "aria-label": task[1] === " " ? "to do" : "done",
      })
    : null;
  return el("li", { class: task ? "task-item" : null }, box, label, children);
}

function paragraph(lines, i, names) {
  let end = i + 1;
  while (end < lines.length && !startsBlock(lines, end)) end += 1;
  const nodes = lines
    .slice(i, end)
    .flatMap((line, n) => [...(n ? [el("br")] : []), ...inline(line.trim().replace(/\\$/, ""), names)]);
  return [el("p", {}, nodes), end];
}

function startsBlock(lines, i) {
  const line = lines[i];
  return (
    line.trim() === "" || [FENCE, HEADING, RULE, QUOTE, ITEM].some((pattern) => pattern.test(line)) || isTable(lines, i)
  );
}

/** One line: a single pass over the characters; what cannot be closed stays as it was typed. */
function inline(text, names) {
  const out = [];
  const hopeless = new Set();
  let plain = "";
  const flush = () => {
    if (plain) out.push(plain);
    plain = "";
  };
  for (let i = 0; i < text.length;) {
    const found = piece(text, i, names, hopeless);
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
    case "\\":
      return /[!-/:-@[-`{-~]/.test(text[i + 1] ?? "") ? { node: text[i + 1], end: i + 2 } : null;
    case "`":
      return codeAt(text, i, hopeless);
    case "[":
      return linkAt(text, i, names);
    case "!":
      return text[i + 1] === "[" ? linkAt(text, i + 1, names) : null;
    case "<":
      return tokenAt(text, i, names);
    case ":":
      return emojiAt(text, i);
    case "&":
      return entityAt(text, i);
    case "h":
      return i > 0 && /[\w/]/.test(text[i - 1]) ? null : urlAt(text, i);
    case "*":
    case "_":
    case "~":
      return markAt(text, i, names, hopeless);
    default:
      return null;
  }
}

function codeAt(text, i, hopeless) {
  const ticks = /^`+/.exec(text.slice(i, i + 20))[0];
  if (hopeless.has(ticks)) return null;
  const end = text.indexOf(ticks, i + ticks.length);
  if (end < 0) {
    hopeless.add(ticks);
    return null;
  }
  return { node: inlineCode(text.slice(i + ticks.length, end).trim()), end: end + ticks.length };
}

function linkAt(text, i, names) {
  const match =
    /^\[((?:[^[\]\\]|\\.|\[[^\]]*\])*)\]\(\s*<?([^\s()<>]*(?:\([^\s()]*\)[^\s()<>]*)*)>?(?:\s+["'][^"']*["'])?\s*\)/.exec(
      text.slice(i, i + 4000),
    );
  return match ? { node: link(match[2], inline(match[1] || match[2], names)), end: i + match[0].length } : null;
}

function tokenAt(text, i, names) {
  const match = /^<([^<>\s|]+)(?:\|([^<>]*))?>/.exec(text.slice(i, i + 3000));
  if (!match) return null;
  const [whole, target, label] = match;
  const end = i + whole.length;
  if (/^@[UW]\w+$/.test(target)) return { node: userChip(target.slice(1), names, label), end };
  if (/^#[CGD]\w+$/.test(target)) return { node: channelChip(target.slice(1), names, label), end };
  if (/^!(here|channel|everyone)$/.test(target)) return { node: broadcastChip(target.slice(1)), end };
  if (/^(https?:\/\/|mailto:)/.test(target)) return { node: link(target, label ?? target), end };
  return null;
}

function emojiAt(text, i) {
  const match = /^:([a-z0-9_+-]{1,40}):/.exec(text.slice(i, i + 50));
  return match && emojiChar(match[1]) ? { node: emoji(match[1]), end: i + match[0].length } : null;
}

const ENTITIES = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&nbsp;": "\u00a0" };

function entityAt(text, i) {
  const match = /^&(?:amp|lt|gt|quot|nbsp);/.exec(text.slice(i, i + 7));
  return match ? { node: ENTITIES[match[0]], end: i + match[0].length } : null;
}

function urlAt(text, i) {
  const url = bareUrl(text, i);
  return url ? { node: link(url, url), end: i + url.length } : null;
}

const isWord = (char) => char !== undefined && /[\p{L}\p{N}]/u.test(char);
const isSpace = (char) => char === undefined || /\s/.test(char);

function markAt(text, i, names, hopeless) {
  const char = text[i];
  const mark = text[i + 1] === char ? char + char : char;
  if (mark === "~" || hopeless.has(mark) || isSpace(text[i + mark.length]) || (char === "_" && isWord(text[i - 1])))
    return null;
  const end = closing(text, i + mark.length, mark);
  if (end < 0) {
    hopeless.add(mark);
    return null;
  }
  const tag = char === "~" ? "s" : mark.length === 2 ? "strong" : "em";
  return { node: el(tag, {}, inline(text.slice(i + mark.length, end), names)), end: end + mark.length };
}

function closing(text, from, mark) {
  for (let j = from; j < text.length; j += 1) {
    if (text[j] === "\\") j += 1;
    else if (text[j] === "`") j = Math.max(j, text.indexOf("`", j + 1));
    else if (closesAt(text, j, from, mark)) return j;
    else if (mark.length === 1 && text[j] === mark && text[j + 1] === mark) j += 1;
  }
  return -1;
}

function closesAt(text, j, from, mark) {
  if (j === from || !text.startsWith(mark, j) || isSpace(text[j - 1])) return false;
  if (mark.length === 1 && text[j + 1] === mark) return false;
  return mark[0] !== "_" || !isWord(text[j + mark.length]);
}
