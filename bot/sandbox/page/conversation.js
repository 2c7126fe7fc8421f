// The two columns of messages: the channel in the middle, the thread on the right. Both are a head, a live list and a
// composer.

import { Composer } from "./composer.js";
import { el, fill, icon, iconButton } from "./dom.js";
import { inlineEditor } from "./editor.js";
import { BotTabs, HomeTab } from "./home.js";
import { introRows } from "./intro.js";
import { LiveList } from "./list.js";
import { channelRows, threadRows } from "./timeline.js";

/** The middle column. `hooks` as for the intro card. */
export class ChannelColumn {
  #shown = null;

  constructor(root, state, act, hooks) {
    Object.assign(this, { root, state, act, hooks });
    this.head = el("header", { class: "column-head" });
    this.rows = el("div", { class: "rows", role: "list", "aria-label": "Messages" });
    this.scroller = el(
      "div",
      { class: "scroller", tabindex: "0", role: "region", "aria-label": "Messages" },
      this.rows,
    );
    this.list = new LiveList(this.rows, this.scroller);
    this.prompts = el("div", { class: "prompts", hidden: true, data: { testid: "prompts" } });
    this.jump = el(
      "button",
      { type: "button", class: "jump", hidden: true, on: { click: () => this.#toBottom() } },
      icon("down"),
      " New messages",
    );
    this.composer = new Composer({
      testid: "composer",
      label: "Message",
      target: () => ({ channel: state.view.channel }),
      state,
      act,
    });
    this.scroller.addEventListener("scroll", () => {
      if (this.list.atBottom) this.jump.hidden = true;
    });
    this.tabs = new BotTabs(state, act);
    this.home = new HomeTab(state, act);
    this.foot = el("div", { class: "column-foot" }, this.jump, this.prompts, this.composer.node);
    this.ready = false;
  }

  update() {
    const channel = this.state.channel(this.state.view.channel);
    if (!channel) return;
    if (!this.ready) fill(this.root, this.head, this.tabs.node, this.home.node, this.scroller, this.foot);
    this.ready = true;
    const atHome = Boolean(channel.is_im && this.state.view.home);
    this.tabs.update(channel);
    this.home.update(atHome);
    this.scroller.hidden = this.foot.hidden = atHome;
    const place = `${this.state.me}/${channel.id}`;
    const moved = place !== this.#shown;
    if (moved) this.list.clear();
    this.#shown = place;
    this.#drawHead(channel);
    this.#drawRows(channel, moved);
    this.#drawPrompts(channel);
    this.composer.update(`Message ${channel.is_im ? this.state.bot.name : `#${channel.name}`}`);
  }

  #drawHead(channel) {
    const members = channel.members?.length ?? channel.num_members;
    const title = channel.is_im ? this.state.bot.name : channel.name;
    const key = JSON.stringify([title, members, channel.topic, channel.is_private]);
    if (this.head.dataset.key === key) return;
    this.head.dataset.key = key;
    fill(
      this.head,
      el("h1", {}, icon(channel.is_im ? "leaf" : channel.is_private ? "lock" : "hash"), title),
      el(
        "p",
        { class: "topic" },
        channel.is_im ? "App · answers in a thread under each message" : (channel.topic ?? ""),
      ),
      members ? el("span", { class: "members" }, `${members} members`) : null,
    );
  }

  #drawRows(channel, moved) {
    const before = this.rows.childElementCount;
    const bottom = this.list.atBottom;
    const rows = channelRows(channel.id, this.state, this.act, (message) =>
      inlineEditor(message, channel.id, this.state, this.act),
    );
    const start = { key: "start", sig: [channel.name], build: () => beginning(channel, this.state) };
    const last = rows.at(-1)?.key;
    this.list.update([start, ...introRows(channel, this.state, this.hooks), ...rows], {
      toBottom: moved || this.#isMine(channel.id, last),
    });
    if (moved) this.jump.hidden = true;
    else if (!bottom && this.rows.childElementCount > before && !this.list.atBottom) this.jump.hidden = false;
  }

  // Whoever has just written something wants to see it, wherever the list stood.
  #isMine(channel, ts) {
    const fresh = ts !== this.lastTs;
    this.lastTs = ts;
    return fresh && this.state.message(channel, ts)?.user === this.state.me;
  }

