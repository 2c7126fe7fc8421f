// What a person can do on the page, in one place. Views call these; every failure ends as a sentence in a toast.

import { confirmDialog, toast } from "./dialogs.js";
import { permalink } from "./links.js";
import { openMenu } from "./menu.js";

/** The page's actions, made once from the state, the control API and the way to move about (`go`). */
export function createActions(state, api, go) {
  return { ...navigation(go), ...writing(state, api, go), ...pressing(api), ...menus(state, api) };
}

/** Run something that may fail; null then, and a toast says why. */
async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    toast(error.message, "error");
    return null;
  }
}

function navigation(go) {
  return { openThread: go.thread, closeThread: go.closeThread, openChannel: go.channel };
}

function writing(state, api, go) {
  return {
    /** Post a message, or run the slash command it is; true if it went out. */
    async send({ channel, threadTs, text, files }) {
      if (text.startsWith("/") && !files.length) return sendCommand(state, api, channel, threadTs, text);
      const answer = await attempt(() =>
        api.post({ channel, text, ...(threadTs ? { thread_ts: threadTs } : {}), ...(files.length ? { files } : {}) }),
      );
      if (answer?.ts && !threadTs && state.channel(channel)?.is_im) go.thread(channel, answer.ts);
      return answer !== null;
    },
    /** Open (or make) the direct message with the bot. */
    async openDm() {
      const answer = await attempt(() => api.openDm());
      if (!answer) return;
      state.addDm(answer.channel);
      go.channel(answer.channel);
    },
    /** Open the bot's Home tab; the app hears of it and publishes it anew. */
    async openHome() {
      const dm = state.dm() ?? (await attempt(() => api.openDm()));
      if (!dm) return;
      const channel = dm.id ?? dm.channel;
      state.addDm(channel);
      go.home(channel);
      await attempt(() => api.openHome());
    },
    async saveEdit(channel, ts, text) {
      if ((await attempt(() => api.edit(channel, ts, text))) !== null) stopEditing(state);
    },
    cancelEdit: () => stopEditing(state),
    stop: (channel, threadTs) => attempt(() => api.stop(channel, threadTs)),
    /** Hide an ephemeral here; as in Slack, nobody else ever had it. */
    dismissEphemeral(ts) {
      state.dismissed.add(ts);
      state.changed();
    },
  };
}

function stopEditing(state) {
  state.view.editing = null;
  state.changed();
}

async function sendCommand(state, api, channel, threadTs, text) {
  const [command] = text.split(/\s+/);
  if (!state.commands.some((known) => known.command === command)) {
    toast(
      `${command} is not a valid command. To send a message that begins with a slash, put a space before it.`,
      "error",
    );
    return false;
  }
  if (threadTs) {
    toast(`${command} cannot be used in threads. Type it in the channel's own message box.`, "error");
    return false;
  }
  return (await attempt(() => api.command(channel, command, text.slice(command.length).trim()))) !== null;
}

function pressing(api) {
  return {
    press: (channel, ts, action) => attempt(() => api.press(channel, ts, action)),
    pressInView: (viewId, action) => attempt(() => api.pressInView(viewId, action)),
    submitView: (viewId, values) => attempt(() => api.submitView(viewId, values)),
    closeView: (viewId) => attempt(() => api.closeView(viewId)),
  };
}

function menus(state, api) {
  return {
    /** The ⋯ menu of a message. */
    messageMenu(anchor, channel, message, inThread) {
      const mine = message.user === state.me && !message.bot_id;
      openMenu(
        anchor,
        [
          ...state.shortcuts.map((shortcut) => ({
            label: shortcut.name,
            hint: state.bot.name,
            data: { callbackId: shortcut.callback_id },
            run: () => attempt(() => api.shortcut(channel, message.ts, shortcut.callback_id)),
          })),
          state.shortcuts.length ? null : undefined,
          {
            label: "Copy link",
            data: { testid: "copy-link" },
            run: () => copy(permalink(state.team, channel, message)),
          },
          ...(mine ? ownItems(state, api, channel, message, inThread) : []),
        ].filter((item) => item !== undefined),
      );
    },
    /** Begin to edit a message in place. */
    edit: (message, inThread) => startEditing(state, message, inThread),
  };
}

function startEditing(state, message, inThread) {
  state.view.editing = { ts: message.ts, inThread };
  state.changed();
}

function ownItems(state, api, channel, message, inThread) {
  const remove = async () => {
    const sure = await confirmDialog(
      {
        title: { text: "Delete message" },
        text: { text: "Are you sure you want to delete this message? This cannot be undone." },
        confirm: { text: "Delete" },
        deny: { text: "Cancel" },
        style: "danger",
      },
      state,
    );
    if (sure) await attempt(() => api.remove(channel, message.ts));
  };
  return [
    null,
    { label: "Edit message", data: { testid: "edit-message" }, run: () => startEditing(state, message, inThread) },
    { label: "Delete message…", danger: true, data: { testid: "delete-message" }, run: remove },
  ];
}

async function copy(address) {
  try {
    await navigator.clipboard.writeText(address);
    toast("Link copied.");
  } catch {
    toast(address);
  }
}
