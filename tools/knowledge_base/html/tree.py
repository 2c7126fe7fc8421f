"""HTML read into a small tree, in time and memory that grow with its length and with nothing else.

Pages come from anywhere, and the parsers at hand can be kept busy by half a megabyte: lexbor (selectolax) took 29 s for
nested blocks, libxml2 (lxml, trafilatura) 28 s for a tag full of attributes, html.parser is quadratic in tags that
never end. So this follows the rules of HTML as far as articles need them (void elements, raw text, implied end tags,
entities), and refuses with BrokenArticleError what no article has; tests/unit/test_html_limits.py holds it to that.
XML (`<ac:link/>`, CDATA; Confluence's dialect, feeds) is read on request; no entity of its own is ever expanded.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tools.knowledge_base.articles import BrokenArticleError

LARGEST = 2_000_000
"""Characters of a page."""
DEEPEST = 120
"""Elements within one another; the deepest real help pages have half of it."""
_MOST_ELEMENTS = 100_000
"""Of a page, ten times what long ones have; each takes some hundred bytes and some steps."""
_MOST_ATTRIBUTES = 60
"""Kept of one tag, with those that hide it wherever they stand."""
_HIDING = frozenset({"aria-hidden", "class", "hidden", "popover", "style"})
BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "dialog", "div", "dl", "dt",
    "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hgroup",
    "hr", "html", "legend", "li", "main", "menu", "nav", "ol", "p", "pre", "section", "summary", "table", "tbody",
    "td", "tfoot", "th", "thead", "tr", "ul"
})  # fmt: skip
_VOID = frozenset({
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"
})  # fmt: skip
_RAW = frozenset({"iframe", "noembed", "noframes", "noscript", "script", "style", "textarea", "title", "xmp"})
_FOREIGN = frozenset({"svg", "math"})
_CELL = frozenset({"td", "th"})
_ROW = _CELL | {"tr"}
_BODY = _ROW | {"thead", "tbody", "tfoot"}
_TABLE = frozenset({"table"})
HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_FENCES = _TABLE | _CELL | {"caption", "html", "template"}
"""No end tag reaches beyond these, but their own."""
_IMPLIED: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "li": (frozenset({"li"}), frozenset({"ul", "ol", "menu"})),
    "dt": (frozenset({"dt", "dd"}), frozenset({"dl"})),
    "dd": (frozenset({"dt", "dd"}), frozenset({"dl"})),
    "a": (frozenset({"a"}), _FENCES),
    "option": (frozenset({"option"}), frozenset({"select", "datalist"})),
    **dict.fromkeys(_CELL, (_CELL, _TABLE | {"tr"})),
    "tr": (_ROW, _TABLE),
    **dict.fromkeys(_BODY - _ROW, (_BODY, _TABLE)),
    **dict.fromkeys(HEADINGS, (HEADINGS, _FENCES | {"div", "section", "li"})),
}
"""For a start tag, the open elements that it ends, and those that it does not look beyond."""
_MARKUP = re.compile(r"<(?=[a-zA-Z/!?])")
_NAME = re.compile(r"[a-zA-Z][^\s/>]*")
_BETWEEN = re.compile(r"[\s/]*")
_ATTRIBUTE = re.compile(r"=?[^\s/>=]*")
_EQUALS = re.compile(r"\s*=\s*")
_BARE = re.compile(r"[^\s>]*")
_ENDLESS = re.compile(r"&#(?:[0-9]{8,}|[xX][0-9a-fA-F]{7,});?")
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
"""Control, formatting and tag characters that nobody sees. Joiners stay: emoji and some scripts need them."""


@dataclass(slots=True)
class Element:
    """An element; changed only while its page is read."""

    tag: str
    """In lower case."""
    attributes: dict[str, str] = field(default_factory=dict)
    children: "list[Element | str]" = field(default_factory=list)
    holds_block: bool = False
    """Whether there is a block (paragraph, list, table…) somewhere in it."""

    def elements(self) -> "Iterator[Element]":
        """Itself and all elements below, in reading order."""
        waiting: list[Element] = [self]
        while waiting:
            one = waiting.pop()
            yield one
            waiting.extend(child for child in reversed(one.children) if isinstance(child, Element))

    def text(self) -> str:
        """All text in it, as written."""
        parts: list[str] = []
        waiting: list[Element | str] = [self]
        while waiting:
            one = waiting.pop()
            if isinstance(one, str):
                parts.append(one)
            else:
                waiting.extend(reversed(one.children))
        return "".join(parts)

    def get(self, name: str) -> str:
        """An attribute; empty when it is not there."""
        return self.attributes.get(name, "")


def made(tag: str, attributes: dict[str, str], children: "list[Element | str]") -> Element:
    """An element of a tree that is put together instead of being read."""
    holds = any(isinstance(one, Element) and (one.holds_block or one.tag in BLOCKS) for one in children)
    return Element(tag, attributes, children, holds)


def parse(markup: str, *, xml: bool = False) -> Element:
    """The tree of a page or of a part of one; BrokenArticleError when it is too large or too deep."""
    if len(markup) > LARGEST:
        raise BrokenArticleError(f"more than {LARGEST // 1_000_000} MB of HTML")
    return _Reader(markup, xml=xml).read()


def plain(text: str) -> str:
    """Text as people see it: entities decoded, what cannot be seen or stored left out."""
    if "&" in text:
        text = html.unescape(_ENDLESS.sub("\N{REPLACEMENT CHARACTER}", text))
    return shown(text)


def shown(text: str) -> str:
    """Text without what cannot be seen or stored."""
    return _UNSEEN.sub("", text).encode("utf-8", "replace").decode()


class _Reader:
    def __init__(self, markup: str, *, xml: bool) -> None:
        self._markup = markup
        self._xml = xml
        self._void = _VOID - {"link"} if xml else _VOID  # feeds write an address into it
        self._open = [Element("#root")]
        self._count = 0
        self._closing: dict[str, re.Pattern[str]] = {}

    def read(self) -> Element:
        at = 0
        while at < len(self._markup):
            found = _MARKUP.search(self._markup, at)
            start = found.start() if found else len(self._markup)
            if start > at:
                self._open[-1].children.append(plain(self._markup[at:start]))
            at = self._tag(start) if found else start
        return self._open[0]

    def _tag(self, start: int) -> int:
        """Take in the markup that begins at `start`; where it ends."""
        if self._markup.startswith("<!--", start):
            return self._after("-->", start + 2)
        if self._xml and self._markup.startswith("<![CDATA[", start):
            end = self._after("]]>", start)
            self._open[-1].children.append(shown(self._markup[start + 9 : end].removesuffix("]]>")))
            return end
        ending = self._markup.startswith("</", start)
        name = _NAME.match(self._markup, start + 1 + ending)
        if name is None:
            return self._after(">", start)
        tag = name.group().lower()
        if ending:
            self._end(tag)
            return self._after(">", name.end())
        return self._start(tag, name.end())

    def _after(self, mark: str, start: int) -> int:
        """Behind the next `mark`; without one, the page ends here."""
        found = self._markup.find(mark, start)
        return len(self._markup) if found < 0 else found + len(mark)

    def _start(self, tag: str, at: int) -> int:
        attributes, at = self._attributes(at)
        self._imply_ends(tag)
        self._count += 1
        if self._count > _MOST_ELEMENTS:
            raise BrokenArticleError(f"more than {_MOST_ELEMENTS} elements")
        element = Element(tag, attributes)
        self._open[-1].children.append(element)
        if tag in BLOCKS:
            self._mark_block()
        if tag in self._void or (self._markup[at - 2 : at] == "/>" and self._may_close_itself()):
            return at
        if tag in _RAW and not self._xml:
            return self._raw(element, at)
        if len(self._open) > DEEPEST:
            raise BrokenArticleError(f"elements within one another more than {DEEPEST} deep")
        self._open.append(element)
        return at

    def _may_close_itself(self) -> bool:
        return self._xml or any(element.tag in _FOREIGN for element in self._open)

    def _attributes(self, at: int) -> tuple[dict[str, str], int]:
        kept: dict[str, str] = {}
        while True:
            at = self._end_of(_BETWEEN, at)
            if at >= len(self._markup) or self._markup[at] == ">":
                return kept, at + 1
            start, at = at, self._end_of(_ATTRIBUTE, at)
            name, value = self._markup[start:at].lower(), ""
            equals = _EQUALS.match(self._markup, at)
            if equals:
                value, at = self._value(equals.end())
            if len(kept) < _MOST_ATTRIBUTES or name in _HIDING:
                kept.setdefault(name, plain(value))

    def _value(self, at: int) -> tuple[str, int]:
        quote = self._markup[at : at + 1]
        if quote not in {'"', "'"}:
            end = self._end_of(_BARE, at)
            return self._markup[at:end], end
        end = self._after(quote, at + 1)
        return self._markup[at + 1 : end].removesuffix(quote), end

    def _end_of(self, pattern: re.Pattern[str], at: int) -> int:
        found = pattern.match(self._markup, at)
        return found.end() if found else at

    def _raw(self, element: Element, at: int) -> int:
        """Text in which tags mean nothing, up to its own end tag."""
        closing = self._closing.setdefault(element.tag, re.compile(rf"</{element.tag}(?=[\s/>])", re.IGNORECASE))
        found = closing.search(self._markup, at)
        text = self._markup[at : found.start() if found else len(self._markup)]
        element.children.append(plain(text) if element.tag == "title" else shown(text))
        return self._after(">", found.end()) if found else len(self._markup)

    def _imply_ends(self, tag: str) -> None:
        if tag in BLOCKS:
            self._close(frozenset({"p"}), _FENCES | {"button"})
        if tag in _IMPLIED:
            self._close(*_IMPLIED[tag])

    def _close(self, tags: frozenset[str], fences: frozenset[str]) -> None:
        """End the outermost open element of these on this side of the fences, with all in it."""
        outermost = 0
        for place in range(len(self._open) - 1, 0, -1):
            if self._open[place].tag in tags:
                outermost = place
            elif self._open[place].tag in fences:
                break
        if outermost:
            del self._open[outermost:]

    def _end(self, tag: str) -> None:
        for place in range(len(self._open) - 1, 0, -1):
            if self._open[place].tag == tag:
                del self._open[place:]
                return
            if self._open[place].tag in _FENCES and tag not in _BODY | _TABLE:
                return

    def _mark_block(self) -> None:
        for element in reversed(self._open):
            if element.holds_block:
                return
            element.holds_block = True
