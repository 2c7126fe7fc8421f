"""Reading Slack's JSON without ever tripping over it."""

import re
from itertools import pairwise
from typing import Any

from bot.slack.render.text import unescape

Json = dict[str, Any]

TEXT_LIMIT = 40_000
"""Characters of a message we keep; Slack cuts there too."""
_LINK = re.compile(r"<((?:https?|mailto|tel|slack):[^<>|\s]+)(?:\|([^<>]*))?>")
_BLANK_LINES = re.compile(r"\n{3,}")


def obj(value: object) -> Json:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Json]:
    """The objects of a list; nothing when it is none."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def words(value: object) -> tuple[str, ...]:
    """The strings of a list, empty ones left out; nothing when it is none."""
    return tuple(one for entry in value if (one := word(entry))) if isinstance(value, list) else ()


def word(value: object) -> str:
    """The value if it is a string that can be stored (lone surrogates and NUL replaced), else an empty one."""
    if not isinstance(value, str):
        return ""
    return (
        value if value.isascii() and "\0" not in value else value.encode("utf-8", "replace").decode().replace("\0", "?")
    )


def count(value: object) -> int:
    """The value if it is a whole number from 0 up, else 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def first(*values: object) -> str:
    """The first value that is a non-empty string."""
    return next((found for value in values if (found := word(value))), "")


def _bare(found: re.Match[str]) -> str:
    target, label = found[1], found[2]
    address = target.split(":", 1)[1] if target.startswith(("mailto:", "tel:")) else target
    if not label or label in (target, address) or target.removeprefix("https://").removeprefix("http://") == label:
        return address
    return f"{label} ({address})"


def bare_links(text: str) -> str:
    """Links as a person would write them: `<https://x|docs>` becomes `docs (https://x)`, `<mailto:a@b|a@b>` `a@b`."""
    return _LINK.sub(_bare, text)


def plain_text(text: object, own_user_id: str) -> str:
    """What a person wrote: our own mention and Slack's escapes taken out, other mentions kept as `<@U…>`."""
    raw = word(text)[:TEXT_LIMIT]
    if own_user_id:
        raw = _unaddressed(raw, own_user_id)
    return _BLANK_LINES.sub("\n\n", unescape(bare_links(raw))).strip()


def mentions(text: object, user_id: str) -> bool:
    """Whether a text names this user."""
    return bool(user_id) and _mention(user_id).search(word(text)) is not None


def _mention(user_id: str) -> re.Pattern[str]:
    return re.compile(rf"<@{re.escape(user_id)}(?:\|[^<>]*)?>")


def _unaddressed(raw: str, user_id: str) -> str:
    """The text without this user's mentions and the blanks around them; words on both sides stay apart."""
    parts = [part for piece in _mention(user_id).split(raw) if (part := piece.strip(" \t"))]
    return "".join([*parts[:1], *(_joint(left, right) + right for left, right in pairwise(parts))])


def _joint(left: str, right: str) -> str:
    is_word_next = right[0].isalnum() or right[0] in "_<&"
    return " " if is_word_next and not left[-1].isspace() else ""
