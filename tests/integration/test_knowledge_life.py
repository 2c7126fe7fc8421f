"""The life of an index beside the articles it is made of: what is answered meanwhile, and who builds anew. On both."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.config import Settings
from bot.library import import_own_folder
from bot.runtime.knowledge import KnowledgeKeeper
from bot.store.engine import create_engine
from tests.contract.store_kit import KINDS, database
from tests.fakes.knowledge import ScriptedSource, WordEmbedder, article
from tests.fakes.tools import HeldClock
from tools.backends import Backends, open_backends
from tools.base import ToolUnavailableError
from tools.database import fetch
from tools.knowledge_base.articles import Audience
from tools.knowledge_base.band import Band
from tools.knowledge_base.changes import whenever_changed
from tools.knowledge_base.cutting import cut, texts_of
from tools.knowledge_base.embedder import EmbedderUnavailableError, Vectors
from tools.knowledge_base.importer import Importer, ManyGoneError
from tools.knowledge_base.local import LocalKnowledge
from tools.knowledge_base.revisions import CHANNEL
from tools.knowledge_base.schedule import Schedule
from tools.knowledge_base.sources.opening import Opened
from tools.knowledge_base.store import ArticleStore, Held
from tools.knowledge_base.tables import bands, revision, shelves, vectors
from tools.knowledge_base.tool import Findings, Question
from tools.knowledge_base.vectors import VectorStore

SOON = 60.0
HOUR = 3600.0
REFUNDS, PASSWORD = article("refunds", "Refunds are paid."), article("password", "Reset the password.")


@dataclass
class House:
    """A database with the back-ends of one bot on it."""

    engine: AsyncEngine
    clock: HeldClock
    embedder: WordEmbedder
    backends: Backends

    async def imported(self, *articles: object, team: str = "", name: str = "folder", force: bool = False) -> None:
        store = self.backends.articles.of(team) if team else self.backends.articles
        await Importer(store, self.embedder).run(ScriptedSource(name, *articles), force=force)  # type: ignore[arg-type] # articles

    async def slugs(self) -> list[str]:
        return [one.slug for one in await self.backends.articles.standings()]


@pytest.fixture(params=KINDS)
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    async with database(request.param, tmp_path) as url:
        engine, clock, embedder = create_engine(url), HeldClock(), WordEmbedder()
        backends = await open_backends(engine, clock=clock, embedder=embedder)
        yield House(engine, clock, embedder, backends)
        await backends.builds.close()
        await engine.dispose()


class SlowStore(ArticleStore):
    """Reads all the articles when it may."""

    def __init__(self, store: ArticleStore) -> None:
        super().__init__(store.engine, store.clock)
        self.is_reading, self.may_read = asyncio.Event(), asyncio.Event()
        self.may_read.set()
        self.readings = 0

    async def held(self) -> Held:
        self.readings += 1
        self.is_reading.set()
        await self.may_read.wait()
        return await super().held()


async def found(knowledge: LocalKnowledge, query: str) -> list[str]:
    findings = await knowledge.search(Question(query, None, internal=False))
    return [result.source.removeprefix("kb://") for result in findings.results]


async def test_a_search_after_an_import_is_answered_at_once_while_one_new_index_is_built(house: House) -> None:
    store = SlowStore(house.backends.articles)
    knowledge = LocalKnowledge(store, house.embedder, house.backends.builds)
    assert await found(knowledge, "refunds paid") == []
    await house.imported(REFUNDS)
    assert await found(knowledge, "refunds paid") == ["refunds"], "an empty index answers nothing"
    store.may_read.clear()
    store.is_reading.clear()
    before = store.readings
    await house.imported(REFUNDS, PASSWORD)
    async with asyncio.timeout(SOON):
        assert await found(knowledge, "reset the password") == []
        assert await found(knowledge, "refunds paid") == ["refunds"]
        await store.is_reading.wait()
        store.may_read.set()
        await knowledge.refresh()
    assert await found(knowledge, "reset the password") == ["password"]
    assert store.readings == before + 1


async def test_an_index_that_takes_longer_than_a_search_may_is_there_for_the_next(
    house: House,
) -> None:
    await house.imported(REFUNDS)
    store = SlowStore(house.backends.articles)
    store.may_read.clear()
    knowledge = LocalKnowledge(store, house.embedder, house.backends.builds)
    for _ in range(2):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await found(knowledge, "refunds paid")
    store.may_read.set()
    async with asyncio.timeout(SOON):
        assert await found(knowledge, "refunds paid") == ["refunds"]
    assert store.readings == 1


async def test_an_old_answer_of_which_nothing_is_left_is_no_answer(house: House) -> None:
    await house.imported(REFUNDS)
    store = SlowStore(house.backends.articles)
    knowledge = LocalKnowledge(store, house.embedder, house.backends.builds)
    assert await found(knowledge, "refunds paid") == ["refunds"]
    store.may_read.clear()
    await house.imported(replace(REFUNDS, audience=Audience.INTERNAL), PASSWORD)
    question = Question("refunds paid", None, internal=False)
    assert await knowledge.search(question) == await knowledge.recall(question) == Findings(Band.NONE, ())


async def test_after_the_end_nothing_is_built_any_more(house: House) -> None:
    await house.imported(REFUNDS)
    store = SlowStore(house.backends.articles)
    knowledge = LocalKnowledge(store, house.embedder, house.backends.builds)
    store.may_read.clear()
    async with asyncio.timeout(SOON), asyncio.TaskGroup() as both:
        both.create_task(refused(knowledge))
        await store.is_reading.wait()
        await house.backends.builds.close()
    await refused(knowledge)
    assert store.readings == 1


async def refused(knowledge: LocalKnowledge) -> None:
    with pytest.raises(ToolUnavailableError):
        await found(knowledge, "refunds paid")


@pytest.mark.parametrize("team", ["T1", "T%s:?'1"])
async def test_an_import_has_only_the_index_of_its_own_shelf_built_anew(house: House, team: str) -> None:
    common = house.backends.articles
    guest = common.of(team)
    await house.imported(REFUNDS)
    seen, seen_there, of_all = await common.revision(), await guest.revision(), await common.revision_of_all()
    await house.imported(PASSWORD, team=team)
    assert await common.revision() == seen
    assert await guest.revision() != seen_there
    assert await common.revision_of_all() > of_all
    seen_there = await guest.revision()
    await house.imported(REFUNDS, PASSWORD)
    assert await common.revision() != seen
    assert await guest.revision() == seen_there


async def test_what_an_older_version_imports_meanwhile_counts_for_every_shelf(house: House) -> None:
    common = house.backends.articles
    shelves_seen = common, common.of("T1"), common.of("T-THAT-NEVER-HAD-A-NUMBER")
    await house.imported(REFUNDS)
    await house.imported(PASSWORD, team="T1")
    before = [await store.revision() for store in shelves_seen]
    async with house.engine.begin() as connection:
        await connection.execute(sa.update(revision).values(number=revision.c.number + 1))
    told = [await store.revision() for store in shelves_seen]
    assert all(new != old for new, old in zip(told, before, strict=True))
    await house.imported(REFUNDS, PASSWORD)
    after = [await store.revision() for store in shelves_seen]
    assert after[0] not in (before[0], told[0])
    missed = [new == old for new, old in zip(after, before, strict=True)]
    assert not any(missed), "nobody who missed the older version's import may believe that nothing happened"


async def test_articles_of_a_time_before_shelves_had_numbers_are_noticed(house: House) -> None:
    await house.imported(REFUNDS)
    async with house.engine.begin() as connection:
        await connection.execute(sa.delete(shelves))
    assert await house.backends.articles.revision() == await house.backends.articles.revision_of_all() > 0


async def test_bands_that_were_not_written_before_a_crash_are_measured_once_and_then_by_the_next_import(
    house: House,
) -> None:
    embedder, store = house.embedder, house.backends.articles
    await Importer(store).run(ScriptedSource("folder", REFUNDS, PASSWORD))
    texts = {d: t for one in (REFUNDS, PASSWORD) for d, t in texts_of(one, cut(one))}
    await VectorStore(house.engine).fill(embedder, texts, lambda *_: None)
    await LocalKnowledge(store, embedder).refresh()
    measured, embedder.asked = embedder.asked, 0
    assert measured > 100
    await store.announce()
    await LocalKnowledge(store, embedder).refresh()
    assert embedder.asked == 0
    await Importer(store, embedder).catch_up()
    assert embedder.asked == measured, "by whoever keeps the articles, with all of their vectors"
    embedder.asked = 0
    async with house.engine.begin() as connection:
        await connection.execute(sa.update(bands).values(thresholds="{half of it"))
    await Importer(store, embedder).catch_up()
    assert embedder.asked == measured, "what was written is no band"


async def test_a_damaged_vector_costs_no_other_its_place(house: House) -> None:
    await house.imported(REFUNDS, PASSWORD)
    digests = sorted(digest for one in (REFUNDS, PASSWORD) for digest, _ in texts_of(one, cut(one)))
    async with house.engine.begin() as connection:
        first = sa.update(vectors).where(vectors.c.digest == digests[0])
        await connection.execute(first.values(vector=b"half of it"))
    assert sorted(await VectorStore(house.engine).load(house.embedder, digests)) == digests[1:]


class Careless(WordEmbedder):
    """Loses a text."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        return super().embed(texts)[1:]


