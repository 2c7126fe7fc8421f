"""Imports: several sources side by side, only what changed, all or nothing. On both databases."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store.engine import create_engine
from tests.contract.store_kit import KINDS, database
from tests.fakes.knowledge import ScriptedSource, WordEmbedder, article, broken
from tests.fakes.tools import HeldClock
from tools.backends import open_backends
from tools.database import create_tables
from tools.knowledge_base import intake
from tools.knowledge_base.articles import Article
from tools.knowledge_base.cutting import cut
from tools.knowledge_base.embedder import EmbedderUnavailableError
from tools.knowledge_base.importer import Importer, Report, Step
from tools.knowledge_base.local import LocalKnowledge
from tools.knowledge_base.sources.base import Document, Expected, Found, Skipped, SourceError, Unchanged
from tools.knowledge_base.staging import PassageStore
from tools.knowledge_base.store import ArticleStore
from tools.knowledge_base.tables import articles, chunks, vectors
from tools.knowledge_base.tool import Question

REFUNDS = article("refunds", "Refunds are paid within 30 days.")
OLD_ROW = (
    "INSERT INTO kb_articles VALUES"
    " ('refunds', 'Refunds', 'account', '', '', 'public', 'Refunds are paid within 30 days.', :digest, 5)"
)
PASSWORD = article("password", "Reset the password on the sign-in page.")


@dataclass
class Shelf:
    """A knowledge base, what embeds it and what searches it."""

    engine: AsyncEngine
    store: ArticleStore
    embedder: WordEmbedder
    knowledge: LocalKnowledge

    async def imported(self, source: ScriptedSource, *, dry_run: bool = False) -> Report:
        return await Importer(self.store, self.embedder).run(source, dry_run=dry_run)

    async def found(self, query: str, *, internal: bool = False) -> list[str]:
        """As soon as the articles as they are now are searched."""
        await self.knowledge.refresh()
        findings = await self.knowledge.search(Question(query, None, internal))
        return [result.source.removeprefix("kb://") for result in findings.results]

    async def slugs(self) -> list[str]:
        return [one.slug for one in await self.store.standings()]

    async def count(self, table: sa.Table) -> int:
        async with self.engine.connect() as connection:
            return int(await connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0)


@pytest.fixture(params=KINDS)
async def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Shelf]:
    async with database(request.param, tmp_path) as url:
        engine = create_engine(url)
        await create_tables(engine)
        store, embedder = ArticleStore(engine, HeldClock()), WordEmbedder()
        yield Shelf(engine, store, embedder, LocalKnowledge(store, embedder))
        await engine.dispose()


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[Shelf]:
    engine = create_engine(f"sqlite:///{tmp_path}/kb.db")
    await create_tables(engine)
    store, embedder = ArticleStore(engine, HeldClock()), WordEmbedder()
    yield Shelf(engine, store, embedder, LocalKnowledge(store, embedder))
    await engine.dispose()


async def test_each_source_removes_only_what_came_from_itself(shelf: Shelf) -> None:
    desk = ScriptedSource("zendesk:acme", article("acme/export", "Export a board as CSV."), article("acme/old", "Old."))
    await shelf.imported(ScriptedSource("folder", REFUNDS, PASSWORD))
    await shelf.imported(desk)
    del desk.finds[1]
    report = await shelf.imported(desk)
    assert (report.imported, report.unchanged, report.removed) == ((), ("acme/export",), ("acme/old",))
    assert await shelf.slugs() == ["acme/export", "password", "refunds"]
    assert await shelf.found("how are refunds paid") == ["refunds"]


async def test_only_texts_that_have_no_vector_yet_are_embedded(shelf: Shelf) -> None:
    source = ScriptedSource("folder", REFUNDS, PASSWORD)
    assert (await shelf.imported(source)).embedded == 4, "two titles, two passages"
    assert (await shelf.imported(source)).embedded == 0
    source.finds[0] = article("refunds", "Refunds are paid within 60 days.")
    shelf.embedder.given.clear()
    assert (await shelf.imported(source)).embedded == 1
    assert shelf.embedder.given == ["Refunds\n\nRefunds are paid within 60 days."]
    assert await shelf.count(vectors) == 4, "what no article says any more is thrown away"
    assert await shelf.found("refunds paid 60 days") == ["refunds"]


async def test_a_source_that_breaks_half_way_changes_nothing(shelf: Shelf) -> None:
    source = ScriptedSource("folder", REFUNDS, PASSWORD)
    await shelf.imported(source)
    before = await shelf.store.revision()
    for fault in (broken(), RuntimeError("an adapter's slip")):
        source.finds = [article("refunds", "Changed."), fault]
        with pytest.raises(type(fault)):
            await shelf.imported(source)
    assert await shelf.slugs() == ["password", "refunds"]
    assert await shelf.store.revision() == before
    assert await shelf.found("refunds paid") == ["refunds"]


async def test_an_embedder_that_breaks_changes_nothing_and_loses_no_work(shelf: Shelf) -> None:
    many = [article(f"a{n:02}", f"Number {n} about subject{n}.") for n in range(40)]
    source = ScriptedSource("folder", *many)
    shelf.embedder.fails_after = 70
    with pytest.raises(EmbedderUnavailableError, match="broke"):
        await shelf.imported(source)
    assert await shelf.slugs() == []
    assert await shelf.found("subject7") == []
    kept = await shelf.count(vectors)
    assert kept == 64
    shelf.embedder.fails_after = None
    assert (await shelf.imported(source)).embedded == 80 - kept


async def test_imports_at_the_same_time_do_not_take_each_others_vectors_away(shelf: Shelf) -> None:
    sources = [
        ScriptedSource(f"desk:{n}", *(article(f"{n}/{m}", f"Subject{n} number{m}.") for m in range(20)))
        for n in range(4)
    ]
    await asyncio.gather(*(shelf.imported(source) for source in sources))
    for source in sources:
        del source.finds[0]
    await asyncio.gather(*(shelf.imported(source) for source in sources))
    assert len(await shelf.slugs()) == 4 * 19
    assert await Importer(shelf.store, shelf.embedder).catch_up() == 0, "nothing is missing"


async def test_passages_written_ahead_are_seen_with_their_article_and_put_in_again_when_swept(shelf: Shelf) -> None:
    source = ScriptedSource("folder", REFUNDS)
    await shelf.imported(source)
    changed = article("refunds", "Refunds are paid within 60 days.")
    passages = PassageStore(shelf.engine, "")
    await passages.stage({"refunds": cut(changed), "new": cut(article("new", "New."))})
    await passages.stage({"refunds": cut(changed)})
    assert await shelf.count(chunks) == 3
    assert (await shelf.store.held()).cuts["refunds"] == cut(REFUNDS)
    await passages.sweep()
    assert await shelf.count(chunks) == 1
    async with shelf.engine.begin() as connection:
        await passages.complete(connection, {"refunds": cut(changed)})
        await passages.complete(connection, {"refunds": cut(changed)})
    assert await shelf.count(chunks) == 2
    source.finds = [changed]
    await shelf.imported(source)
    assert (await shelf.store.held()).cuts["refunds"] == cut(changed)
    assert await shelf.count(chunks) == 1


async def test_the_bands_are_measured_anew_when_a_good_part_of_the_articles_changed(sqlite: Shelf) -> None:
    source = ScriptedSource("folder", *(article(f"a{n:02}", f"Number {n} about subject{n}.") for n in range(40)))
    await sqlite.imported(source)
    measured = sqlite.embedder.asked
    for n, times in enumerate((0, 0, 1, 0, 0)):
        sqlite.embedder.asked, before = 0, await sqlite.store.revision()
        source.finds[n] = article(f"a{n:02}", "Something else.")
        await sqlite.imported(source)
        assert sqlite.embedder.asked == times * measured, f"after change {n + 1}"
        assert await sqlite.store.revision() > before


async def test_a_dry_run_tells_what_would_happen_and_writes_nothing(shelf: Shelf) -> None:
    source = ScriptedSource("folder", REFUNDS, PASSWORD)
    await shelf.imported(source)
    source.finds = [article("refunds", "New."), article("export", "Export."), Skipped("x.md", "no text")]
    before = await shelf.store.revision()
    report = await shelf.imported(source, dry_run=True)
    assert (sorted(report.imported), report.removed, report.embedded) == (["export", "refunds"], ("password",), 3)
    assert [item.name for item in report.skipped] == ["x.md"]
    assert await shelf.slugs() == ["password", "refunds"]
    assert (await shelf.store.revision(), await shelf.count(vectors)) == (before, 4)


async def test_an_installation_of_an_older_version_is_searched_and_then_embedded(shelf: Shelf) -> None:
    async with shelf.engine.begin() as connection:
        for table in (articles, chunks, vectors):
            await connection.execute(sa.schema.DropTable(table))
        await connection.exec_driver_sql(
            "CREATE TABLE kb_articles (slug TEXT PRIMARY KEY, title TEXT NOT NULL, category TEXT NOT NULL, url TEXT NOT"
            " NULL, updated TEXT NOT NULL, audience TEXT NOT NULL, body TEXT NOT NULL, digest TEXT NOT NULL,"
            " imported_at DOUBLE PRECISION NOT NULL)"
        )
        await connection.execute(sa.text(OLD_ROW), {"digest": REFUNDS.digest})
        await connection.exec_driver_sql("INSERT INTO kb_revision VALUES (1, 1)")
    await create_tables(shelf.engine)
    await create_tables(shelf.engine)
    assert await shelf.found("refunds paid") == ["refunds"]
    assert await Importer(shelf.store, shelf.embedder).catch_up() == 2
    assert await Importer(shelf.store, shelf.embedder).catch_up() == 0
    assert await shelf.store.revision() == 2
    assert await shelf.found("refunds paid") == ["refunds"]
    report = await shelf.imported(ScriptedSource("folder", REFUNDS))
    assert (report.imported, report.unchanged, report.embedded) == ((), ("refunds",), 0)


async def test_another_embedder_embeds_everything_anew(shelf: Shelf) -> None:
    source = ScriptedSource("folder", REFUNDS)
    await shelf.imported(source)
    shelf.embedder.name = "words-2"
    before = await shelf.store.revision()
    assert (await shelf.imported(source)).embedded == 2
    assert await shelf.store.revision() > before, "who searches takes the new vectors up"


async def test_the_sample_leaves_when_anything_else_comes(sqlite: Shelf) -> None:
    await open_backends(sqlite.engine, seed_sample=True)
    assert len(await sqlite.slugs()) >= 40
    report = await sqlite.imported(ScriptedSource("zendesk:acme", article("acme/export", "Export.")))
    assert len(report.removed) >= 40
    assert await sqlite.slugs() == ["acme/export"]


async def test_the_sample_an_older_version_put_in_leaves_too(sqlite: Shelf) -> None:
    await open_backends(sqlite.engine, seed_sample=True)
    async with sqlite.engine.begin() as connection:
        await connection.execute(sa.update(articles).values(source="folder", validator="", cut="", title_digest=""))
    await open_backends(sqlite.engine)
    await sqlite.imported(ScriptedSource("zendesk:acme", article("acme/export", "Export.")))
    assert await sqlite.slugs() == ["acme/export"]


async def test_an_article_of_another_source_is_not_overwritten(sqlite: Shelf) -> None:
    await sqlite.imported(ScriptedSource("folder", REFUNDS))
    report = await sqlite.imported(ScriptedSource("web:x", article("refunds", "Other."), article("x/new", "New.")))
    assert report.imported == ("x/new",)
    assert [(item.name, item.why) for item in report.skipped] == [
        ("refunds", "another source has an article of that name")
    ]
    assert await sqlite.found("refunds paid") == ["refunds"]


async def test_what_a_source_says_of_a_document_decides_what_becomes_of_it(sqlite: Shelf) -> None:
    old = [article(f"d/{name}", f"About {name}.") for name in ("same", "broken", "hidden", "gone")]
    source = ScriptedSource("desk", *(Document(one, f"v-{one.slug}") for one in old))
    await sqlite.imported(source)
    source.finds = [
        Expected(3), Unchanged("d/same"), Unchanged("d/never-seen"), Skipped("Broken", "too long", "d/broken"),
        Skipped("Hidden", "a draft"),
    ]  # fmt: skip
    report = await sqlite.imported(source)
    assert source.known.validator("d/same") == "v-d/same"
    assert (report.unchanged, report.removed) == (("d/same",), ("d/gone", "d/hidden"))
    assert await sqlite.slugs() == ["d/broken", "d/same"]


async def test_odd_documents_are_named_and_skipped(sqlite: Shelf) -> None:
    odd: list[Found | Article | Exception] = [
        article(".T1/steal", "Onto another shelf."), article("/root", "x"), article("twice", "One."),
        article("twice", "Two."), article("empty", " \0 "), article("long", "x" * 1_000_001),
        article("half", "A \ud83d surrogate and a \0 nul."), Skipped("caf\udce9.md", "not UTF-8 text", "caf\udce9"),
    ]  # fmt: skip
    report = await sqlite.imported(ScriptedSource("desk", *odd))
    assert sorted(report.imported) == ["half", "twice"]
    assert {item.name: item.why for item in report.skipped} == {
        ".T1/steal": "its name cannot be stored",
        "/root": "its name cannot be stored",
        "twice": "twice in this source",
        "empty": "no text",
        "long": "larger than 1 MB",
        "caf?.md": "not UTF-8 text",
    }


async def test_whatever_stands_beside_a_text_can_be_stored(shelf: Shelf) -> None:
    odd = replace(article("a", "About a."), url="https://x.example/\ud800", updated="2026\0", language="\udce9")
    report = await shelf.imported(ScriptedSource("desk", Document(odd, 'public "caf\udce9"\0')))
    assert report.imported == ("a",)
    [standing] = await shelf.store.standings()
    assert (standing.title, standing.updated) == ("A", "2026")
    assert (await shelf.store.known("desk")).validator("a") == 'public "caf?"'


async def test_a_document_that_became_internal_and_broken_does_not_stay_public(sqlite: Shelf) -> None:
    source = ScriptedSource("desk", *(Document(article(name, f"About {name}."), "public") for name in ("a", "b", "c")))
    await sqlite.imported(source)
    source.finds = [article("a", "x" * 1_000_001, internal=True), article("b", "x" * 1_000_001), article("c", "C.")]
    report = await sqlite.imported(source)
    assert [item.name for item in report.skipped] == ["a", "b"]
    assert await sqlite.slugs() == ["b", "c"]


async def test_a_source_without_an_end_is_refused_before_it_fills_the_memory(
    sqlite: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "_LARGEST_SOURCE", 5_000)
    await sqlite.imported(ScriptedSource("desk", REFUNDS))
    with pytest.raises(SourceError, match="of text to read"):
        await sqlite.imported(ScriptedSource("desk", *(article(f"a{n}", "x" * 1_000) for n in range(9))))
    assert await sqlite.slugs() == ["refunds"]


async def test_titles_and_names_hold_nothing_that_a_terminal_obeys(sqlite: Shelf) -> None:
    named = Skipped("c\x1b]0;x\x07", "no \x1b[1mtext")
    odd = article("a", "About a.", title="Good\x1b[31m \u202etitle"), article("b\x1b[2J", "About b.")
    report = await sqlite.imported(ScriptedSource("desk", *odd, named))
    assert [one.title for one in await sqlite.store.standings()] == ["Good[31m title"]
    assert [str(item.name) + ": " + item.why for item in report.skipped] == [
        "b[2J: its name cannot be stored", "c]0;x: no [1mtext",
    ]  # fmt: skip
    assert "\x1b" not in str(report)


async def test_a_source_without_one_article_empties_nothing(sqlite: Shelf) -> None:
    source = ScriptedSource("desk", REFUNDS)
    await sqlite.imported(source)
    for finds, why in (([], "holds no articles"), ([Skipped("Refunds", "a draft")], "Refunds: a draft")):
        source.finds = list(finds)
        with pytest.raises(SourceError, match=why):
            await sqlite.imported(source)
    assert await sqlite.slugs() == ["refunds"]


async def test_what_is_for_staff_changes_nothing_that_customers_find(sqlite: Shelf) -> None:
    source = ScriptedSource("folder", REFUNDS, PASSWORD)
    await sqlite.imported(source)
    question = Question("refunds paid", None, internal=False)
    before = await sqlite.knowledge.search(question)
    secret = [article(f"staff/{n}", "Refunds refunds paid refunds.", internal=True) for n in range(9)]
    source.finds += secret
    await sqlite.imported(source)
    assert await sqlite.knowledge.search(question) == before
    assert len(await sqlite.found("refunds paid", internal=True)) == 5


async def test_an_import_is_watched_step_by_step(sqlite: Shelf) -> None:
    steps: list[Step] = []
    source = ScriptedSource("desk", Expected(3), REFUNDS, Skipped("x.md", "no text", "x"), PASSWORD)
    await Importer(sqlite.store, sqlite.embedder, watcher=steps.append).run(source)
    assert [step.done for step in steps if step.doing == "reading"] == [0, 1, 2, 3]
    assert steps[-1] == Step("embedding", 4, 4)


async def test_removing_a_source_leaves_the_others(sqlite: Shelf) -> None:
    await sqlite.imported(ScriptedSource("folder", REFUNDS))
    await sqlite.imported(ScriptedSource("desk", article("d/x", "X.")))
    assert await sqlite.store.remove("folder") == 1
    assert await sqlite.store.remove("folder") == 0
    assert await sqlite.slugs() == ["d/x"]


async def test_articles_of_a_workspace_and_the_common_ones_do_not_touch(sqlite: Shelf) -> None:
    await sqlite.imported(ScriptedSource("folder", REFUNDS))
    own = sqlite.store.of("T1")
    await Importer(own, sqlite.embedder).run(ScriptedSource("folder", article("refunds", "Ours.")))
    assert [one.slug for one in await own.standings()] == ["refunds"]
    assert [store.shelf for store in await sqlite.store.guests()] == [".T1/"]
    assert await own.remove("folder") == 1
    assert await sqlite.found("refunds paid") == ["refunds"]
