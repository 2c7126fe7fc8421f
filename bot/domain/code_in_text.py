"""Code in a Markdown text, told apart and written so that every reader agrees where it begins and ends.

Links in code are left alone, so prose that one reader takes for code and another one does not would be a way past all
rules about links. Blocks are therefore written anew: three backticks, closed where a list ends them, nothing but a
language behind the first. What only might be code counts as prose.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile

MARK = "```"
_NEAR = 3
"""Blanks in front of a block or its end; more are code, or continue a paragraph."""
_OPENS = re.compile(r"( {0,12})(?:(`{3,})([^`]*)|(~{3,})(.*))\Z")
_INLINE = re.compile(r"(?<![`\\])(`{1,3})(?!`)[^`\n]{1,1000}(?<!`)\1(?!`)")
_LANGUAGE = re.compile(r"[\w+#.-]{1,20}")
_TAG = re.compile(r"<(?=[a-zA-Z/!?][^<>`]{0,500}`)")
"""Before what some take for a tag, with a backtick in it that would be none."""
_TAG_LINE = re.compile(r"[ \t>*+.\d-]{0,20}<")


def pieces(markdown: str) -> Iterator[tuple[str, bool]]:
    """The text in order, code (True) apart."""
    lines = markdown.split("\n")
    prose: list[str] = []
    at = 0
    while at < len(lines):
        opened = _OPENS.match(lines[at])
        if opened is None:
            prose.append(lines[at])
            at += 1
            continue
        code, at = _block(lines, at, opened)
        yield from _inline("".join(f"{line}\n" for line in prose))
        if _joins(prose, opened[1]):
            yield "\n", False
        prose = []
        yield code + ("\n" if at < len(lines) else ""), True
    yield from _inline("\n".join(prose))


def _block(lines: Sequence[str], at: int, opened: re.Match[str]) -> tuple[str, int]:
    """The block that begins on a line, without a line feed at its end, and the line behind it."""
    indent, mark = opened[1], opened[2] or opened[4]
    closes = re.compile(rf" {{0,{len(indent) + _NEAR}}}{re.escape(mark)}{re.escape(mark[0])}*[ \t]*\Z")
    language = _LANGUAGE.match((opened[3] or opened[5] or "").strip())
    done = [f"{indent}{MARK}{language[0] if language else ''}"]
    for number in range(at + 1, len(lines)):
        line = lines[number]
        is_inside = line.startswith(indent) or not line.strip()
        if is_inside and not closes.match(line):
            done.append(line.replace(MARK, "'''"))
            continue
        return "\n".join([*done, indent + MARK]), number + is_inside
    if done[-1] == "" and len(done) > 1:
        done.pop()
    return "\n".join([*done, indent + MARK]), len(lines)


def _joins(prose: Sequence[str], indent: str) -> bool:
    """Whether what stands before a block would take it for its own: a tag does, a paragraph what is far indented."""
    before = list(takewhile(str.strip, reversed(prose)))
    return bool(before) and (len(indent) > _NEAR or any(_TAG_LINE.match(line) for line in before))


def _inline(text: str) -> Iterator[tuple[str, bool]]:
    text = _TAG.sub("< ", text)
    at = 0
    for code in _INLINE.finditer(text):
        yield text[at : code.start()], False
        yield code[0], True
        at = code.end()
    yield text[at:], False
