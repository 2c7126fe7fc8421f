"""Articles cut into passages: aligned with headings, short enough to quote."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tools.knowledge_base.articles import Article
from tools.knowledge_base.words import UNSPACED

LONGEST = 160
"""Words of a passage; measured as a good size for lexical search over help articles."""
_NO_WORD = 200
"""Characters from which on something between two blanks is no word, but data or a script without blanks."""
_BELOW = " \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} "
"""Between the headings of a passage, as help centres write their menus."""
_HEADING = re.compile(r"^(#{1,6})[ \t](.+)$")
_FENCE = re.compile(r"^\s*(?:(`{3,})([^`]*)|(~{3,})(.*))$")


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of an article that can be cited by itself."""

    slug: str
    position: int
    """From 0, in reading order."""
    text: str
    """Markdown, at most `LONGEST` words; each section in it begins with its headings, outermost first."""


def passages(article: Article) -> tuple[Passage, ...]:
    """All passages of an article in reading order; short sections share one, long ones are cut."""
    pieces = (piece for heading, lines in _sections(article.body) for piece in _pieces(heading, lines))
    return tuple(Passage(article.slug, i, text) for i, text in enumerate(_pack(pieces, LONGEST)))


def _pieces(heading: str, lines: list[str]) -> Iterator[str]:
    """A section in parts that fit, each below the section's headings."""
    title = next(_slices(f"## {heading}", LONGEST // 4)) if heading else ""
    room = LONGEST - _words(title)
    for text in _pack(_blocks(lines, room), room):
        yield f"{title}\n\n{text}" if title else text


def _sections(body: str) -> Iterator[tuple[str, list[str]]]:
    """Lines under each heading; a `#` inside a code fence is no heading."""
    path: list[tuple[int, str]] = []
    lines: list[str] = []
    fence = ""
    for line in body.splitlines():
        fence = _fence(line, fence)
        heading = None if fence else _HEADING.match(line)
        if heading is None:
            lines.append(line)
            continue
        yield _joined(path), lines
        level = len(heading.group(1))
        path = [(above, title) for above, title in path if above < level] + [
            (level, heading.group(2).strip().rstrip("#").rstrip())
        ]
        lines = []
    yield _joined(path), lines


def _fence(line: str, fence: str) -> str:
    """What has opened the block of code that the line stands in, or opens; empty outside of one.

    A block ends with a fence of its own kind that is at least as long and has nothing behind it.
    """
    found = _FENCE.match(line)
    if found is None:
        return fence
    mark, behind = found.group(1) or found.group(3), found.group(2) or found.group(4)
    if not fence:
        return mark
    return "" if mark.startswith(fence) and not (behind or "").strip() else fence


def _joined(path: list[tuple[int, str]]) -> str:
    return _BELOW.join(title for _, title in path)


def _blocks(lines: list[str], room: int) -> Iterator[str]:
    """Paragraphs, lists, tables; one that is too long is given line by line, a line that is too long word by word."""
    for block in re.split(r"\n\s*\n", "\n".join(lines).strip()):
        if _words(block) <= room:
            yield block
            continue
        for line in block.splitlines():
            yield from [line] if _words(line) <= room else _slices(line, room)


def _slices(line: str, room: int) -> Iterator[str]:
    held: list[str] = []
    size = 0
    for word in line.split():
        for part in [word] if _words(word) <= room else _parts(word, room):
            if held and size + _words(part) > room:
                yield " ".join(held)
                held, size = [], 0
            held.append(part)
            size += _words(part)
    if held:
        yield " ".join(held)


def _parts(word: str, room: int) -> list[str]:
    """Where sentences end, if there are any."""
    most = 2 * room - 2
    parts: list[str] = re.findall(rf".{{1,{most - 1}}}[\u3002\uff01\uff1f\uff0e]|.{{1,{most}}}", word)
    return parts


def _pack(blocks: Iterable[str], room: int) -> Iterator[str]:
    """Neighbouring blocks together, as long as they fit."""
    held: list[str] = []
    for block in blocks:
        if held and sum(map(_words, held)) + _words(block) > room:
            yield "\n\n".join(held)
            held = []
        if block.strip():
            held.append(block)
    if held:
        yield "\n\n".join(held)


def _words(text: str) -> int:
    """How many; two characters of a script without blanks are one, and so are eight of what is no word."""
    words = text.split()
    if text.isascii() and max(map(len, words), default=0) <= _NO_WORD:
        return len(words)
    return sum(map(_size, words))


def _size(word: str) -> int:
    unspaced = sum(map(len, UNSPACED.findall(word)))
    return max(1, unspaced // 2, len(word) // 8 if len(word) > _NO_WORD else 0)


def embedded_text(title: str, text: str) -> str:
    """What is turned into a vector for a passage: its article's title in front tells what "it" is."""
    return f"{title}\n\n{text}" if title else text
