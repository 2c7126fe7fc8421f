"""Articles and their passages in the bot's own database."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from tools.database import fetch, transact
from tools.knowledge_base import revisions
from tools.knowledge_base.articles import Article, Audience
from tools.knowledge_base.chunks import Passage
from tools.knowledge_base.cutting import CUT, Cut, cut, version_of
from tools.knowledge_base.sources.base import Document, Known, Seen
from tools.knowledge_base.staging import PassageStore, Row, parts
from tools.knowledge_base.tables import articles, bands, chunks

SAMPLE = "sample"
"""Source of the sample company's articles; it leaves as soon as anything else is imported."""


_Rows = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """What one reading of a source found, ready to be written."""

    source: str
    documents: Mapping[str, Document]
    """New or changed or not, by slug."""
    stays: frozenset[str]
    """Slugs that stay as they are if they are there."""
    cuts: Mapping[str, Cut]
    """Of those that are new or changed, and of any that stay and were cut in an older way."""
    thresholds: Mapping[str, str] = field(default_factory=dict)
    """Of the bands, by embedder, as JSON."""
    digests: Mapping[str, str] = field(default_factory=dict)
    """Of the documents' articles, as far as they were made already."""
    embedded: Mapping[str, int] = field(default_factory=dict)
    """By embedder: how many texts of the shelf have a vector once this is written."""
    has_new_vectors: bool = False
    """Whether texts that were there had none, so that whoever searches is to read all again."""

    def digest(self, slug: str) -> str:
        """Of one article."""
        return self.digests.get(slug) or self.documents[slug].article.digest


@dataclass(frozen=True, slots=True)
class Changes:
    """Slugs by what became of them."""

    imported: tuple[str, ...]
    """New or changed."""
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]
    taken: tuple[str, ...] = ()
    """Not imported: another source has an article of that name."""

    @property
    def is_nothing(self) -> bool:
        """Whether all stays as it was."""
        return not (self.imported or self.removed)


@dataclass(frozen=True, slots=True)
class Held:
    """Everything of a shelf at one moment."""

    revision: int
    articles: tuple[Article, ...]
    """By slug; the body only of those that have no cut."""
    cuts: Mapping[str, Cut]
    """By slug; an article that an older version imported has none."""
    thresholds: Mapping[str, str]
    """By embedder, as JSON."""
    drift: Mapping[str, int]
    """By embedder: articles that changed since its thresholds were measured."""
    embedded: Mapping[str, int]
    """By embedder: how many texts had a vector when the shelf was announced; 0 when articles changed without it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How an article stands."""

    slug: str
    title: str
    updated: str
    """ISO date; empty when unknown."""
    source: str
    imported_at: float
    """When it came in, or changed last."""


