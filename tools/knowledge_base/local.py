"""The default knowledge base: articles from the database, searched in memory."""

import asyncio
import logging

from bot.domain.exchange import SearchResult
from tools.base import ToolUnavailableError
from tools.knowledge_base.articles import Audience
from tools.knowledge_base.index import ArticleIndex, Hit
from tools.knowledge_base.store import ArticleStore
from tools.knowledge_base.tool import Question

logger = logging.getLogger(__name__)

_STAFF_ONLY = "[staff only, not for customers] "


class LocalKnowledge:
    """Notices before each search whether the articles changed, by whatever process, and then builds a new index."""

    def __init__(self, store: ArticleStore) -> None:
        self._store = store
        self._index: ArticleIndex | None = None
        self._revision = -1
        self._looked_at = -1
        self.had_articles = False
        """Whether there were any when `has_articles` last looked."""
        self._loading = asyncio.Lock()

    async def search(self, question: Question) -> tuple[SearchResult, ...]:
        """In the articles as they are now."""
        return _results(self._find(await self.refresh(), question))

    async def recall(self, question: Question) -> tuple[SearchResult, ...]:
        """In the articles as they were when the database last answered."""
        if self._index is None:
            raise ToolUnavailableError("no articles were ever loaded")
        return _results(self._find(self._index, question))

    async def refresh(self) -> ArticleIndex:
        """The index of the present articles; built outside the event loop, swapped in when it is complete."""
        async with self._loading:
            revision = await self._store.revision()
            if self._index is not None and revision == self._revision:
                return self._index
            articles = await self._store.all()
            self._index = await asyncio.to_thread(ArticleIndex, articles)
            self._revision = revision
            logger.info("knowledge.loaded", extra={"fields": {"articles": len(articles), "revision": revision}})
            return self._index

    async def has_articles(self) -> bool:
        """Whether there are any now."""
        if self._looked_at != (revision := await self._store.revision()):
            self.had_articles = bool(await self._store.all())
            self._looked_at = revision
        return self.had_articles

    def _find(self, index: ArticleIndex, question: Question) -> tuple[Hit, ...]:
        return index.search(question.query, question.category, internal=question.internal)


def _results(hits: tuple[Hit, ...]) -> tuple[SearchResult, ...]:
    return tuple(SearchResult(hit.article.source, _title(hit), hit.passages) for hit in hits)


def _title(hit: Hit) -> str:
    return hit.article.title if hit.article.audience is Audience.PUBLIC else _STAFF_ONLY + hit.article.title
