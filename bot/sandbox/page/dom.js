// Building DOM nodes. Everything on the page is made here, from text nodes and properties: data never becomes markup.

const SVG = "http://www.w3.org/2000/svg";

/**
 * Make an element. `props` are attributes, except `class`, `data` (dataset), `on` (listeners) and `prop` (DOM
 * properties).
 */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) setProp(node, name, value);
  return append(node, children);
}

function setProp(node, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name === "class") node.className = value;
  else if (name === "data") assignDefined(node.dataset, value);
  else if (name === "prop") Object.assign(node, value);
  else if (name === "on") for (const [event, handler] of Object.entries(value)) node.addEventListener(event, handler);
  else node.setAttribute(name, value === true ? "" : String(value));
}

function assignDefined(target, values) {
  for (const [key, value] of Object.entries(values)) if (value !== null && value !== undefined) target[key] = value;
}

/** Add children (nodes, strings, nested lists; empty values are skipped) and give the parent back. */
export function append(node, children) {
  for (const child of [children].flat(Infinity)) {
    if (child === null || child === undefined || child === false || child === "") continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
}

/** Replace everything inside a node. */
export function fill(node, ...children) {
  node.replaceChildren();
  return append(node, children);
}

const PATHS = {
  menu: "M3 6h14M3 10h14M3 14h14",
  close: "M5 5l10 10M15 5L5 15",
  back: "M12 4l-6 6 6 6",
  thread:
    "M3 5.5A1.5 1.5 0 0 1 4.5 4h11A1.5 1.5 0 0 1 17 5.5v6A1.5 1.5 0 0 1 15.5 13H9l-4 3.5V13h-.5A1.5 1.5 0 0 1 3 11.5z",
  more: "M10 4.6v.01M10 10v.01M10 15.4v.01",
  send: "M3.5 4l13 6-13 6 2-6zM5.5 10H11",
  plus: "M10 4v12M4 10h12",
  at: "M13 10a3 3 0 1 1-6 0 3 3 0 0 1 6 0zm0 0v1.2c0 2.6 4 2.6 4-1.2a7 7 0 1 0-3 5.7",
  file: "M5.5 3h6l4 4v10h-10zM11.5 3v4h4",
  down: "M10 4v12M5 11l5 5 5-5",
  chevron: "M5 8l5 5 5-5",
  check: "M4.5 10.5l3.5 3.5 7.5-8",
  clock: "M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM10 6v4l2.5 2",
  cross: "M6 6l8 8M14 6l-8 8",
  info: "M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM10 9.5V14M10 6.4v.01",
  warning: "M10 3l7.5 13.5h-15zM10 8v4M10 14.3v.01",
  up_thumb: "M3.5 9h3v7h-3zM6.5 9l3-6c1.5 0 2 1 1.7 2.3L10.7 8h4.6c1 0 1.6.9 1.3 1.8l-1.5 5a1.6 1.6 0 0 1-1.5 1.2H6.5",
  down_thumb:
    "M3.5 11h3V4h-3zM6.5 11l3 6c1.5 0 2-1 1.7-2.3L10.7 12h4.6c1 0 1.6-.9 1.3-1.8l-1.5-5A1.6 1.6 0 0 0 13.6 4H6.5",
  trash: "M4 6h12M8 6V4h4v2M5.5 6l.8 11h7.4l.8-11M8.5 9v5M11.5 9v5",
  refresh: "M15.5 8A6 6 0 1 0 16 11.5M16 4v4h-4",
  copy: "M7 7h9v9H7zM4 13V4h9",
  eye: "M2.5 10S5 5 10 5s7.5 5 7.5 5-2.5 5-7.5 5-7.5-5-7.5-5zM10 12a2 2 0 1 0 0-4 2 2 0 0 0 0 4z",
  hash: "M7.5 3.5l-1.5 13M14 3.5l-1.5 13M3.5 7.5h13M3.5 12.5h13",
  lock: "M5 9h10v8H5zM7 9V6.5a3 3 0 0 1 6 0V9",
  leaf: "M10 17V7m0 8c-4 0-6-2-6-5 3 0 6 1.5 6 5zm0-3c4 0 6-2 6-5-3 0-6 1.5-6 5z",
  dot: "M10 10v.01",
  stop: "M6 6h8v8H6z",
  link: "M8.5 11.5l3-3M9.5 6l1.8-1.8a3 3 0 0 1 4.5 4.5L14 10.5M10.5 14l-1.8 1.8a3 3 0 0 1-4.5-4.5L6 9.5",
};

/** A small line icon; hidden from screen readers, because every icon here has words beside it. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name] ?? PATHS.dot);
  svg.append(path);
  return svg;
}

/** A button with only an icon; the label is what a screen reader says and the tooltip shows. */
export function iconButton(name, label, onClick, props = {}) {
  return el(
    "button",
    {
      ...props,
      type: "button",
      class: `icon-button ${props.class ?? ""}`,
      "aria-label": label,
      title: label,
      on: { click: onClick },
    },
    icon(name),
  );
}

/** Put the focus into a node that may have left the page meanwhile. */
export function focusQuietly(node) {
  if (node?.isConnected) node.focus({ preventScroll: true });
}
