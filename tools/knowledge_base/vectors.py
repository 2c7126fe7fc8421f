"""Vectors in the database: what has none yet is embedded, a few at a time, each part kept as soon as it is there."""

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from tools.database import alone, fetch, transact
from tools.knowledge_base.dense import Stored
from tools.knowledge_base.embedder import Embedder, Vectors, vectors_of
from tools.knowledge_base.staging import PAUSE_SECONDS, ROWS
from tools.knowledge_base.tables import articles, chunks, vectors

_STORED = np.dtype("<f2")
"""Half precision: an error of 1e-4 in a cosine, and half the room."""
_AT_ONCE = 32
"""Texts embedded and written together; about a third of a second of MiniLM."""

_READ = 2000
"""Vectors read at once; all at once would take twice their memory on the way."""

Told = Callable[[int, int], None]
"""Told (texts embedded, texts there are to embed)."""


class VectorStore:
    """Keeps vectors by embedder and digest of the text."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def missing(self, embedder: str, digests: Collection[str]) -> frozenset[str]:
        """Those that have no vector."""
        if not digests:
            return frozenset()
        query = sa.select(vectors.c.digest).where(vectors.c.embedder == embedder)
        rows = await fetch(self._engine, query, is_long=True)
        return await asyncio.to_thread(lambda: frozenset(digests).difference(row.digest for row in rows))

    async def load(self, embedder: Embedder, digests: Collection[str]) -> Stored:
        """The vectors of these texts, as far as there are any; a damaged one is none."""
        wanted = tuple(dict.fromkeys(digests))
        loaded, last, size = _Loaded(wanted, embedder.dimensions), "", _READ
        while wanted and size == _READ:
            columns, after = vectors.c, vectors.c.digest > last
            query = sa.select(columns.digest, columns.vector).where(columns.embedder == embedder.name, after)
            rows = await fetch(self._engine, query.order_by(columns.digest).limit(_READ), is_long=True)
            await asyncio.to_thread(loaded.take, [(d, v) for d, v in rows])
            last, size = rows[-1].digest if rows else "", len(rows)
        return loaded

    async def fill(self, embedder: Embedder, texts: Mapping[str, str], told: Told) -> int:
        """Embed the texts (by digest) that have no vector yet; how many those were.

        A crash loses the last few at most.
        """
        missing = await self.missing(embedder.name, texts.keys())
        order = [digest for digest in texts if digest in missing]
        for start in range(0, len(order), _AT_ONCE):
            told(start, len(order))
            part = order[start : start + _AT_ONCE]
            made = await asyncio.to_thread(vectors_of, embedder, [texts[digest] for digest in part])
            await self._keep(embedder.name, part, made)
        if order:
            told(len(order), len(order))
        return len(order)

    async def sweep(self) -> None:
        """Throw away the vectors of texts that no article has any more, a few at a time, so that others write, too."""
        query = sa.select(vectors.c.embedder, vectors.c.digest).where(unused_vectors())
        keys = [{"by": row.embedder, "key": row.digest} for row in await fetch(self._engine, query, is_long=True)]
        mine = sa.and_(vectors.c.embedder == sa.bindparam("by"), vectors.c.digest == sa.bindparam("key"))

        async def work(connection: AsyncConnection, part: Sequence[Mapping[str, str]]) -> None:
            await alone(connection)  # an import that makes such a text visible goes before or after
            await connection.execute(sa.delete(vectors).where(mine, unused_vectors()), part)

        for start in range(0, len(keys), ROWS):
            await transact(self._engine, partial(work, part=keys[start : start + ROWS]))
            await asyncio.sleep(PAUSE_SECONDS)

    async def _keep(self, embedder: str, digests: Sequence[str], made: Vectors) -> None:
        rows = [
            {"embedder": embedder, "digest": digest, "vector": vector.astype(_STORED).tobytes()}
            for digest, vector in zip(digests, made, strict=True)
        ]

        async def work(connection: AsyncConnection) -> None:
            insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
            await connection.execute(insert(vectors).on_conflict_do_nothing(), rows)

        await transact(self._engine, work)


def unused_vectors() -> sa.ColumnElement[bool]:
    """Which rows of kb_vectors belong to a text that no article has any more, on whatever shelf."""
    said = sa.exists().where(chunks.c.digest == vectors.c.digest)
    named = sa.exists().where(articles.c.title_digest == vectors.c.digest)
    return ~said & ~named


class _Loaded(Mapping[str, NDArray[np.floating]]):
    """Vectors in one block of memory, by digest."""

    def __init__(self, wanted: Sequence[str], dimensions: int) -> None:
        self._wanted = {digest: place for place, digest in enumerate(wanted)}
        self._there = np.zeros(len(wanted), bool)
        self._block = np.zeros((len(wanted), dimensions), _STORED)

    def take(self, rows: Sequence[tuple[str, bytes]]) -> None:
        """Those of the rows that are wanted and as long as they should be."""
        for digest, vector in rows:
            place = self._wanted.get(digest)
            if place is not None and len(vector) == self._block.shape[1] * _STORED.itemsize:
                self._block[place] = np.frombuffer(vector, _STORED)
                self._there[place] = True

    def __getitem__(self, digest: str) -> NDArray[np.floating]:
        place = self._wanted[digest]
        if not self._there[place]:
            raise KeyError(digest)
        vector: NDArray[np.floating] = self._block[place]
        return vector

    def __iter__(self) -> Iterator[str]:
        return (digest for digest, place in self._wanted.items() if self._there[place])

    def __len__(self) -> int:
        return int(self._there.sum())
