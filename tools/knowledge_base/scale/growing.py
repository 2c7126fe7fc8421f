"""A knowledge base that may grow: in memory as long as its articles fit there, in PostgreSQL and a folder beyond."""

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from bot.memory import give_back
from tools.base import ToolUnavailableError
from tools.database import fetch
from tools.knowledge_base.builds import Builds
from tools.knowledge_base.embedder import Embedder
from tools.knowledge_base.index import ArticleIndex
from tools.knowledge_base.local import LocalKnowledge, findings
from tools.knowledge_base.reranking import Reranked
from tools.knowledge_base.scale.nearness import of_shelf
from tools.knowledge_base.scale.ready import NotReadyError, make_ready
from tools.knowledge_base.store import ArticleStore
from tools.knowledge_base.tables import articles
from tools.knowledge_base.tool import Findings, Question

if TYPE_CHECKING:
    from tools.knowledge_base.scale.search import ScaledIndex
    from tools.knowledge_base.scale.upkeep import Upkeep

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Scale:
    """From where on an index in memory is too large."""

    articles: int
    """More than so many of one shelf are searched in PostgreSQL."""
    folder: Path | None = None
    """Of this replica, for the words; None: a temporary one, made anew at every start."""


class GrowingKnowledge(LocalKnowledge):
    """As `LocalKnowledge`, whose index is let go when there are too many articles, and made again when there are not.

    Where the other kind cannot be had (no extension, no extra) the index in memory goes on, however large.
    """

    def __init__(
        self,
        store: ArticleStore,
        embedder: Embedder | None,
        builds: Builds | None,
        scale: Scale,
        reranked: Reranked | None = None,
    ) -> None:
        super().__init__(store, embedder, builds, reranked)
        self._scale = scale
        self._upkeep: Upkeep | None = None
        self._large: ScaledIndex | None = None
        self._choosing = asyncio.Lock()
        self._told = ""

    @property
    def is_large(self) -> bool:
        """Whether the articles are searched in PostgreSQL now."""
        return self._large is not None

    async def search(self, question: Question) -> Findings:
        """In the index there is, while one of the present articles is made."""
        if self._large is None and self._loaded is None:
            await self._builds.finish(self, self.refresh)
        if (large := self._large) is None:
            try:
                return await super().search(question)
            except ToolUnavailableError:
                if (large := self._large) is None:  # else it has grown meanwhile
                    raise
        return await self._in_large(large, question)

    async def recall(self, question: Question) -> Findings:
        """By words alone where the vectors are in the database."""
        return await super().recall(question) if self._large is None else findings(await self._large.recall(question))

    async def refresh(self) -> ArticleIndex:
        """The index in memory of the present articles; an empty one when they are searched in PostgreSQL."""
        async with self._choosing:
            if await self._has_grown() and await self._made_large():
                return ArticleIndex()
            index = await super().refresh()
            self._large = None
            if self._upkeep is not None:
                await self._upkeep.close()
            return index

    async def close(self) -> None:
        """Let go of the folder."""
        if self._upkeep is not None:
            await self._upkeep.close()

    async def _in_large(self, large: "ScaledIndex", question: Question) -> Findings:
        """What went, or became internal, since it was made is not among what it finds: `ScaledIndex.search` asks."""
        found, revision = await asyncio.gather(large.search(question, self._most), self._store.revision())
        if revision != large.revision:
            self._builds.begin(self, self.refresh)
        return await self._answer(found, question)

    async def _has_grown(self) -> bool:
        return await count_articles(self._store) > self._scale.articles

    async def _made_large(self) -> bool:
        """Whether the present articles can be searched in PostgreSQL from now on."""
        revision = await self._store.revision()
        if self._large is not None and self._large.revision == revision:
            return True
        try:
            upkeep = await self._ready()
            async with self._builds.turn((self, "large"), revision):
                self._large = await upkeep.index()
        except NotReadyError as error:
            self._tell(str(error))
            return False
        except ToolUnavailableError as error:
            if self._large is not None:  # it goes on answering
                raise
            self._tell(str(error))
            return False
        self._loaded = None
        await asyncio.to_thread(give_back)
        fields = {"revision": self._large.revision}
        logger.info("knowledge.loaded_large", extra={"fields": fields})
        return True

    async def _ready(self) -> "Upkeep":
        await make_ready(self._store.engine)
        if self._upkeep is None:
            from tools.knowledge_base.scale.upkeep import Upkeep  # noqa: PLC0415 - tantivy is an extra

            self._upkeep = Upkeep(self._store, self._embedder, self._scale.folder)
        return self._upkeep

    def _tell(self, why: str) -> None:
        if why != self._told:
            logger.warning("knowledge.stays_in_memory", extra={"fields": {"why": why}})
            self._told = why


async def count_articles(store: ArticleStore) -> int:
    """How many stand on its shelf."""
    query = sa.select(sa.func.count()).select_from(articles).where(of_shelf(store.shelf))
    return int((await fetch(store.engine, query))[0][0])
