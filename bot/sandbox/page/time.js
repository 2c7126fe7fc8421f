// Times as people read them: local, short.

const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "long", month: "long", day: "numeric" });
const DAY_WITH_YEAR = new Intl.DateTimeFormat(undefined, {
  weekday: "long",
  year: "numeric",
  month: "long",
  day: "numeric",
});
const RELATIVE = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const DAY_MS = 86_400_000;

/** A message timestamp ("1700000000.000100", seconds) as a Date. */
export const dateOf = (ts) => new Date(Number.parseFloat(ts) * 1000);

/** "9:41 AM" */
export const clock = (ts) => CLOCK.format(dateOf(ts));

/** "Friday, November 20, 2026 at 9:41:07 AM" */
export const fullTime = (ts) => FULL.format(dateOf(ts));

/** A key that is equal for two messages of one local day. */
export const dayKey = (ts) => dateOf(ts).toDateString();

/** "Today", "Yesterday", "Monday, November 16" */
export function dayName(ts, now = new Date()) {
  const date = dateOf(ts);
  const midnight = (day) => new Date(day.getFullYear(), day.getMonth(), day.getDate()).getTime();
  const days = Math.round((midnight(date) - midnight(now)) / DAY_MS);
  if (days === 0 || days === -1) return capital(RELATIVE.format(days, "day"));
  return (date.getFullYear() === now.getFullYear() ? DAY : DAY_WITH_YEAR).format(date);
}

/** "today at 9:41 AM" for the line under a message that has replies. */
export function shortMoment(ts, now = new Date()) {
  const day = dayName(ts, now);
  return `${day === dayName(now.getTime() / 1000, now) ? day.toLowerCase() : day} at ${clock(ts)}`;
}

/** Slack's `<!date^unix^format^link|fallback>` tokens, for the ones in use. */
export function formatDateToken(unix, format, now = new Date()) {
  const date = new Date(unix * 1000);
  const values = {
    date_num: date.toLocaleDateString(undefined, { year: "numeric", month: "2-digit", day: "2-digit" }),
    date: date.toLocaleDateString(undefined, { dateStyle: "long" }),
    date_short: date.toLocaleDateString(undefined, { dateStyle: "medium" }),
    date_long: date.toLocaleDateString(undefined, { dateStyle: "full" }),
    date_pretty: dayName(unix, now),
    date_short_pretty: dayName(unix, now),
    date_long_pretty: dayName(unix, now),
    time: CLOCK.format(date),
    time_secs: date.toLocaleTimeString(undefined, { timeStyle: "medium" }),
    ago: dayName(unix, now),
  };
  return format.replace(/\{(\w+)\}/g, (whole, name) => (Object.hasOwn(values, name) ? values[name] : whole));
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
