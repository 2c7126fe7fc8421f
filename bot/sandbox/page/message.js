// One message as a row: who, when, what, files, reactions, replies, and the toolbar.

import { appBadge, avatar } from "./avatar.js";
import { renderBlocks } from "./blocks.js";
import { emoji, plainText } from "./chips.js";
import { el, icon, iconButton } from "./dom.js";
import { markdown } from "./markdown.js";
import { mrkdwn } from "./mrkdwn.js";
import { clock, fullTime, shortMoment } from "./time.js";

/**
 * Build a row. `options`: {channel, compact (same author as above), inThread, summary (of its replies), editing}.
 * `act` is the page's actions (see actions.js).
 */
export function messageRow(message, options, state, act) {
  const author = state.author(message);
  const ephemeral = Boolean(message.is_ephemeral);
  const system = isSystem(message);
  const classes = [
    "message",
    options.compact && "compact",
    ephemeral && "ephemeral",
    system && "system",
    message.streaming && "streaming",
  ];
  const row = el(
    "div",
    {
      class: classes.filter(Boolean).join(" "),
      role: "listitem",
      "aria-live": message.user === state.me ? "off" : null,
      tabindex: "-1",
      data: { testid: ephemeral ? "ephemeral" : "message", ts: message.ts, user: author.id },
    },
    el("div", { class: "message-side" }, options.compact ? timeLink(message) : avatar(author)),
    el(
      "div",
      { class: "message-main" },
      ephemeral ? onlyYou(message, act) : null,
      options.compact ? null : head(message, author),
      broadcastLine(message, options, act),
      options.editing ? options.editing() : body(message, options.channel, state, act),
      reactions(message, state),
      options.summary ? repliesLink(message, options, state, act) : null,
    ),
  );
  if (!ephemeral && !system && !options.editing) row.append(toolbar(message, options, state, act));
  return row;
}

const SYSTEM = new Set([
  "channel_join",
  "channel_leave",
  "channel_topic",
  "channel_purpose",
  "channel_name",
  "tombstone",
]);
const isSystem = (message) => SYSTEM.has(message.subtype);

function head(message, author) {
  return el(
    "div",
    { class: "message-head" },
    el("span", { class: "author" }, author.name),
    author.isApp ? appBadge() : null,
    timeLink(message),
  );
}

function timeLink(message) {
  return el(
    "time",
    { class: "time", title: fullTime(message.ts), datetime: new Date(Number(message.ts) * 1000).toISOString() },
    clock(message.ts),
  );
}

function onlyYou(message, act) {
  return el(
    "div",
    { class: "only-you" },
    icon("eye"),
    el("span", {}, "Only visible to you"),
    el("span", { "aria-hidden": "true" }, "·"),
    el(
      "button",
      {
        type: "button",
        class: "link-button",
        data: { testid: "dismiss-ephemeral" },
        on: { click: () => act.dismissEphemeral(message.ts) },
      },
      "Dismiss message",
    ),
  );
}

function broadcastLine(message, options, act) {
  if (message.subtype !== "thread_broadcast" || options.inThread) return null;
  return el(
    "button",
    {
      type: "button",
      class: "link-button broadcast",
      on: { click: () => act.openThread(options.channel, message.thread_ts) },
    },
    "replied to a thread",
  );
}

/** The content of a message, without its frame. */
export function body(message, channel, state, act) {
  const ctx = {
    names: state,
    key: `${channel}/${message.ts}`,
    press: (action) => act.press(channel, message.ts, action),
  };
  const node = el("div", { class: "message-body", data: { testid: "message-body" } }, content(message, ctx));
  if (message.edited && !message.bot_id)
    node.append(el("span", { class: "edited", title: fullTime(message.edited.ts ?? message.ts) }, "(edited)"));
  return node;
}

function content(message, ctx) {
  return [
    text(message, ctx),
    (message.attachments ?? []).map((attachment) => attachmentBox(attachment, ctx)),
    (message.files ?? []).map(fileBox),
  ];
}

// What a person typed comes with a derived rich_text block; the text itself knows more (bold, lists, quotes).
const typedByPerson = (message) =>
  !message.bot_id && message.blocks?.length === 1 && message.blocks[0].type === "rich_text";

function text(message, ctx) {
  if (message.blocks?.length && !typedByPerson(message)) return renderBlocks(message.blocks, ctx);
  if (!message.text) return message.streaming ? el("span", { class: "caret" }) : null;
  if (message.streaming) return el("div", { class: "markdown" }, markdown(message.text, ctx.names));
  return mrkdwn(message.text, ctx.names);
}

