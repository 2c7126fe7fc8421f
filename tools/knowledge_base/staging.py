"""Passages in the database. Each version of an article has its own, which are written before the article names it.

So an import writes most of what it has in many small transactions, between which others write (on SQLite the bot has
to keep an event within three seconds), and the one that makes it visible is short. Nobody reads the passages of a
version that no article names. They are thrown away by the next import; one that is under way then puts them in again.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from tools.database import alone, fetch, transact
from tools.knowledge_base.cutting import Cut
from tools.knowledge_base.tables import articles, chunks

ROWS = 500
"""Written by one statement, and in one transaction when there is time."""
PAUSE_SECONDS = 0.01
"""Between two such transactions, for others who want to write to the same SQLite file."""
_VERSIONS = 100
"""Thrown away in one transaction."""

Row = dict[str, object]


class PassageStore:
    """Keeps the passages of one shelf, by slug and version."""

    def __init__(self, engine: AsyncEngine, shelf: str) -> None:
        self._engine = engine
        self._shelf = shelf

    async def stage(self, cuts: Mapping[str, Cut]) -> None:
        """Put the passages (by slug) in, unseen, a few at a time; what is there already stays."""
        rows = await asyncio.to_thread(self._rows, cuts)
        for part in parts(rows):
            await transact(self._engine, partial(_put, rows=part))
            await asyncio.sleep(PAUSE_SECONDS)

    async def complete(self, connection: AsyncConnection, cuts: Mapping[str, Cut]) -> None:
        """Put in, within the caller's transaction, what of these is not there (any more)."""
        if not cuts:
            return
        mine = chunks.c.slug.in_([self._shelf + slug for slug in cuts]) if len(cuts) <= ROWS else sa.true()
        count = sa.select(chunks.c.slug, chunks.c.version, sa.func.count().label("passages")).where(mine)
        found: Sequence[Any] = (await connection.execute(count.group_by(chunks.c.slug, chunks.c.version))).all()
        there = {(row.slug, row.version): row.passages for row in found}
        missing = {s: c for s, c in cuts.items() if there.get((self._shelf + s, c.version), 0) < len(c.passages)}
        for part in parts(self._rows(missing)):
            await _put(connection, part)

    async def sweep(self) -> None:
        """Throw away the passages of versions that no article names any more, on whatever shelf."""
        query = sa.select(chunks.c.slug, chunks.c.version).where(_unnamed()).distinct()
        old: Sequence[Any] = await fetch(self._engine, query, is_long=True)
        keys = [{"key": row.slug, "of": row.version} for row in old]
        for start in range(0, len(keys), _VERSIONS):
            part = keys[start : start + _VERSIONS]
            await transact(self._engine, partial(_drop, keys=part))
            await asyncio.sleep(PAUSE_SECONDS)

    def _rows(self, cuts: Mapping[str, Cut]) -> list[Row]:
        """In one order, so that two imports of the same cannot wait for each other."""
        return [
            {
                "slug": self._shelf + slug,
                "version": cuts[slug].version,
                "position": passage.position,
                "text": passage.text,
                "digest": digest,
            }
            for slug in sorted(cuts)
            for passage, digest in zip(cuts[slug].passages, cuts[slug].digests, strict=True)
        ]


def parts(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """As many as one statement takes."""
    for start in range(0, len(rows), ROWS):
        yield rows[start : start + ROWS]


async def _put(connection: AsyncConnection, rows: Sequence[Row]) -> None:
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    await connection.execute(insert(chunks).on_conflict_do_nothing(), rows)


async def _drop(connection: AsyncConnection, keys: Sequence[Mapping[str, str]]) -> None:
    await alone(connection)  # an import that makes one of them visible goes before or after
    mine = sa.and_(chunks.c.slug == sa.bindparam("key"), chunks.c.version == sa.bindparam("of"))
    await connection.execute(sa.delete(chunks).where(mine, _unnamed()), keys)


def _unnamed() -> sa.ColumnElement[bool]:
    return ~sa.exists().where(articles.c.slug == chunks.c.slug, articles.c.cut == chunks.c.version)
