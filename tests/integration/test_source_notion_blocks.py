"""Pages of Notion that its own Markdown leaves things out of, and interfaces without it: read block by block."""

import json
from collections.abc import AsyncIterator

import pytest

from tests.fakes.article_services.base import TOKEN, Fault, reading
from tests.fakes.article_services.notion import Notion
from tools.http_auth import Auth
from tools.knowledge_base.sources import notion_text
from tools.knowledge_base.sources.base import SourceError
from tools.knowledge_base.sources.notion import VERSION, NotionPages, NotionSettings

NOW = 1_790_000_000.0
A, B, C, D = ("a" * 32, "b" * 32, "c" * 32, "d" * 32)


@pytest.fixture
async def notion() -> AsyncIterator[Notion]:
    service = Notion()
    async with service.serving():
        yield service


def source(service: Notion) -> NotionPages:
    table = {"kind": "notion", "url": service.url, "token_env": "TOKEN_OF_TESTS"}
    settings = NotionSettings.model_validate(table, context={"TOKEN_OF_TESTS": TOKEN})
    return NotionPages(service.service(Auth.bearer(settings.token), "Notion", VERSION), settings, lambda: NOW)


async def bodies(service: Notion) -> dict[str, str]:
    told = await reading(source(service))
    assert not told.skipped
    return {one.article.title: one.article.body for one in told.documents.values()}


async def test_without_markdown_of_notions_own_a_page_is_read_block_by_block(notion: Notion) -> None:
    notion.renders = False
    page = notion.add(1, "Refunds", "")
    notion.put(page, A, "heading_1", text="Paying back")
    notion.put(page, B, "bulleted_list_item", text="By card")
    notion.put(B, C, "paragraph", text="Within 30 days.")
    notion.put(page, D, "bulleted_list_item", text="By bank")
    notion.put(page, "e" * 32, "child_page", title="Elsewhere")
    notion.put("e" * 32, "f" * 32, "paragraph", text="An article of its own.")
    body = (await bodies(notion))["Refunds"]
    assert body == "# Paying back\n\n- By card\n\n  Within 30 days.\n- By bank\n\nElsewhere"
    assert any("start_cursor=" in path for path in notion.asked), "two blocks at a time"


async def test_a_page_that_holds_something_not_shared_with_us_is_read_without_it(notion: Notion) -> None:
    """Notion calls such a page truncated, and answers 404 for what it left out."""
    notion.say(notion.add(1, "Hub", ""), 'Text.\n<unknown url="https://www.notion.so/x" alt="page"/>', A)
    assert await bodies(notion) == {"Hub": "Text."}


async def test_what_notion_does_not_know_how_to_render_is_read_as_a_block(notion: Notion) -> None:
    page = notion.add(1, "Links", "")
    notion.say(page, 'Text.\n<unknown url="https://www.notion.so/x" alt="bookmark"/>', A, B, D)
    notion.say(A, '<unknown url="https://www.notion.so/x" alt="bookmark"/>', A)
    notion.put(page, A, "bookmark", url="https://pay.example/", caption=[])
    notion.put(page, B, "toggle", text="More")
    notion.put(B, C, "paragraph", text="Deep.")
    assert await bodies(notion) == {
        "Links": "Text.\n\n[https://pay.example/](https://pay.example/)\n\n**More**\n\nDeep."
    }


async def test_what_was_left_out_of_a_part_is_fetched_too(notion: Notion) -> None:
    notion.say(notion.add(1, "Long", ""), "one", A)
    notion.say(A, "two", B)
    notion.say(B, "three", A)
    assert await bodies(notion) == {"Long": "one\n\ntwo\n\nthree"}


async def test_a_page_with_very_many_gaps_or_nameless_ones_is_read_block_by_block(notion: Notion) -> None:
    for digit, missing in ((1, [f"{n:032x}" for n in range(60)]), (2, [])):
        page = notion.add(digit, f"Page {digit}", "")
        notion.say(page, "Cut", *missing)
        notion.texts[page]["truncated"] = True
        notion.put(page, str(digit) * 31 + "a", "paragraph", text="Whole.")
    assert set((await bodies(notion)).values()) == {"Whole."}


async def test_synced_blocks_are_read_where_they_lie_and_end_when_they_hold_themselves(notion: Notion) -> None:
    notion.renders = False
    page, other = notion.add(1, "Copy", ""), notion.add(2, "Original", "")
    notion.put(other, A, "synced_block", synced_from=None)
    notion.put(A, B, "paragraph", text="Said once.")
    notion.put(A, C, "synced_block", synced_from={"type": "block_id", "block_id": A})
    notion.put(page, D, "synced_block", synced_from={"type": "block_id", "block_id": A})
    notion.put(page, "e" * 32, "synced_block", synced_from={"type": "block_id", "block_id": "f" * 32})
    assert await bodies(notion) == {"Copy": "Said once.", "Original": "Said once."}


async def test_pages_too_deep_too_long_or_endless_are_named_and_the_rest_is_read(
    notion: Notion, monkeypatch: pytest.MonkeyPatch
) -> None:
    notion.renders = False
    monkeypatch.setattr(notion_text, "_MOST_BLOCKS", 40)
    deep, long, huge, odd = (notion.add(digit, f"Page {digit}", "") for digit in range(1, 5))
    inside = deep
    for level in range(25):
        inside = notion.put(inside, f"{level:032x}", "quote", text="x")
    for number in range(41):
        notion.put(long, f"{number + 100:032x}", "paragraph", text="x")
    notion.put(huge, A, "paragraph", text="x" * 600_000)
    notion.put(huge, B, "paragraph", text="x" * 600_000)
    notion.put(odd, C, "paragraph", rich_text="no list")
    notion.put(notion.add(5, "Good", ""), D, "paragraph", text="Fine.")
    told = await reading(source(notion))
    assert [one.article.title for one in told.documents.values()] == ["Good"]
    assert {name: one.why for name, one in told.skipped.items()} == {
        "Page 1": "blocks within one another more than 20 deep", "Page 2": "more than 40 blocks",
        "Page 3": "more than 1 MB of text", "Page 4": "a block is not of the shape that Notion documents",
    }  # fmt: skip


async def test_a_list_of_blocks_that_goes_in_a_circle_costs_its_page_only(notion: Notion) -> None:
    notion.renders = False
    notion.put(notion.add(1, "Circle", ""), A, "paragraph", text="x")
    again = Fault(200, '{"results": [], "has_more": true, "next_cursor": "1"}')
    listed = json.dumps({"object": "list", "results": [notion.pages["1" * 32]], "has_more": False})
    notion.faults = [Fault(200, listed), Fault(404), again, again]
    assert (await reading(source(notion))).skipped["Circle"].why == "its list of blocks does not end"


async def test_a_page_that_is_too_much_for_notion_does_not_keep_the_others_out(notion: Notion) -> None:
    for digit in range(1, 5):
        notion.add(digit, f"Page {digit}", f"Text {digit}.")
    notion.broken = {"2" * 32}
    told = await reading(source(notion))
    assert len(told.documents) == 3
    assert told.skipped["Page 2"].why == "Notion failed (HTTP 504)"
    notion.broken = set(notion.pages)
    for digit in range(5, 7):
        notion.broken.add(notion.add(digit, f"Page {digit}", "x"))
    with pytest.raises(SourceError, match=r"failed \(HTTP 504\)\. Nothing was changed"):
        await reading(source(notion))
