// The emoji names people and bots use most, as characters of the system's own emoji font.

const EMOJI = {
  smile: "😄", slightly_smiling_face: "🙂", grinning: "😀", joy: "😂", wink: "😉", blush: "😊", thinking_face: "🤔",
  sweat_smile: "😅", cry: "😢", sob: "😭", angry: "😠", neutral_face: "😐", sunglasses: "😎", heart_eyes: "😍",
  disappointed: "😞", sleeping: "😴", wave: "👋", "+1": "👍", thumbsup: "👍", "-1": "👎", thumbsdown: "👎", clap: "👏",
  pray: "🙏", raised_hands: "🙌", raised_hand: "✋", ok_hand: "👌", muscle: "💪", point_right: "👉", point_up: "☝️",
  handshake: "🤝", eyes: "👀", bust_in_silhouette: "👤", technologist: "🧑‍💻", heart: "❤️", broken_heart: "💔",
  tada: "🎉", fire: "🔥", sparkles: "✨", star: "⭐", rocket: "🚀", zap: "⚡", "100": "💯", bulb: "💡", gift: "🎁",
  white_check_mark: "✅", heavy_check_mark: "✔️", x: "❌", no_entry: "⛔", no_entry_sign: "🚫", warning: "⚠️",
  exclamation: "❗", question: "❓", information_source: "ℹ️", rotating_light: "🚨", octagonal_sign: "🛑",
  red_circle: "🔴", large_blue_circle: "🔵", large_green_circle: "🟢", large_yellow_circle: "🟡",
  large_orange_circle: "🟠", white_circle: "⚪", black_circle: "⚫", large_orange_diamond: "🔶", hourglass: "⌛",
  hourglass_flowing_sand: "⏳", stopwatch: "⏱️", clock3: "🕒", calendar: "📆", bell: "🔔", mega: "📣",
  speech_balloon: "💬", ticket: "🎫", inbox_tray: "📥", email: "✉️", phone: "☎️", link: "🔗", paperclip: "📎",
  pushpin: "📌", memo: "📝", page_facing_up: "📄", books: "📚", book: "📖", mag: "🔍", bar_chart: "📊",
  chart_with_upwards_trend: "📈", chart_with_downwards_trend: "📉", lock: "🔒", unlock: "🔓", key: "🔑", gear: "⚙️",
  wrench: "🔧", hammer_and_wrench: "🛠️", bug: "🐛", package: "📦", credit_card: "💳", moneybag: "💰", dollar: "💵",
  coin: "🪙", receipt: "🧾", robot_face: "🤖", brain: "🧠", shield: "🛡️", seedling: "🌱", herb: "🌿", coffee: "☕",
  arrow_right: "➡️", arrow_left: "⬅️", arrow_up: "⬆️", arrow_down: "⬇️", arrows_counterclockwise: "🔄",
  leftwards_arrow_with_hook: "↩️", double_vertical_bar: "⏸️", black_square_for_stop: "⏹️", arrow_forward: "▶️",
  small_blue_diamond: "🔹", white_small_square: "▫️", construction: "🚧", sos: "🆘", see_no_evil: "🙈",
};

/** The character for a name without colons, or undefined. Skin tones are dropped. */
export function emojiChar(name) {
  const plain = name.split("::")[0];
  return Object.hasOwn(EMOJI, plain) ? EMOJI[plain] : undefined;
}

/** Names that begin with a prefix, for the composer's suggestions. */
export function emojiNames(prefix) {
  return Object.keys(EMOJI).filter((name) => name.startsWith(prefix));
}