function attachmentBox(attachment, ctx) {
  const box = el(
    "div",
    { class: "attachment" },
    attachment.pretext ? el("div", {}, mrkdwn(attachment.pretext, ctx.names)) : null,
    attachment.author_name ? el("p", { class: "attachment-author" }, attachment.author_name) : null,
    attachment.title ? el("p", { class: "attachment-title" }, plainText(attachment.title)) : null,
    attachment.blocks?.length
      ? renderBlocks(attachment.blocks, ctx)
      : mrkdwn(attachment.text ?? attachment.fallback ?? "", ctx.names),
    (attachment.fields ?? []).map((field) =>
      el("div", {}, el("strong", {}, field.title), el("div", {}, mrkdwn(String(field.value ?? ""), ctx.names))),
    ),
    attachment.footer ? el("p", { class: "attachment-footer" }, attachment.footer) : null,
  );
  const color = { good: "#2e8b57", warning: "#c98a00", danger: "#c0213b" }[attachment.color] ?? attachment.color;
  if (/^#?[0-9a-f]{6}$/i.test(color ?? "")) box.style.borderLeftColor = color.startsWith("#") ? color : `#${color}`;
  return box;
}

function fileBox(file) {
  const href = `/ui/files/${encodeURIComponent(file.id)}/${encodeURIComponent(file.name ?? "file")}`;
  const words = [
    el("span", { class: "file-name" }, file.title || file.name || "file"),
    el("span", { class: "file-kind" }, kindAndSize(file)),
  ];
  const box = el(
    "a",
    { class: "file", href, target: "_blank", rel: "noopener" },
    el("span", { class: "file-icon" }, icon("file")),
    el("span", { class: "file-words" }, words),
  );
  if (!file.mimetype?.startsWith("image/")) return box;
  const picture = el("img", {
    class: "file-picture",
    src: href,
    alt: file.title || file.name || "picture",
    loading: "lazy",
    on: { error: () => picture.remove() },
  });
  return el("div", { class: "file-image" }, box, picture);
}

function kindAndSize(file) {
  const size = file.size ?? 0;
  const human =
    size < 1024
      ? `${size} B`
      : size < 1024 ** 2
        ? `${Math.round(size / 1024)} KB`
        : `${(size / 1024 ** 2).toFixed(1)} MB`;
  return [file.pretty_type || file.mimetype, file.size ? human : null].filter(Boolean).join(" · ");
}

function reactions(message, state) {
  if (!message.reactions?.length) return null;
  return el(
    "div",
    { class: "reactions" },
    message.reactions.map((reaction) => {
      const who = (reaction.users ?? []).map((id) => state.person(id)?.label ?? id).join(", ");
      return el(
        "span",
        { class: "reaction", title: who },
        emoji(reaction.name),
        el("span", {}, String(reaction.count ?? reaction.users?.length ?? 1)),
      );
    }),
  );
}

function repliesLink(message, { channel, summary }, state, act) {
  const people = [...summary.people].slice(0, 4).map((id) => state.author({ user: id }));
  return el(
    "button",
    {
      type: "button",
      class: "replies",
      data: { testid: "replies" },
      on: { click: () => act.openThread(channel, message.ts) },
    },
    el(
      "span",
      { class: "replies-people" },
      people.map((author) => avatar(author, "small")),
    ),
    el("span", { class: "replies-count" }, summary.count === 1 ? "1 reply" : `${summary.count} replies`),
    summary.fresh ? el("span", { class: "fresh" }, "new") : null,
    summary.working ? el("span", { class: "replies-working" }, el("span", { class: "spinner" }), "Working…") : null,
    el("span", { class: "replies-time" }, `Last reply ${shortMoment(summary.latest)}`),
  );
}

function toolbar(message, options, state, act) {
  const root = message.thread_ts ?? message.ts;
  return el(
    "div",
    { class: "toolbar", role: "group", "aria-label": "Message actions" },
    options.inThread
      ? null
      : iconButton("thread", "Reply in thread", () => act.openThread(options.channel, root), {
          data: { testid: "reply-in-thread" },
        }),
    iconButton(
      "more",
      "More actions",
      (event) => act.messageMenu(event.currentTarget, options.channel, message, options.inThread),
      { "aria-haspopup": "menu", data: { testid: "message-menu" } },
    ),
  );
}
