// The control API: everything a person can do in the workspace, as calls to the server.

/** The server refused; `message` is a sentence for people, `code` its short name. */
export class ControlError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

async function request(path, body) {
  const options =
    body === undefined
      ? {}
      : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  let response;
  try {
    response = await fetch(`/control/${path}`, options);
  } catch {
    throw new ControlError("unreachable", "The workspace does not answer. Is the sandbox still running?");
  }
  const answer = await response.json().catch(() => null);
  if (answer?.ok) return answer;
  throw new ControlError(
    answer?.error ?? `http_${response.status}`,
    answer?.detail ?? `The workspace refused this (${answer?.error ?? response.status}).`,
  );
}

/** One method per thing a person does; `user` is always the person one is at the moment. */
export function createApi(currentUser) {
  const as = (path, body = {}) => request(path, { user: currentUser(), ...body });
  return {
    workspace: () => request("workspace"),
    state: () => request(`state?user=${encodeURIComponent(currentUser())}`),
    post: (message) => as("messages", message),
    edit: (channel, ts, text) => as("messages/edit", { channel, ts, text }),
    remove: (channel, ts) => as("messages/delete", { channel, ts }),
    openDm: () => as("dm"),
    openHome: () => as("home"),
    press: (channel, ts, action) => as("press", { channel, ts, ...action }),
    pressInView: (viewId, action) => as("view/press", { view_id: viewId, ...action }),
    submitView: (viewId, values) => as("view/submit", { view_id: viewId, values }),
    closeView: (viewId) => as("view/close", { view_id: viewId }),
    command: (channel, command, text) => as("command", { channel, command, text }),
    shortcut: (channel, ts, callbackId) => as("shortcut", { channel, ts, callback_id: callbackId }),
    stop: (channel, threadTs) => as("stop", { channel, thread_ts: threadTs }),
  };
}
