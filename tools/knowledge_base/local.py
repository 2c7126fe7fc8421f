"""The default knowledge base: articles from the database, searched in memory."""

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace

from bot.domain.exchange import SearchResult
from bot.domain.language import LANGUAGE_NAMES
from bot.memory import give_back
from tools.base import ToolUnavailableError
from tools.knowledge_base.articles import Audience
from tools.knowledge_base.building import Shelf, built
from tools.knowledge_base.cutting import cut
from tools.knowledge_base.dense import Stored
from tools.knowledge_base.embedder import Embedder
from tools.knowledge_base.index import ArticleIndex
from tools.knowledge_base.ranking import Found, Hit
from tools.knowledge_base.store import ArticleStore, Held
from tools.knowledge_base.tool import Findings, Question
from tools.knowledge_base.vectors import VectorStore

logger = logging.getLogger(__name__)

_ASK_SECONDS = 0.5
"""In which the database says what of an old answer still stands; it may be away."""
_STAFF_ONLY = "[staff only, not for customers] "


class LocalKnowledge:
    """Notices before each search whether the articles changed, by whatever process, and then builds a new index.

    While one is built, which takes seconds for ten thousand articles, all but the first to notice search the old one.
    """

    def __init__(self, store: ArticleStore, embedder: Embedder | None = None) -> None:
        self._store = store
        self._vectors = VectorStore(store.engine)
        self._embedder = embedder
        self._index: ArticleIndex | None = None
        self._revision = -1
        self._looked_at = -1
        self.had_articles: bool | None = None
        """Whether there were any when `has_articles` last looked; None when it never did."""
        self._loading = asyncio.Lock()

    async def search(self, question: Question) -> Findings:
        """In the articles as they are now."""
        if self._index is not None and self._loading.locked():
            found = await _found(self._index, question)
            return _findings(await self._still_shown(found, question))
        return _findings(await _found(await self.refresh(), question))

    async def recall(self, question: Question) -> Findings:
        """In the articles as they were when the database last answered; if it does, without what went since."""
        if self._index is None:
            raise ToolUnavailableError("no articles were ever loaded")
        found = await _found(self._index, question)
        with suppress(ToolUnavailableError, TimeoutError):
            async with asyncio.timeout(_ASK_SECONDS):
                found = await self._still_shown(found, question)
        return _findings(found)

    async def _still_shown(self, found: Found, question: Question) -> Found:
        """Without articles that were taken away, or from customers, since the index was built."""
        now = await self._store.audiences([hit.article.slug for hit in found.hits])
        readers = set(Audience) if question.internal else {Audience.PUBLIC}
        return replace(found, hits=tuple(hit for hit in found.hits if now.get(hit.article.slug) in readers))

    async def refresh(self) -> ArticleIndex:
        """The index of the present articles; built outside the event loop, swapped in when it is complete."""
        async with self._loading:
            if self._index is not None and await self._store.revision() == self._revision:
                return self._index
            held = await self._store.held()
            self._index = await self._build(held)
            self._revision = held.revision
            fields = {"articles": len(held.articles), "revision": held.revision}
            del held
            await asyncio.to_thread(give_back)
            logger.info("knowledge.loaded", extra={"fields": fields})
            return self._index

    async def has_articles(self) -> bool:
        """Whether there are any now."""
        if self.had_articles is None or self._looked_at != await self._store.revision():
            revision = await self._store.revision()
            self.had_articles = await self._store.has_articles()
            self._looked_at = revision
        return self.had_articles

    async def _build(self, held: Held) -> ArticleIndex:
        shelf = await asyncio.to_thread(_shelf, held)
        if self._embedder is None:
            return await asyncio.to_thread(built, shelf, {}, None, "")
        vectors = await self._vectors.load(self._embedder.name, shelf.digests())
        thresholds = held.thresholds.get(self._embedder.name, "")
        given = [(shelf, vectors)]
        del shelf, vectors
        return await asyncio.to_thread(_emptied, given, self._embedder, thresholds)


def _shelf(held: Held) -> Shelf:
    """With what an older version imported without cutting it."""
    missing = {a.slug: cut(a) for a in held.articles if a.slug not in held.cuts}
    return Shelf(held.articles, {**held.cuts, **missing})


def _emptied(given: list[tuple[Shelf, Stored]], embedder: Embedder, thresholds: str) -> ArticleIndex:
    """The index of what is taken out of the list, which would otherwise outlive it in the hands of the thread."""
    return built(*given.pop(), embedder, thresholds)


async def _found(index: ArticleIndex, question: Question) -> Found:
    """In a thread: a question takes a few milliseconds of a processor."""
    return await asyncio.to_thread(index.search, question.query, question.category, internal=question.internal)


def _findings(found: Found) -> Findings:
    return Findings(found.band, tuple(_result(hit) for hit in found.hits))


def _result(hit: Hit) -> SearchResult:
    language = LANGUAGE_NAMES.get(hit.article.language, "")
    about = [f"Updated {hit.article.updated}."] if hit.article.updated else []
    about += [f"In {language}."] if language else []
    return SearchResult(hit.article.source, _title(hit), hit.passages, " ".join(about))


def _title(hit: Hit) -> str:
    return hit.article.title if hit.article.audience is Audience.PUBLIC else _STAFF_ONLY + hit.article.title
