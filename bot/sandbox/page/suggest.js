// Suggestions while one types: members after "@", commands after "/", emoji after ":". The focus stays in the text box;
// arrow keys choose, Enter or Tab takes, Escape puts the list away.

import { el } from "./dom.js";
import { emojiChar, emojiNames } from "./emoji.js";

const LIMIT = 8;

/** Attach to a textarea; `home` is the element the list is put into. */
export class Suggest {
  #items = [];
  #at = 0;
  #put = null;

  constructor(textarea, home, state) {
    this.textarea = textarea;
    this.state = state;
    this.list = el("div", {
      class: "suggest",
      role: "listbox",
      id: `suggest-${textarea.id}`,
      "aria-label": "Suggestions",
      hidden: true,
      data: { testid: "suggestions" },
    });
    home.append(this.list);
    textarea.setAttribute("aria-autocomplete", "list");
    textarea.setAttribute("aria-controls", this.list.id);
    textarea.addEventListener("blur", () => this.close());
  }

  get isOpen() {
    return !this.list.hidden;
  }

  /** Look at what is left of the caret and show what fits. */
  refresh() {
    const { value, selectionStart } = this.textarea;
    const before = value.slice(0, selectionStart);
    const found = people(before, this.state) ?? commands(before, value, this.state) ?? emojis(before);
    if (!found?.items.length) return this.close();
    this.#items = found.items.slice(0, LIMIT);
    this.#at = 0;
    this.#put = found;
    this.#draw();
  }

  close() {
    this.list.hidden = true;
    this.textarea.removeAttribute("aria-activedescendant");
  }

  /** Handle a key of the textarea; true if it was meant for the list. */
  key(event) {
    if (!this.isOpen) return false;
    if (event.key === "Escape") this.close();
    else if (this.#put.passive) return false;
    else if (event.key === "ArrowDown") this.#move(1);
    else if (event.key === "ArrowUp") this.#move(-1);
    else if (event.key === "Enter" || event.key === "Tab") this.#take(this.#at);
    else return false;
    return true;
  }

  #move(step) {
    this.#at = (this.#at + step + this.#items.length) % this.#items.length;
    this.#draw();
  }

  #take(index) {
    const { textarea } = this;
    const end = textarea.selectionStart;
    textarea.setRangeText(`${this.#items[index].insert} `, this.#put.start, end, "end");
    textarea.dispatchEvent(new Event("input", { bubbles: true }));
    this.close();
  }

  #draw() {
    this.list.replaceChildren(
      ...this.#items.map((item, index) =>
        el(
          "div",
          {
            role: "option",
            id: `${this.list.id}-${index}`,
            class: "suggest-item",
            "aria-selected": String(index === this.#at && !this.#put.passive),
            on: {
              pointerdown: (event) => {
                event.preventDefault();
                this.#take(index);
              },
            },
          },
          el("span", { class: "suggest-main" }, item.label),
          el("span", { class: "suggest-hint" }, item.hint),
        ),
      ),
    );
    this.list.hidden = false;
    if (!this.#put.passive) this.textarea.setAttribute("aria-activedescendant", `${this.list.id}-${this.#at}`);
  }
}

function people(before, state) {
  const match = /(?:^|[\s(])@([\p{L}\w.-]*)$/u.exec(before);
  if (!match) return null;
  const query = match[1].toLowerCase();
  const fits = [...state.people.values()].filter((person) => person.id !== state.me && matches(person, query));
  if (fits.length === 1 && fits[0].name.toLowerCase() === query) return { items: [] };
  fits.sort((a, b) => (b.id === state.bot.user_id) - (a.id === state.bot.user_id));
  return {
    start: before.length - match[1].length - 1,
    items: fits.map((person) => ({
      insert: `@${person.name}`,
      label: `@${person.name}`,
      hint: person.role === "bot" ? "app" : person.real_name,
    })),
  };
}

const matches = (person, query) =>
  [person.name, ...(person.real_name ?? "").split(" ")].some((word) => word.toLowerCase().startsWith(query));

// Once the command itself is typed, the list only reminds of what may follow.
function commands(before, whole, state) {
  const word = /^\/\S*/.exec(whole)?.[0];
  if (word === undefined) return null;
  const typed = state.commands.find((known) => known.command === word);
  if (typed) return { passive: true, items: [commandItem(typed)] };
  if (before.includes(" ")) return null;
  return { start: 0, items: state.commands.filter((known) => known.command.startsWith(word)).map(commandItem) };
}

const commandItem = (known) => ({
  insert: known.command,
  label: `${known.command} ${known.usage_hint ?? ""}`.trim(),
  hint: known.description ?? "",
});

function emojis(before) {
  const match = /(?:^|\s):([a-z0-9_+-]{2,})$/.exec(before);
  if (!match) return null;
  return {
    start: before.length - match[1].length - 1,
    items: emojiNames(match[1]).map((name) => ({
      insert: `:${name}:`,
      label: `${emojiChar(name)} :${name}:`,
      hint: "",
    })),
  };
}
