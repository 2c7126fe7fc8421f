// Small questions and short notices: the confirm dialog of Block Kit, and toasts.

import { plainText } from "./chips.js";
import { el } from "./dom.js";
import { mrkdwn } from "./mrkdwn.js";

const TOAST_MS = 7000;

/** Ask before something happens; `question` is a Block Kit confirm object. Resolves to true or false. */
export function confirmDialog(question, names) {
  const opener = document.activeElement;
  const words = (text) => (text?.type === "mrkdwn" ? mrkdwn(text.text, names) : plainText(text?.text ?? ""));
  return new Promise((resolve) => {
    const close = (value) => () => {
      dialog.close(value);
    };
    const dialog = el(
      "dialog",
      { class: "dialog", data: { testid: "confirm" }, "aria-labelledby": "confirm-title" },
      el("h2", { id: "confirm-title" }, words(question.title)),
      el("div", { class: "dialog-body" }, words(question.text)),
      el(
        "div",
        { class: "dialog-actions" },
        el(
          "button",
          { type: "button", class: "button", data: { testid: "confirm-deny" }, on: { click: close("no") } },
          words(question.deny ?? { text: "Cancel" }),
        ),
        el(
          "button",
          {
            type: "button",
            class: `button button-${question.style ?? "primary"}`,
            data: { testid: "confirm-ok" },
            autofocus: true,
            on: { click: close("yes") },
          },
          words(question.confirm ?? { text: "Yes" }),
        ),
      ),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (opener?.isConnected) opener.focus();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Show a sentence in the corner for some seconds. */
export function toast(text, level = "info") {
  const node = el(
    "div",
    { class: `toast toast-${level}`, role: level === "error" ? "alert" : "status", data: { testid: "toast" } },
    text,
  );
  const stack = document.querySelector("dialog[open]") ?? document.getElementById("toasts");
  const home = stack.id === "toasts" ? stack : dialogToasts(stack);
  home.append(node);
  setTimeout(() => node.remove(), TOAST_MS);
}

// What lies outside an open modal dialog cannot be seen by a screen reader, so the notice goes into the dialog.
function dialogToasts(dialog) {
  const home = dialog.querySelector(".toasts") ?? el("div", { class: "toasts" });
  dialog.append(home);
  return home;
}