async def test_an_embedder_that_gives_something_else_than_a_vector_for_each_text_is_told_of(house: House) -> None:
    with pytest.raises(EmbedderUnavailableError, match="for 2 texts"):
        await Importer(house.backends.articles, Careless()).run(ScriptedSource("folder", REFUNDS))
    assert await house.slugs() == []


async def test_vectors_that_another_shelf_brought_or_a_crash_left_untold_are_taken_up(house: House) -> None:
    store, keeper = house.backends.articles, Importer(house.backends.articles, house.embedder)
    many = [article(f"a{n:02}", f"Number {n}.") for n in range(40)]
    await house.imported(*many)
    await keeper.catch_up()
    told = await store.revision()
    assert await keeper.catch_up() == 0
    assert await store.revision() == told, "all is known"
    await Importer(store).run(ScriptedSource("folder", *many, PASSWORD))
    await house.imported(PASSWORD, team="T1")
    told = await store.revision()
    assert await keeper.catch_up() == 0
    assert await store.revision() != told
    told = await store.revision()
    await keeper.catch_up()
    assert await store.revision() == told


async def test_bands_that_a_search_writes_at_the_same_moment_break_no_import(house: House) -> None:
    store = house.backends.articles
    await Importer(store).run(ScriptedSource("folder", REFUNDS))
    async with asyncio.timeout(SOON), asyncio.TaskGroup() as both, house.engine.connect() as search:
        await search.execute(sa.insert(bands).values(shelf="", embedder=house.embedder.name, thresholds="{}"))
        both.create_task(house.imported(REFUNDS, PASSWORD))
        while house.engine.dialect.name == "postgresql" and not await is_waited_for(house.engine):
            pass
        await search.commit()
    assert await house.slugs() == ["password", "refunds"]


