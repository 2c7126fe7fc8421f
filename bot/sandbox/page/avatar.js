// A square with somebody's initials, or the leaf for an app.

import { el, icon } from "./dom.js";

/** `author` is what State.author gives: `{name, color, isApp, isBot}`. */
export function avatar(author, size = "normal") {
  const own = author.isBot ? " avatar-bot" : "";
  const node = el(
    "span",
    { class: `avatar avatar-${size}${own}`, "aria-hidden": "true" },
    author.isApp ? icon("leaf") : initials(author.name),
  );
  if (!author.isBot) node.style.backgroundColor = author.color;
  return node;
}

function initials(name) {
  return name
    .split(/\s+/)
    .slice(0, 2)
    .map((word) => [...word][0]?.toUpperCase() ?? "")
    .join("");
}

/** The small badge beside the name of an app. */
export const appBadge = () => el("span", { class: "badge-app" }, "APP");
