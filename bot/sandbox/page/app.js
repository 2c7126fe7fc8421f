// The page, put together: state and live line, the columns, and moving about.

import { createActions } from "./actions.js";
import { createApi } from "./api.js";
import { ChannelColumn, ThreadColumn } from "./conversation.js";
import { toast } from "./dialogs.js";
import { el, fill, focusQuietly, icon } from "./dom.js";
import { parsePermalink, readHash, writeHash } from "./links.js";
import { closeMenu } from "./menu.js";
import { Modal } from "./modal.js";
import { Sidebar } from "./sidebar.js";
import { LiveSocket } from "./socket.js";
import { State } from "./state.js";
import { markRead, readMarks } from "./storage.js";

const byId = (id) => document.getElementById(id);
const ROLES = [
  ["customer", "Customers"],
  ["staff", "Staff"],
  ["admin", "Staff and admins"],
];

class App {
  #threadOpener = null;
  #wanted = {};

  constructor() {
    this.state = new State();
    this.api = createApi(() => this.state.me);
    this.socket = new LiveSocket(
      (event) => this.#receive(event),
      (status) => this.#connection(status),
    );
    const go = {
      thread: (c, ts) => this.openThread(c, ts),
      closeThread: () => this.closeThread(),
      channel: (c) => this.openChannel(c),
      home: (c) => this.openHome(c),
    };
    this.act = createActions(this.state, this.api, go);
    this.sidebar = new Sidebar(byId("sidebar"), this.state, this.act);
    const hooks = {
      write: (text) => this.main.composer.insert(text),
      become: (user) => this.become(user),
      changed: () => this.state.changed(),
    };
    this.main = new ChannelColumn(byId("main"), this.state, this.act, hooks);
    this.thread = new ThreadColumn(byId("thread"), this.state, this.act);
    this.modal = new Modal(this.state, this.act);
    this.state.subscribe(() => this.#draw());
    this.#listen();
  }

  /** Ask who is there and begin as the person of the address bar, or as the first customer. */
  async start() {
    try {
      this.state.setWorkspace(await this.api.workspace());
    } catch (error) {
      this.#connection("lost");
      setTimeout(() => void this.start(), 1500);
      return;
    }
    const link = parsePermalink(location.href);
    const asked = link ? { channel: link.channel, thread: link.thread } : readHash();
    this.#fillPeople();
    const first = [...this.state.people.values()].find((person) => person.role === "customer");
    this.become(this.state.person(asked.user) ? asked.user : first?.id, asked);
  }

  // --- moving about --------------------------------------------------------------------------------------------

  /** Be this person from now on; stay in the channel where that is possible. */
  become(user, place = { channel: this.state.view.channel, thread: this.state.view.thread }) {
    if (!user) return;
    closeMenu();
    this.#wanted = place;
    this.state.view = { channel: null, thread: null, editing: null, newSince: null };
    this.state.become(user);
    byId("person").value = user;
    byId("main").setAttribute("aria-busy", "true");
    this.socket.open(user);
  }

  openChannel(id, thread = null) {
    const { state } = this;
    if (!state.channel(id)) return;
    this.#drawer(false);
    closeMenu();
    const leaving = id !== state.view.channel;
    state.view = {
      channel: id,
      thread,
      editing: null,
      newSince: leaving ? (readMarks(state.me)[id] ?? null) : state.view.newSince,
    };
    state.changed();
    if (leaving && !thread) queueMicrotask(() => this.main.composer.focus());
  }

  openHome(channel) {
    this.openChannel(channel);
    this.state.view.home = true;
    this.state.changed();
  }

  openThread(channel, ts) {
    this.#threadOpener = document.activeElement;
    this.openChannel(channel, ts);
  }

  closeThread() {
    this.state.view = { ...this.state.view, thread: null, editing: null };
    this.state.changed();
    if (this.#threadOpener?.isConnected) focusQuietly(this.#threadOpener);
    else this.main.composer.focus();
  }

  #goTo({ channel, ts, thread }) {
    if (!this.state.channel(channel)?.is_member && !this.state.channel(channel)?.is_im)
      return toast("You are not in that conversation.", "error");
    if (this.state.views.length) void this.act.closeView(this.state.views[0].id);
    const root = thread ?? this.state.message(channel, ts)?.thread_ts ?? null;
    this.openChannel(channel, root);
    setTimeout(() => this.#flash(ts, Boolean(root)), 50);
  }

  #flash(ts, inThread) {
    const row = byId(inThread ? "thread" : "main").querySelector(`[data-ts="${CSS.escape(ts)}"]`);
    row?.scrollIntoView({ block: "center" });
    row?.classList.add("flash");
    row?.focus({ preventScroll: true });
    setTimeout(() => row?.classList.remove("flash"), 2500);
  }

  // --- the live line ---------------------------------------------------------------------------------------------

  #receive(event) {
    if (event.type === "notice") return toast(event.text, event.level);
    const unknown = event.channel && this.state.ready && !this.state.channel(event.channel);
    this.state.apply(event);
    if (event.type === "snapshot") this.#settle();
    else if (unknown && event.type === "message") void this.#refetch();
  }

