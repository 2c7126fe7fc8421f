"""Articles found by their meaning: vectors in a table of this database with HNSW indexes of pgvector's over it.

One table for each embedder, with a row for each passage and (at position -1) for each title. It is made of what
kb_articles, kb_chunks and kb_vectors hold, and can be thrown away at any time. A row goes with its article, in the same
transaction, so a workspace that leaves takes its vectors along.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.schema import CreateIndex, CreateTable

from tools.base import ToolUnavailableError
from tools.database import alone, fetch, transact
from tools.knowledge_base.articles import ArticleCategory, Audience
from tools.knowledge_base.embedder import Embedder, Vectors
from tools.knowledge_base.scale.halfvecs import HalfVec, Value, copy_rows, text_of
from tools.knowledge_base.tables import articles, chunks, vectors

_ARTICLES = 50
"""Of a list that count; so many titles are asked for, and passages until they are of so many articles."""
_PASSAGES, _MOST = 200, 12_800
"""Asked for at first, and at last."""
_TUPLES = 50_000
"""Looked at in a search whose filters let little pass."""
_SCANNED = sa.select(
    sa.func.set_config("hnsw.ef_search", str(_PASSAGES), True),  # noqa: FBT003 - PostgreSQL's own order
    sa.func.set_config("hnsw.iterative_scan", "relaxed_order", True),  # noqa: FBT003
    sa.func.set_config("hnsw.max_scan_tuples", str(_TUPLES), True),  # noqa: FBT003
)
"""For this transaction: how thoroughly, and to go on until enough rows pass the filters."""
_AT_ONCE = 200
"""Articles whose vectors are written by one transaction."""
_TITLE = -1
_LOCK = 0x6465736B_6E656172
"""Number of the lock under which the rows are made."""
_STORED = np.dtype("<f2")
_COLUMNS = ("shelf", "slug", "position", "audience", "category", "digest", "vector")


@dataclass(frozen=True, slots=True)
class Near:
    """What is near to a question."""

    passages: dict[str, float]
    """Slug to the cosine of its nearest passage."""
    titles: dict[str, float]


@dataclass(frozen=True, slots=True)
class Standing:
    """An article as it is in the database now."""

    audience: Audience
    cosines: dict[int, float]
    """Of its passages, by position; those without a vector are left out."""


class Nearness:
    """The vectors of one shelf."""

    def __init__(self, engine: AsyncEngine, shelf: str, embedder: Embedder) -> None:
        self._engine = engine
        self._shelf = shelf
        self._embedder = embedder.name
        self._dimensions = embedder.dimensions
        self._table = _table(embedder.name, embedder.dimensions)

    async def sync(self) -> int:
        """Bring the rows up to what the articles say now; how many articles were behind."""
        await transact(self._engine, self._create)
        await transact(self._engine, self._tidy)
        behind = await transact(self._engine, self._behind)
        for start in range(0, len(behind), _AT_ONCE):
            await transact(self._engine, partial(self._fill, slugs=behind[start : start + _AT_ONCE]))
        await self._indexed()  # last: one index over all rows is made sooner than row by row
        if len(behind) > _AT_ONCE:
            await transact(self._engine, self._count)
        return len(behind)

    async def is_empty(self) -> bool:
        """Whether nothing of the shelf has a vector."""
        here = sa.select(sa.literal(1)).where(self._table.c.shelf == self._shelf).limit(1)
        return not await fetch(self._engine, here)

    async def near(self, vector: Vectors, category: ArticleCategory | None, *, internal: bool) -> Near:
        """The two lists, of what whoever asks may read."""
        size = _PASSAGES
        while True:
            found, passages = await self._near(self._lists(vector, size, category, internal=internal))
            if len(found.passages) >= _ARTICLES or passages < size or size >= _MOST:
                return found
            size *= 4

    async def _near(self, lists: sa.CompoundSelect[Any]) -> tuple[Near, int]:
        """And how many passages those were."""

        async def work(connection: AsyncConnection) -> Sequence[Any]:
            await connection.execute(_SCANNED)
            rows: Sequence[Any] = (await connection.execute(lists)).all()
            return rows

        found, rows = Near({}, {}), await transact(self._engine, work)
        for slug, position, distance in rows:
            kind = found.titles if position == _TITLE else found.passages
            kind[slug] = max(-distance, kind.get(slug, -1.0))
        return found, len(rows) - len(found.titles)

    async def nearest(self, vector: Vectors) -> float:
        """The cosine of the public passage that fits best; 0 when there is none."""
        found = await self.near(vector, None, internal=False)
        return max(found.passages.values(), default=0.0)

    async def standings(self, slugs: Collection[str], vector: Vectors) -> dict[str, Standing]:
        """Those of these articles that are there now."""
        near, keys = self._table.c, [self._shelf + slug for slug in slugs]
        mine = sa.and_(near.slug == articles.c.slug, near.position > _TITLE)
        query = sa.select(articles.c.slug, articles.c.audience, near.position, _distance(near.vector, _given(vector)))
        query = query.select_from(articles.outerjoin(self._table, mine)).where(articles.c.slug.in_(keys))

        found: dict[str, Standing] = {}
        for row in await fetch(self._engine, query):
            one = found.setdefault(row.slug.removeprefix(self._shelf), Standing(Audience(row.audience), {}))
            if row.position is not None:
                one.cosines[row.position] = -row.distance
        return found

    def _lists(
        self, vector: Vectors, size: int, category: ArticleCategory | None, *, internal: bool
    ) -> sa.CompoundSelect[Any]:
        near = self._table.c
        allowed = [near.shelf == self._shelf]
        allowed += [] if internal else [near.audience == Audience.PUBLIC.value]
        allowed += [] if category is None else [near.category == category]
        distance = _distance(near.vector, _given(vector))
        passages = self._list(distance, size, near.position >= 0, *allowed)
        return sa.union_all(passages, self._list(distance, _ARTICLES, near.position < 0, *allowed))

    def _list(self, distance: sa.Label[float], size: int, *allowed: sa.ColumnElement[bool]) -> sa.Select[Any]:
        near = self._table.c
        name = sa.func.substr(near.slug, len(self._shelf) + 1).label("slug")
        query = sa.select(name, near.position, distance).where(*allowed)
        return sa.select(query.order_by(distance).limit(sa.literal_column(str(size))).subquery())

    async def _create(self, connection: AsyncConnection) -> None:
        await alone(connection)
        await connection.execute(CreateTable(self._table, if_not_exists=True))

    async def _tidy(self, connection: AsyncConnection) -> None:
        """Without what an article does not say any more; the rows of articles that are gone went with them."""
        await alone(connection)
        near, said = self._table.c, self._said().subquery()
        same = sa.and_(said.c.slug == near.slug, said.c.position == near.position, said.c.digest == near.digest)
        await connection.execute(sa.delete(self._table).where(near.shelf == self._shelf, ~sa.exists().where(same)))

    async def _behind(self, connection: AsyncConnection) -> list[str]:
        said = self._said().subquery()
        query = self._missing(said).with_only_columns(said.c.slug).distinct()
        return sorted((await connection.scalars(query)).all())

    async def _fill(self, connection: AsyncConnection, slugs: Sequence[str]) -> None:
        await alone(connection)
        said = self._said(articles.c.slug.in_(slugs)).subquery()
        rows: Sequence[Any] = (await connection.execute(self._missing(said))).all()
        made = [self._row(row, vector) for row in rows if (vector := self._vector(row.vector)) is not None]
        await copy_rows(connection, self._table.name, _COLUMNS, made)

    async def _indexed(self) -> None:
        try:
            await transact(self._engine, self._index)
        except ToolUnavailableError:  # in a container PostgreSQL's shared memory is often too small for helpers
            await transact(self._engine, partial(self._index, helpers=0))

    async def _index(self, connection: AsyncConnection, helpers: int = 2) -> None:
        """The first time this takes a minute for a hundred thousand articles, for which an import waits."""
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        await connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
        await connection.execute(
            sa.text("SET LOCAL maintenance_work_mem = '512MB'")
        )  # beyond it takes ten times as long
        await connection.execute(sa.text(f"SET LOCAL max_parallel_maintenance_workers = {helpers}"))
        for index in sorted(self._table.indexes, key=lambda one: str(one.name)):
            await connection.execute(CreateIndex(index, if_not_exists=True))

    async def _count(self, connection: AsyncConnection) -> None:
        """PostgreSQL would not use the index of a table it takes for a small one."""
        await connection.execute(sa.text(f"ANALYZE {self._table.name}"))

    def _said(self, *which: sa.ColumnElement[bool]) -> sa.CompoundSelect[Any]:
        """What articles say: passages and titles, and instead of passages the title where there are none."""
        a, c = articles.c, chunks.c
        here = (of_shelf(self._shelf), *which)
        named = sa.and_(c.slug == a.slug, c.version == a.cut)
        about = (a.slug, a.audience, a.category)
        passages = sa.select(*about, c.position, c.digest).select_from(articles.join(chunks, named)).where(*here)
        place = sa.cast(sa.literal_column(str(_TITLE)), sa.Integer)
        titles = sa.select(*about, place, a.title_digest).where(a.title != "", *here)
        bare = sa.select(*about, sa.literal_column("0"), a.title_digest).where(~sa.exists().where(named), *here)
        return sa.union_all(passages, titles, bare)

    def _missing(self, said: Any) -> sa.Select[Any]:
        """What has a vector, but no row yet."""
        near, known = self._table.c, sa.and_(vectors.c.embedder == self._embedder, vectors.c.digest == said.c.digest)
        there = sa.and_(near.slug == said.c.slug, near.position == said.c.position)
        joined = said.join(vectors, known).outerjoin(self._table, there)
        return sa.select(*said.c, vectors.c.vector).select_from(joined).where(near.slug.is_(None))

    def _vector(self, stored: bytes) -> NDArray[np.floating] | None:
        """None of one that is damaged: its article is found by its words."""
        if len(stored) != self._dimensions * _STORED.itemsize:
            return None
        vector: NDArray[np.floating] = np.frombuffer(stored, _STORED)
        return vector if np.isfinite(vector).all() else None

    def _row(self, row: Any, vector: NDArray[np.floating]) -> tuple[Value, ...]:
        return (self._shelf, row.slug, row.position, row.audience, row.category, row.digest, vector)


def of_shelf(shelf: str) -> sa.ColumnElement[bool]:
    """Which articles stand there; no slug of the common shelf begins with a dot."""
    begin = sa.func.substr(articles.c.slug, 1, max(1, len(shelf)))
    return begin == shelf if shelf else begin != "."


def _table(embedder: str, dimensions: int) -> sa.Table:
    """Not among the tables of the bot: it needs the extension, and holds nothing of its own."""
    name = f"kb_near_{sha256(f'{embedder} {dimensions}'.encode()).hexdigest()[:12]}"
    table = sa.Table(
        name,
        sa.MetaData(),
        sa.Column("shelf", sa.Text, nullable=False),
        sa.Column("slug", sa.Text, sa.ForeignKey(articles.c.slug, ondelete="CASCADE"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("audience", sa.Text, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("vector", HalfVec(dimensions), nullable=False),
    )
    for kind, which in (("passages", table.c.position >= 0), ("titles", table.c.position < 0)):
        ops = {"vector": "halfvec_ip_ops"}
        sa.Index(f"{name}_{kind}", table.c.vector, postgresql_using="hnsw", postgresql_ops=ops, postgresql_where=which)
    return table


def _given(vector: Vectors) -> sa.BindParameter[str]:
    """Written down once, however often a statement names it."""
    return sa.bindparam("asked", text_of(vector), sa.Text)


def _distance(column: sa.Column[Any], asked: sa.BindParameter[str]) -> sa.Label[float]:
    """What the index is ordered by: all vectors have length 1, so it is the cosine, negative."""
    return column.op("<#>", return_type=sa.Float())(sa.cast(asked, column.type)).label("distance")
