"""The default knowledge base: articles from the database, searched in memory."""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, replace

from bot.domain.exchange import SearchResult
from bot.domain.language import LANGUAGE_NAMES
from bot.domain.lesson import SOURCE
from bot.memory import give_back
from tools.base import ToolUnavailableError
from tools.knowledge_base.articles import Audience
from tools.knowledge_base.building import Shelf, built
from tools.knowledge_base.builds import Builds
from tools.knowledge_base.cutting import cut
from tools.knowledge_base.dense import Stored
from tools.knowledge_base.embedder import Embedder
from tools.knowledge_base.index import ArticleIndex
from tools.knowledge_base.ranking import BEST, NOTHING, Found, Hit
from tools.knowledge_base.reranking import CANDIDATES, Reranked
from tools.knowledge_base.store import ArticleStore, Held
from tools.knowledge_base.tool import Findings, Question
from tools.knowledge_base.vectors import VectorStore

logger = logging.getLogger(__name__)

_ASK_SECONDS = 0.5
"""In which the database says what of an old answer still stands; it may be away."""
_STAFF_ONLY = "[staff only, not for customers] "


@dataclass(frozen=True, slots=True)
class _Loaded:
    index: ArticleIndex
    revision: int
    """Of the shelf when it was read."""


class LocalKnowledge:
    """Answers at once from the index it has; when the articles have changed since, a new one is built meanwhile.

    So a search after an import does not wait seconds for ten thousand articles. What the old index finds is compared
    with the database then: an article that is gone, or no longer for customers, is not shown.
    """

    def __init__(
        self,
        store: ArticleStore,
        embedder: Embedder | None = None,
        builds: Builds | None = None,
        reranked: Reranked | None = None,
    ) -> None:
        """`builds`: shared by all that build indexes in this process. `reranked`: orders what a search found."""
        self._store = store
        self._vectors = VectorStore(store.engine)
        self._embedder = embedder
        self._builds = builds or Builds()
        self._reranked = reranked
        self._most = CANDIDATES if reranked else BEST
        self._loaded: _Loaded | None = None
        self._looked_at = -1
        self.had_articles: bool | None = None
        """Whether there were any when `has_articles` last looked; None when it never did."""
        self.is_help_centre = False
        """Whether there were more then than answers of colleagues that staff accepted as articles."""
        self._loading = asyncio.Lock()

    @property
    def ordering_seconds(self) -> float:
        """What a search may take longer because of its reranker."""
        return self._reranked.seconds if self._reranked else 0.0

    async def search(self, question: Question) -> Findings:
        """In the articles; an import that has just ended may not be found yet."""
        loaded = self._loaded or await self._built()
        found, revision = await asyncio.gather(_found(loaded.index, question, self._most), self._store.revision())
        while revision != loaded.revision and loaded.index.is_empty:
            loaded = await self._built()
            found, revision = await asyncio.gather(_found(loaded.index, question, self._most), self._store.revision())
        if revision == loaded.revision:
            return await self._answer(found, question)
        self._builds.begin(self, self.refresh)
        return await self._answer(await self._still_shown(found, question), question)

    async def _answer(self, found: Found, question: Question) -> Findings:
        """In a better order where there is a reranker, which sees only what whoever asks may see."""
        return findings(await self._reranked.best(question.query, found) if self._reranked else found)

    async def recall(self, question: Question) -> Findings:
        """In the articles as they were when the database last answered; if it does, without what went since."""
        if self._loaded is None:
            raise ToolUnavailableError("no articles were ever loaded")
        found = await _found(self._loaded.index, question)
        with suppress(ToolUnavailableError, TimeoutError):
            async with asyncio.timeout(_ASK_SECONDS):
                found = await self._still_shown(found, question)
        return findings(found)

    async def _still_shown(self, found: Found, question: Question) -> Found:
        """Without articles that were taken away, or from customers, since the index was built."""
        now = await self._store.audiences([hit.article.slug for hit in found.hits])
        readers = set(Audience) if question.internal else {Audience.PUBLIC}
        hits = tuple(hit for hit in found.hits if now.get(hit.article.slug) in readers)
        return replace(found, hits=hits) if hits else NOTHING

    async def _built(self) -> _Loaded:
        """What is searched where there was nothing. Whoever waits no longer does not end it: the next one finds it."""
        await self._builds.finish(self, self.refresh)
        if self._loaded is None:
            raise ToolUnavailableError("no articles were ever loaded")
        return self._loaded

    async def refresh(self) -> ArticleIndex:
        """The index of the present articles; built outside the event loop, swapped in when it is complete.

        Raises whatever keeps it from being built, RestingError while the same would happen again.
        """
        async with self._loading:
            revision = await self._store.revision()
            if self._loaded is not None and self._loaded.revision == revision:
                return self._loaded.index
            async with self._builds.turn(self, revision):
                held = await self._store.held()
                self._loaded = loaded = _Loaded(await self._build(held), held.revision)
                fields = {"articles": len(held.articles), "revision": held.revision}
                del held
                await asyncio.to_thread(give_back)
            logger.info("knowledge.loaded", extra={"fields": fields})
            return loaded.index

    async def has_articles(self) -> bool:
        """Whether there are any now."""
        revision = await self._store.revision()
        if self.had_articles is None or self._looked_at != revision:
            self.is_help_centre = await self._store.has_articles(besides=SOURCE)
            self.had_articles = self.is_help_centre or await self._store.has_articles()
            self._looked_at = revision
        return self.had_articles

    async def _build(self, held: Held) -> ArticleIndex:
        shelf = await asyncio.to_thread(_shelf, held)
        if self._embedder is None:
            return await asyncio.to_thread(built, shelf, {}, None, "")
        vectors = await self._vectors.load(self._embedder, await asyncio.to_thread(shelf.digests))
        thresholds = held.thresholds.get(self._embedder.name, "")
        given = [(shelf, vectors)]
        del shelf, vectors
        index = await asyncio.to_thread(_emptied, given, self._embedder, thresholds)
        if not thresholds and index.thresholds is not None:
            with suppress(ToolUnavailableError):  # then the next build measures again
                await self._store.keep_bands(self._embedder.name, index.thresholds.json())
        return index


def _shelf(held: Held) -> Shelf:
    """With what an older version imported without cutting it."""
    missing = {a.slug: cut(a) for a in held.articles if a.slug not in held.cuts}
    return Shelf(held.articles, {**held.cuts, **missing})


def _emptied(given: list[tuple[Shelf, Stored]], embedder: Embedder, thresholds: str) -> ArticleIndex:
    """The index of what is taken out of the list, which would otherwise outlive it in the hands of the thread."""
    return built(*given.pop(), embedder, thresholds)


async def _found(index: ArticleIndex, question: Question, most: int = BEST) -> Found:
    """In a thread: a question takes a few milliseconds of a processor."""
    query, internal = question.query, question.internal
    return await asyncio.to_thread(index.search, query, question.category, internal=internal, most=most)


def findings(found: Found) -> Findings:
    """As the tool takes it."""
    return Findings(found.band, tuple(_result(hit) for hit in found.hits))


def _result(hit: Hit) -> SearchResult:
    language = LANGUAGE_NAMES.get(hit.article.language, "")
    about = [f"Updated {hit.article.updated}."] if hit.article.updated else []
    about += [f"In {language}."] if language else []
    return SearchResult(hit.article.source, _title(hit), hit.passages, " ".join(about))


def _title(hit: Hit) -> str:
    return hit.article.title if hit.article.audience is Audience.PUBLIC else _STAFF_ONLY + hit.article.title
