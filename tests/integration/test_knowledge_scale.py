"""Many articles: words in a folder of the replica, vectors in PostgreSQL, the answers of the index in memory."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event

import numpy as np
import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.cli.scale_probe import scale_findings
from bot.config import load_settings
from bot.doctor import Verdict
from bot.store.engine import create_engine
from tests.contract.store_kit import database
from tests.fakes.knowledge import ScriptedSource, WordEmbedder, article
from tests.fakes.tools import HeldClock
from tests.integration.test_tools_knowledge import QUESTIONS
from tools.backends import SAMPLE_ARTICLES
from tools.base import ToolUnavailableError
from tools.knowledge_base.articles import Article, ArticleCategory, Audience
from tools.knowledge_base.builds import Builds
from tools.knowledge_base.importer import Importer
from tools.knowledge_base.local import LocalKnowledge
from tools.knowledge_base.reranking import Reranked
from tools.knowledge_base.scale.growing import GrowingKnowledge, Scale
from tools.knowledge_base.scale.lexicon import Entry, Lexicon
from tools.knowledge_base.scale.opening import open_knowledge
from tools.knowledge_base.scale.upkeep import Upkeep
from tools.knowledge_base.sources.markdown import MarkdownFolder
from tools.knowledge_base.store import ArticleStore
from tools.knowledge_base.tables import chunks, vectors
from tools.knowledge_base.tool import Findings, Question

pytest.importorskip("tantivy")

REFUNDS = article("refunds", "Refunds are paid within 30 days.")
PASSWORD = article("password", "Reset the password on the sign-in page.")
SECRET = article("secret", "Refunds for angry customers are doubled.", internal=True)
GERMAN = replace(article("kuendigung", "Kündigungen gelten zum Monatsende."), language="de")
SOON = 60.0


@dataclass
class House:
    """A database, and what searches it."""

    url: str
    engine: AsyncEngine
    embedder: WordEmbedder | None = field(default_factory=WordEmbedder)
    opened: list[GrowingKnowledge] = field(default_factory=list)
    builds: Builds = field(default_factory=Builds)

    @property
    def store(self) -> ArticleStore:
        return ArticleStore(self.engine, HeldClock())

    async def imported(self, *articles: Article, source: str = "folder") -> None:
        await Importer(self.store, self.embedder).run(ScriptedSource(source, *articles), force=True)

    async def growing(
        self, beyond: int = 1, folder: Path | None = None, reranked: Reranked | None = None
    ) -> GrowingKnowledge:
        made = open_knowledge(self.store, self.embedder, self.builds, Scale(beyond, folder), reranked)
        assert isinstance(made, GrowingKnowledge)
        self.opened.append(made)
        await made.refresh()
        return made

    async def count(self, statement: str) -> int:
        async with self.engine.connect() as connection:
            return int(await connection.scalar(sa.text(statement)) or 0)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with database("postgresql", tmp_path) as url:
        house = House(url, create_engine(url))
        async with house.engine.begin() as connection:  # HNSW even for a few articles
            await connection.execute(sa.text(f'alter database "{house.engine.url.database}" set enable_sort = off'))
        await house.engine.dispose()
        yield house
        await house.builds.close()
        for one in house.opened:
            await one.close()
        await house.engine.dispose()


async def ask(
    knowledge: LocalKnowledge, query: str, category: ArticleCategory | None = None, *, internal: bool = False
) -> Findings:
    return await knowledge.search(Question(query, category, internal))


async def found(knowledge: LocalKnowledge, query: str, *, internal: bool = False) -> list[str]:
    return [one.source.removeprefix("kb://") for one in (await ask(knowledge, query, internal=internal)).results]


async def test_it_answers_as_the_index_in_memory_does(house: House) -> None:
    await Importer(house.store, house.embedder).run(MarkdownFolder(SAMPLE_ARTICLES))
    memory = LocalKnowledge(house.store, house.embedder)
    large = await house.growing()
    assert large.is_large
    shares, bands, firsts = [], [], 0
    asked: list[tuple[str, ArticleCategory | None, bool]] = [(query, None, False) for query in QUESTIONS]
    asked += [(query, None, True) for query in QUESTIONS]
    asked += [(query, "billing", False) for query in list(QUESTIONS)[:8]]
    for query, category, internal in asked:
        one = await ask(memory, query, category, internal=internal)
        other = await ask(large, query, category, internal=internal)
        there = {result.source for result in other.results}
        shares += [result.source in there for result in one.results]
        bands += [(one.band, other.band, query)] if one.band is not other.band else []
        firsts += one.results[:1] == other.results[:1]  # with its passages
    assert sum(shares) / len(shares) >= 0.95
    assert len(bands) <= 2, bands  # cosines of 8 bits there and 16 here: a question may lie on a line
    assert firsts >= len(asked) - 2


class LikesLast:
    """A reranker that turns the order round, and remembers what it was given."""

    name = "last"
    given: Sequence[str] = ()

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        self.given = texts
        return [float(place) for place in range(len(texts))]


async def test_a_reranker_orders_twenty_candidates_of_whoever_asks(house: House) -> None:
    public = [article(f"refunds-{number:02}", f"Refunds of kind k{number} are doubled.") for number in range(25)]
    await house.imported(*public, SECRET)
    before = await ask(await house.growing(), "are refunds doubled")
    reranker = LikesLast()
    large = await house.growing(reranked=Reranked(reranker, seconds=SOON))
    after = await ask(large, "are refunds doubled")
    titles = [text.splitlines()[0] for text in reranker.given]
    assert large.is_large
    assert len(titles) == 20
    assert titles[:5] == [result.title for result in before.results]
    assert [result.title for result in after.results] == titles[:-6:-1]
    assert after.band is before.band
    assert not any(SECRET.title in title for title in titles)


async def test_what_changed_is_taken_up_and_what_is_not_for_customers_is_never_theirs(house: House) -> None:
    await house.imported(REFUNDS, PASSWORD, SECRET, GERMAN)
    large = await house.growing()
    assert await found(large, "are refunds doubled") == ["refunds"]
    assert set(await found(large, "are refunds doubled", internal=True)) == {"refunds", "secret"}
    assert await found(large, "Kündigung") == ["kuendigung"]
    await house.imported(replace(REFUNDS, audience=Audience.INTERNAL), PASSWORD, SECRET)
    assert await found(large, "are refunds paid") == [], "the old index looks before it shows"
    async with asyncio.timeout(SOON):
        await large.refresh()
    assert await found(large, "are refunds paid") == []
    assert await found(large, "are refunds paid", internal=True) == ["refunds", "secret"]
    assert await found(large, "Kündigung") == []
    await house.imported(PASSWORD, article("exports", "Boards are exported as CSV."))
    await large.refresh()
    assert await found(large, "how are boards exported") == ["exports"]
    name = await house.count("SELECT count(*) FROM pg_tables WHERE tablename LIKE 'kb_near_%'")
    assert name == 1


@pytest.mark.parametrize("embedder", [WordEmbedder(), None], ids=["meaning", "words"])
@pytest.mark.parametrize("becomes", [[replace(REFUNDS, audience=Audience.INTERNAL)], []], ids=["internal", "gone"])
async def test_what_an_old_index_still_holds_is_shown_by_no_replica_once_it_went_or_became_internal(
    house: House, embedder: WordEmbedder | None, becomes: list[Article]
) -> None:
    other = article("cards", "Refunds of cards are paid by the bank.")
    await house.imported(REFUNDS, other, PASSWORD)
    house.embedder = embedder
    reranker = LikesLast()
    replicas = [await house.growing(), await house.growing(reranked=Reranked(reranker, seconds=SOON))]
    for replica in replicas:
        assert set(await found(replica, "refunds are paid")) >= {"refunds", "cards"}
    await Importer(house.store, WordEmbedder()).run(ScriptedSource("folder", *becomes, other, PASSWORD), force=True)
    question = Question("refunds are paid", None, internal=False)
    reranker.given = [""]
    for replica in replicas:
        assert replica.is_large
        recalled, searched = await replica.recall(question), await replica.search(question)
        for findings in (recalled, searched):
            slugs = [one.source.removeprefix("kb://") for one in findings.results]
            assert "cards" in slugs
            assert "refunds" not in slugs
    assert not [text for text in reranker.given if text.startswith(REFUNDS.title)]
    among_staff = await found(await house.growing(), "refunds are paid", internal=True)
    assert ("refunds" in among_staff) == bool(becomes)


@pytest.mark.parametrize("damage", [np.full(64, np.inf, np.float16).tobytes(), b"half of it"], ids=["inf", "short"])
async def test_a_damaged_vector_is_near_to_nothing(house: House, damage: bytes) -> None:
    await house.imported(REFUNDS, PASSWORD)
    async with house.engine.begin() as connection:
        mine = sa.select(chunks.c.digest).where(chunks.c.slug == "refunds")
        await connection.execute(sa.update(vectors).where(vectors.c.digest.in_(mine)).values(vector=damage))
    large = await house.growing()
    assert (await found(large, "Reset the password on the sign-in page."))[0] == "password"
    assert await found(large, "how are refunds paid") == ["refunds"], "by its words"
    assert await found(large, "zebra xylophone quartz") == []


def test_a_folder_of_words_is_let_go_when_nobody_writes_any_more(tmp_path: Path) -> None:
    lexicon, is_writing, is_closing = Lexicon(tmp_path), Event(), Event()

    class Passages(tuple[str, ...]):
        def __iter__(self) -> Iterator[str]:
            is_writing.set()
            assert is_closing.wait(SOON)
            return super().__iter__()

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(lexicon.put, [Entry(REFUNDS, "1", Passages(["refunds are paid"] * 500))])
        assert is_writing.wait(SOON)
        is_closing.set()
        lexicon.close()
        writing.result(SOON)


async def test_only_what_changed_is_written_even_after_a_restart(house: House, tmp_path: Path) -> None:
    await house.imported(REFUNDS, PASSWORD, SECRET)
    first = Upkeep(house.store, house.embedder, tmp_path / "words")
    await first.index()
    assert first.written == 3
    await first.close()
    await house.imported(replace(REFUNDS, body="Refunds take 60 days."), PASSWORD)
    second = Upkeep(house.store, house.embedder, tmp_path / "words")
    index = await second.index()
    assert second.written == 1
    said = (await index.search(Question("how long do refunds take", None, internal=True))).hits
    assert [(hit.article.slug, hit.passages) for hit in said] == [("refunds", ("Refunds take 60 days.",))]
    await second.close()
    for file in (tmp_path / "words").rglob("meta.json"):
        file.write_text("{}")
    third = Upkeep(house.store, house.embedder, tmp_path / "words")
    await third.index()
    assert third.written == 2, "what is broken is made anew"
    await third.close()


async def test_a_folder_that_somebody_tidied_away_is_made_anew(house: House, tmp_path: Path) -> None:
    await house.imported(REFUNDS, PASSWORD)
    large = await house.growing(folder=tmp_path / "words")
    for number in range(2):
        shutil.rmtree(tmp_path / "words")
        assert await found(large, "refunds are paid") == ["refunds"], "what is held open is still there"
        exports = article("exports", f"Boards are exported as CSV {number}.")
        await house.imported(REFUNDS, PASSWORD, exports)
        await large.refresh()
        assert large.is_large
        assert await found(large, "how are boards exported") == ["exports"]
        assert await found(large, "refunds are paid") == ["refunds"]


async def test_the_number_of_articles_decides_both_ways(house: House) -> None:
    at_once = await house.growing(beyond=2)
    knowledge = await house.growing(beyond=2)
    assert await found(knowledge, "refunds") == []
    for articles, is_large in (((REFUNDS, PASSWORD), False), ((REFUNDS, PASSWORD, SECRET), True), ((REFUNDS,), False)):
        await house.imported(*articles)
        await knowledge.refresh()
        assert knowledge.is_large is is_large
        assert await found(knowledge, "refunds are paid") == ["refunds"]
        if is_large:
            assert await found(at_once, "refunds are paid") == ["refunds"], "it was empty a moment ago"
            assert at_once.is_large


async def test_while_the_database_is_away_words_are_recalled_from_the_folder(house: House) -> None:
    await house.imported(REFUNDS, PASSWORD, SECRET)
    large = await house.growing()
    server, name = house.engine.url.set(drivername="postgresql", database="postgres"), house.engine.url.database
    with psycopg.connect(server.render_as_string(hide_password=False), autocommit=True) as admin:
        admin.execute(f'alter database "{name}" allow_connections false'.encode())
        admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name])
    question = Question("refunds are paid", None, internal=False)
    with pytest.raises(ToolUnavailableError):
        await large.search(question)
    assert [one.source for one in (await large.recall(question)).results] == ["kb://refunds"]


async def test_without_the_extension_the_index_in_memory_goes_on(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    await house.imported(REFUNDS, PASSWORD)
    async with house.engine.begin() as connection:
        for statement in (
            "create role plain_reader login",
            "grant all on schema public to plain_reader",
            "grant all on all tables in schema public to plain_reader",
        ):
            await connection.execute(sa.text(statement))
    engine = create_engine(sa.make_url(house.url).set(username="plain_reader").render_as_string(hide_password=False))
    knowledge = GrowingKnowledge(ArticleStore(engine, HeldClock()), house.embedder, None, Scale(1))
    try:
        await knowledge.refresh()
        assert not knowledge.is_large
        assert await found(knowledge, "refunds are paid") == ["refunds"]
        url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        settings = {"DATABASE_URL": url, "KB_SCALE_FROM": "1"}
        (finding,) = await scale_findings(load_settings(settings, env_file=Path("none")))
        assert finding.verdict is Verdict.ODD
        assert "CREATE EXTENSION vector" in str(finding)
    finally:
        await engine.dispose()
        async with house.engine.begin() as connection:
            await connection.execute(sa.text("drop owned by plain_reader"))
            await connection.execute(sa.text("drop role plain_reader"))
    (told,) = [one for one in caplog.records if one.getMessage() == "knowledge.stays_in_memory"]
    assert "CREATE EXTENSION vector" in told.__dict__["fields"]["why"]