async def is_waited_for(engine: AsyncEngine) -> bool:
    async with engine.connect() as connection:
        return bool(await connection.scalar(sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")))


async def test_an_import_that_would_take_most_articles_away_is_refused_and_tried_again(house: House) -> None:
    many = [article(f"a{n:02}", f"Number {n}.") for n in range(20)]
    source = ScriptedSource("desk", *many)
    keeper = KnowledgeKeeper(house.backends, [Opened(source, HOUR)])
    await keeper.look()
    source.finds = [*many[:9], article("new", "New.")]
    house.clock.now += HOUR
    await keeper.look()
    told = (await Schedule(house.engine, house.clock).told())["desk"]
    assert told.startswith("11 of the 20 articles of desk would go, and 1 would come. Nothing was changed")
    assert len(await house.slugs()) == 20
    source.finds = [*many[:10]]
    house.clock.now += HOUR / 6
    await keeper.look()
    assert len(await house.slugs()) == 10, "half of them may go"
    await house.imported(many[0], name="desk")
    assert await house.slugs() == ["a00"], "of so few all may go"


async def test_what_is_wrong_in_the_own_folder_is_logged_by_name(
    house: House, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "good.md").write_text("# Good\n\nText.")
    (tmp_path / "slip.md").write_text("---\ntitle: Slip\ncategory: [a\n---\nText.")
    await import_own_folder(Settings.model_validate({"KNOWLEDGE_DIR": str(tmp_path)}), house.backends)
    assert await house.slugs() == ["good"]
    [told] = [vars(record)["fields"] for record in caplog.records if record.message == "knowledge.skipped"]
    assert told["name"] == "slip.md"
    assert told["why"].startswith("the front matter is not YAML: ")
    assert told["why"].endswith("(line 4)")


async def test_a_folder_that_lost_most_of_its_articles_keeps_no_bot_from_starting(house: House, tmp_path: Path) -> None:
    for n in range(20):
        (tmp_path / f"a{n:02}.md").write_text(f"# Number {n}\n\nText.")
    settings = Settings.model_validate({"KNOWLEDGE_DIR": str(tmp_path)})
    await import_own_folder(settings, house.backends)
    for n in range(15):
        (tmp_path / f"a{n:02}.md").unlink()
    await import_own_folder(settings, house.backends)
    assert len(await house.slugs()) == 20
    with pytest.raises(ManyGoneError):
        await house.backends.importer.import_folder(tmp_path)


async def test_who_listens_is_called_and_is_told_when_nobody_could_call_any_more(tmp_path: Path) -> None:
    async with database("postgresql", tmp_path) as url:
        engine, looks = create_engine(url), asyncio.Queue[None]()

        async def look() -> None:
            looks.put_nowait(None)

        async with asyncio.timeout(SOON):
            listening = asyncio.ensure_future(whenever_changed(engine, look))
            await looks.get()
            async with engine.begin() as connection:
                await connection.execute(sa.select(sa.func.pg_notify(CHANNEL, "")))
            await looks.get()
            async with engine.begin() as connection:
                others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                await connection.execute(sa.text(f"SELECT pg_terminate_backend(pid) {others}"))
            with pytest.raises(ToolUnavailableError):
                await listening
        await engine.dispose()


async def test_what_reads_thousands_of_rows_does_not_hold_up_the_event_loop(tmp_path: Path) -> None:
    """On SQLite, where short statements run in the loop itself."""
    engine = create_engine(f"sqlite:///{tmp_path}/threads.db")
    async with engine.connect() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None
        await raw.create_function("thread", 0, threading.get_ident)
    query = sa.select(sa.func.thread().label("ident"))
    assert (await fetch(engine, query))[0].ident == threading.get_ident()
    assert (await fetch(engine, query, is_long=True))[0].ident != threading.get_ident()
    assert (await fetch(engine, query))[0].ident == threading.get_ident()
    await engine.dispose()
