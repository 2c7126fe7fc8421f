// Where in the workspace one is, as addresses: the page's own hash, and the permalinks of messages.

/** `#user=U…&channel=C…&thread=ts` as an object; missing parts are undefined. */
export function readHash(hash = location.hash) {
  const params = new URLSearchParams(hash.replace(/^#/, ""));
  const part = (name) => params.get(name) || undefined;
  return { user: part("user"), channel: part("channel"), thread: part("thread") };
}

/** Put the place into the address bar, without an entry in the history. */
export function writeHash({ user, channel, thread }) {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries({ user, channel, thread })) if (value) params.set(name, value);
  const hash = `#${params}`;
  if (hash !== location.hash) history.replaceState(null, "", hash);
}

/** The address of a message, shaped as Slack's "Copy link" gives it. */
export function permalink(team, channel, message) {
  const host = team.domain ? `https://${team.domain}.slack.com` : location.origin;
  const base = `${host}/archives/${channel}/p${message.ts.replace(".", "")}`;
  const root = message.thread_ts;
  return root && root !== message.ts ? `${base}?thread_ts=${root}&cid=${channel}` : base;
}

/** `{channel, ts, thread}` of a permalink to a message of this workspace, or null for any other address. */
export function parsePermalink(address) {
  let url;
  try {
    url = new URL(address, location.origin);
  } catch {
    return null;
  }
  const match = /^\/archives\/([CDG]\w+)\/p(\d{7,})(\d{6})$/.exec(url.pathname);
  if (!match || !(url.origin === location.origin || url.hostname.endsWith(".slack.com"))) return null;
  return { channel: match[1], ts: `${match[2]}.${match[3]}`, thread: url.searchParams.get("thread_ts") ?? undefined };
}
