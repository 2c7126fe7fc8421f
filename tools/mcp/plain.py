"""What a server writes is read by people and by the model: nothing in it may be invisible, and nothing endless.

Characters that show nothing (tags, zero-width ones, changes of direction) carry text that a person who approves a tool
does not see and a model does.
"""

import unicodedata
from itertools import islice

_LOOKED_AT = 4
"""Times as many characters are looked at as may be kept: enough for any text that is mostly visible."""
_SHOWS = frozenset("\n\t")
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0\u034f\u17b4\u17b5")
"""Letters by their class, blank to the eye."""
_SELECTORS = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))


def is_hidden(character: str) -> bool:
    """Whether a person sees nothing of it."""
    if character in _SHOWS:
        return False
    point = ord(character)
    is_blank = character in _FILLERS or any(point in selectors for selectors in _SELECTORS)
    return is_blank or unicodedata.category(character) in _HIDDEN


def plain(text: str, most: int) -> str:
    """The text without what cannot be seen, cut with a remark where it is longer than `most` characters."""
    looked_at = text[: _LOOKED_AT * most + _LOOKED_AT]
    seen = "".join(islice((c for c in looked_at if not is_hidden(c)), most + 1))
    return seen if len(seen) <= most and len(looked_at) == len(text) else f"{seen[:most]} (cut: it was longer)"


def revealed(text: str) -> str:
    """The text with everything hidden spelt out, for whoever has to judge it."""
    return "".join(f"<U+{ord(c):04X}>" if is_hidden(c) else c for c in text)
