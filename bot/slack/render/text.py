"""Text on its way to Slack: made harmless, made Slack's dialect, cut where it is too long."""

import re
from collections.abc import Collection

from bot.domain.hidden import visible

FENCE = "```"
_JOINER = "\u2060"
"""Word joiner: invisible, and keeps `@here` from being one."""
_MASS = re.compile(r"@(?=(?:channel|here|everyone)\b)", re.IGNORECASE)
_SPECIAL = re.compile(
    r"<!(?P<target>(?:channel|here|everyone|group|subteam|date)\b[^<>|`\n]*)(?:\|(?P<label>[^<>]*))?>", re.IGNORECASE
)
"""Not `<!-- … -->` and `<!DOCTYPE html>`. No backtick goes with a target: what is code stays code."""
_PERSON = re.compile(r"<@(?P<id>[A-Z0-9]+)(?:\|(?P<label>[^<>]*))?>")
_CHANNEL = re.compile(r"<#[A-Z0-9]+(?:\|(?P<label>[^<>]*))?>")
_CODE = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]+`)", re.DOTALL)
_HEADING = re.compile(r"^#{1,6}[ \t]+(.+)$", re.MULTILINE)
_BULLET = re.compile(r"^([ \t]*)[-*+][ \t]+", re.MULTILINE)
_BOLD = re.compile(r"\*\*(?=\S)(?=((?:(?!\*\*).|(?<=\s)\*\*(?!\S))+))\1(?<=\S)\*\*")
"""Ends at the next mark of its kind that does not stand alone. What is looked at ahead is taken as a whole, so that no
mark is looked for twice (a possessive `++` would say the same, but loses its group in Python 3.11.2)."""
_BOLD_LINES = re.compile(r"(?<!\w)__(?=\S)(?=((?:(?!__).|(?<=\s)__(?!\S)|(?<=\w)__(?=\w))+))\1(?<=\S)__(?!\w)")
"""Likewise; within a word two lines are no mark: tools of MCP servers are called `server__tool`."""
_ITALIC = re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]+?)(?<=\S)\*(?![\w*])")
_LINK = re.compile(r"!?\[([^\[\]\n]*)\]\((https?://[^\s()<>|]+)\)")
_WHOLE = re.compile(
    r"(`+)(?!`)[^`\n]{1,1000}(?<!`)\1(?!`)|`+|&(?:amp|lt|gt);|<[^<>\n]{1,1000}>|https?://[^\s<>`]{1,900}"
)
"""What a cut must not go through; half an address leads to another host."""
_LANGUAGE = re.compile(r"[\w+#.-]{1,20}(?=\n|\Z)")
_WINDOW = 1100
_BOLD_MARK = "\x02"
_ESCAPED_PERSON = re.compile(r"&lt;@([A-Z0-9]+)&gt;")
_TARGET = re.compile(r"<(?:mailto:)?([^<>|@#!][^<>|]*)(?:\|([^<>]*))?>")


def escape(text: str) -> str:
    """Escape the three characters that mean something to Slack."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    """Undo Slack's escapes."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def neutralise(text: str, allowed: Collection[str] = ()) -> str:
    """Take the power to ping out of a text: no mass mentions, no mentions of people but those in `allowed`."""

    def special(found: re.Match[str]) -> str:
        target = found["target"]
        label = found["label"] or (target if target in ("channel", "here", "everyone") else "team")
        return "@" + label.lstrip("@") if not target.startswith("date^") else label

    def person(found: re.Match[str]) -> str:
        if found["id"] in allowed:
            return found[0]
        return "@" + (found["label"] or "someone").lstrip("@")

    text = _SPECIAL.sub(special, _PERSON.sub(person, text))
    text = _SPECIAL.sub(lambda rest: f"< {rest[0][1:]}", _PERSON.sub(person, text))  # one enclosed another
    return _MASS.sub("@" + _JOINER, text)


def no_broadcast(text: str) -> str:
    """Our own sentence with values in it: people may be named, channels not woken."""
    return neutralise(text, {found["id"] for found in _PERSON.finditer(text)})


def literal(text: str) -> str:
    """Somebody's words, shown as written in mrkdwn: nothing in them is a link, a mention, an id or an entity."""
    return escape(neutralise(without_channels(visible(text))))


def without_channels(text: str) -> str:
    """Channels by their names at most: their ids are nobody's business."""
    return _CHANNEL.sub(lambda found: f"#{found['label'] or 'channel'}", text)


def named(responder: str) -> str:
    """A user or a user group (S…) of our settings, pinged; whatever else is no id is shown as written."""
    if not re.fullmatch(r"[A-Z0-9]{3,31}", responder):
        return literal(responder)
    return f"<!subteam^{responder}>" if responder.startswith("S") else f"<@{responder}>"


def spoken(mrkdwn: str) -> str:
    """What a notification or a screen reader says of our own mrkdwn: no codes, labels instead of links."""
    return unescape(_TARGET.sub(lambda found: found[2] or found[1], neutralise(mrkdwn)))


