"""The tree of a page written down as Markdown: headings, lists, tables, code and links stay what they are.

A block is a string without blank lines around it. Text that nobody sees is left out; images leave their description.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import urljoin, urlsplit

from tools.knowledge_base.html.tables import Rows, rows_of, table
from tools.knowledge_base.html.tree import BLOCKS, HEADINGS, Element, shown
from tools.knowledge_base.html.visible import is_hidden

_MARKS = {"strong": "**", "b": "**", "em": "*", "i": "*", "cite": "*", "del": "~~", "s": "~~", "strike": "~~"}
_CODE = frozenset({"code", "kbd", "samp", "tt", "var"})
_BLANKS = re.compile(r"[ \t\r\n\f\v\xa0]+")
_TAKEN_FOR_MARKUP = re.compile(r"^(?=#{1,6}\s|```|~~~|>\s|\|)", re.MULTILINE)
_LANGUAGE = re.compile(r"(?:^|\s)(?:language|lang|brush:|highlight-source|code)-?\s*([a-zA-Z0-9+#]{1,20})(?=\s|;|$)")
_TICKS = re.compile(r"`+")
_DEEPEST = 8
"""Lists and quotations within one another that are indented; what is deeper stands beside."""
_LONGEST_LINK = 500
"""Characters of an address; longer ones carry data, not a place to go to."""

Node = Element | str


def markdown(element: Element, base: str = "") -> str:
    """What is in the element; links are made absolute with `base`."""
    return "\n\n".join(_Writer(base).blocks(element.children))


def words(element: Element) -> str:
    """What is in the element on one line without any markup, as for a title."""
    return _BLANKS.sub(" ", _shown_text(element)).strip()


def _shown_text(element: Element) -> str:
    parts = (
        child if isinstance(child, str) else "" if is_hidden(child) else _shown_text(child)
        for child in element.children
    )
    return "".join(parts)


class _Writer:
    def __init__(self, base: str) -> None:
        self._base = base
        self._indents = 0

    def blocks(self, nodes: Iterable[Node]) -> Iterator[str]:
        """Blocks in reading order; text between two of them is a paragraph."""
        run: list[Node] = []
        for node in nodes:
            if isinstance(node, str) or not (node.tag in BLOCKS or node.holds_block):
                run.append(node)
                continue
            yield from self._paragraph(run)
            run = []
            if not is_hidden(node):
                yield from self._block(node)
        yield from self._paragraph(run)

    def _paragraph(self, nodes: Sequence[Node]) -> Iterator[str]:
        text = self._inline(nodes)
        if text:
            yield _TAKEN_FOR_MARKUP.sub(r"\\", text)

    def _block(self, element: Element) -> Iterator[str]:
        match element.tag:
            case "h1" | "h2" | "h3" | "h4" | "h5" | "h6":
                yield from self._heading(element)
            case "ul" | "ol" | "menu" | "blockquote" if self._indents < _DEEPEST:
                self._indents += 1
                yield from self._quote(element) if element.tag == "blockquote" else self._list(element)
                self._indents -= 1
            case "pre":
                yield from self._fenced(element)
            case "table":
                yield from self._table(element)
            case "dt" | "summary" | "legend":
                text = self._line(element)
                if text:
                    yield f"**{text}**"
            case _:
                yield from self.blocks(element.children)

    def _heading(self, element: Element) -> Iterator[str]:
        text = self._line(element).strip("*")
        if text:
            yield f"{'#' * int(element.tag[1])} {text}"

    def _quote(self, element: Element) -> Iterator[str]:
        inside = "\n\n".join(self.blocks(element.children))
        if inside:
            yield "\n".join(f"> {line}".rstrip() for line in inside.split("\n"))

    def _list(self, element: Element) -> Iterator[str]:
        lines: list[str] = []
        number = int(element.get("start")) if re.fullmatch(r"\d{1,6}", element.get("start")) else 1
        for item in _items(element):
            mark = f"{number}. " if element.tag == "ol" else "- "
            text = self._item(item)
            if text:
                lines.append(mark + text.replace("\n", "\n" + " " * len(mark)))
                number += 1
        if lines:
            yield re.sub(r"\n[ ]+(?=\n)", "\n", "\n".join(lines))

    def _item(self, item: Element) -> str:
        """Its blocks; a list stands directly under the text before it."""
        parts = list(self.blocks([item] if item.tag != "li" else item.children))
        return "".join(part if i == 0 else _gap(part) + part for i, part in enumerate(parts))

    def _fenced(self, element: Element) -> Iterator[str]:
        text = _raw(element).strip("\n").rstrip()
        if not text:
            return
        fence = "`" * max(3, 1 + max(map(len, _TICKS.findall(text)), default=0))
        yield f"{fence}{_language(element)}\n{text}\n{fence}"

    def _table(self, element: Element) -> Iterator[str]:
        rows: Rows = rows_of(element)
        if _is_layout(element, rows):
            yield from (block for row in rows for cell in row for block in self.blocks(cell.children))
            return
        captions = (child for child in element.children if isinstance(child, Element) and child.tag == "caption")
        yield from (text for caption in captions if not is_hidden(caption) and (text := self._line(caption)))
        yield from table(rows, self._line)

    def _line(self, element: Element) -> str:
        """All of an element on one line."""
        if not element.holds_block:
            return " ".join(self._inline(element.children).split())
        blocks = list(self.blocks(element.children))
        return " ".join(" ".join(blocks).split())

    def _inline(self, nodes: Iterable[Node]) -> str:
        """A run of text with its marks; line breaks only where the author put them."""
        text = "".join(self._piece(node) for node in nodes)
        return "\n".join(line for line in (_BLANKS.sub(" ", line).strip() for line in text.split("\v")) if line)

    def _piece(self, node: Node) -> str:
        """A part of a run; U+000B stands for a line break until the end."""
        if isinstance(node, str):
            return _BLANKS.sub(" ", node)
        if is_hidden(node):
            return ""
        if node.tag in {"br", "img", "input"}:
            return _void(node)
        if node.tag in _CODE:
            return _code(_BLANKS.sub(" ", _raw(node)))
        inside = "".join(map(self._piece, node.children))
        if node.tag == "a":
            return self._link(node, inside)
        if node.tag == "sup" and inside.strip():
            return f"^{inside.strip()}"
        return _around(inside, _MARKS.get(node.tag, ""), _MARKS.get(node.tag, ""))

    def _link(self, element: Element, inside: str) -> str:
        target = address(element.get("href"), self._base)
        if not target:
            return inside
        return _around(inside.replace("\v", " "), "[", f"]({target})")


def address(href: str, base: str = "") -> str:
    """Where a link leads, absolute and safe to stand in Markdown; empty when that is no web page or mailbox."""
    href = href.strip()
    if not href or href.startswith("#") or len(href) > _LONGEST_LINK:
        return ""
    try:
        target = urljoin(base, href) if base else href
        parts = urlsplit(target)
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https", "mailto"} or (parts.scheme != "mailto" and not parts.hostname):
        return ""
    return re.sub(r"[\s<>()\[\]|\\]", lambda found: "".join(f"%{byte:02X}" for byte in found.group().encode()), target)


def _is_layout(table: Element, rows: Rows) -> bool:
    """Whether a table only puts things beside one another."""
    if table.get("role").lower() in {"presentation", "none"} or not any(len(row) > 1 for row in rows):
        return True
    return any(one.tag in HEADINGS for row in rows for cell in row for one in cell.elements())


def _around(inside: str, before: str, after: str) -> str:
    """Marks set close to the text, blanks outside of them."""
    text = inside.strip(" \v")
    if not text or not before or "\v" in text:
        return inside
    start = inside.index(text[0])
    return f"{inside[:start]}{before}{text}{after}{inside[start + len(text) :]}"


def _void(element: Element) -> str:
    if element.tag == "br":
        return "\v"
    if element.tag == "img":
        told = " ".join(shown(element.get("alt")).split())
        return f"[image: {told}]" if told else ""
    if element.get("type").lower() == "checkbox":
        return "[x] " if "checked" in element.attributes else "[ ] "
    return ""


def _code(text: str) -> str:
    text = text.strip()
    if not text:
        return ""
    ticks = "`" * (1 + max(map(len, _TICKS.findall(text)), default=0))
    blank = " " if len(ticks) > 1 else ""
    return f"{ticks}{blank}{text}{blank}{ticks}"


def _raw(element: Element) -> str:
    """Visible text as written, with its line breaks."""
    parts: list[str] = []
    for child in element.children:
        if isinstance(child, str):
            parts.append(child)
        elif child.tag == "br":
            parts.append("\n")
        elif not is_hidden(child):
            parts.append(_raw(child))
            if child.tag in BLOCKS and not parts[-1].endswith("\n"):
                parts.append("\n")
    return "".join(parts)


def _language(element: Element) -> str:
    for one in element.elements():
        found = _LANGUAGE.search(one.get("class")) or re.fullmatch(r"([a-z0-9+#]{1,20})", one.get("data-language"))
        if found:
            return found.group(1).lower()
    return ""


def _items(element: Element) -> Iterator[Element]:
    """The items, and whatever else authors put between them."""
    for child in element.children:
        if isinstance(child, Element) and not is_hidden(child):
            yield child
        elif isinstance(child, str) and child.strip():
            yield Element("li", children=[child])


def _gap(block: str) -> str:
    return "\n" if re.match(r"(?:-|\d+\.) ", block) else "\n\n"