  // A message in a conversation that the snapshot did not have: somebody opened a direct message with me.
  async #refetch() {
    const snapshot = await this.api.state().catch(() => null);
    if (snapshot) this.state.apply({ ...snapshot, type: "snapshot" });
  }

  // After a snapshot: go where the person was, or to the first channel.
  #settle() {
    const { state } = this;
    byId("main").removeAttribute("aria-busy");
    const wanted = state.view.channel ? state.view : this.#wanted;
    const known = state.channel(wanted.channel);
    const mayBe = known && (known.is_member || known.is_im);
    const channel = mayBe ? wanted.channel : (state.joined()[0]?.id ?? null);
    const newSince = state.view.channel ? state.view.newSince : (readMarks(state.me)[channel] ?? null);
    const home = Boolean(mayBe && wanted.home);
    state.view = { channel, thread: mayBe ? (wanted.thread ?? null) : null, home, editing: null, newSince };
    this.#wanted = {};
    state.changed();
  }

  #connection(status) {
    this.state.connection = status;
    this.state.changed();
  }

  // --- drawing ---------------------------------------------------------------------------------------------------

  #draw() {
    this.#read();
    byId("team").textContent = this.state.team.name;
    this.sidebar.update();
    this.main.update();
    this.thread.update();
    this.modal.update();
    this.#lines();
    this.#address();
    byId("app").classList.toggle("with-thread", Boolean(this.state.view.thread));
  }

  // What is on the screen counts as read.
  #read() {
    const { state } = this;
    const { channel, thread } = state.view;
    if (!channel || !state.ready || document.hidden) return;
    markRead(state.me, channel, state.latest(channel));
    if (thread) markRead(state.me, `${channel}/${thread}`, state.replies(channel, thread).at(-1)?.ts ?? "0");
  }

  #lines() {
    const { connection, botConnected, ready, bot } = this.state;
    const text =
      connection === "lost"
        ? "Connection lost. Reconnecting…"
        : ready && !botConnected
          ? `${bot.name} is offline: messages will reach it when it comes back.`
          : "";
    const node = byId("lines");
    if (node.dataset.text === text) return;
    node.dataset.text = text;
    const name = connection === "lost" ? "reconnecting" : "bot-offline";
    fill(
      node,
      text
        ? el(
            "p",
            { class: `status-line ${name}`, data: { testid: name } },
            icon(name === "reconnecting" ? "refresh" : "warning"),
            text,
          )
        : null,
    );
  }

  #address() {
    const { me, view, ready } = this.state;
    if (!ready || !view.channel) return;
    writeHash({ user: me, channel: view.channel, thread: view.thread });
    const channel = this.state.channel(view.channel);
    const elsewhere = this.state
      .joined()
      .filter((other) => other.id !== view.channel)
      .reduce((sum, other) => sum + this.state.unread(other.id), 0);
    const place = channel.is_im ? this.state.bot.name : `#${channel.name}`;
    document.title = `${elsewhere ? `(${elsewhere}) ` : ""}${place} · ${this.state.team.name}`;
  }

  #fillPeople() {
    const people = [...this.state.people.values()].filter((person) => person.role !== "bot");
    fill(
      byId("person"),
      ROLES.map(([role, title]) => {
        const options = people.filter((person) => person.role === role);
        return options.length
          ? el(
              "optgroup",
              { label: title },
              options.map((p) => el("option", { value: p.id }, `${p.real_name} · ${role}`)),
            )
          : null;
      }),
    );
  }

  // --- events of the whole page ------------------------------------------------------------------------------------

  #listen() {
    byId("drawer-button").append(icon("menu"));
    byId("drawer-button").addEventListener("click", () => this.#drawer(!byId("app").classList.contains("drawer-open")));
    byId("backdrop").addEventListener("click", () => this.#drawer(false));
    byId("person").addEventListener("change", (event) => this.become(event.target.value));
    document.addEventListener("click", (event) => this.#onLink(event));
    document.addEventListener("keydown", (event) => this.#onEscape(event));
    document.addEventListener("visibilitychange", () => this.state.changed());
    window.addEventListener("hashchange", () => this.#onHash());
  }

  #drawer(open) {
    byId("app").classList.toggle("drawer-open", open);
    byId("backdrop").hidden = !open;
    byId("drawer-button").setAttribute("aria-expanded", String(open));
    if (open) byId("sidebar").querySelector("[aria-current], button")?.focus();
  }

  // Links to messages of this workspace, and channel chips, stay on the page.
  #onLink(event) {
    const chip = event.target.closest?.("[data-open-channel]");
    if (chip) return this.openChannel(chip.dataset.openChannel);
    const anchor = event.target.closest?.("a[href]");
    const place = anchor && parsePermalink(anchor.href);
    if (!place || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    this.#goTo(place);
  }

  #onEscape(event) {
    if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open]")) return;
    if (byId("app").classList.contains("drawer-open")) {
      this.#drawer(false);
      byId("drawer-button").focus();
    } else if (this.state.view.thread) this.closeThread();
  }

  #onHash() {
    const { user, channel, thread } = readHash();
    if (user && user !== this.state.me && this.state.person(user)) this.become(user, { channel, thread });
    else if (channel && this.state.channel(channel)) this.openChannel(channel, thread ?? null);
  }
}

void new App().start();