class ArticleStore:
    """Keeps the articles; knows nothing of ranking."""

    def __init__(self, engine: AsyncEngine, clock: Callable[[], float], *, workspace: str = "") -> None:
        """`workspace`: only the articles one workspace has of its own; without, those all have in common."""
        self.engine = engine
        self.clock = clock
        self._shelf = f".{workspace}/" if workspace else ""
        self._passages = PassageStore(engine, self._shelf)
        self._number = revisions.Number(engine, self._shelf)

    @property
    def shelf(self) -> str:
        """What the slugs of this shelf begin with; empty for the common one."""
        return self._shelf

    def of(self, workspace: str) -> "ArticleStore":
        """The articles one workspace has of its own."""
        return ArticleStore(self.engine, self.clock, workspace=workspace)

    async def guests(self) -> "tuple[ArticleStore, ...]":
        """Those of all workspaces that have articles of their own."""
        query = sa.select(articles.c.slug).where(sa.func.substr(articles.c.slug, 1, 1) == ".")
        rows: Sequence[Any] = await fetch(self.engine, query, is_long=True)
        return tuple(self.of(team) for team in sorted({row.slug[1:].partition("/")[0] for row in rows}))

    async def held(self) -> Held:
        """Everything, as one moment saw it."""
        number, rows, texts, limits = await transact(self.engine, self._read, is_long=True)
        found, cuts = await asyncio.to_thread(lambda: (tuple(map(self._article, rows)), self._cuts(rows, texts)))
        thresholds = {row.embedder: row.thresholds for row in limits}
        drift = {row.embedder: row.changed for row in limits}
        return Held(number, found, cuts, thresholds, drift, {row.embedder: row.embedded for row in limits})

    async def has_articles(self, *, besides: str | None = None) -> bool:
        """Whether there are any, `besides`: from any other source than this."""
        here = sa.select(sa.literal(1)).where(self._here(articles.c.slug), articles.c.source != (besides or ""))
        return bool(await fetch(self.engine, here.limit(1)))

    async def revision(self) -> int:
        """Differs from an earlier one when this shelf changed, in whatever process; 0 before its first import."""
        return await self._number.now()

    async def revision_of_all(self) -> int:
        """Rises when any shelf changed."""
        return int((await fetch(self.engine, revisions.of_all()))[0].number)

    async def urls(self) -> list[tuple[str, Audience]]:
        """Where the articles lie, and for whom they are."""
        query = sa.select(articles.c.url, articles.c.audience).where(self._here(articles.c.slug), articles.c.url != "")
        return [(row.url, Audience(row.audience)) for row in await fetch(self.engine, query, is_long=True)]

    async def known(self, source: str) -> Known:
        """What the last import of a source left."""
        query = sa.select(articles.c.slug, articles.c.validator, articles.c.digest)
        mine = query.where(self._here(articles.c.slug), articles.c.source == source)
        rows = await fetch(self.engine, mine, is_long=True)
        return Known({self._name(r.slug): Seen(r.validator, r.digest) for r in rows})

    async def standings(self) -> tuple[Standing, ...]:
        """Every article, by slug, for people who look after them."""
        columns = (articles.c[name] for name in ("slug", "title", "updated", "source", "imported_at"))
        query = sa.select(*columns).where(self._here(articles.c.slug))
        rows: Sequence[Any] = await fetch(self.engine, query, is_long=True)
        found = (Standing(self._name(r.slug), r.title, r.updated, r.source, r.imported_at) for r in rows)
        return tuple(sorted(found, key=lambda one: one.slug))

    async def preview(self, batch: Batch) -> Changes:
        """What `replace` would do."""
        return await transact(self.engine, lambda connection: self._preview(connection, batch), is_long=True)

    async def replace(self, batch: Batch) -> Changes:
        """Make what was found the articles of its source, all at once or not at all."""
        await self._passages.stage(batch.cuts)
        changes = await transact(self.engine, lambda connection: self._replace(connection, batch), is_long=True)
        if batch.cuts or not changes.is_nothing:
            await self._passages.sweep()
        return changes

    async def remove(self, source: str) -> int:
        """Take every article of a source away; how many there were."""
        return len((await self.replace(Batch(source, {}, frozenset(), {}))).removed)

    async def audiences(self, slugs: Collection[str]) -> Mapping[str, Audience]:
        """For whom these articles are right now; without those that are gone."""
        columns = articles.c
        wanted = columns.slug.in_([self._shelf + slug for slug in slugs])
        rows: Sequence[Any] = await fetch(self.engine, sa.select(columns.slug, columns.audience).where(wanted))
        return {self._name(row.slug): Audience(row.audience) for row in rows}

    async def tell_sample(self, digests: Callable[[], Collection[str]]) -> None:
        """An older version did not write where articles came from: these were the sample company's."""
        old = sa.and_(articles.c.cut == "", articles.c.validator == "", articles.c.source == "folder")

        async def work(connection: AsyncConnection) -> None:
            sample = articles.c.digest.in_(list(digests()))
            await connection.execute(sa.update(articles).where(old, sample).values(source=SAMPLE))

        if await fetch(self.engine, sa.select(sa.literal(1)).where(sa.exists().where(old))):
            await transact(self.engine, work)

    async def keep_bands(self, embedder: str, thresholds: str) -> None:
        """Remember the bands a search had to measure because nobody had; the next import measures them anew."""
        many = sa.select(sa.func.count()).select_from(articles).where(self._here(articles.c.slug)).scalar_subquery()
        row = {"shelf": self._shelf, "embedder": embedder, "thresholds": thresholds, "changed": many}

        async def work(connection: AsyncConnection) -> None:
            insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
            await connection.execute(insert(bands).values(row).on_conflict_do_nothing())

        await transact(self.engine, work)

    async def announce(self) -> None:
        """Have everybody read this shelf again."""

        async def work(connection: AsyncConnection) -> None:
            await revisions.lock(connection)
            await revisions.announce(connection, self._shelf)

        await transact(self.engine, work)

    async def _read(self, connection: AsyncConnection) -> tuple[int, _Rows, _Rows, _Rows]:
        """Revision, articles, passages, thresholds."""
        if connection.dialect.name == "postgresql":
            await connection.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        number = int(await connection.scalar(revisions.of(self._shelf)) or 0)
        is_cut = articles.c.cut == sa.literal(f"{CUT}.").concat(articles.c.digest)
        body = sa.case((is_cut, ""), else_=articles.c.body).label("body")
        others = (column for column in articles.c if column.name != "body")
        wanted = sa.select(*others, body).where(self._here(articles.c.slug)).order_by(articles.c.slug)
        rows: _Rows = (await connection.execute(wanted)).all()
        named = sa.and_(articles.c.slug == chunks.c.slug, articles.c.cut == chunks.c.version)
        columns = (chunks.c[name] for name in ("slug", "position", "text", "digest"))
        seen = sa.select(*columns).join(articles, named).where(self._here(chunks.c.slug))
        texts: _Rows = (await connection.execute(seen.order_by(chunks.c.slug, chunks.c.position))).all()
        limits: _Rows = (await connection.execute(sa.select(bands).where(bands.c.shelf == self._shelf))).all()
        return number, rows, texts, limits

    def _cuts(self, rows: _Rows, texts: _Rows) -> Mapping[str, Cut]:
        present = {row.slug: row for row in rows if row.cut == version_of(row.digest)}
        passages: dict[str, list[Passage]] = {slug: [] for slug in present}
        digests: dict[str, list[str]] = {slug: [] for slug in present}
        for row in texts:
            if row.slug in present:
                passages[row.slug].append(Passage(self._name(row.slug), row.position, row.text))
                digests[row.slug].append(row.digest)
        return {
            self._name(slug): Cut(row.title_digest, tuple(passages[slug]), tuple(digests[slug]), row.cut)
            for slug, row in present.items()
        }

    async def _preview(self, connection: AsyncConnection, batch: Batch) -> Changes:
        return _changes(await self._present(connection), batch)

    async def _replace(self, connection: AsyncConnection, batch: Batch) -> Changes:
        await revisions.lock(connection)
        present = await self._present(connection)
        changes = _changes(present, batch)
        gone = {*changes.removed, *changes.imported}
        again = {s: c for s, c in batch.cuts.items() if s in present and s not in gone and _is_anew(present[s], c)}
        cuts = {slug: batch.cuts.get(slug) or cut(batch.documents[slug].article) for slug in changes.imported}
        await self._passages.complete(connection, {**cuts, **again})
        await self._delete(connection, gone)
        for part in parts([self._row(batch, slug, cuts[slug]) for slug in changes.imported]):
            await connection.execute(sa.insert(articles), part)
        await self._drift(connection, len(gone))
        same = {slug: row.validator for slug, row in present.items() if slug not in gone}
        await self._remember(connection, batch, same, again)
        has_more = await self._set_embedded(connection, batch.embedded) or batch.has_new_vectors
        if not changes.is_nothing or again or batch.thresholds or has_more:
            await revisions.announce(connection, self._shelf)
        return changes

    async def _present(self, connection: AsyncConnection) -> Mapping[str, sa.Row[Any]]:
        columns = articles.c
        wanted = (columns.slug, columns.digest, columns.source, columns.cut, columns.validator)
        query = sa.select(*wanted).where(self._here(columns.slug))
        rows: Sequence[Any] = (await connection.execute(query)).all()
        return {self._name(row.slug): row for row in rows}

    async def _remember(
        self, connection: AsyncConnection, batch: Batch, same: Mapping[str, str], again: Mapping[str, Cut]
    ) -> None:
        """What came with articles that stay: validators (`same`: the old ones), new cuts, and the bands of all."""
        mine = sa.and_(articles.c.slug == sa.bindparam("key"), articles.c.source == batch.source)
        given = ((slug, batch.documents[slug].validator) for slug in same.keys() & batch.documents.keys())
        seen = [{"key": self._shelf + slug, "value": new} for slug, new in given if new not in ("", same[slug])]
        if seen:
            await connection.execute(sa.update(articles).where(mine).values(validator=sa.bindparam("value")), seen)
        cuts = [{"key": self._shelf + s, "name": c.title_digest, "version": c.version} for s, c in again.items()]
        if cuts:
            here = sa.update(articles).where(articles.c.slug == sa.bindparam("key"))
            named = here.values(cut=sa.bindparam("version"), title_digest=sa.bindparam("name"))
            await connection.execute(named, cuts)
        for embedder, thresholds in batch.thresholds.items():
            await self._set_bands(connection, embedder, thresholds)

    async def _drift(self, connection: AsyncConnection, changed: int) -> None:
        if changed:
            mine = sa.update(bands).where(bands.c.shelf == self._shelf)
            await connection.execute(mine.values(changed=bands.c.changed + changed, embedded=0))

    async def _set_bands(self, connection: AsyncConnection, embedder: str, thresholds: str) -> None:
        """Also over what a search writes at this very moment (`keep_bands`)."""
        insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
        row = insert(bands).values(shelf=self._shelf, embedder=embedder, thresholds=thresholds, changed=0)
        values = {"thresholds": row.excluded.thresholds, "changed": row.excluded.changed}
        keys = [bands.c.shelf, bands.c.embedder]
        await connection.execute(row.on_conflict_do_update(index_elements=keys, set_=values))

    async def _set_embedded(self, connection: AsyncConnection, embedded: Mapping[str, int]) -> bool:
        """Whether any number is another one than before."""
        changed = 0
        for embedder, count in embedded.items():
            mine = sa.and_(bands.c.shelf == self._shelf, bands.c.embedder == embedder, bands.c.embedded != count)
            changed += (await connection.execute(sa.update(bands).where(mine).values(embedded=count))).rowcount
        return changed > 0

    async def _delete(self, connection: AsyncConnection, slugs: Collection[str]) -> None:
        if slugs:
            statement = sa.delete(articles).where(articles.c.slug == sa.bindparam("key"))
            await connection.execute(statement, [{"key": self._shelf + slug} for slug in slugs])

    def _here(self, slug: sa.Column[str]) -> sa.ColumnElement[bool]:
        """No slug of a source begins with a dot, so the shelves of workspaces stand beside the common articles."""
        if not self._shelf:
            return sa.func.substr(slug, 1, 1) != "."
        return sa.func.substr(slug, 1, len(self._shelf)) == self._shelf

    def _name(self, slug: str) -> str:
        return slug.removeprefix(self._shelf)

    def _article(self, r: sa.Row[Any]) -> Article:
        audience = Audience(r.audience)
        return Article(self._name(r.slug), r.title, r.category, r.url, r.updated, audience, r.body, r.language)

    def _row(self, batch: Batch, slug: str, made: Cut) -> Row:
        document = batch.documents[slug]
        article = document.article
        return {
            "slug": self._shelf + slug,
            "title": article.title,
            "category": article.category,
            "url": article.url,
            "updated": article.updated,
            "audience": article.audience.value,
            "body": article.body,
            "digest": batch.digest(slug),
            "imported_at": self.clock(),
            "language": article.language,
            "source": batch.source,
            "validator": document.validator,
            "cut": made.version,
            "title_digest": made.title_digest,
        }


def _changes(present: Mapping[str, sa.Row[Any]], batch: Batch) -> Changes:
    mine = {slug: row.digest for slug, row in present.items() if row.source == batch.source}
    leaving = {slug for slug, row in present.items() if row.source == SAMPLE != batch.source}
    others = present.keys() - mine.keys() - leaving
    wanted = {slug for slug in batch.documents if slug not in others}
    imported = tuple(slug for slug in batch.documents if slug in wanted and mine.get(slug) != batch.digest(slug))
    stays = (wanted - set(imported)) | ((batch.stays & mine.keys()) - wanted)
    removed = (mine.keys() - wanted - batch.stays) | (leaving - wanted if wanted else set())
    taken = batch.documents.keys() & others
    return Changes(imported, tuple(sorted(stays)), tuple(sorted(removed)), tuple(sorted(taken)))


def _is_anew(row: sa.Row[Any], made: Cut) -> bool:
    """Whether an article that stays was cut in an older way, and this is what it is cut into now."""
    return bool(row.cut != made.version == version_of(row.digest))
