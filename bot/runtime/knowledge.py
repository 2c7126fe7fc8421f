"""Keeps the knowledge base of a running bot up to date: takes up finished imports, reads the sources that are set.

Every process does the first; the second is done by one of them at a time (`tools.knowledge_base.schedule`).
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from bot.runtime.background import Background
from tools.backends import Backends
from tools.base import ToolUnavailableError
from tools.knowledge_base.builds import RestingError
from tools.knowledge_base.changes import EVERY_SECONDS, whenever_changed
from tools.knowledge_base.embedder import EmbedderUnavailableError
from tools.knowledge_base.importer import Importer
from tools.knowledge_base.schedule import CLAIM_SECONDS, Schedule
from tools.knowledge_base.sources.base import SourceError
from tools.knowledge_base.sources.opening import Opened

logger = logging.getLogger(__name__)

TICK_SECONDS = 15.0
"""Between two looks at what is due."""
AGAIN_SECONDS = 5.0
"""After the database was away."""
_RETRY_SECONDS = 600.0
"""After something failed, at most: it may be over by then."""
_LONGEST_SECONDS = 7200.0
"""One reading of a source."""
_CATCH_UP = "catch-up"
_FAULTS = (SourceError, ToolUnavailableError, EmbedderUnavailableError, TimeoutError)


class KnowledgeKeeper:
    """Works from `start` to `close`."""

    def __init__(self, backends: Backends, sources: Sequence[Opened], *, tick: float = TICK_SECONDS) -> None:
        """`sources`: those of the connectors file."""
        self._backends = backends
        self._sources = sources
        self._tick = tick
        store = backends.articles
        self._schedule = Schedule(store.engine, store.clock)
        self._importer = Importer(store, backends.embedder)
        self._caught_up_at = -1
        self._taking_up, self._reading = Background("knowledge"), Background("knowledge_sources")

    async def start(self) -> None:
        """Begin both."""
        self._taking_up.start(self._take_up())
        if self._sources or self._backends.embedder is not None:
            self._reading.start(self._read())

    async def close(self) -> None:
        """End both, and what is being built; an import under way has changed nothing then."""
        await self._reading.close()
        await self._taking_up.close()
        await self._backends.builds.close()

    async def _take_up(self) -> None:
        """Have the index ready before somebody searches it."""
        engine = self._backends.articles.engine
        while True:
            try:
                await whenever_changed(engine, self._refresh, every=min(self._tick, EVERY_SECONDS))
            except Exception:  # the bot answers from the index it has, and looks at each search anyway
                logger.warning("knowledge.not_taken_up", exc_info=True)
            await asyncio.sleep(AGAIN_SECONDS)

    async def _refresh(self) -> None:
        with suppress(RestingError):  # it was told when it failed
            await self._backends.knowledge.refresh()

    async def _read(self) -> None:
        while True:
            try:
                await self.look()
            except Exception:  # whatever it was, it must not end the timer
                logger.warning("knowledge.not_read", exc_info=True)
            await asyncio.sleep(self._tick)

    async def look(self) -> None:
        """Read every source that is due, and embed what was imported without the embedder."""
        for opened in self._sources:
            if await self._schedule.claim(opened.source.name):
                await self._import(opened)
        revision = await self._backends.articles.revision_of_all()
        if revision != self._caught_up_at and self._backends.embedder is not None and await self._catch_up():
            self._caught_up_at = revision

    async def _import(self, opened: Opened) -> None:
        name, again, told = opened.source.name, min(opened.every, _RETRY_SECONDS), "broken off"
        try:
            async with self._renewed(name), asyncio.timeout(_LONGEST_SECONDS):
                report = await self._importer.run(opened.source)
            again, told = opened.every, str(report)
            counts = {"imported": len(report.imported), "removed": len(report.removed), "skipped": len(report.skipped)}
            logger.info("knowledge.imported", extra={"fields": {"source": name, **counts}})
        except _FAULTS as error:
            told = str(error) or type(error).__name__
            logger.warning("knowledge.import_failed", extra={"fields": {"source": name, "error": type(error).__name__}})
        except Exception as error:  # an adapter's slip must not end the timer of all others
            told = type(error).__name__
            logger.exception("knowledge.import_failed", extra={"fields": {"source": name}})
        finally:
            await self._schedule.done(name, again_in=again, told=told)

    async def _catch_up(self) -> bool:
        """Whether nothing is left to do; else the next look tries again, when it is due."""
        if not await self._schedule.claim(_CATCH_UP):
            return False
        again, embedded = _RETRY_SECONDS, 0
        try:
            async with self._renewed(_CATCH_UP):
                for store in (self._backends.articles, *await self._backends.articles.guests()):
                    embedded += await Importer(store, self._backends.embedder).catch_up()
            if embedded:
                logger.info("knowledge.embedded", extra={"fields": {"texts": embedded}})
            again = 0.0
        except EmbedderUnavailableError:
            logger.warning("knowledge.not_embedded", exc_info=True)
        finally:
            await self._schedule.done(_CATCH_UP, again_in=again, told="")
        return again == 0

    @asynccontextmanager
    async def _renewed(self, name: str) -> AsyncIterator[None]:
        """Keeps a claim as long as the work goes on."""
        renewing = Background("knowledge_claim")
        renewing.start(self._renew(name))
        try:
            yield
        finally:
            await renewing.close()

    async def _renew(self, name: str) -> None:
        while True:
            await asyncio.sleep(CLAIM_SECONDS / 4)
            with suppress(ToolUnavailableError):  # the next time will do
                await self._schedule.renew(name)
