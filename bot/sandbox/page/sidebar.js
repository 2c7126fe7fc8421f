// The left bar: workspace, channels, direct messages, with what is unread.

import { appBadge, avatar } from "./avatar.js";
import { el, fill, icon } from "./dom.js";

/** Draw the left bar anew when something in it changed. */
export class Sidebar {
  #drawn = "";

  constructor(root, state, act) {
    this.root = root;
    this.state = state;
    this.act = act;
  }

  update() {
    const model = this.#model();
    const drawn = JSON.stringify(model);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const focused = this.root.contains(document.activeElement) ? document.activeElement.dataset.testid : null;
    fill(
      this.root,
      this.#head(model),
      this.#section(
        "Channels",
        model.channels.map((entry) => this.#channel(entry)),
      ),
      this.#section("Direct messages", [this.#dm(model.dm)]),
    );
    if (focused) this.root.querySelector(`[data-testid="${focused}"]`)?.focus();
  }

  #model() {
    const { state } = this;
    const active = state.view.channel;
    const entry = (channel) => ({
      id: channel.id,
      name: channel.name,
      locked: Boolean(channel.is_private),
      active: channel.id === active,
      unread: channel.id === active ? 0 : state.unread(channel.id),
    });
    const dm = state.dm();
    return {
      team: state.team.name,
      channels: state.joined().map(entry),
      dm: dm ? entry(dm) : { id: null, active: false, unread: 0 },
      bot: state.bot.name,
      online: state.botConnected,
      me: state.me,
    };
  }

  #head(model) {
    const me = this.state.person(model.me);
    return el(
      "div",
      { class: "sidebar-head" },
      el("span", { class: "team-mark", "aria-hidden": "true" }, icon("leaf")),
      el(
        "div",
        {},
        el("p", { class: "team-name" }, model.team),
        el("p", { class: "team-me" }, me ? `${me.label}${me.title ? ` · ${me.title}` : ""}` : ""),
      ),
    );
  }

  #section(title, rows) {
    const id = `side-${title.replaceAll(" ", "-").toLowerCase()}`;
    return el(
      "section",
      {},
      el("h2", { id, class: "side-title" }, title),
      el(
        "ul",
        { class: "side-list", "aria-labelledby": id },
        rows.map((row) => el("li", {}, row)),
      ),
    );
  }

  #channel(entry) {
    return el(
      "button",
      this.#props(entry, `channel-${entry.id}`, () => this.act.openChannel(entry.id)),
      icon(entry.locked ? "lock" : "hash"),
      el("span", { class: "side-name" }, entry.name),
      this.#badge(entry),
    );
  }

  #dm(entry) {
    const bot = this.state.author({ bot_id: this.state.bot.bot_id });
    return el(
      "button",
      this.#props(entry, "dm-bot", () => this.act.openDm()),
      el(
        "span",
        { class: "side-avatar" },
        avatar(bot, "small"),
        el("span", {
          class: this.state.botConnected ? "presence online" : "presence",
          title: this.state.botConnected ? "online" : "offline",
        }),
      ),
      el("span", { class: "side-name" }, this.state.bot.name),
      appBadge(),
      this.#badge(entry),
    );
  }

  #props(entry, testid, click) {
    return {
      type: "button",
      class: `side-link${entry.unread ? " unread" : ""}`,
      data: { testid },
      "aria-current": entry.active ? "page" : null,
      on: { click },
    };
  }

  #badge(entry) {
    if (!entry.unread) return null;
    return el(
      "span",
      { class: "unread-badge", data: { testid: "unread" } },
      String(Math.min(entry.unread, 99)),
      el("span", { class: "visually-hidden" }, " unread"),
    );
  }
}
