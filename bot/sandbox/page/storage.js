// The few things this browser remembers by itself: what each person has read, and which hints were dismissed.

const READ = "sandbox.read.";
const DISMISSED = "sandbox.dismissed.";

function load(key, fallback) {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? fallback;
  } catch {
    return fallback;
  }
}

function save(key, value) {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // A browser that refuses storage only forgets sooner.
  }
}

/** Up to which timestamp a person has read each channel (`C…`) and thread (`C…/ts`). */
export const readMarks = (user) => load(READ + user, {});

/** Remember that a person has read a channel or thread up to `ts`. */
export function markRead(user, key, ts) {
  const marks = readMarks(user);
  if ((marks[key] ?? "0") >= ts) return false;
  save(READ + user, { ...marks, [key]: ts });
  return true;
}

export const isDismissed = (name) => load(DISMISSED + name, false);
export const dismiss = (name) => save(DISMISSED + name, true);
