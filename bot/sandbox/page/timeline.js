// From messages to rows: date lines, the "new" line, grouping by author, and the parts that make a row change.

import { el } from "./dom.js";
import { messageRow } from "./message.js";
import { readMarks } from "./storage.js";
import { dayKey, dayName } from "./time.js";

const GROUP_SECONDS = 300;

/** The rows of a channel's main column. `editor(message)` gives the inline editor of the message being edited. */
export function channelRows(channel, state, act, editor) {
  const summaries = withNews(channel, state);
  const messages = state.timeline(channel);
  return decorate(messages, channel, state, act, editor, { summaries, inThread: false, newSince: state.view.newSince });
}

/** The rows of a thread: the root, a line with the number of replies, the replies. */
export function threadRows(channel, root, state, act, editor) {
  const first = state.message(channel, root);
  const replies = state.replies(channel, root);
  const count = replies.filter((m) => !m.is_ephemeral).length;
  const line = count ? [lineRow("replies", count === 1 ? "1 reply" : `${count} replies`)] : [];
  const options = { summaries: new Map(), inThread: true, newSince: null, noDates: true };
  return [
    ...(first ? decorate([first], channel, state, act, editor, options) : []),
    ...line,
    ...decorate(replies, channel, state, act, editor, options),
  ];
}

// Threads with replies I have not seen, and threads in which the bot is at work.
function withNews(channel, state) {
  const summaries = state.threadSummaries(channel);
  const marks = readMarks(state.me);
  for (const [root, summary] of summaries) {
    const seen = marks[`${channel}/${root}`] ?? "0";
    summary.fresh =
      state.replies(channel, root).some((m) => m.ts > seen && m.user !== state.me) && state.view.thread !== root;
    summary.working = Boolean(state.channel(channel)?.is_im) && state.session(channel, root)?.status === "processing";
  }
  return summaries;
}

function decorate(messages, channel, state, act, editor, options) {
  const rows = [];
  let previous = null;
  for (const message of messages) {
    const newDay = !previous || dayKey(previous.ts) !== dayKey(message.ts);
    if (newDay && !options.noDates) rows.push(lineRow(`day-${dayKey(message.ts)}`, dayName(message.ts), "day-line"));
    if (isFirstNew(message, previous, options.newSince, state)) rows.push(lineRow("new", "New", "new-line"));
    rows.push(row(message, sameAuthor(previous, message, state) && !newDay, channel, state, act, editor, options));
    previous = message;
  }
  return rows;
}

const isFirstNew = (message, previous, since, state) =>
  since !== null && message.ts > since && message.user !== state.me && (!previous || previous.ts <= since);

function sameAuthor(a, b, state) {
  if (!a || Boolean(a.is_ephemeral) !== Boolean(b.is_ephemeral) || a.is_ephemeral || a.subtype !== b.subtype)
    return false;
  const [one, other] = [state.author(a), state.author(b)];
  return one.id === other.id && one.name === other.name && Number(b.ts) - Number(a.ts) < GROUP_SECONDS;
}

function lineRow(key, text, kind = "reply-line") {
  return {
    key,
    sig: [text],
    build: () => el("div", { class: `line ${kind}`, role: "listitem" }, el("span", {}, text)),
  };
}

function row(message, compact, channel, state, act, editor, { summaries, inThread }) {
  const summary = summaries.get(message.ts) ?? null;
  const editing =
    state.view.editing?.ts === message.ts && state.view.editing.inThread === inThread ? () => editor(message) : null;
  const reply = summary
    ? `${summary.count} ${summary.latest} ${summary.fresh} ${summary.working} ${[...summary.people]}`
    : "";
  return {
    key: message.ts,
    sig: [message, compact, reply, Boolean(editing)],
    build: () => messageRow(message, { channel, compact, inThread, summary, editing }, state, act),
  };
}
