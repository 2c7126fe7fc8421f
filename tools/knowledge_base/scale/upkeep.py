"""Makes the index for many articles, and brings it up to what the database holds: only what changed is written."""

import asyncio
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from weakref import finalize

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from tools.base import ToolUnavailableError
from tools.database import fetch
from tools.knowledge_base.articles import Article, Audience
from tools.knowledge_base.band import Thresholds, calibrate
from tools.knowledge_base.embedder import Embedder, EmbedderUnavailableError, Vectors
from tools.knowledge_base.scale.lexicon import Entry, Lexicon, View, number_of, unbroken
from tools.knowledge_base.scale.nearness import Nearness, of_shelf
from tools.knowledge_base.scale.ready import NotReadyError, make_ready
from tools.knowledge_base.scale.search import Meaning, ScaledIndex
from tools.knowledge_base.store import ArticleStore
from tools.knowledge_base.tables import articles, bands, chunks
from tools.knowledge_base.words import DEFAULT

_AT_ONCE = 500
"""Articles read and indexed together."""
_ANSWER_SECONDS = 30.0
"""For one of the two hundred questions the bands are measured with."""


class Upkeep:
    """Of one shelf's index, in one replica. One call of `index` at a time."""

    def __init__(self, store: ArticleStore, embedder: Embedder | None, folder: Path | None) -> None:
        """`folder`: of this replica alone, kept from one start to the next; without, one that goes with the process."""
        self._store = store
        self._embedder = embedder
        self._folder = folder
        self._lexicon: Lexicon | None = None
        self.written = 0
        """Articles whose words the last call of `index` had to write."""

    async def index(self) -> ScaledIndex:
        """Of the articles as they are now.

        Raises NotReadyError, and ToolUnavailableError when the database does not answer.
        """
        await make_ready(self._store.engine)
        revision = await self._store.revision()
        try:
            meaning = await self._meaning()
            view = await self._words()
        except DBAPIError as error:
            code = getattr(error.orig, "sqlstate", "")
            raise NotReadyError(f"PostgreSQL refuses ({type(error).__name__} {code}).") from error
        except (OSError, ValueError) as error:
            raise NotReadyError(f"KB_SCALE_FOLDER cannot be used ({type(error).__name__}).") from error
        return ScaledIndex(revision, view, meaning, self._store.audiences)

    async def close(self) -> None:
        """Let go of the folder."""
        if self._lexicon is not None:
            lexicon, self._lexicon = self._lexicon, None
            await asyncio.to_thread(unbroken, lexicon.close)

    def _open(self) -> Lexicon:
        if self._lexicon is None:
            self._lexicon = Lexicon(self._place())
        return self._lexicon

    def _place(self) -> Path:
        if self._folder is not None:
            return self._folder / sha256(self._store.shelf.encode()).hexdigest()[:12]
        made = mkdtemp(prefix="deskhand-words-")
        finalize(self, shutil.rmtree, made, ignore_errors=True)
        return Path(made)

    async def _meaning(self) -> Meaning | None:
        """None as long as nothing is embedded."""
        if self._embedder is None:
            return None
        nearness = Nearness(self._store.engine, self._store.shelf, self._embedder)
        await nearness.sync()
        if await nearness.is_empty():
            return None
        thresholds = await self._thresholds(nearness, self._embedder)
        return Meaning(self._embedder, nearness, thresholds) if thresholds else None

    async def _thresholds(self, nearness: Nearness, embedder: Embedder) -> Thresholds | None:
        """As the last import measured them; measured here when it did not."""
        mine = sa.and_(bands.c.shelf == self._store.shelf, bands.c.embedder == embedder.name)
        rows: Sequence[Any] = await fetch(self._store.engine, sa.select(bands.c.thresholds).where(mine))
        if rows and (stored := Thresholds.parse(rows[0].thresholds)):
            return stored
        loop = asyncio.get_running_loop()

        def nearest(vector: Vectors) -> float:
            return asyncio.run_coroutine_threadsafe(nearness.nearest(vector), loop).result(_ANSWER_SECONDS)

        try:
            measured = await asyncio.to_thread(calibrate, nearest, embedder)
        except EmbedderUnavailableError:
            return None
        with suppress(ToolUnavailableError):  # then the next time it is measured again
            await self._store.keep_bands(embedder.name, measured.json())
        return measured

    async def _words(self) -> View:
        """Once more, in a new folder if need be, where the first time fails: somebody may have tidied it away."""
        try:
            return await self._write(await asyncio.to_thread(self._open))
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                await self.close()
        return await self._write(await asyncio.to_thread(self._open))

    async def _write(self, lexicon: Lexicon) -> View:
        """Into the folder, what changed."""
        columns = (articles.c[name] for name in ("slug", "cut", "digest", "language"))
        rows: Sequence[Any] = await fetch(
            self._store.engine, sa.select(*columns).where(of_shelf(self._store.shelf)), is_long=True
        )
        languages = tuple(sorted({row.language or DEFAULT for row in rows}))
        wanted = {row.slug: _version(row) for row in rows}
        del rows
        fresh = await asyncio.to_thread(unbroken, self._begin, lexicon, wanted)
        for start in range(0, len(fresh), _AT_ONCE):
            entries = await self._entries(fresh[start : start + _AT_ONCE])
            await asyncio.to_thread(unbroken, lexicon.put, entries)
        await asyncio.to_thread(unbroken, lexicon.commit)
        self.written = len(fresh)
        return await asyncio.to_thread(unbroken, lexicon.view, languages)

    def _begin(self, lexicon: Lexicon, wanted: Mapping[str, str]) -> list[str]:
        """Drop what is gone; the keys of what is new or changed."""
        lexicon.begin()
        there = lexicon.versions()
        numbers = {key: number_of(self._name(key)) for key in wanted}
        lexicon.drop(there.keys() - set(numbers.values()))
        return [key for key, version in wanted.items() if there.get(numbers[key]) != number_of(version)]

    async def _entries(self, keys: Sequence[str]) -> list[Entry]:
        named = sa.and_(chunks.c.slug == articles.c.slug, chunks.c.version == articles.c.cut)
        about = (column for column in articles.c if column.name not in {"body", "validator", "source"})
        query = sa.select(*about, chunks.c.text).select_from(articles.outerjoin(chunks, named))
        query = query.where(articles.c.slug.in_(keys)).order_by(articles.c.slug, chunks.c.position)
        rows: Sequence[Any] = await fetch(self._store.engine, query)
        texts: dict[str, list[str]] = {row.slug: [] for row in rows}
        for row in rows:
            texts[row.slug].append(row.title if row.text is None else row.text)
        heads = {row.slug: row for row in rows}
        return [Entry(self._article(row), _version(row), texts[key]) for key, row in heads.items()]

    def _article(self, row: Any) -> Article:
        audience = Audience(row.audience)
        return Article(self._name(row.slug), row.title, row.category, row.url, row.updated, audience, "", row.language)

    def _name(self, key: str) -> str:
        return key.removeprefix(self._store.shelf)


def _version(row: Any) -> str:
    """Of what is indexed of an article: what it says, and how it is cut."""
    return f"{row.cut} {row.digest}"
