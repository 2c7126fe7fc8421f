// Block Kit views: the top of my stack as a dialog. The browser's own <dialog> keeps the focus inside.

import { renderBlocks } from "./blocks.js";
import { plainText } from "./chips.js";
import { el, focusQuietly, icon, iconButton } from "./dom.js";
import { problemWith } from "./inputs.js";

/**
 * Shows `state.views`; what was typed survives when the app updates the view (by block_id and action_id, as in
 * Slack).
 */
export class Modal {
  #shown = null;
  #controls = new Map();
  #opener = null;

  constructor(state, act) {
    this.state = state;
    this.act = act;
    this.dialog = el("dialog", { class: "modal", data: { testid: "modal" }, "aria-labelledby": "modal-title" });
    this.dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      void this.#close();
    });
    document.body.append(this.dialog);
  }

  /** Bring the dialog in line with the stack. */
  update() {
    const top = this.state.views.at(-1);
    if (!top) return this.#hide();
    if (this.#shown?.id !== top.id || this.#shown?.hash !== top.hash) this.#draw(top);
    this.#showErrors(top.errors ?? {});
    this.#shown = top;
    if (this.dialog.open) return;
    this.#opener = document.activeElement;
    this.dialog.showModal();
    this.#focusFirst();
  }

  #hide() {
    this.#shown = null;
    if (!this.dialog.open) return;
    this.dialog.close();
    this.dialog.replaceChildren();
    focusQuietly(this.#opener);
  }

  #draw(view) {
    const before = this.#shown?.id === view.id ? this.#controls : new Map();
    this.#controls = new Map();
    const ctx = {
      names: this.state,
      key: view.id,
      press: (action) => this.act.pressInView(view.id, action),
      register: (actionId, control) => this.#controls.set(actionId, control),
      initial: (actionId) => before.get(actionId)?.read() ?? undefined,
    };
    const form = el(
      "form",
      {
        class: "modal-form",
        novalidate: true,
        on: {
          submit: (event) => {
            event.preventDefault();
            void this.#submit(view);
          },
        },
      },
      this.#head(view),
      el("div", { class: "modal-body" }, renderBlocks(view.blocks, ctx)),
      el("p", { class: "input-error modal-error", role: "alert", hidden: true }),
      this.#foot(view),
    );
    const focused = document.activeElement?.closest?.("[data-action-id]")?.dataset.actionId;
    this.dialog.replaceChildren(form);
    if (this.dialog.open) (this.#controls.get(focused) ?? { focus: () => this.#focusFirst() }).focus();
  }

  #head(view) {
    const pushed = this.state.views.length > 1;
    return el(
      "header",
      { class: "modal-head" },
      pushed ? iconButton("back", "Back", () => this.#close()) : el("span", { class: "modal-app" }, icon("leaf")),
      el("h2", { id: "modal-title" }, plainText(view.title?.text ?? "")),
      iconButton("close", "Close", () => this.#closeAll(), { data: { testid: "modal-x" } }),
    );
  }

  #foot(view) {
    const close = el(
      "button",
      { type: "button", class: "button", data: { testid: "modal-close" }, on: { click: () => this.#close() } },
      plainText(view.close?.text ?? "Close"),
    );
    if (!view.submit) return el("footer", { class: "modal-foot" }, close);
    const submit = el(
      "button",
      {
        type: "submit",
        class: "button button-primary",
        disabled: view.submit_disabled,
        data: { testid: "modal-submit" },
      },
      plainText(view.submit.text),
    );
    return el("footer", { class: "modal-foot" }, close, submit);
  }

  #focusFirst() {
    const control = [...this.#controls.values()][0];
    if (control) control.focus();
    else this.dialog.querySelector(".modal-foot button:last-child")?.focus();
  }

  async #submit(view) {
    const button = this.dialog.querySelector("[data-testid=modal-submit]");
    if (!button || button.getAttribute("aria-busy") === "true") return;
    const problems = this.#ownProblems();
    this.#showErrors(problems);
    if (Object.keys(problems).length) return;
    const values = Object.fromEntries([...this.#controls].map(([actionId, control]) => [actionId, control.read()]));
    button.setAttribute("aria-busy", "true");
    const answer = await this.act.submitView(view.id, values);
    button.removeAttribute("aria-busy");
    if (answer?.errors) this.#showErrors(answer.errors);
  }

  #ownProblems() {
    const wrong = {};
    for (const control of this.#controls.values()) {
      const problem = control.error ? problemWith(control) : null;
      if (problem) wrong[control.blockId] = problem;
    }
    return wrong;
  }

  #showErrors(errors) {
    let first = null;
    for (const control of this.#controls.values()) {
      if (!control.error) continue;
      const text = errors[control.blockId] ?? "";
      control.error.textContent = text;
      control.error.hidden = !text;
      control.node.toggleAttribute("data-invalid", Boolean(text));
      control.node.setAttribute("aria-invalid", String(Boolean(text)));
      if (text) first ??= control;
    }
    this.#showGeneral(
      Object.entries(errors)
        .filter(([block]) => !this.#blockIds().has(block))
        .map(([, text]) => text),
    );
    first?.focus();
  }

  #blockIds() {
    return new Set([...this.#controls.values()].map((control) => control.blockId));
  }

  // What belongs to no field, e.g. that the app did not answer.
  #showGeneral(sentences) {
    const node = this.dialog.querySelector(".modal-error");
    node.textContent = sentences.join(" ");
    node.hidden = sentences.length === 0;
  }

  async #close() {
    const view = this.#shown;
    if (view) await this.act.closeView(view.id);
  }

  // The cross leaves the whole stack; the server closes what lies above the root with it.
  async #closeAll() {
    const root = this.state.views[0];
    if (root) await this.act.closeView(root.id);
  }
}
