"""A text as the patterns read it: digits and letters of every script's plain form, nothing invisible, no accents.

Wide, Arabic or circled digits read as ours, `contraseña` reads as `contrasena`. Every character becomes one or none, so
that a place in the folded text is a place in the original.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d\u30fc\u00ad"


@dataclass(frozen=True, slots=True)
class Found:
    """A place to hide."""

    start: int
    end: int
    label: str
    """What stands there instead, without brackets."""


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text and where each of its characters stood."""

    text: str
    places: Sequence[int] | None = None
    """None: each where it stands."""

    def original(self, found: Found) -> Found:
        """The same place in the text before it was folded."""
        if self.places is None:
            return found
        return Found(self.places[found.start], self.places[found.end - 1] + 1, found.label)


def fold(text: str) -> Folded:
    """Fold a text; in time linear in its length."""
    if text.isascii() and text.isprintable():
        return Folded(text)
    folded = text.translate(_TABLE)
    if len(folded) == len(text):
        return Folded(folded)
    return Folded(folded, [place for place, letter in enumerate(text) if _TABLE[ord(letter)]])


def merged(found: Iterator[Found]) -> list[Found]:
    """In order and apart; of those that overlap the first and longest gives the label."""
    apart: list[Found] = []
    for one in sorted(found, key=lambda one: (one.start, -one.end)):
        if apart and one.start < apart[-1].end:
            before = apart[-1]
            apart[-1] = Found(before.start, max(before.end, one.end), before.label)
        else:
            apart.append(one)
    return apart


class _Table(dict[int, str]):
    """What becomes of a character, found out when it is met first."""

    def __missing__(self, code: int) -> str:
        plain = self[code] = _plain(chr(code))
        return plain


def _plain(letter: str) -> str:
    if letter in _DASHES:
        return "-" if letter != "\u00ad" else ""
    if letter.isspace():
        return letter if letter in "\n\t" else " "
    kind = unicodedata.category(letter)
    if kind in {"Mn", "Me", "Cf", "Cc", "Cs"}:
        return ""
    digit = unicodedata.digit(letter, None)
    if digit is not None:
        return str(digit)
    parts = unicodedata.normalize("NFKD", letter)
    bare = "".join(part for part in parts if unicodedata.category(part) != "Mn")
    if len(bare) > 1:
        return letter
    return "-" if bare and bare in _DASHES else bare


_TABLE = _Table()
