"""Notion's blocks as HTML, from which Markdown is made as from everything else: they become what they show, or nothing.

Files leave their descriptions (their addresses expire within the hour), pages and databases that lie in a page their
titles. A kind of block that is not known here shows what is in it.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Annotated, Any

from pydantic import BaseModel, Field, model_validator

from tools.knowledge_base.html.tree import Element, made, shown

Id = Annotated[str, Field(pattern=r"^[0-9a-fA-F-]{32,36}$")]
Node = Element | str

_LISTS = {"bulleted_list_item": "ul", "numbered_list_item": "ol", "to_do": "ul"}
_SILENT = frozenset({
    "breadcrumb", "divider", "link_to_page", "meeting_notes", "table_of_contents", "template", "transcription",
    "unsupported",
})  # fmt: skip
_MARKS = {"code": "code", "strikethrough": "del", "italic": "em", "bold": "strong"}
_MENTIONED = frozenset({"child_page", "child_database"})
"""Have blocks below them that are no part of the page."""


class _Marks(BaseModel):
    bold: bool = False
    italic: bool = False
    strikethrough: bool = False
    code: bool = False


class _Text(BaseModel):
    plain_text: str = ""
    href: str | None = None
    annotations: _Marks = _Marks()


class _Original(BaseModel):
    block_id: Id


class _Content(BaseModel):
    """What blocks hold, each kind some of it."""

    rich_text: list[_Text] = []
    caption: list[_Text] = []
    cells: list[list[_Text]] = []
    checked: bool = False
    language: str = ""
    list_start_index: int = 1
    url: str = ""
    """Of a bookmark or embedded page."""
    title: str = ""
    """Of a page or database below."""
    name: str = ""
    """Of a file."""
    expression: str = ""
    synced_from: _Original | None = None


class Block(BaseModel):
    """A block, as Notion lists it."""

    id: Id
    type: str = "unsupported"
    """A block that the integration may not see has none."""
    has_children: bool = False
    content: _Content = _Content()
    below: "tuple[Block, ...]" = ()
    """Blocks within; filled in by whoever reads them."""

    @model_validator(mode="before")
    @classmethod
    def _from_its_kind(cls, told: Any) -> Any:
        """Notion writes the content under the name of its kind."""
        if not isinstance(told, dict):
            return told
        plain = {name: told[name] for name in ("id", "type", "has_children") if name in told}
        content = told.get(str(told.get("type")))
        if isinstance(content, dict):
            content = {name: value for name, value in content.items() if value is not None}
        return {**plain, "content": content or {}}

    @property
    def opened_by(self) -> str:
        """The id under which the blocks within are listed, for a copy that of its original; empty: there are none."""
        if not self.has_children or self.type in _MENTIONED or self.type in _SILENT:
            return ""
        return self.content.synced_from.block_id if self.content.synced_from else self.id

    @property
    def size(self) -> int:
        """Characters of what it shows itself."""
        own = self.content
        texts = (part.plain_text for run in (own.rich_text, own.caption, *own.cells) for part in run)
        return sum(map(len, (*texts, own.url, own.title, own.name, own.expression)))


def html_of(blocks: Iterable[Block]) -> Element:
    """Blocks, in their order, as one tree."""
    return made("div", {}, list(_all(blocks)))


def _all(blocks: Iterable[Block]) -> Iterator[Node]:
    """Neighbouring items of a kind are one list."""
    for kind, several in groupby(blocks, key=lambda one: _LISTS.get(one.type, "")):
        if not kind:
            yield from (node for block in several for node in _one(block))
        else:
            yield _list(kind, list(several))


def _list(kind: str, items: Sequence[Block]) -> Element:
    start = {"start": str(items[0].content.list_start_index)} if kind == "ol" else {}
    return made(kind, start, [made("li", {}, _item(one)) for one in items])


def _item(block: Block) -> list[Node]:
    box = {"type": "checkbox", **({"checked": ""} if block.content.checked else {})}
    before: list[Node] = [made("input", box, [])] if block.type == "to_do" else []
    return [*before, *_written(block.content.rich_text), *_all(block.below)]


def _one(block: Block) -> Iterator[Node]:
    """What a block shows, and then what the blocks within it show."""
    if block.type in _SILENT:
        return
    if block.type == "table":
        yield made("table", {}, [_row(row) for row in block.below])
    elif block.type == "quote":
        yield made("blockquote", {}, [_paragraph(block.content), *_all(block.below)])
    else:
        yield from _own(block.type, block.content)
        yield from _all(block.below)


def _own(kind: str, told: _Content) -> list[Node]:
    """Without the blocks within it."""
    match kind:
        case "heading_1" | "heading_2" | "heading_3" | "heading_4":
            return [made(f"h{kind[-1]}", {}, _written(told.rich_text))]
        case "toggle":
            return [made("summary", {}, _written(told.rich_text))]
        case "code":
            code = made("pre", {"data-language": told.language.lower()}, [_plain(told.rich_text)])
            return [code, made("p", {}, _written(told.caption))]
        case "image":
            return [made("p", {}, [made("img", {"alt": _plain(told.caption)}, [])])]
        case _:
            return [_paragraph(told)]


def _paragraph(told: _Content) -> Element:
    """Its text, or else what it is called and where it leads."""
    text = _written(told.rich_text) or _written(told.caption) or [shown(told.title or told.name or told.url)]
    if told.expression:
        text = [f"$${shown(told.expression)}$$"]
    return made("p", {}, [made("a", {"href": told.url}, text)] if told.url else text)


def _row(block: Block) -> Element:
    return made("tr", {}, [made("td", {}, _written(cell)) for cell in block.content.cells])


def _plain(parts: Iterable[_Text]) -> str:
    return shown("".join(part.plain_text for part in parts))


def _written(parts: Iterable[_Text]) -> list[Node]:
    return [node for part in parts for node in _marked(part)]


def _marked(part: _Text) -> list[Node]:
    """A run of text with its marks and its link."""
    nodes: list[Node] = []
    for number, line in enumerate(shown(part.plain_text).split("\n")):
        nodes += [made("br", {}, []), line] if number else [line]
    marks = part.annotations.model_dump()
    for mark, tag in _MARKS.items():
        if marks[mark] and part.plain_text.strip():
            nodes = [made(tag, {}, nodes)]
    return [made("a", {"href": part.href}, nodes)] if part.href else nodes
