"""What somebody changed, old against new, for people to read under a card. Pure."""

import difflib
import json
import re

from bot.domain.escalation import Proposal

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=\S)|\n+")
MOST_CHARS = 2_500
"""Of a line that shows one changed argument."""


def difference(old: Proposal, new: Proposal) -> str:
    """In Markdown: the arguments of a call that changed, or a reply's sentences with `-` and `+`."""
    if old.call is not None and new.call is not None:
        return _arguments(old.call.arguments, new.call.arguments)
    lines = difflib.ndiff(_pieces(old.text), _pieces(new.text))
    return "```\n" + "\n".join(line.replace("```", "'''") for line in lines if not line.startswith("?")) + "\n```"


def _arguments(old: str, new: str) -> str:
    before, after = json.loads(old), json.loads(new)
    names = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
    return "\n".join(f"- {name}: {_shown(before.get(name))} → **{_shown(after.get(name))}**" for name in names)


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    line = " ".join(text.split())
    return line if len(line) <= MOST_CHARS else f"{line[:MOST_CHARS]}…"


def _pieces(text: str) -> list[str]:
    return [piece.strip() for piece in _SENTENCE.split(text) if piece.strip()]
