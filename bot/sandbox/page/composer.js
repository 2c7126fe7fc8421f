// The box one writes in: Enter sends, Shift+Enter breaks the line, files by button, paste or drop, a draft per place.

import { toast } from "./dialogs.js";
import { el, icon, iconButton } from "./dom.js";
import { Suggest } from "./suggest.js";

const MAX_FILE_BYTES = 20 * 1024 * 1024;
const MAX_HEIGHT = 260;

/** `target()` tells where the text goes: `{channel, threadTs?}`; drafts are kept by it. */
export class Composer {
  #drafts = new Map();
  #key = null;
  #files = [];

  constructor({ testid, label, target, state, act }) {
    this.target = target;
    this.act = act;
    this.state = state;
    this.textarea = el("textarea", {
      id: `box-${testid}`,
      class: "composer-text",
      rows: "1",
      data: { testid },
      "aria-label": label,
      enterkeyhint: "send",
      autocomplete: "off",
    });
    this.attachments = el("div", { class: "composer-files", hidden: true });
    this.picker = el("input", {
      type: "file",
      multiple: true,
      hidden: true,
      data: { testid: `${testid}-file` },
      on: { change: () => this.#picked() },
    });
    this.sendButton = el(
      "button",
      {
        type: "button",
        class: "send",
        "aria-label": "Send",
        title: "Send (Enter)",
        data: { testid: `${testid}-send` },
        on: { click: () => this.#send() },
      },
      icon("send"),
    );
    this.node = el("div", { class: "composer" }, this.#box());
    this.suggest = new Suggest(this.textarea, this.node, state);
    this.#listen();
  }

  #box() {
    return el(
      "div",
      { class: "composer-box" },
      this.textarea,
      this.attachments,
      el(
        "div",
        { class: "composer-bar" },
        iconButton("plus", "Attach files", () => this.picker.click()),
        iconButton("at", "Mention somebody", () => this.insert("@")),
        this.picker,
        el(
          "span",
          { class: "composer-hint" },
          el("kbd", {}, "Enter"),
          " to send, ",
          el("kbd", {}, "Shift+Enter"),
          " for a new line",
        ),
        this.sendButton,
      ),
    );
  }

  #listen() {
    this.textarea.addEventListener("keydown", (event) => this.#onKey(event));
    this.textarea.addEventListener("input", () => this.#onInput());
    this.textarea.addEventListener("paste", (event) => this.#addFiles(event.clipboardData?.files, event));
    this.node.addEventListener("dragover", (event) => event.preventDefault());
    this.node.addEventListener("drop", (event) => this.#addFiles(event.dataTransfer?.files, event));
  }

  /** Show the draft of the place one is in now. */
  update(placeholder) {
    this.textarea.placeholder = placeholder;
    const { channel, threadTs } = this.target();
    const key = `${this.state.me}/${channel}/${threadTs ?? ""}`;
    if (key === this.#key) return;
    if (this.#key !== null) this.#drafts.set(this.#key, { text: this.textarea.value, files: this.#files });
    this.#key = key;
    const draft = this.#drafts.get(key) ?? { text: "", files: [] };
    this.textarea.value = draft.text;
    this.#files = draft.files;
    this.suggest.close();
    this.#drawFiles();
    this.#resize();
  }

  focus() {
    this.textarea.focus({ preventScroll: true });
  }

  /** Put text where the caret is, as if it were typed. */
  insert(text) {
    const { textarea } = this;
    const before = textarea.value.slice(0, textarea.selectionStart);
    textarea.setRangeText(
      (before && !/\s$/.test(before) ? " " : "") + text,
      textarea.selectionStart,
      textarea.selectionEnd,
      "end",
    );
    textarea.focus();
    textarea.dispatchEvent(new Event("input", { bubbles: true }));
  }

  #onInput() {
    this.#resize();
    this.suggest.refresh();
  }

  #resize() {
    const { textarea } = this;
    textarea.style.height = "auto";
    textarea.style.height = `${Math.min(MAX_HEIGHT, textarea.scrollHeight)}px`;
    this.sendButton.disabled = !this.#content().text && !this.#files.length;
  }

  #onKey(event) {
    if (event.isComposing) return;
    if (this.suggest.key(event)) {
      event.preventDefault();
      event.stopPropagation();
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      void this.#send();
    } else if (event.key === "ArrowUp" && this.textarea.value === "") this.#editLast(event);
  }

  #editLast(event) {
    const { channel, threadTs } = this.target();
    const messages = threadTs ? this.state.replies(channel, threadTs) : this.state.timeline(channel);
    const mine = messages
      .filter((m) => m.user === this.state.me && !m.bot_id && !m.is_ephemeral && m.subtype !== "tombstone")
      .at(-1);
    if (!mine) return;
    event.preventDefault();
    this.act.edit(mine, Boolean(threadTs));
  }

  // A leading space is kept off commands only: " /word" is a message that begins with a slash.
  #content() {
    const raw = this.textarea.value;
    return { text: raw.trim(), isCommand: raw.startsWith("/") };
  }

  async #send() {
    const { text, isCommand } = this.#content();
    const files = this.#files;
    if (!text && !files.length) return;
    const draft = this.textarea.value;
    const key = this.#key;
    this.#set("", []);
    const encoded = await Promise.all(files.map(encodeFile));
    const sent = await this.act.send({
      ...this.target(),
      text: text.startsWith("/") && !isCommand ? ` ${text}` : text,
      files: encoded,
    });
    if (sent) return;
    if (this.#key === key && this.textarea.value === "") this.#set(draft, files);
    else this.#drafts.set(key, { text: draft, files });
  }

  #set(text, files) {
    this.textarea.value = text;
    this.#files = files;
    this.suggest.close();
    this.#drawFiles();
    this.#resize();
  }

  #picked() {
    this.#addFiles(this.picker.files);
    this.picker.value = "";
    this.focus();
  }

  #addFiles(list, event) {
    const files = [...(list ?? [])];
    if (!files.length) return;
    event?.preventDefault();
    const small = files.filter((file) => file.size <= MAX_FILE_BYTES);
    if (small.length < files.length) toast("Files of more than 20 MB cannot be attached here.", "error");
    this.#files = [...this.#files, ...small];
    this.#drawFiles();
    this.#resize();
  }

  #drawFiles() {
    this.attachments.hidden = this.#files.length === 0;
    this.attachments.replaceChildren(
      ...this.#files.map((file) =>
        el(
          "span",
          { class: "file-chip" },
          icon("file"),
          el("span", {}, file.name),
          iconButton("close", `Remove ${file.name}`, () => this.#remove(file)),
        ),
      ),
    );
  }

  #remove(file) {
    this.#files = this.#files.filter((other) => other !== file);
    this.#drawFiles();
    this.#resize();
    this.focus();
  }
}

function encodeFile(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("error", () => reject(reader.error));
    reader.addEventListener("load", () =>
      resolve({
        name: file.name || "pasted",
        mimetype: file.type || "application/octet-stream",
        content_base64: String(reader.result).split(",", 2)[1] ?? "",
      }),
    );
    reader.readAsDataURL(file);
  });
}
