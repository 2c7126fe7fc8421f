"""What the tools of one workspace see of the data of others: nothing."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.desk.lessons import AcceptedArticles
from bot.domain.lesson import Draft, Lesson
from bot.store.engine import create_engine
from tests.contract.store_kit import KINDS, database
from tools.backends import Backends, Shelf, open_backends
from tools.base import ToolUnavailableError
from tools.knowledge_base.tool import Question
from tools.tickets.desk import NewTicket

ANA = "ana@cobalt-studio.example"
ARTICLE = "---\ntitle: Guests in Kumo\ncategory: product\n---\n\nHow much guests pay: two dollars.\n"


@pytest.fixture(params=KINDS)
async def backends(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Backends]:
    async with database(request.param, tmp_path) as url:
        engine = create_engine(url)
        yield await open_backends(engine, seed_sample=True)
        await engine.dispose()


def ticket(team: str, subject: str = "Export fails") -> NewTicket:
    return NewTicket(ANA, subject, "It fails every time.", "high", "technical", f"{team}:C1:1.0")


async def titles(shelf: Shelf, query: str, *, internal: bool = False) -> list[str]:
    found = await shelf.knowledge.search(Question(query, None, internal))
    return [result.title for result in found.results]


async def test_tickets_of_one_workspace_are_unknown_in_the_others(backends: Backends) -> None:
    home, first, second = (backends.of_home("T0"), *(backends.of_guest(t, trusted=True) for t in ("T1", "T2")))
    opened = await first.tickets.open(ticket("T1"), "run-1:a")
    assert [t.id for t in await first.tickets.recent(ANA)] == [opened.id]
    assert await second.tickets.recent(ANA) == ()
    assert await second.tickets.find_by_key("run-1:a") is None
    assert opened.id not in [t.id for t in await home.tickets.recent(ANA)]
    assert await home.tickets.recent(ANA) != ()


async def test_a_workspace_whose_id_begins_like_anothers_is_another(backends: Backends) -> None:
    await backends.of_guest("T11", trusted=True).tickets.open(ticket("T11"), "run-1:a")
    assert await backends.of_guest("T1", trusted=True).tickets.recent(ANA) == ()


async def test_customers_are_shown_to_trusted_workspaces_only(backends: Backends) -> None:
    assert await backends.of_home("T0").customers.find(ANA) is not None
    assert await backends.of_guest("T1", trusted=True).customers.find(ANA) is not None
    assert await backends.of_guest("T1", trusted=False).customers.find(ANA) is None


async def test_articles_for_staff_are_shown_to_trusted_workspaces_only(backends: Backends) -> None:
    query = "refund approval limits for support staff"
    internal = [t for t in await titles(backends.of_home("T0"), query, internal=True) if "staff only" in t]
    assert internal
    trusted, other = (backends.of_guest("T1", trusted=trust) for trust in (True, False))
    assert set(internal) <= set(await titles(trusted, query, internal=True))
    assert not [t for t in await titles(other, query, internal=True) if "staff only" in t]
    assert await titles(other, "how do I invite a guest")


async def test_nobody_gets_the_common_articles_while_it_is_unknown_whether_he_has_his_own(backends: Backends) -> None:
    guest = backends.of_guest("T1", trusted=True).knowledge
    question = Question("how do I invite a guest", None, internal=False)
    with pytest.raises(ToolUnavailableError):
        await guest.recall(question)
    await guest.search(question)
    assert (await guest.recall(question)).results


async def test_articles_that_staff_accepted_come_on_top_of_the_common_ones(backends: Backends) -> None:
    kumo = backends.of_guest("T1", trusted=False)
    common = await titles(kumo, "how do I invite a guest")
    told = "Hold the lid while the kettle boils, and descale it with vinegar every month."
    draft = Draft("Descale the kettle", "How do I descale the kettle?", told)
    lesson = Lesson("L1", "T1", "E1", "T1:C1:1.0", draft, "en", "Sam", 0.0, audience="public")
    await kumo.writing.run(AcceptedArticles((lesson,)))
    assert (await titles(kumo, "how do I descale the kettle"))[0] == "Descale the kettle"
    again = await titles(kumo, "how do I invite a guest")
    assert common[0] in again, "one accepted answer does not take the help centre away"
    question = Question("how do I invite a guest", None, internal=False)
    assert common[0] in [found.title for found in (await kumo.knowledge.recall(question)).results]
    assert "Descale the kettle" not in await titles(backends.of_guest("T2", trusted=False), "descale the kettle")


async def test_accepted_articles_that_are_not_in_memory_yet_hold_up_no_common_ones(backends: Backends) -> None:
    draft = Draft("Descale the kettle", "How do I descale the kettle?", "Descale it with vinegar every month.")
    lesson = Lesson("L1", "T1", "E1", "T1:C1:1.0", draft, "en", "Sam", 0.0, audience="public")
    await backends.of_guest("T1", trusted=False).writing.run(AcceptedArticles((lesson,)))
    restarted = backends.of_guest("T1", trusted=False)
    question = Question("how do I invite a guest", None, internal=False)
    async with backends.builds.turn("somebody", 1):
        assert await titles(restarted, question.query)
        assert (await restarted.knowledge.recall(question)).results
    async with asyncio.timeout(60):
        while "Descale the kettle" not in await titles(restarted, "how do I descale the kettle"):
            pass


async def test_a_workspace_with_articles_of_its_own_answers_from_them_alone(backends: Backends, tmp_path: Path) -> None:
    folder = tmp_path / "kumo"
    folder.mkdir()
    (folder / "guests.md").write_text(ARTICLE)
    kumo, other = backends.of_guest("T1", trusted=True), backends.of_guest("T2", trusted=True)
    common = await titles(kumo, "how much do guests pay")
    assert common
    report = await type(backends.importer)(backends.articles.of("T1")).import_folder(folder)
    assert report.imported == ("guests",)
    assert await titles(kumo, "how much do guests pay") == ["Guests in Kumo"]
    for shelf in (other, backends.of_home("T0")):
        assert await titles(shelf, "how much do guests pay") == common
    again = await type(backends.importer)(backends.articles.of("T1")).import_folder(folder)
    assert again.unchanged == ("guests",)
