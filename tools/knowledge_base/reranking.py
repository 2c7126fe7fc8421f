"""The first candidates of a search put into a better order by a model that reads question and passage together.

It is slower and surer than what found them, so it sees only the first twenty. It orders, and does nothing else: which
articles may be seen, and how sure it is that they are about the question at all (the band), was decided before; its
scores are compared within one question only, never with a threshold.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Protocol

from tools.knowledge_base.ranking import BEST, Found, Hit

logger = logging.getLogger(__name__)

CANDIDATES = 20
"""Articles it is shown."""
SECONDS = 1.0
"""In which it answers, or is not heard."""
_REST_SECONDS = 30.0
"""After a failure, in which it is not asked: not every customer waits for what is broken."""
_THREADS = 4
"""Of its own: one that hangs must not take those that search."""


class RerankerUnavailableError(Exception):
    """This reranker cannot work here, or does not answer; the message says why and what to do."""


class Reranker(Protocol):
    """Scores pairs of a question and a text. Threads may share one."""

    @property
    def name(self) -> str:
        """For people."""
        ...

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """How well each text answers the question, in order of the texts; higher is better, the scale is its own.

        Blocks. Raises RerankerUnavailableError.
        """
        ...


class Reranked:
    """Orders what a search found; whatever goes wrong, the order stays what it was."""

    def __init__(
        self, reranker: Reranker, *, seconds: float = SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`seconds`: after which it is not waited for any longer."""
        self.seconds = seconds
        self._reranker = reranker
        self._clock = clock
        self._rests_until = -math.inf
        self._threads = ThreadPoolExecutor(_THREADS, "reranker")

    async def best(self, query: str, found: Found) -> Found:
        """The best five of at most twenty candidates, all of which whoever asks may see; the band stays."""
        hits = found.hits
        if len(hits) > 1 and self._clock() >= self._rests_until:
            hits = await self._ordered(query, hits)
        return replace(found, hits=hits[:BEST])

    async def _ordered(self, query: str, hits: tuple[Hit, ...]) -> tuple[Hit, ...]:
        texts = [f"{hit.article.title}\n{hit.passages[hit.best]}" for hit in hits]
        try:
            async with asyncio.timeout(self.seconds):
                loop = asyncio.get_running_loop()
                scores = await loop.run_in_executor(self._threads, self._scores, query, texts)
        except Exception as error:  # noqa: BLE001 - whatever somebody else's model raises; told below, the order stays
            return self._left(error, hits)
        return tuple(hits[place] for place in sorted(range(len(hits)), key=lambda place: -scores[place]))

    def _scores(self, query: str, texts: Sequence[str]) -> list[float]:
        scores = self._reranker.scores(query, texts)
        if len(scores) != len(texts) or not all(map(math.isfinite, scores)):
            raise RerankerUnavailableError("It did not give one number for each text.")
        return scores

    def _left(self, error: Exception, hits: tuple[Hit, ...]) -> tuple[Hit, ...]:
        """As they were; said once, since it rests afterwards."""
        if self._clock() >= self._rests_until:
            why = str(error) if isinstance(error, RerankerUnavailableError) else type(error).__name__
            fields = {"reranker": self._reranker.name, "error": why, "rests_seconds": _REST_SECONDS}
            logger.warning("knowledge.reranker_unavailable", extra={"fields": fields})
            self._rests_until = self._clock() + _REST_SECONDS
        return hits
