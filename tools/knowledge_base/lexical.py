"""Finds passages by their words: BM25, in memory.

BM25 says how well a text fits a few words: rare words count more, the tenth occurrence of a word counts hardly more
than the third, long texts are no better than short ones. What is indexed are passages with their article's title
several times in front. On public question sets that was as good as BM25F with a length for each field (within a point
of recall, measured).

What a term adds to the score of a row does not depend on the question, so it is worked out beforehand (`weights.py`);
a question adds up a few lists.

Terms carry the language of their article, because a stem of one language means nothing in another; a question is looked
up in every language the articles have.
"""

from array import array
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from tools.knowledge_base.chunks import Passage
from tools.knowledge_base.weights import Weights, weights_of
from tools.knowledge_base.words import DEFAULT, LONGEST_QUERY, Words, codes, split

_TITLE_TIMES = 4
"""How often a title stands in front of each of its article's passages; 3 to 10 were alike."""

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Term = tuple[str, str]
"""Language and stem."""


@dataclass(frozen=True, slots=True)
class Text:
    """An article for indexing."""

    language: str
    title: str
    passages: Sequence[Passage]


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of every row; the rows are the passages of all articles one after the other."""

    numbers: Mapping[Term, int]
    said: NDArray[np.int32]
    """Numbers of the terms, row after row."""
    lengths: NDArray[np.int32]
    """How many terms each row has."""
    languages: tuple[str, ...]


def terms_of(articles: Sequence[Text]) -> Terms:
    """Cuts everything into terms, which takes longer than all that is done with them."""
    numbers: defaultdict[Term, int] = defaultdict()
    numbers.default_factory = numbers.__len__
    known: dict[str, _Known] = {}
    said, ends = array("i"), array("q", [0])
    for article in articles:
        language = article.language or DEFAULT
        of_word = known.setdefault(language, _Known(language, numbers)).__getitem__
        title = array("i", chain.from_iterable(map(of_word, split(article.title)))) * _TITLE_TIMES
        for passage in article.passages:
            said.extend(title)
            said.extend(chain.from_iterable(map(of_word, split(passage.text))))
            ends.append(len(said))
    lengths = np.diff(np.asarray(ends)).astype(np.int32)
    return Terms(dict(numbers), np.asarray(said, np.int32), lengths, tuple(sorted(known)))


class _Known(dict[str, tuple[int, ...]]):
    """The terms of each word that was met, by number: most words come many times."""

    def __init__(self, language: str, numbers: defaultdict[Term, int]) -> None:
        super().__init__()
        self._words, self._language, self._numbers = Words(language), language, numbers

    def __missing__(self, word: str) -> tuple[int, ...]:
        made = self[word] = tuple(self._numbers[self._language, term] for term in self._words.of(word))
        return made


@dataclass(frozen=True, slots=True)
class Asked:
    """A question's terms in each language: their numbers, None where no row holds the term."""

    languages: tuple[tuple[int | None, ...], ...]

    @property
    def known(self) -> list[int]:
        """Those that rows hold."""
        return [number for numbers in self.languages for number in numbers if number is not None]


class LexicalIndex:
    """The first `size` rows, ranked as if there were no others."""

    def __init__(self, terms: Terms, size: int) -> None:
        self.size = size
        self._terms, self._languages = terms.numbers, terms.languages
        self._weights: Weights = weights_of(terms.said, terms.lengths[:size], len(terms.numbers))
        self._unknown = float(np.log1p(2 * size))

    def ask(self, query: str) -> Asked:
        """The question, ready to be scored."""
        return Asked(tuple(self._numbers(language, query) for language in self._languages))

    def scores(self, asked: Asked) -> Floats:
        """BM25 of every row; 0 where no word fits."""
        made = np.zeros(self.size, np.float32)
        for number in asked.known:
            rows, weights = self._weights.of(number)
            made[rows] += weights
        return made

    def shares(self, asked: Asked, articles: Ints, article_of: NDArray[np.int32]) -> Floats:
        """How much of the question's weight each of these articles holds, 0 to 1; rare words weigh more.

        `article_of` says for each row whose it is.
        """
        best = np.zeros(len(articles), np.float32)
        for numbers in asked.languages:
            held, total = np.zeros(len(articles), np.float32), 0.0
            for number in numbers:
                total += (weight := self._weight(number))
                if number is not None:
                    held[np.isin(articles, article_of[self._weights.of(number)[0]])] += weight
            best = np.maximum(best, held / total) if total else best
        return best

    def share_of_title(self, asked: Asked, title: str, language: str) -> float:
        """How much of the question's weight stands in a title, 0 to 1."""
        place = self._languages.index(language or DEFAULT)
        inside = set(self._numbers(language or DEFAULT, title))
        weights = [(number, self._weight(number)) for number in asked.languages[place]]
        total = sum(weight for _, weight in weights)
        return sum(w for number, w in weights if number is not None and number in inside) / (total or 1.0)

    def holds_code(self, query: str) -> bool:
        """Whether an error code or the like in the question stands in an article."""
        found = codes(query)
        return any(self._number(language, code) is not None for code in found for language in self._languages)

    def _numbers(self, language: str, text: str) -> tuple[int | None, ...]:
        terms = list(dict.fromkeys(Words(language).terms(text)))[:LONGEST_QUERY]
        return tuple(self._number(language, term) for term in terms)

    def _number(self, language: str, term: str) -> int | None:
        number = self._terms.get((language, term))
        return number if number is not None and self._weights.has(number) else None

    def _weight(self, number: int | None) -> float:
        return self._unknown if number is None else float(self._weights.rarity[number])
