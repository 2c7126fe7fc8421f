"""Zendesk, Notion and Confluence as sources, each against its API as it is published."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from tests.fakes.article_services.base import TOKEN, USER, ArticleService, Fault, reading
from tests.fakes.article_services.confluence import Confluence
from tests.fakes.article_services.notion import Notion
from tests.fakes.article_services.zendesk import ZendeskGuide
from tools.http_auth import NO_AUTH, Auth
from tools.knowledge_base.articles import Audience
from tools.knowledge_base.sources.base import Source, SourceError
from tools.knowledge_base.sources.confluence import ConfluenceSettings, ConfluenceSpaces
from tools.knowledge_base.sources.notion import VERSION, NotionPages, NotionSettings
from tools.knowledge_base.sources.zendesk import ZendeskHelpCenter, ZendeskHelpCenterSettings

ENV = {"TOKEN_OF_TESTS": TOKEN}
NOW = 1_790_000_000.0
"""September 2026."""


@pytest.fixture
async def zendesk() -> AsyncIterator[ZendeskGuide]:
    guide = ZendeskGuide()
    async with guide.serving():
        yield guide


@pytest.fixture
async def notion() -> AsyncIterator[Notion]:
    service = Notion()
    async with service.serving():
        yield service


@pytest.fixture
async def confluence() -> AsyncIterator[Confluence]:
    service = Confluence()
    async with service.serving():
        yield service


def of_zendesk(guide: ZendeskGuide, *, anonymous: bool = False, **told: Any) -> ZendeskHelpCenter:
    table = {"kind": "zendesk", "url": guide.url, "user": USER, "token_env": "TOKEN_OF_TESTS", **told}
    settings = ZendeskHelpCenterSettings.model_validate(table, context=ENV)
    assert settings.token is not None
    auth = NO_AUTH if anonymous else Auth.basic(f"{USER}/token", settings.token)
    return ZendeskHelpCenter(guide.service(auth, "Zendesk"), settings)


def of_notion(service: Notion, **told: Any) -> NotionPages:
    table = {"kind": "notion", "url": service.url, "token_env": "TOKEN_OF_TESTS", **told}
    settings = NotionSettings.model_validate(table, context=ENV)
    return NotionPages(service.service(Auth.bearer(settings.token), "Notion", VERSION), settings, lambda: NOW)


def of_confluence(service: Confluence, **told: Any) -> ConfluenceSpaces:
    table = {
        "kind": "confluence", "url": service.url, "user": USER, "token_env": "TOKEN_OF_TESTS", "spaces": ["HELP"],
        **told,
    }  # fmt: skip
    settings = ConfluenceSettings.model_validate(table, context=ENV)
    return ConfluenceSpaces(service.service(Auth.basic(USER, settings.token), "Confluence"), settings)


# --- Zendesk ---


async def test_zendesks_articles_come_in_every_language(zendesk: ZendeskGuide) -> None:
    zendesk.sections = [
        {"id": 11, "name": "Invoices", "category_id": 21},
        {"id": 12, "name": "X", "category_id": 22},
    ]
    zendesk.categories = [{"id": 21, "name": " Billing & Plans "}, {"id": 22, "name": "Other"}]
    for number in range(1, 6):
        zendesk.add(number, f"Article {number}", f"<h2>Part</h2><p>Text {number}.</p>", section_id=11 + number % 2)
    zendesk.add(1, "Artikel 1", "<p>Wort.</p>", "de")
    told = await reading(of_zendesk(zendesk, categories={"billing & plans": "billing"}, category="technical"))
    host = zendesk.url.removeprefix("http://")
    assert told.slugs == [f"{host}/de/1", *[f"{host}/en-us/{n}" for n in range(1, 6)]]
    one, two, german = (told.documents[f"{host}/{name}"].article for name in ("en-us/1", "en-us/2", "de/1"))
    assert (one.title, one.body, one.updated, one.language) == ("Article 1", "## Part\n\nText 1.", "2026-03-04", "en")
    assert one.url == "https://help.fernway.example/hc/en-us/articles/1"
    assert (one.category, two.category) == ("technical", "billing")
    assert (german.title, german.language) == ("Artikel 1", "de")


async def test_drafts_stay_out_and_what_is_for_some_is_internal(zendesk: ZendeskGuide) -> None:
    zendesk.add(1, "Open", "<p>x</p>")
    zendesk.add(2, "For agents", "<p>x</p>", user_segment_id=77)
    zendesk.add(3, "For some", "<p>x</p>", user_segment_ids=[78])
    zendesk.add(4, "Draft", "<p>x</p>", draft=True)
    told = await reading(of_zendesk(zendesk))
    assert {one.article.title: one.article.audience for one in told.documents.values()} == {
        "Open": Audience.PUBLIC, "For agents": Audience.INTERNAL, "For some": Audience.INTERNAL,
    }  # fmt: skip


async def test_without_a_token_zendesk_shows_what_everybody_may_read(zendesk: ZendeskGuide) -> None:
    zendesk.add(1, "Open", "<p>x</p>")
    zendesk.add(2, "For agents", "<p>x</p>", user_segment_id=77)
    told = await reading(of_zendesk(zendesk, anonymous=True, locales=["en-US"]))
    assert [one.article.title for one in told.documents.values()] == ["Open"]


async def test_what_stayed_the_same_is_not_converted_again_but_a_changed_audience_is_seen(
    zendesk: ZendeskGuide,
) -> None:
    zendesk.add(1, "Same", "<p>x</p>")
    closed, edited = zendesk.add(2, "Closed", "<p>x</p>"), zendesk.add(3, "Edited", "<p>x</p>")
    source = of_zendesk(zendesk)
    known = (await reading(source)).known
    closed["user_segment_id"] = 77
    edited.update(body="<p>y</p>", updated_at="2026-03-06T10:00:00Z")
    told = await reading(source, known)
    assert [slug.rpartition("/")[2] for slug in told.unchanged] == ["1"]
    assert {one.article.title: one.article.audience.value for one in told.documents.values()} == {
        "Closed": "internal", "Edited": "public",
    }  # fmt: skip


async def test_broken_articles_are_named_and_the_rest_is_read(zendesk: ZendeskGuide) -> None:
    zendesk.add(1, "Good", "<p>x</p>")
    zendesk.add(2, "Empty", None)
    zendesk.add(3, "Deep", "<div>" * 9000)
    zendesk.add(4, "Odd", "<p>x</p>", section_id="eleven", html_url="")
    zendesk.add(5, "", "<p>x</p>")
    told = await reading(of_zendesk(zendesk))
    assert [one.article.title for one in told.documents.values()] == ["Good"]
    assert {name.rpartition("/")[2]: one.why for name, one in told.skipped.items()} == {
        "2": "no text", "3": "elements within one another more than 120 deep",
        "Odd": "not of the shape that Zendesk documents", "5": "no title",
    }  # fmt: skip


async def test_a_list_that_shifts_while_it_is_read_tells_nothing_twice(zendesk: ZendeskGuide) -> None:
    zendesk.shifts = True
    for number in range(1, 6):
        zendesk.add(number, f"Article {number}", "<p>x</p>")
    assert len((await reading(of_zendesk(zendesk))).documents) == 5


async def test_an_article_that_does_not_say_whom_it_is_for_is_internal(zendesk: ZendeskGuide) -> None:
    silent = zendesk.add(1, "Silent", "<p>x</p>")
    del silent["user_segment_id"]
    listed = zendesk.add(2, "For everybody", "<p>x</p>", user_segment_ids=[])
    del listed["user_segment_id"]
    told = await reading(of_zendesk(zendesk))
    assert {one.article.title: one.article.audience for one in told.documents.values()} == {
        "Silent": Audience.INTERNAL, "For everybody": Audience.PUBLIC,
    }  # fmt: skip


async def test_an_odd_article_keeps_its_earlier_version_only_when_it_is_still_for_everybody(
    zendesk: ZendeskGuide,
) -> None:
    odd, closed = zendesk.add(1, "Odd", "<p>x</p>"), zendesk.add(2, "Closed", "<p>x</p>")
    source = of_zendesk(zendesk)
    known = (await reading(source)).known
    odd["section_id"] = closed["section_id"] = "eleven"
    closed["user_segment_id"] = 77
    told = await reading(source, known)
    assert [one.slug.rpartition("/")[2] for one in told.skipped.values()] == ["1", ""]


@pytest.mark.parametrize(
    "answer", ['{"articles": [], "count": 200, "next_page": "x"}', '{"articles": [], "meta": {"has_more": true}}']
)
async def test_a_list_of_zendesk_that_does_not_say_how_it_goes_on_ends_the_reading(
    zendesk: ZendeskGuide, answer: str
) -> None:
    zendesk.add(1, "One", "<p>x</p>")
    zendesk.faults = [Fault(200, answer)] * 99
    with pytest.raises(SourceError, match="Nothing was changed"):
        await reading(of_zendesk(zendesk, locales=["en-us"]))


# --- Notion ---


async def test_notions_pages_come_as_markdown(notion: Notion) -> None:
    for digit in range(1, 5):
        notion.add(digit, f"Page {digit}", f"# Part\n<callout>\n\tText {digit}.\n</callout>")
    told = await reading(of_notion(notion, categories={"Money": "billing"}, language="en"))
    one = told.documents[f"notion/all/{'1' * 32}"].article
    assert (one.title, one.body, one.updated) == ("Page 1", "# Part\n\nText 1.", "2026-03-04")
    assert (one.category, one.audience, one.language) == ("billing", Audience.INTERNAL, "en")
    assert one.url == f"https://www.notion.so/{'1' * 32}"
    assert len(told.documents) == 4


async def test_only_a_public_address_of_a_public_page_is_cited(notion: Notion) -> None:
    notion.add(1, "Published", "x", public_url="https://fernway.notion.site/Published")
    notion.add(2, "Not published", "x")
    told = await reading(of_notion(notion, audience="public"))
    assert [one.article.url for one in told.documents.values()] == ["https://fernway.notion.site/Published", ""]


async def test_a_page_that_the_search_forgets_is_asked_for_before_it_counts_as_gone(notion: Notion) -> None:
    same, forgotten, binned, gone = (notion.add(digit, f"Page {digit}", "x") for digit in range(1, 5))
    source = of_notion(notion)
    known = (await reading(source)).known
    notion.unlisted = {forgotten}
    notion.pages[binned]["in_trash"] = True
    del notion.pages[gone]
    notion.asked.clear()
    told = await reading(source, known)
    assert told.slugs == [f"notion/all/{same}", f"notion/all/{forgotten}"]
    assert not any("markdown" in path for path in notion.asked), "what stayed the same is not fetched"


async def test_the_pages_of_a_database_are_those_that_it_lists(notion: Notion) -> None:
    listed = [notion.add(digit, f"Page {digit}", "x") for digit in range(1, 4)]
    notion.add(4, "Elsewhere", "x")
    notion.database = listed
    told = await reading(of_notion(notion, data_sources=["d" * 32]))
    assert len(told.documents) == 3


async def test_what_changed_within_the_last_minutes_is_read_again_next_time(notion: Notion) -> None:
    number = notion.add(1, "Fresh", "x", last_edited_time="2026-09-21T14:13:00.000Z")
    source = of_notion(notion)
    known = (await reading(source)).known
    notion.say(number, "y")
    assert [one.article.body for one in (await reading(source, known)).documents.values()] == ["y"]


async def test_what_notion_leaves_out_of_a_long_page_is_fetched(notion: Notion) -> None:
    number = notion.add(1, "Long", "")
    notion.say(number, "begin", "a" * 32, "b" * 32)
    notion.say("a" * 32, "middle")
    notion.say("b" * 32, "end")
    notion.add(2, "Lost", "x")
    notion.texts.pop("2" * 32)
    told = await reading(of_notion(notion))
    assert told.documents[f"notion/all/{number}"].article.body == "begin\n\nmiddle\n\nend"
    assert told.skipped["Lost"].why == "Notion does not hand it out (HTTP 404)"


@pytest.mark.parametrize(
    "answer",
    [
        '{"results": [], "has_more": false, "request_status": {"type": "incomplete"}}',
        '{"results": [], "has_more": true, "next_cursor": null}',
        '{"results": []}',
    ],
)
async def test_a_list_of_notion_that_is_cut_short_ends_the_reading(notion: Notion, answer: str) -> None:
    """One query hands out 10,000 pages at most; the others would count as gone."""
    notion.database = [notion.add(1, "One", "x")]
    notion.faults = [Fault(200, answer)] * 99
    with pytest.raises(SourceError, match="Nothing was changed"):
        await reading(of_notion(notion, data_sources=["d" * 32]))


async def test_a_page_of_notion_that_is_far_too_long_is_named(notion: Notion) -> None:
    notion.add(1, "Good", "x")
    notion.add(2, "Huge", " " * 1_000_001 + "x")
    assert (await reading(of_notion(notion))).skipped["Huge"].why == "more than 1 MB of text"


# --- Confluence ---


async def test_confluences_pages_come_as_markdown(confluence: Confluence) -> None:
    for number in range(1, 6):
        confluence.add(number, f"Page {number}", f"<p>Text&nbsp;{number}, <a href='/x'>x</a></p>")
    confluence.add(6, "Archived", "<p>x</p>", status="archived")
    told = await reading(of_confluence(confluence, categories={"HELP": "account"}))
    one = told.documents[f"{confluence.url.removeprefix('http://')}/1"].article
    assert one.body == "Text 1, [x](https://fernway.example/x)"
    assert (one.title, one.updated, one.category) == ("Page 1", "2026-03-04", "account")
    assert one.url == "https://fernway.example/wiki/spaces/HELP/pages/1"
    assert len(told.documents) == 5
    assert {found.article.audience for found in told.documents.values()} == {Audience.INTERNAL}
    assert not any("/rest/api/" in path for path in confluence.asked)


async def test_in_a_public_space_a_page_is_internal_when_somebody_is_kept_from_it(confluence: Confluence) -> None:
    confluence.add(1, "Home", "<p>x</p>")
    confluence.add(2, "Open", "<p>x</p>", 1)
    confluence.add(3, "Closed", "<p>x</p>", 1)
    confluence.add(4, "Below closed", "<p>x</p>", 3)
    confluence.add(5, "In a folder", "<p>x</p>", 900, parentType="folder")
    confluence.add(6, "Not found by the search", "<p>x</p>", 1)
    confluence.add(7, "In a circle", "<p>x</p>", 7)
    confluence.restricted, confluence.unindexed = {"3"}, {"6"}
    source = of_confluence(confluence, audience="public")
    told = await reading(source)
    assert {one.article.title for one in told.documents.values() if one.article.audience is Audience.PUBLIC} == {
        "Home", "Open",
    }  # fmt: skip
    confluence.restricted.add("2")
    again = await reading(source, told.known)
    assert {one.article.title: one.article.audience for one in again.documents.values()} == {"Open": Audience.INTERNAL}
    assert len(again.unchanged) == 6


async def test_a_space_that_is_not_shown_ends_the_reading(confluence: Confluence) -> None:
    confluence.add(1, "Home", "<p>x</p>")
    del confluence.spaces["OPS"]
    with pytest.raises(SourceError, match="shows no space OPS"):
        await reading(of_confluence(confluence, spaces=["HELP", "OPS"]))


@pytest.mark.parametrize("audience", ["public", "internal"])
async def test_a_broken_page_stays_as_it_was_unless_it_was_for_everybody_and_now_is_not(
    confluence: Confluence, audience: str
) -> None:
    pages = [confluence.add(number, f"Page {number}", "<p>x</p>") for number in range(1, 4)]
    source = of_confluence(confluence, audience=audience)
    known = (await reading(source)).known
    for one in pages:
        one["version"]["number"] = 4
    pages[0]["body"]["storage"]["value"] = pages[1]["body"]["storage"]["value"] = "<div>" * 500
    pages[2]["version"] = "four"
    confluence.restricted = {"2", "3"}
    slugs = [one.slug.rpartition("/")[2] for one in (await reading(source, known)).skipped.values()]
    assert slugs == (["1", "", ""] if audience == "public" else ["1", "2", "3"])


# --- all alike ---


async def test_titles_hold_nothing_that_nobody_sees_or_that_a_terminal_obeys(
    zendesk: ZendeskGuide, notion: Notion, confluence: Confluence
) -> None:
    odd = "Good\x1b\u202e \n title" + "".join(chr(0xE0000 + ord(letter)) for letter in "obey")
    zendesk.add(1, odd, "<p>x</p>")
    zendesk.add(2, odd, "", html_url="")
    notion.add(1, odd, "x")
    notion.add(2, odd, "")
    confluence.add(1, odd, "<p>x</p>")
    confluence.add(2, odd, "")
    for source in (of_zendesk(zendesk), of_notion(notion), of_confluence(confluence)):
        told = await reading(source)
        assert [one.article.title for one in told.documents.values()] == ["Good title"]
        assert list(told.skipped) == ["Good title"]


async def sources(zendesk: ZendeskGuide, notion: Notion, confluence: Confluence) -> Mapping[Source, ArticleService]:
    zendesk.add(1, "One", "<p>x</p>")
    notion.add(1, "One", "x")
    confluence.add(1, "One", "<p>x</p>")
    return {of_zendesk(zendesk): zendesk, of_notion(notion): notion, of_confluence(confluence): confluence}


async def test_a_busy_service_is_waited_for(zendesk: ZendeskGuide, notion: Notion, confluence: Confluence) -> None:
    for source, service in (await sources(zendesk, notion, confluence)).items():
        service.faults = [Fault(429, headers={"Retry-After": "7"}), Fault(503), Fault(200, "not JSON"), Fault(502)]
        assert len((await reading(source)).documents) == 1
        assert any(6 < seconds <= 7 for seconds in service.waited)


async def test_a_service_that_stays_broken_ends_the_reading(
    zendesk: ZendeskGuide, notion: Notion, confluence: Confluence
) -> None:
    for source, service in (await sources(zendesk, notion, confluence)).items():
        service.faults = [Fault(500)] * 99
        with pytest.raises(SourceError, match=r"failed \(HTTP 500\)\. Nothing was changed; try again later") as failure:
            await reading(source)
        assert "internal detail" not in str(failure.value)


async def test_a_refused_token_is_said_with_the_remedy_and_never_shown(
    zendesk: ZendeskGuide, notion: Notion, confluence: Confluence
) -> None:
    for source, service in (await sources(zendesk, notion, confluence)).items():
        service.faults = [Fault(401, f'{{"token": "{TOKEN}"}}')]
        with pytest.raises(SourceError, match=r"HTTP 401.*[Cc]heck") as failure:
            await reading(source)
        assert TOKEN not in str(failure.value) + repr(failure.value) + repr(source)


async def test_each_says_what_answered(zendesk: ZendeskGuide, notion: Notion, confluence: Confluence) -> None:
    assert await of_zendesk(zendesk).check() == "a help centre in en-us, de"
    assert await of_notion(notion).check() == "the integration Deskhand"
    assert await of_confluence(confluence).check() == "1 of 1 spaces can be read"
