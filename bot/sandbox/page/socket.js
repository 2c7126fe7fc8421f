// The live line to the server: one WebSocket per person, which comes back by itself.

const FIRST_DELAY = 400;
const MAX_DELAY = 8000;

/** Delivers the server's events in order; `onStatus` hears "open" and "lost". */
export class LiveSocket {
  #socket = null;
  #timer = null;
  #delay = FIRST_DELAY;

  constructor(onEvent, onStatus) {
    this.onEvent = onEvent;
    this.onStatus = onStatus;
  }

  /** Listen as this person; an earlier line is closed. */
  open(user) {
    this.close();
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/ui/ws?user=${encodeURIComponent(user)}`);
    this.#socket = socket;
    socket.addEventListener("open", () => {
      this.#delay = FIRST_DELAY;
      this.onStatus("open");
    });
    socket.addEventListener("message", ({ data }) => {
      if (socket === this.#socket) this.#receive(data);
    });
    socket.addEventListener("close", () => {
      if (socket === this.#socket) this.#retry(user);
    });
  }

  /** Stop listening, without another try. */
  close() {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #receive(data) {
    let event;
    try {
      event = JSON.parse(data);
    } catch {
      return;
    }
    this.onEvent(event);
  }

  #retry(user) {
    this.onStatus("lost");
    this.#timer = setTimeout(() => this.open(user), this.#delay);
    this.#delay = Math.min(MAX_DELAY, this.#delay * 1.8);
  }
}
