"""Characters that nobody sees, and that therefore have no business in what people read or in what others' texts tell.

With them a text shows something else than it says: overrides of the writing direction turn a file name or an address
around, tag characters carry whole sentences that only a model reads, joiners break a word so that no filter finds it.
What a script or an emoji needs stays: a joiner behind an emoji or a letter that is not ASCII, a selector behind an
emoji.
"""

import re
import unicodedata

_NEVER = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f"  # controls but tab and line feed
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0d\ufeff"
    "\uffa0\ufff0-\ufffb\ud800-\udfff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_BREAK = re.compile(r"\r\n?|[\u0085\u2028\u2029]")
_JOINERS, _SELECTORS, _DIRECTIONS = "\u200c\u200d", "\ufe0e\ufe0f", "\u200e\u200f\u061c"
_MARKS = "\u0300-\u036f\u0483-\u0489\u1dc0-\u1dff\u20d0-\u20ff"
_DOUBTFUL = re.compile(rf"[{_JOINERS}{_SELECTORS}{_DIRECTIONS}]|[{_MARKS}]{{2}}")
_MARK = re.compile(f"[{_MARKS}]")
_PICTURED = frozenset("0123456789#*\u2139")
"""ASCII and letters that are emoji as well (keycaps, information)."""
_PILE = 6
"""Marks on one letter; no language piles up more."""


def visible(text: str) -> str:
    """The text without characters that nobody sees; line breaks become plain ones. Doing it twice changes nothing."""
    plain = _NEVER.sub("", _BREAK.sub("\n", text))
    return _weeded(plain) if _DOUBTFUL.search(plain) else plain


def one_line(text: str, most: int) -> str:
    """A name of somebody else's (file, person): visible, on one line, no longer than `most` characters."""
    plain = " ".join(visible(unicodedata.normalize("NFC", text)).split())
    return plain if len(plain) <= most else plain[: most - 1].rstrip() + "…"


def _weeded(text: str) -> str:
    """Letter by letter, each seen against the last that was kept."""
    kept: list[str] = []
    last, pile = "", 0
    for letter in text:
        pile = pile + 1 if _MARK.match(letter) else 0
        if pile <= _PILE and _belongs(letter, last):
            kept.append(letter)
            last = letter
    return "".join(kept)


def _belongs(letter: str, last: str) -> bool:
    """Whether a letter has a meaning behind this one."""
    if letter in _JOINERS:
        return not last.isascii() and not last.isspace() and last not in _JOINERS
    if letter in _SELECTORS:
        return last in _PICTURED or (not last.isascii() and not last.isalpha() and last not in _SELECTORS + _JOINERS)
    return letter not in _DIRECTIONS or last not in _DIRECTIONS or not last
