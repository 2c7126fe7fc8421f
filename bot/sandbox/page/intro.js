// The card that tells a newcomer what to try, on top of #support until it is dismissed.

import { el, icon, iconButton } from "./dom.js";
import { dismiss, isDismissed } from "./storage.js";

const NAME = "intro";
const QUESTION = "How do I invite a guest to a board?";

/** A row for the timeline, or nothing once dismissed. `hooks`: {write(text), become(user), changed()}. */
export function introRows(channel, state, hooks) {
  if (channel.name !== "support" || isDismissed(NAME)) return [];
  return [{ key: "intro", sig: [state.me], build: () => card(state, hooks) }];
}

function card(state, hooks) {
  const staff = [...state.people.values()].find((person) => person.role === "staff");
  const bot = `@${state.bot.name}`;
  const close = () => {
    dismiss(NAME);
    hooks.changed();
  };
  const step = (title, text, button) => el("li", {}, el("strong", {}, title), el("span", {}, text), button);
  const go = (label, run) => el("button", { type: "button", class: "button button-small", on: { click: run } }, label);
  return el(
    "section",
    { class: "intro", "aria-label": "How to try it", data: { testid: "intro" } },
    el(
      "header",
      {},
      icon("leaf"),
      el("h2", {}, "Try the whole story in three minutes"),
      iconButton("close", "Dismiss", close, { data: { testid: "intro-dismiss" } }),
    ),
    el(
      "ol",
      {},
      step(
        "Ask. ",
        `Write to ${bot} as a customer and open the thread it answers in. `,
        go("Put in a question", () => hooks.write(`${bot} ${QUESTION}`)),
      ),
      step("Ask for a person. ", "Reply in the thread: “I would like to talk to a human.”"),
      step(
        "Be the team. ",
        `Switch to ${staff?.real_name ?? "a colleague"} at the top and press Approve or Take over in #support-staff. `,
        staff ? go(`Be ${staff.real_name.split(" ")[0]}`, () => hooks.become(staff.id)) : null,
      ),
    ),
  );
}
