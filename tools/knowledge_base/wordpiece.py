"""Text to token ids as BERT's uncased English models expect them, without a library.

The usual library brings 18 further distributions; this gives the same ids. Two steps: text to words (lower case, no
accents, punctuation and Chinese characters by themselves), then each word to the longest pieces the vocabulary holds.
"""

import unicodedata
from collections.abc import Iterable, Iterator

_START, _END, _UNKNOWN = "[CLS]", "[SEP]", "[UNK]"
_LONGEST_WORD = 100
_REMEMBERED = 50_000
"""Words whose pieces are kept."""
_CJK = ((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F))


class WordPiece:
    """A vocabulary at work. Threads may share it."""

    def __init__(self, vocabulary: Iterable[str]) -> None:
        """`vocabulary`: the lines of vocab.txt."""
        self._ids = {line.rstrip("\n"): number for number, line in enumerate(vocabulary)}
        self._start, self._end, self._unknown = (self._ids[token] for token in (_START, _END, _UNKNOWN))
        self._pieces: dict[str, tuple[int, ...]] = {}

    def encode(self, text: str, most: int) -> list[int]:
        """At most `most` ids, beginning and end included."""
        ids = [self._start]
        for word in _words(text):
            ids += self._known(word)
            if len(ids) >= most:
                break
        return [*ids[: most - 1], self._end]

    def _known(self, word: str) -> tuple[int, ...]:
        pieces = self._pieces.get(word)
        if pieces is None:
            pieces = self._cut(word)
            if len(self._pieces) < _REMEMBERED:
                self._pieces[word] = pieces
        return pieces

    def _cut(self, word: str) -> tuple[int, ...]:
        if len(word) > _LONGEST_WORD:
            return (self._unknown,)
        pieces: list[int] = []
        start = 0
        while start < len(word):
            lead = "##" if start else ""
            ends = (end for end in range(len(word), start, -1) if lead + word[start:end] in self._ids)
            end = next(ends, None)
            if end is None:
                return (self._unknown,)
            pieces.append(self._ids[lead + word[start:end]])
            start = end
        return tuple(pieces)


def _words(text: str) -> Iterator[str]:
    for chunk in _spaced(text).split():
        if chunk.isascii() and chunk.isalnum():
            yield chunk.lower()
        else:
            yield from _split(_bare(chunk.lower()))


def _spaced(text: str) -> str:
    """Without control characters; every blank of Unicode is a blank."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_plain(character) for character in text)


def _plain(character: str) -> str:
    if character in "\t\n\r":
        return " "
    kind = unicodedata.category(character)
    if kind[0] == "C" or character == "\N{REPLACEMENT CHARACTER}":
        return ""
    return " " if kind == "Zs" else character


def _bare(word: str) -> str:
    """Without accents."""
    if word.isascii():
        return word
    return "".join(c for c in unicodedata.normalize("NFD", word) if unicodedata.category(c) != "Mn")


def _split(word: str) -> Iterator[str]:
    held: list[str] = []
    for character in word:
        if not _stands_alone(character):
            held.append(character)
            continue
        if held:
            yield "".join(held)
            held = []
        yield character
    if held:
        yield "".join(held)


def _stands_alone(character: str) -> bool:
    if character.isascii():
        return not character.isalnum()
    code = ord(character)
    return unicodedata.category(character)[0] == "P" or any(first <= code <= last for first, last in _CJK)
