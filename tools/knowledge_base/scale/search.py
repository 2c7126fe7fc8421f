"""One question to the lists of words and of meaning, and their answers made into one.

The lists are fused as in memory (`fusion.py`): the first fifty articles of each count, an article that is not among
them has nothing in that list. So nothing has to be worked out for articles that one side names and the other does not,
and the result is the one in memory, but for neighbours that HNSW overlooks. Only the few articles of the answer are
looked at passage by passage, on both sides, to see which passage is the best.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tools.base import ToolUnavailableError
from tools.knowledge_base import fusion
from tools.knowledge_base.articles import Article, Audience
from tools.knowledge_base.band import Band, Thresholds, by_words
from tools.knowledge_base.embedder import Embedder, EmbedderUnavailableError, Vectors, vector_of
from tools.knowledge_base.ranking import BEST, NOTHING, Found, Hit
from tools.knowledge_base.scale.lexicon import Asking, Text, View, number_of
from tools.knowledge_base.scale.nearness import Near, Nearness, Standing
from tools.knowledge_base.tool import Question
from tools.knowledge_base.words import DEFAULT

logger = logging.getLogger(__name__)

_WORDS, _MEANING, _TITLE = 0.50, 0.35, 0.15
"""Weights of the lists, and the shares below, as in memory (`ranking.py`)."""
_NEAR = 0.25
_NAMED = 0.8
_LISTED = 50
"""Articles of a list that count."""
_SPARE = 3
"""More are looked at than shown, in case some have gone since the index was built."""

_ASK_SECONDS = 0.5
"""In which the database says what of a recalled answer still stands; it may be away."""

Audiences = Callable[[Collection[str]], Awaitable[Mapping[str, Audience]]]


@dataclass(frozen=True, slots=True)
class Meaning:
    """Who makes vectors, where they are, and where the bands begin."""

    embedder: Embedder
    nearness: Nearness
    thresholds: Thresholds

    async def vector(self, query: str) -> Vectors | None:
        """None while the embedder does not answer: then the words decide."""
        try:
            return await asyncio.to_thread(vector_of, self.embedder, query)
        except EmbedderUnavailableError as error:
            fields = {"embedder": self.embedder.name, "error": str(error)}
            logger.warning("knowledge.embedder_unavailable", extra={"fields": fields})
            return None

    def knows(self, article: Article) -> bool:
        """Whether a cosine says something certain about an article in this language."""
        return not self.embedder.languages or (article.language or DEFAULT) in self.embedder.languages


@dataclass(frozen=True, slots=True)
class _Candidate:
    text: Text
    score: float
    standing: Standing

    @property
    def is_embedded(self) -> bool:
        """Whether every passage has a vector."""
        return all(place in self.standing.cosines for place in range(len(self.text.passages)))


class ScaledIndex:
    """The articles of one shelf, as they were when it was made; what has gone since is not shown."""

    def __init__(self, revision: int, view: View, meaning: Meaning | None, audiences: Audiences) -> None:
        """`audiences`: for whom articles are now, by slug, without those that are gone."""
        self.revision = revision
        self._view = view
        self._meaning = meaning
        self._audiences = audiences

    async def search(self, question: Question, most: int = BEST) -> Found:
        """The best articles; the band is that of the first five, however many are given.

        Each is looked up in the database before it is shown (`_still_shown`), however old the index of words is. Raises
        ToolUnavailableError when the database does not answer.
        """
        asking = await asyncio.to_thread(self._view.asks, question.query, internal=question.internal)
        vector = await self._meaning.vector(question.query) if self._meaning else None
        if self._meaning is None or vector is None:
            return await self._by_words(asking, question, most)
        words, near = await asyncio.gather(
            asyncio.to_thread(asking.best, _LISTED, question.category),
            self._meaning.nearness.near(vector, question.category, internal=question.internal),
        )
        scores = _fused(words, near)
        texts = await asyncio.to_thread(asking.texts, list(scores)[: most + _SPARE])
        now = await self._meaning.nearness.standings([text.article.slug for text in texts.values()], vector)
        found = _still_shown(scores, texts, now, internal=question.internal)[:most]
        cosine = max(near.passages.values(), default=0.0)
        return await asyncio.to_thread(self._answer, asking, found, cosine, max(words.values(), default=0.0))

    async def recall(self, question: Question) -> Found:
        """By words alone, out of this replica's own folder; what went since is shown if the database does not say."""
        asking = await asyncio.to_thread(self._view.asks, question.query, internal=question.internal)
        return await self._by_words(asking, question, must_know=False)

    async def _by_words(self, asking: Asking, question: Question, most: int = BEST, *, must_know: bool = True) -> Found:
        words = await asyncio.to_thread(asking.best, _LISTED, question.category)
        least = _NEAR * max(words.values(), default=0.0)
        scores = {number: score for number, score in _ordered(words).items() if score >= least}
        texts = await asyncio.to_thread(asking.texts, list(scores)[: most + _SPARE])
        present = {text.article.slug: text.article.audience for text in texts.values()}
        try:
            async with asyncio.timeout(None if must_know else _ASK_SECONDS):
                present = dict(await self._audiences(list(present)))
        except (ToolUnavailableError, TimeoutError):
            if must_know:
                raise
        now = {slug: Standing(audience, {}) for slug, audience in present.items()}
        found = _still_shown(scores, texts, now, internal=question.internal)[:most]
        return await asyncio.to_thread(self._answer, asking, found, None, max(words.values(), default=0.0))

    def _answer(self, asking: Asking, found: Sequence[_Candidate], cosine: float | None, words: float) -> Found:
        """`cosine`, `words`: the highest of each of any passage."""
        band = self._band(asking, found[:BEST], cosine) if found else Band.NONE
        if band is Band.NONE:
            return NOTHING
        return Found(band, tuple(_hit(one, words, cosine or 0.0) for one in found))

    def _band(self, asking: Asking, found: Sequence[_Candidate], cosine: float | None) -> Band:
        """As in memory: a question that names an article, or a code in one, is never off the subject."""
        band = self._measured(asking, found, cosine)
        if band is not Band.NONE:
            return band
        titles = (one.text.article for one in found)
        is_named = any(asking.share(article.title, article.language) >= _NAMED for article in titles)
        return Band.WEAK if is_named or asking.holds_code() else Band.NONE

    def _measured(self, asking: Asking, found: Sequence[_Candidate], cosine: float | None) -> Band:
        """By the cosine, and by the words where it says nothing."""
        first = found[0].text.article
        if self._meaning is None or cosine is None or not self._meaning.knows(first):
            return by_words(_share(asking, found))
        band = self._meaning.thresholds.band(cosine)
        if band is not Band.NONE or all(one.is_embedded for one in found):
            return band
        return by_words(_share(asking, found))