def to_mrkdwn(markdown: str, *, name_people: bool = False) -> str:
    """Markdown in Slack's older dialect, for the places where the `markdown` block is not allowed.

    Pings nobody, unless `name_people` lets `<@U…>` through. Links are spelled out.
    """
    markdown = visible(markdown)
    pieces = _CODE.split(no_broadcast(markdown) if name_people else neutralise(without_channels(markdown)))
    text = "".join(escape(piece) if index % 2 else _prose(piece) for index, piece in enumerate(pieces))
    return _ESCAPED_PERSON.sub(r"<@\1>", text) if name_people else text


def _prose(text: str) -> str:
    text = escape(text.replace(_BOLD_MARK, ""))
    text = _BULLET.sub(r"\1• ", text)
    text = _HEADING.sub(_heading, text)
    for bold in (_BOLD, _BOLD_LINES):
        text = bold.sub(rf"{_BOLD_MARK}\1{_BOLD_MARK}", text)
    text = _ITALIC.sub(r"_\1_", text)
    text = re.sub(f"{_BOLD_MARK}+", "*", text)
    return _LINK.sub(_spelled_out, text)


def _spelled_out(found: re.Match[str]) -> str:
    """Whoever reads sees where a link leads; what a model wrote is nothing to click on."""
    label, target = found[1].strip(), found[2]
    return target if not label or label == target else f"{label} ({target})"


def _heading(found: re.Match[str]) -> str:
    title = found[1].rstrip("#").rstrip(" \t")
    return f"{_BOLD_MARK}{title}{_BOLD_MARK}" if title else found[0]


def link(url: str, label: str) -> str:
    """A link in mrkdwn; only the label when the URL is none Slack can open."""
    shown = literal(re.sub(r"\s+", " ", label)).replace("|", "¦") or "link"
    if not re.fullmatch(r"https?://[^\s<>|]+", url):
        return shown
    return f"<{url.replace('&', '&amp;')}|{shown}>"


def moment(at: float, fallback: str) -> str:
    """A point in time (unix seconds) that Slack shows in the reader's own time zone."""
    return f"<!date^{int(at)}^{{date_short_pretty}} {{time}}|{escape(fallback)}>"


def shorten(text: str, limit: int) -> str:
    """The beginning of a text, at most `limit` characters, with an ellipsis when something is missing."""
    if len(text) <= limit:
        return text
    return text[: _safe_cut(text, limit - 1)].rstrip() + "…"


def split_text(text: str, limit: int) -> list[str]:
    """Cut a text into parts of at most `limit` (≥ 80) characters.

    Cuts fall on paragraph ends where possible, else on line ends, spaces, or anywhere but inside a link or an entity.
    A code fence open at a cut is closed and opened again. Nothing is dropped but white space at the cuts.
    """
    parts: list[str] = []
    opener, rest = "", _begun(text.rstrip())
    while rest:
        room = limit - len(opener)
        if len(rest) <= room and not _open_fence(opener + rest):
            parts.append(opener + rest)
            break
        cut = _cut(rest, min(len(rest), room - len(FENCE) - 1))
        part = opener + rest[:cut].rstrip()
        was_open = opener
        opener = _open_fence(part)
        if part != was_open:
            parts.append(part + ("\n" + FENCE if opener else ""))
        rest = _dedented(rest[cut:].lstrip("\n")) if opener else _begun(rest[cut:])
    return parts


def _begun(text: str) -> str:
    """Without the white space in front; a code block that loses its indent there loses it at its end, too."""
    text = text.lstrip()
    return FENCE + _dedented(text[len(FENCE) :]) if text.startswith(FENCE) else text


def _dedented(rest: str) -> str:
    """The rest of a text inside a code block that is opened again at the margin: there its end must be, too."""
    fence = rest.find(FENCE)
    start = rest.rfind("\n", 0, fence) + 1
    return rest[:start] + rest[fence:] if fence > 0 and rest[start:fence].isspace() else rest


def _open_fence(text: str) -> str:
    """The line that opens a still open code fence again; empty when every fence is closed."""
    if text.count(FENCE) % 2 == 0:
        return ""
    language = _LANGUAGE.match(text, text.rfind(FENCE) + len(FENCE))
    return FENCE + (language[0] if language else "") + "\n"


def _cut(text: str, most: int) -> int:
    """Where to cut: at the last good place in the second half of what fits."""
    if len(text) <= most:
        return len(text)
    for mark in ("\n\n", "\n", " "):
        found = text.rfind(mark, most // 2, most + 1)
        if found > 0:
            return _safe_cut(text, found) or most
    return _safe_cut(text, most) or most


def _safe_cut(text: str, cut: int) -> int:
    """The same place, or the start of the link, entity or run of backticks it would go through."""
    start = text.rfind("\n", 0, cut) + 1  # code begins and ends on one line
    for found in _WHOLE.finditer(text, start, min(len(text), cut + _WINDOW)):
        if found.start() < cut < found.end():
            return found.start()
        if found.start() >= cut:
            break
    return cut
