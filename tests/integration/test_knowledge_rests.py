"""An index that cannot be built is not begun again by everybody who looks: a first search is told so, others go on."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.runtime.knowledge import KnowledgeKeeper
from bot.store.engine import create_engine
from tests.contract.store_kit import KINDS, database
from tests.fakes.knowledge import ScriptedSource, WordEmbedder, article
from tests.fakes.tools import HeldClock, asked_by
from tools.backends import open_backends
from tools.base import OutcomeUnknownError, ToolUnavailableError
from tools.guards import Guards
from tools.knowledge_base.articles import Article
from tools.knowledge_base.builds import Builds
from tools.knowledge_base.importer import Importer
from tools.knowledge_base.local import LocalKnowledge
from tools.knowledge_base.scale.growing import GrowingKnowledge, Scale
from tools.knowledge_base.store import ArticleStore, Held
from tools.knowledge_base.tool import Question, SearchArguments, SearchKnowledgeBase

SOON = 60.0
LONG_PAUSE = 400.0
REFUNDS, PASSWORD = article("refunds", "Refunds are paid."), article("password", "Reset the password.")


class BrokenStore(ArticleStore):
    """Holds something nobody can read, until it is mended."""

    readings = 0
    fault: Exception | None = ValueError("an article nobody can read")

    def __init__(self, engine: AsyncEngine, clock: HeldClock) -> None:
        super().__init__(engine, clock)
        self.looked = asyncio.Event()

    async def revision(self) -> int:
        self.looked.set()
        return await super().revision()

    async def held(self) -> Held:
        self.readings += 1
        if self.fault:
            raise self.fault
        return await super().held()


@dataclass
class House:
    """A database, and a knowledge base on it that works on a clock of its own."""

    engine: AsyncEngine
    clock: HeldClock
    store: BrokenStore
    builds: Builds
    knowledge: LocalKnowledge

    async def imported(self, *articles: Article) -> None:
        await Importer(ArticleStore(self.engine, self.clock)).run(ScriptedSource("folder", *articles))

    async def found(self, query: str) -> list[str]:
        """And nothing is being built any more."""
        findings = await self.knowledge.search(Question(query, None, internal=False))
        with suppress(ToolUnavailableError):
            await self.builds.finish(self.knowledge, self.knowledge.refresh)
        return [result.source.removeprefix("kb://") for result in findings.results]


@pytest.fixture(params=KINDS)
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    async with database(request.param, tmp_path) as url:
        engine, clock = create_engine(url), HeldClock()
        await open_backends(engine, clock=clock)
        store, builds = BrokenStore(engine, clock), Builds(clock)
        yield House(engine, clock, store, builds, LocalKnowledge(store, None, builds))
        await builds.close()
        await engine.dispose()


async def test_what_cannot_be_built_is_not_begun_again_by_every_search(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.store.fault = None
    await house.imported(REFUNDS)
    assert await house.found("refunds paid") == ["refunds"]
    house.store.fault, house.store.readings = ValueError("an article nobody can read"), 0
    await house.imported(REFUNDS, PASSWORD)
    for _ in range(5):
        assert await house.found("refunds paid") == ["refunds"], "the old index goes on"
    assert house.store.readings == 1
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == ["knowledge.not_built"]
    for _ in range(12):
        house.clock.now += LONG_PAUSE
        await house.found("refunds")
    assert house.store.readings == 13
    for _ in range(29):
        house.clock.now += 10
        await house.found("refunds")
    assert house.store.readings == 13, "every five minutes"


async def test_a_change_of_the_articles_and_time_are_what_it_is_tried_again_for(house: House) -> None:
    house.store.fault = None
    await house.imported(REFUNDS)
    await house.found("refunds")
    house.store.fault = ValueError("an article nobody can read")
    await house.imported(REFUNDS, PASSWORD)
    for _ in range(20):
        house.clock.now += LONG_PAUSE
        await house.found("refunds")
    house.store.fault = None
    await house.imported(REFUNDS, PASSWORD, article("exports", "Boards are exported."))
    await house.found("refunds")
    assert await house.found("how are boards exported") == ["exports"], "at once"
    house.store.fault = ValueError("again")
    await house.imported(REFUNDS)
    assert await house.found("refunds") == ["refunds"]
    house.store.fault = None
    house.clock.now += 1
    await house.found("refunds")
    assert await house.found("reset the password") == [], "what was mended begins with a short pause"


async def test_a_first_search_is_told_quickly_that_there_is_no_index_and_nothing_of_an_article(house: House) -> None:
    await house.imported(REFUNDS)
    for _ in range(4):
        with pytest.raises(ToolUnavailableError, match="cannot be built: ValueError") as told:
            await house.found("refunds")
        assert "nobody can read" not in str(told.value)
    assert house.store.readings == 1
    house.store.fault = None
    house.clock.now += 1
    assert await house.found("refunds") == ["refunds"]


async def test_the_model_is_told_what_to_say_where_there_is_no_index(house: House) -> None:
    await house.imported(REFUNDS)
    search = SearchKnowledgeBase(house.knowledge, Guards(house.clock.instruments).of("knowledge_base"))
    with pytest.raises(OutcomeUnknownError, match="does not answer right now"):
        await search.run(SearchArguments(query="refunds"), search.tool().stamped(asked_by(None)))


async def test_a_database_that_was_away_for_a_moment_is_asked_again_by_the_same_search(house: House) -> None:
    await house.imported(REFUNDS)
    house.store.fault = ToolUnavailableError("database: OperationalError")
    with pytest.raises(ToolUnavailableError, match="OperationalError"):
        await house.found("refunds")
    house.store.fault = None
    house.clock.now += 0.4  # at the third attempt of a guard
    assert await house.found("refunds") == ["refunds"]


@pytest.mark.parametrize("house", ["sqlite"], indirect=True)
async def test_a_running_bot_does_not_try_it_at_every_look(house: House, caplog: pytest.LogCaptureFixture) -> None:
    await house.imported(REFUNDS)
    with pytest.raises(ValueError, match="nobody"):
        await house.knowledge.refresh()
    backends = replace(await open_backends(house.engine, clock=house.clock), knowledge=house.knowledge)
    keeper = KnowledgeKeeper(backends, [], tick=0.01)
    await keeper.start()
    try:
        async with asyncio.timeout(SOON):
            for _ in range(4):
                house.store.looked.clear()
                await house.store.looked.wait()
    finally:
        await keeper.close()
    assert house.store.readings == 1
    assert [one.message for one in caplog.records if one.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("house", ["postgresql"], indirect=True)
async def test_many_articles_that_cannot_be_searched_there_stay_in_memory_and_are_tried_now_and_then(
    house: House, tmp_path: Path
) -> None:
    pytest.importorskip("tantivy")
    await house.imported(REFUNDS, PASSWORD)
    (tmp_path / "words").write_text("no folder")
    house.store.fault = None
    large = GrowingKnowledge(house.store, WordEmbedder(), house.builds, Scale(1, tmp_path / "words"))
    await large.refresh()
    assert not large.is_large
    (tmp_path / "words").unlink()
    await large.refresh()
    assert not large.is_large, "not at once"
    house.clock.now += LONG_PAUSE
    await large.refresh()
    assert large.is_large
    await large.close()