def _share(asking: Asking, found: Sequence[_Candidate]) -> float:
    said = ((" ".join((one.text.article.title, *one.text.passages)), one.text.article.language) for one in found)
    return max(asking.share(text, language) for text, language in said)


def _fused(words: dict[int, float], near: Near) -> dict[int, float]:
    """The articles of all lists by number, best first."""
    passages = {number_of(slug): cosine for slug, cosine in near.passages.items()}
    titles = {number_of(slug): cosine for slug, cosine in near.titles.items()}
    numbers = list(words | passages | titles)
    lists = [(_WORDS, words), (_MEANING, passages), (_TITLE, titles)]
    rows = [(weight, np.array([one.get(n, 0.0) for n in numbers], np.float32)) for weight, one in lists]
    scores = fusion.fused(rows) if numbers else np.zeros(0, np.float32)
    return _ordered({number: float(score) for number, score in zip(numbers, scores, strict=True) if score > 0})


def _ordered(scores: Mapping[int, float]) -> dict[int, float]:
    return dict(sorted(scores.items(), key=lambda item: (-item[1], item[0])))


def _still_shown(
    scores: Mapping[int, float], texts: Mapping[int, Text], now: Mapping[str, Standing], *, internal: bool
) -> list[_Candidate]:
    """The best that are there, and for whoever asks, `now`: not those that went or became internal since."""
    readers = set(Audience) if internal else {Audience.PUBLIC}
    known = ((texts[number], score) for number, score in scores.items() if number in texts)
    there = ((text, score, now.get(text.article.slug)) for text, score in known)
    return [_Candidate(t, score, one) for t, score, one in there if one and one.audience in readers]


def _hit(one: _Candidate, words: float, cosine: float) -> Hit:
    """With the best passage and its neighbours."""
    by_word = np.array(one.text.scores, np.float32) / (words or 1.0)
    near = np.array([one.standing.cosines.get(place, 0.0) for place in range(len(by_word))], np.float32)
    best = int((_WORDS * by_word + _MEANING * near / (cosine if cosine > 0 else 1.0)).argmax())
    return Hit(one.text.article, one.text.passages[max(0, best - 1) : best + 2], min(best, 1), one.score)
