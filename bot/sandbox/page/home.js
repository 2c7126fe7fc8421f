// The bot's Home tab: a page the app publishes for each person, beside the messages of the direct conversation.

import { renderBlocks } from "./blocks.js";
import { el, fill } from "./dom.js";

/** The two tabs of the bot, shown above its direct conversation. */
export class BotTabs {
  constructor(state, act) {
    Object.assign(this, { state, act });
    this.node = el("div", { class: "tabs", role: "tablist", "aria-label": "Deskhand", hidden: true });
    this.home = this.#tab("Home", "tab-home", () => act.openHome());
    this.messages = this.#tab("Messages", "tab-messages", () => act.openDm());
    fill(this.node, this.home, this.messages);
  }

  update(channel) {
    this.node.hidden = !channel.is_im;
    this.node.setAttribute("aria-label", this.state.bot.name);
    const atHome = Boolean(this.state.view.home);
    this.home.setAttribute("aria-selected", String(atHome));
    this.messages.setAttribute("aria-selected", String(!atHome));
  }

  #tab(label, testid, click) {
    return el("button", { type: "button", role: "tab", class: "tab", data: { testid }, on: { click } }, label);
  }
}

/** What the app last published for me. */
export class HomeTab {
  #shown = null;

  constructor(state, act) {
    Object.assign(this, { state, act });
    this.node = el("div", {
      class: "home",
      tabindex: "0",
      role: "region",
      "aria-label": "Home",
      hidden: true,
      data: { testid: "home" },
    });
  }

  update(isOpen) {
    this.node.hidden = !isOpen;
    if (!isOpen) return;
    const { home, me } = this.state;
    const key = `${me}/${home?.id ?? ""}/${home?.hash ?? ""}`;
    if (key === this.#shown) return;
    const focused = this.node.contains(document.activeElement) ? document.activeElement.dataset.actionId : null;
    this.#shown = key;
    fill(this.node, home ? this.#blocks(home) : el("p", { class: "loading" }, "The app has not published a Home tab."));
    if (focused) this.node.querySelector(`[data-action-id="${CSS.escape(focused)}"]`)?.focus();
  }

  #blocks(home) {
    return renderBlocks(home.blocks, {
      names: this.state,
      key: home.id,
      press: (action) => this.act.pressInView(home.id, action),
    });
  }
}
