"""A running bot and its knowledge base: what it takes up, reads in time, remembers, and forgets. On both databases."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.domain.gaps import GapCause
from bot.ports.keeping import Ages
from bot.runtime.background import Background
from bot.runtime.knowledge import KnowledgeKeeper
from bot.store.engine import create_engine
from bot.store.migrate import migrate
from bot.store.store import SqlStore
from tests.contract.store_kit import KINDS, database, enqueue
from tests.fakes.knowledge import ScriptedSource, WordEmbedder, article, broken
from tests.fakes.sandbox_driver import eventually
from tests.fakes.tools import HeldClock, asked_by
from tools.backends import Backends, open_backends
from tools.guards import Guards
from tools.knowledge_base.articles import Article
from tools.knowledge_base.band import Band
from tools.knowledge_base.changes import whenever_changed
from tools.knowledge_base.importer import Importer
from tools.knowledge_base.local import LocalKnowledge
from tools.knowledge_base.schedule import CLAIM_SECONDS, Schedule
from tools.knowledge_base.sources.opening import Opened
from tools.knowledge_base.store import ArticleStore, Held
from tools.knowledge_base.tables import articles, bands, chunks, gaps, vectors
from tools.knowledge_base.tool import Question, SearchArguments, SearchKnowledgeBase

SOON = 60.0
"""Seconds within which anything happens that happens at all."""
HOUR = 3600.0
REFUNDS = article("refunds", "Refunds are paid within 30 days.")


@dataclass
class House:
    """A database with the back-ends of one bot on it."""

    url: str
    engine: AsyncEngine
    clock: HeldClock
    embedder: WordEmbedder
    backends: Backends

    def keeper(self, *sources: ScriptedSource) -> KnowledgeKeeper:
        return KnowledgeKeeper(self.backends, [Opened(source, HOUR) for source in sources])

    async def found(self, query: str) -> list[str]:
        findings = await self.backends.knowledge.recall(Question(query, None, internal=False))
        return [result.source.removeprefix("kb://") for result in findings.results]

    async def count(self, table: sa.Table) -> int:
        async with self.engine.connect() as connection:
            return int(await connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0)


@pytest.fixture(params=KINDS)
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    async with database(request.param, tmp_path) as url:
        engine, clock, embedder = create_engine(url), HeldClock(), WordEmbedder()
        await migrate(engine)
        backends = await open_backends(engine, clock=clock, embedder=embedder)
        yield House(url, engine, clock, embedder, backends)
        await backends.builds.close()
        await engine.dispose()


class SlowStore(ArticleStore):
    """Reads all the articles when it may."""

    def __init__(self, engine: AsyncEngine, clock: Callable[[], float]) -> None:
        super().__init__(engine, clock)
        self.is_reading, self.may_read = asyncio.Event(), asyncio.Event()
        self.may_read.set()

    async def held(self) -> Held:
        self.is_reading.set()
        await self.may_read.wait()
        return await super().held()


async def until(is_so: Callable[[], bool], changed: asyncio.Event) -> None:
    async with asyncio.timeout(SOON):
        while not is_so():
            await changed.wait()
            changed.clear()


async def test_a_finished_import_of_another_process_is_taken_up_before_anybody_searches(house: House) -> None:
    looks, changed = 0, asyncio.Event()

    async def look() -> None:
        nonlocal looks
        await house.backends.knowledge.refresh()
        looks += 1
        changed.set()

    background = Background("test")
    background.start(whenever_changed(house.engine, look, every=0.02))
    try:
        await until(lambda: looks > 0, changed)
        assert await house.found("refunds paid") == []
        other = create_engine(house.url)
        await Importer(ArticleStore(other, house.clock), house.embedder).run(ScriptedSource("folder", REFUNDS))
        await other.dispose()
        before = looks
        await until(lambda: looks > before, changed)
        assert await house.found("refunds paid") == ["refunds"], "without a look at the database"
    finally:
        await background.close()


async def test_a_source_is_read_when_it_is_due_by_one_of_all_processes(house: House) -> None:
    source = ScriptedSource("desk", REFUNDS)
    keepers = [house.keeper(source) for _ in range(3)]
    await asyncio.gather(*(keeper.look() for keeper in keepers))
    assert source.readings == 1
    house.clock.now += HOUR - 1
    await keepers[0].look()
    assert source.readings == 1
    house.clock.now += 1
    await keepers[1].look()
    assert source.readings == 2
    await house.backends.knowledge.refresh()
    assert await house.found("refunds paid") == ["refunds"]


@pytest.mark.parametrize("fault", [broken("The service said no."), RuntimeError("a slip")], ids=["away", "slip"])
async def test_a_source_that_fails_is_tried_again_and_holds_up_no_other(house: House, fault: Exception) -> None:
    bad, good = ScriptedSource("bad", fault), ScriptedSource("good", REFUNDS)
    keeper = house.keeper(bad, good)
    await keeper.look()
    assert (bad.readings, good.readings) == (1, 1)
    told = await Schedule(house.engine, house.clock).told()
    assert told["bad"] == ("The service said no." if not isinstance(fault, RuntimeError) else "RuntimeError")
    assert told["good"].startswith("1 imported")
    house.clock.now += HOUR / 6
    await keeper.look()
    assert (bad.readings, good.readings) == (2, 1)


async def test_what_a_dead_process_was_at_is_due_again(house: House) -> None:
    schedule = Schedule(house.engine, house.clock)
    assert await schedule.claim("desk")
    assert not await schedule.claim("desk")
    house.clock.now += CLAIM_SECONDS
    assert await schedule.claim("desk")
    house.clock.now += CLAIM_SECONDS - 1
    await schedule.renew("desk")
    house.clock.now += CLAIM_SECONDS - 1
    assert not await schedule.claim("desk"), "its process is alive"
    await schedule.done("desk", again_in=5, told="")
    assert not await schedule.claim("desk")


async def test_what_was_imported_without_the_embedder_is_embedded_by_the_bot(house: House) -> None:
    await Importer(house.backends.articles).run(ScriptedSource("folder", REFUNDS))
    await Importer(house.backends.articles.of("T1")).run(ScriptedSource("folder", article("own", "Ours.")))
    keeper = house.keeper()
    await keeper.look()
    assert await house.count(vectors) == 4
    house.embedder.given.clear()
    await keeper.look()
    assert house.embedder.given == []


async def test_what_the_embedder_could_not_do_is_tried_again(house: House) -> None:
    await Importer(house.backends.articles).run(ScriptedSource("folder", REFUNDS))
    keeper = house.keeper()
    house.embedder.is_away = True
    await keeper.look()
    house.embedder.is_away = False
    house.clock.now += 600
    await keeper.look()
    assert await house.count(vectors) == 2


@pytest.mark.parametrize(
    "becomes", [[article("refunds", "Refunds are paid.", internal=True)], []], ids=["staff", "gone"]
)
async def test_what_is_no_longer_for_customers_is_kept_from_them_at_once(house: House, becomes: list[Article]) -> None:
    """Also while the index with it is still searched, because the new one is being built or the database was away."""
    store, other = SlowStore(house.engine, house.clock), article("password", "Refunds of a password.")
    ours = LocalKnowledge(store, house.embedder, house.backends.builds)
    source = ScriptedSource("folder", REFUNDS, other)
    imports = Importer(house.backends.articles, house.embedder)
    await imports.run(source)
    question = Question("refunds paid", None, internal=False)
    assert len((await ours.search(question)).results) == 2
    source.finds = [*becomes, other]
    await imports.run(source)
    assert [result.title for result in (await ours.recall(question)).results] == ["Password"]
    store.may_read.clear()
    store.is_reading.clear()
    building = asyncio.ensure_future(ours.refresh())
    try:
        await asyncio.wait_for(store.is_reading.wait(), SOON)
        assert [result.title for result in (await ours.search(question)).results] == ["Password"]
    finally:
        store.may_read.set()
        await building


async def test_a_bot_keeps_up_from_start_to_close(house: House) -> None:
    source = ScriptedSource("desk", REFUNDS)
    keeper = KnowledgeKeeper(house.backends, [Opened(source, HOUR)], tick=0.01)
    await keeper.start()
    await eventually(partial(house.found, "refunds paid"), SOON)
    await keeper.close()
    readings = source.readings
    await keeper.close()
    assert source.readings == readings == 1


async def test_what_was_asked_in_vain_is_listed_most_frequent_first(house: House) -> None:
    book = house.backends.gaps
    for place, (conversation, query, band) in enumerate(
        [
            ("T1:C1:1.0", "How do I export invoices?", Band.NONE),
            ("T1:C1:1.0", "Exporting an invoice", Band.WEAK),
            ("T1:C1:2.0", "export of invoices for ana@example.com", Band.NONE),
            ("T1:C1:2.0", "How do I export an invoice?", Band.WEAK),
            ("T2:C1:1.0", "Is there a dark mode?", Band.WEAK),
        ]
    ):
        context = asked_by(None, use=f"toolu_{place}", conversation=conversation)
        await book.note(query, band, context)
        await book.note(query, band, context)
        house.clock.now += 1
    assert await house.count(gaps) == 5, "a repeated call is one"
    found = await book.since(0)
    assert [(gap.query, gap.times, gap.causes) for gap in found] == [
        ("How do I export an invoice?", 2, {GapCause.NOTHING: 2}),
        ("Is there a dark mode?", 1, {GapCause.UNSURE: 1}),
    ]
    assert [gap.query for gap in await book.since(0, "T2")] == ["Is there a dark mode?"]
    assert await book.since(house.clock.now) == ()


async def test_the_search_remembers_what_it_did_not_find_and_nothing_else(house: House) -> None:
    backends = house.backends
    await Importer(backends.articles, house.embedder).run(ScriptedSource("folder", REFUNDS))
    search = SearchKnowledgeBase(backends.knowledge, Guards().of("knowledge_base"), backends.gaps)
    for place, query in enumerate(("Refunds are paid within 30 days", "zebra xylophone quartz")):
        await search.run(SearchArguments(query=query), asked_by(None, use=f"toolu_{place}"))
    assert [(gap.query, gap.why) for gap in await backends.gaps.since(0)] == [
        ("zebra xylophone quartz", "nothing found")
    ]
    async with house.engine.begin() as connection:
        await connection.exec_driver_sql("ALTER TABLE kb_gaps RENAME TO kb_gaps_gone")
    assert await search.run(SearchArguments(query="zebra xylophone"), asked_by(None, use="toolu_9"))


async def test_gaps_go_with_their_age_and_everything_with_its_workspace(house: House) -> None:
    store = SqlStore(house.engine, enqueue, house.clock)
    for conversation, at in (("T1:C1:1.0", 10.0), ("T1:C1:2.0", 500.0), ("T2:C1:1.0", 500.0)):
        house.clock.now = at
        await house.backends.gaps.note("What?", Band.NONE, asked_by(None, conversation=conversation))
    ages = Ages(events=0, traces=100.0, conversations=0, costs=0)
    assert (await store.archive.clear("kb_gaps", ages, None)).deleted == 1
    await Importer(house.backends.articles, house.embedder).run(ScriptedSource("folder", REFUNDS))
    own = Importer(house.backends.articles.of("T1"), house.embedder)
    await own.run(ScriptedSource("folder", article("own", "Ours alone.")))
    await store.archive.delete_workspace("T1")
    counts = [await house.count(table) for table in (articles, chunks, vectors, bands, gaps)]
    assert counts == [1, 1, 2, 1, 1], "of others"