  #drawPrompts(channel) {
    const given = this.state.prompts.get(channel.id);
    const key = JSON.stringify(given ?? null) + channel.id;
    if (this.prompts.dataset.key === key) return;
    this.prompts.dataset.key = key;
    this.prompts.hidden = !given?.prompts.length;
    if (this.prompts.hidden) return;
    const send = (prompt) => this.act.send({ channel: channel.id, text: prompt.message, files: [] });
    fill(
      this.prompts,
      el("p", {}, given.title || "Try one of these"),
      el(
        "div",
        { class: "prompt-buttons" },
        given.prompts.map((prompt) =>
          el(
            "button",
            {
              type: "button",
              class: "button button-small",
              data: { testid: "prompt" },
              on: { click: () => send(prompt) },
            },
            prompt.title,
          ),
        ),
      ),
    );
  }

  #toBottom() {
    this.list.toBottom();
    this.jump.hidden = true;
    this.composer.focus();
  }
}

function beginning(channel, state) {
  const title = channel.is_im ? state.bot.name : `#${channel.name}`;
  const text = channel.is_im
    ? `This is your conversation with ${state.bot.name}. Nobody else can read it.`
    : channel.is_private
      ? "This is the very beginning of a private channel of the team."
      : `This is the very beginning of #${channel.name}.`;
  return el(
    "div",
    { class: "beginning", role: "listitem" },
    el("p", { class: "beginning-title" }, title),
    el("p", {}, text),
  );
}

/** The right column, open while `state.view.thread` is set. */
export class ThreadColumn {
  #shown = null;

  constructor(root, state, act) {
    Object.assign(this, { root, state, act });
    this.title = el("h2", {}, "Thread");
    this.place = el("p", { class: "topic" });
    this.rows = el("div", { class: "rows", role: "list", "aria-label": "Replies" });
    this.scroller = el("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": "Replies" }, this.rows);
    this.list = new LiveList(this.rows, this.scroller);
    this.status = el("div", { class: "session", role: "status", hidden: true, data: { testid: "session" } });
    this.composer = new Composer({
      testid: "thread-composer",
      label: "Reply in thread",
      state,
      act,
      target: () => ({ channel: state.view.channel, threadTs: state.view.thread }),
    });
    fill(
      root,
      el(
        "header",
        { class: "column-head" },
        el("div", { class: "thread-titles" }, this.title, this.place),
        iconButton("close", "Close thread", () => act.closeThread(), { data: { testid: "thread-close" } }),
      ),
      this.scroller,
      el("div", { class: "column-foot" }, this.status, this.composer.node),
    );
  }

  update() {
    const { channel, thread } = this.state.view;
    this.root.hidden = !thread;
    if (!thread) {
      this.#shown = null;
      return;
    }
    const place = `${this.state.me}/${channel}/${thread}`;
    const moved = place !== this.#shown;
    if (moved) this.list.clear();
    this.#shown = place;
    const known = this.state.channel(channel);
    const session = known?.is_im ? (this.state.session(channel, thread) ?? this.state.session(channel)) : undefined;
    this.title.textContent = session?.title || "Thread";
    this.place.textContent = known?.is_im ? this.state.bot.name : `#${known?.name ?? ""}`;
    const rows = threadRows(channel, thread, this.state, this.act, (message) =>
      inlineEditor(message, channel, this.state, this.act),
    );
    const empty = {
      key: "gone",
      sig: [],
      build: () => el("p", { class: "loading" }, "This message is not here any more."),
    };
    this.list.update(rows.length ? rows : [empty], { toBottom: moved });
    this.#drawSession(session, channel, thread);
    this.composer.update("Reply…");
    if (moved) this.composer.focus();
  }

  #drawSession(session, channel, thread) {
    const key = `${channel}/${thread}/${session?.status}/${session?.text}`;
    if (this.status.dataset.key === key) return;
    this.status.dataset.key = key;
    const parts = sessionLine(session, () => this.act.stop(channel, thread));
    this.status.hidden = parts === null;
    fill(this.status, parts ?? []);
  }
}

function sessionLine(session, stop) {
  switch (session?.status) {
    case "processing":
      return [
        el("span", { class: "spinner" }),
        el("span", {}, session.text || "Working…"),
        el(
          "button",
          { type: "button", class: "button button-small", data: { testid: "stop" }, on: { click: stop } },
          icon("stop"),
          "Stop",
        ),
      ];
    case "suspended":
      return [icon("clock"), el("span", {}, "Waiting for an answer or a decision")];
    case "closed":
      return [icon("check"), el("span", {}, "Done")];
    default:
      return null;
  }
}
