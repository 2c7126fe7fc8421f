// What the page knows of the workspace, as the person one is at the moment, and the questions the views ask of it.

import { readMarks } from "./storage.js";

const byTs = (a, b) => (a.ts < b.ts ? -1 : a.ts > b.ts ? 1 : 0);
const threadKey = (channel, ts) => `${channel}/${ts}`;

/** Holds the snapshot, folds the live events into it, and tells its listeners that something changed. */
export class State {
  #listeners = [];
  #pending = false;

  constructor() {
    this.me = null;
    this.team = { id: "", name: "Workspace" };
    this.bot = { user_id: "", bot_id: "", app_id: "", name: "bot" };
    this.shortcuts = [];
    this.commands = [];
    this.people = new Map();
    this.view = { channel: null, thread: null, editing: null, newSince: null };
    this.pressedFeedback = new Map();
    this.dismissed = new Set();
    this.connection = "connecting";
    this.#empty();
  }

  #empty() {
    this.channels = new Map();
    this.messages = new Map();
    this.ephemerals = new Map();
    this.views = [];
    this.home = null;
    this.sessions = new Map();
    this.prompts = new Map();
    this.botConnected = true;
    this.ready = false;
  }

  /** Call `listener` (soon, once) after every change. */
  subscribe(listener) {
    this.#listeners.push(listener);
  }

  /** Something was changed from outside: draw again. */
  changed() {
    if (this.#pending) return;
    this.#pending = true;
    queueMicrotask(() => {
      this.#pending = false;
      for (const listener of this.#listeners) listener();
    });
  }

  /** Who and what there is, from `/control/workspace`. */
  setWorkspace(workspace) {
    this.team = workspace.team;
    this.bot = workspace.bot;
    this.shortcuts = workspace.shortcuts ?? [];
    this.commands = workspace.commands ?? [];
    this.#setPeople(workspace.people ?? []);
    this.changed();
  }

  #setPeople(people) {
    for (const person of people) {
      const label = person.role === "bot" ? person.name : person.real_name || person.name;
      this.people.set(person.id, { ...person, label });
    }
  }

  /** Become somebody else: forget what only the former person could see. */
  become(user) {
    this.me = user;
    this.#empty();
    this.changed();
  }

  /** Fold one event of the live line in. Unknown events are ignored. */
  apply(event) {
    const handler = this.#handlers[event.type];
    if (!handler) return;
    handler(event);
    this.changed();
  }

  #handlers = {
    snapshot: (event) => this.#snapshot(event),
    message: ({ channel, message }) =>
      this.#keep(message.is_ephemeral ? this.ephemerals : this.messages, channel, message),
    message_deleted: ({ channel, ts }) => this.#forget(channel, ts),
    ephemeral: ({ channel, message }) => this.#keep(this.ephemerals, channel, { ...message, is_ephemeral: true }),
    ephemeral_deleted: ({ channel, ts }) => this.ephemerals.get(channel)?.delete(ts),
    view: ({ views }) => {
      this.views = views ?? [];
    },
    home: ({ home }) => {
      this.home = home;
    },
    session: (session) => this.sessions.set(threadKey(session.channel, session.thread_ts ?? ""), session),
    prompts: ({ channel, title, prompts }) => this.prompts.set(channel, { title, prompts: prompts ?? [] }),
    bot: ({ connected }) => {
      this.botConnected = connected;
    },
    channels: ({ channels }) => this.#setChannels(channels ?? []),
  };

  #snapshot(event) {
    this.#empty();
    this.ready = true;
    this.me = event.me?.id ?? event.me ?? this.me;
    this.#setPeople(event.people ?? []);
    this.#setChannels(event.channels ?? []);
    for (const [channel, messages] of Object.entries(event.messages ?? {}))
      for (const message of messages) this.#keep(this.messages, channel, message);
    for (const message of event.ephemerals ?? [])
      this.#keep(this.ephemerals, message.channel, { ...message, is_ephemeral: true });
    for (const session of event.sessions ?? []) this.#handlers.session(session);
    for (const [channel, prompts] of Object.entries(event.prompts ?? {})) this.prompts.set(channel, prompts);
    this.views = event.views ?? [];
    this.home = event.home ?? null;
    this.botConnected = event.bot_connected ?? true;
  }

  #setChannels(channels) {
    this.channels = new Map(channels.map((channel) => [channel.id, channel]));
  }

  /** A direct message that the snapshot did not have yet. */
  addDm(id) {
    if (!this.channels.has(id))
      this.channels.set(id, { id, name: this.bot.name, is_im: true, is_member: true, is_private: true, unread: 0 });
    this.changed();
  }

  #keep(store, channel, message) {
    if (!store.has(channel)) store.set(channel, new Map());
    store.get(channel).set(message.ts, message);
  }

  // A deleted root with replies comes back as a tombstone, which stays.
  #forget(channel, ts) {
    if (this.message(channel, ts)?.subtype !== "tombstone") this.messages.get(channel)?.delete(ts);
  }

  // --- names -------------------------------------------------------------------------------------------------

  /** A person by id, with `label`, the name to show. */
  person(id) {
    return this.people.get(id);
  }

  /** A channel by id. */
  channel(id) {
    return this.channels.get(id);
  }

  /** Who wrote a message: `{id, name, color, isApp}`. */
  author(message) {
    const isBot = message.bot_id === this.bot.bot_id || message.user === this.bot.user_id;
    const person = this.people.get(isBot ? this.bot.user_id : message.user) ?? this.#personOfBot(message.bot_id);
    const isApp = Boolean(message.bot_id) || person?.role === "bot";
    return {
      id: person?.id ?? message.user ?? message.bot_id ?? "",
      name: message.username || person?.label || message.user || "unknown",
      color: person?.avatar_color ?? "#5b6661",
      isApp,
      isBot,
    };
  }

  #personOfBot(botId) {
    return botId ? [...this.people.values()].find((person) => person.bot_id === botId) : undefined;
  }

  // --- questions ---------------------------------------------------------------------------------------------

  /** The channels in the left bar. */
  joined() {
    return [...this.channels.values()].filter((channel) => !channel.is_im && channel.is_member);
  }

  /** My direct message with the bot, if it was opened before. */
  dm() {
    return [...this.channels.values()].find((channel) => channel.is_im);
  }

  /** The messages of a channel's main column, oldest first; ephemerals stand where they came. */
  timeline(channel) {
    return this.#all(channel)
      .filter((m) => !m.thread_ts || m.thread_ts === m.ts || m.subtype === "thread_broadcast")
      .sort(byTs);
  }

  /** The replies of a thread, oldest first. */
  replies(channel, root) {
    return this.#all(channel)
      .filter((m) => m.thread_ts === root && m.ts !== root)
      .sort(byTs);
  }

  /** One message, or undefined. */
  message(channel, ts) {
    return this.messages.get(channel)?.get(ts);
  }

  #all(channel) {
    const ephemerals = [...(this.ephemerals.get(channel)?.values() ?? [])].filter((m) => !this.dismissed.has(m.ts));
    return [...(this.messages.get(channel)?.values() ?? []), ...ephemerals];
  }

  /**
   * The replies of all threads of a channel at once: `{root: {count, latest, people, unread}}`, ephemerals left out.
   */
  threadSummaries(channel) {
    const summaries = new Map();
    for (const message of [...(this.messages.get(channel)?.values() ?? [])].sort(byTs)) {
      if (!message.thread_ts || message.thread_ts === message.ts) continue;
      const summary = summaries.get(message.thread_ts) ?? { count: 0, latest: "", people: new Set() };
      summary.count += 1;
      summary.latest = message.ts;
      summary.people.add(this.author(message).id);
      summaries.set(message.thread_ts, summary);
    }
    return summaries;
  }

  /** The native agent session of a thread (or of a whole direct message). */
  session(channel, root) {
    return this.sessions.get(threadKey(channel, root ?? ""));
  }

  /** How many messages of others came since I last looked: top level ones, and replies in threads I take part in. */
  unread(channel) {
    const seen = readMarks(this.me)[channel];
    if (seen === undefined && this.channels.get(channel)?.unread) return this.channels.get(channel).unread;
    return this.#all(channel).filter((m) => m.ts > (seen ?? "0") && this.#concernsMe(channel, m)).length;
  }

  #concernsMe(channel, message) {
    if (message.user === this.me) return false;
    if (!message.thread_ts || message.thread_ts === message.ts || message.is_ephemeral) return true;
    return (
      this.message(channel, message.thread_ts)?.user === this.me ||
      this.replies(channel, message.thread_ts).some((m) => m.user === this.me)
    );
  }

  /** The newest timestamp in a channel. */
  latest(channel) {
    return this.#all(channel).reduce((latest, m) => (m.ts > latest ? m.ts : latest), "0");
  }
}
