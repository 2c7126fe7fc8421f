// The small inline things that every text format shares: links, mentions, channels, emoji, code.

import { el } from "./dom.js";
import { emojiChar } from "./emoji.js";

const SAFE_SCHEMES = new Set(["http:", "https:", "mailto:", "tel:"]);

/** The address if a click on it is harmless, otherwise null (javascript:, data:, broken ones). */
export function safeUrl(text) {
  try {
    const url = new URL(text, location.origin);
    return SAFE_SCHEMES.has(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** A link; without a safe address it is only its label. `label` is text or nodes. */
export function link(address, label) {
  const href = safeUrl(address);
  if (href === null) return el("span", {}, label);
  return el("a", { href, target: "_blank", rel: "noopener noreferrer" }, label);
}

/** "@Ana Ruiz", marked when it is me. */
export function userChip(id, names, fallback) {
  const person = names.person(id);
  const mine = id === names.me;
  return el(
    "span",
    { class: mine ? "chip chip-me" : "chip", data: { user: id } },
    `@${person?.label ?? fallback ?? id}`,
  );
}

/** "#support", a button that opens the channel when I am in it. */
export function channelChip(id, names, fallback) {
  const channel = names.channel(id);
  const label = `#${channel?.name ?? fallback ?? id}`;
  if (!channel?.is_member) return el("span", { class: "chip" }, label);
  return el("button", { type: "button", class: "chip", data: { openChannel: id } }, label);
}

/** "@here", "@channel", "@everyone" or a user group. */
export const broadcastChip = (name) => el("span", { class: "chip chip-me" }, `@${name}`);

/** The emoji for a name, or the name with its colons when it is not one of the known. */
export function emoji(name) {
  const char = emojiChar(name);
  return char
    ? el("span", { class: "emoji", role: "img", "aria-label": name.replaceAll("_", " "), title: `:${name}:` }, char)
    : `:${name}:`;
}

export const inlineCode = (text) => el("code", {}, text);
export const codeBlock = (text) => el("pre", { class: "code-block", tabindex: "0" }, el("code", {}, text));

/** Text in which only `:names:` of emoji mean something (Slack's plain_text). */
export function plainText(text) {
  return text
    .split(/(:[a-z0-9_+-]+:)/)
    .map((part) => (/^:[a-z0-9_+-]+:$/.test(part) ? emoji(part.slice(1, -1)) : part));
}

const TRAILING = /[.,;:!?'")\]}*_~]+$/;

/** The bare address that begins at `start`, without the punctuation of the sentence around it. */
export function bareUrl(text, start) {
  const match = /^https?:\/\/[^\s<>|`]+/.exec(text.slice(start, start + 3000));
  return match ? match[0].replace(TRAILING, "") : null;
}
