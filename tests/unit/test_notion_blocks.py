"""Notion's blocks, in the shapes of its reference, as Markdown."""

from typing import Any

import pytest

from tools.knowledge_base.html.markdown import markdown
from tools.knowledge_base.sources.notion_blocks import Block, html_of

ID = "1" * 32


def rich(*parts: str | dict[str, Any]) -> list[dict[str, Any]]:
    """Text; a dict is one with a link or with marks."""
    return [{"type": "text", "plain_text": one, "href": None} if isinstance(one, str) else one for one in parts]


def bold(text: str) -> dict[str, Any]:
    return {"type": "text", "plain_text": text, "annotations": {"bold": True, "code": False, "color": "red"}}


def link(text: str, href: str) -> dict[str, Any]:
    return {"type": "text", "plain_text": text, "href": href}


def block(kind: str, *below: Block, **content: Any) -> Block:
    told = {"object": "block", "id": ID, "type": kind, "has_children": bool(below), kind: content}
    return Block.model_validate(told).model_copy(update={"below": below})


def text(kind: str, written: str, *below: Block, **more: Any) -> Block:
    return block(kind, *below, rich_text=rich(written), **more)


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        ([text("heading_2", "Limits", is_toggleable=True), text("paragraph", "Three.")], "## Limits\n\nThree."),
        ([block("paragraph", rich_text=rich("Press ", bold("Pay"), " on ", link("it", "https://a.example/x")))],
         "Press **Pay** on [it](https://a.example/x)"),
        ([block("paragraph", rich_text=rich(link("it", "javascript:a()"), link(" page", "/0123")))], "it page"),
        ([text("paragraph", "one\ntwo")], "one\ntwo"),
        ([text("paragraph", "# no heading <b>")], "\\# no heading <b>"),
        ([text("bulleted_list_item", "One", text("bulleted_list_item", "deeper")), text("bulleted_list_item", "Two"),
          text("numbered_list_item", "c", list_start_index=3)], "- One\n  - deeper\n- Two\n\n3. c"),
        ([text("to_do", "Pay", checked=True), text("to_do", "Wait", checked=False)], "- [x] Pay\n- [ ] Wait"),
        ([text("toggle", "Why?", text("paragraph", "So."))], "**Why?**\n\nSo."),
        ([text("quote", "a", text("paragraph", "b"))], "> a\n>\n> b"),
        ([text("callout", "Only 90 days.", icon=None)], "Only 90 days."),
        ([text("code", "if a:\n\tb()", language="python", caption=rich("Try it"))],
         "```python\nif a:\n\tb()\n```\n\nTry it"),
        ([block("table", block("table_row", cells=[rich("Plan"), rich("Price")]),
                block("table_row", cells=[rich("Team | Pro"), []]), table_width=2)],
         "| Plan | Price |\n| --- | --- |\n| Team \\| Pro |  |"),
        ([block("column_list", block("column", text("paragraph", "left")), text("paragraph", "right"))],
         "left\n\nright"),
        ([block("image", type="file", file={"url": "https://s3.example/signed"}, caption=rich("A screen"))],
         "[image: A screen]"),
        ([block("pdf", type="file", file={"url": "https://s3.example/1"}, caption=[]), block("file", name="a.zip")],
         "a.zip"),
        ([block("bookmark", url="https://a.example/x", caption=[]), block("link_preview", url="https://b.example/")],
         "[https://a.example/x](https://a.example/x)\n\n[https://b.example/](https://b.example/)"),
        ([block("child_page", title="Invoices"), block("child_database", title="Prices")], "Invoices\n\nPrices"),
        ([block("equation", expression="a^2"), block("divider"), block("breadcrumb"), block("unsupported")], "$$a^2$$"),
        ([text("of_next_year", "New.", text("paragraph", "Inside."))], "New.\n\nInside."),
    ],
)  # fmt: skip
def test_blocks_become_what_they_show(blocks: list[Block], expected: str) -> None:
    assert markdown(html_of(blocks)) == expected


def test_a_block_that_is_not_shown_to_us_shows_nothing() -> None:
    assert markdown(html_of([Block.model_validate({"object": "block", "id": ID})])) == ""


def test_what_nobody_sees_is_left_out_of_blocks_too() -> None:
    assert markdown(html_of([text("paragraph", "a\u200b\u202eb\x00"), text("code", "c\U000e0041d")])) == (
        "ab\n\n```\ncd\n```"
    )


@pytest.mark.parametrize("told", [{"id": "../users"}, {"id": ID, "type": "code", "code": {"rich_text": 7}}, 7])
def test_what_is_no_block_is_refused(told: Any) -> None:
    with pytest.raises(ValueError, match="Block"):
        Block.model_validate(told)
