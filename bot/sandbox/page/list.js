// A list of rows that is brought up to date without touching the rows that did not change, so that focus, selection,
// half-typed text and the scroll position survive live updates.

const NEAR_BOTTOM = 80;

/**
 * Keeps `root`'s children in step with `items`: `{key, sig, build}`; a row is rebuilt when one part of `sig` differs.
 */
export class LiveList {
  #rows = new Map();

  constructor(root, scroller) {
    this.root = root;
    this.scroller = scroller;
    /** True if the reader is at the newest message. */
    this.atBottom = true;
    scroller.addEventListener("scroll", () => {
      this.atBottom = this.#distance() < NEAR_BOTTOM;
    });
    const observer = new ResizeObserver(() => {
      if (this.atBottom) this.toBottom();
    });
    observer.observe(root);
    observer.observe(scroller);
  }

  /** Go to the newest message. */
  toBottom() {
    this.atBottom = true;
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  #distance() {
    return this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight;
  }

  /** Show exactly these items, in this order; stays at the bottom if the reader was there. */
  update(items, { toBottom = false } = {}) {
    const stick = toBottom || this.atBottom;
    this.root.setAttribute("aria-live", this.#rows.size ? "polite" : "off");
    const wanted = new Set(items.map((item) => item.key));
    for (const [key, row] of this.#rows) if (!wanted.has(key)) this.#drop(key, row);
    let place = this.root.firstChild;
    for (const item of items) {
      const former = this.#rows.get(item.key)?.node;
      const node = this.#row(item);
      if (former === place) place = node;
      if (node === place) place = place.nextSibling;
      else this.root.insertBefore(node, place);
    }
    if (stick) this.toBottom();
  }

  /** Forget all rows, for a list that now shows something else. */
  clear() {
    this.#rows.clear();
    this.root.replaceChildren();
  }

  #drop(key, row) {
    row.node.remove();
    this.#rows.delete(key);
  }

  #row(item) {
    const row = this.#rows.get(item.key);
    if (row && row.sig.length === item.sig.length && row.sig.every((part, i) => part === item.sig[i])) return row.node;
    const node = item.build();
    this.#rows.set(item.key, { node, sig: item.sig });
    if (row) {
      quiet(row.node, node);
      replaceKeepingFocus(row.node, node);
    }
    return node;
  }
}

// The list is a live region: new rows are read out, rows that only changed are not, save a stream that has just ended.
function quiet(old, fresh) {
  const ended = old.classList.contains("streaming") && !fresh.classList.contains("streaming");
  if (!ended) fresh.setAttribute("aria-live", "off");
}

function replaceKeepingFocus(old, fresh) {
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  const action = focused?.dataset.actionId;
  if (old.parentNode) old.replaceWith(fresh);
  if (!focused) return;
  const twin = action && fresh.querySelector(`[data-action-id="${CSS.escape(action)}"]`);
  (twin || fresh).focus({ preventScroll: true });
}
