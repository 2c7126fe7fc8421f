"""Finds passages by their words: BM25, in memory, by the bm25s library.

BM25 says how well a text fits a few words: rare words count more, the tenth occurrence of a word counts hardly more
than the third, long texts are no better than short ones. What is indexed are passages with their article's title
several times in front. On public question sets that was as good as BM25F with a length for each field (within a point
of recall, measured), so the library stays.

Terms carry the language of their article, because a stem of one language means nothing in another; a question is looked
up in every language the articles have.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import bm25s
import numpy as np
from numpy.typing import NDArray

from tools.knowledge_base.chunks import Passage
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
    rows: Sequence[Sequence[int]]
    languages: tuple[str, ...]


def terms_of(articles: Sequence[Text]) -> Terms:
    """Cuts everything into terms, which takes longer than all that is done with them."""
    numbers: defaultdict[Term, int] = defaultdict()
    numbers.default_factory = numbers.__len__
    known: dict[str, _Known] = {}
    rows: list[list[int]] = []
    for article in articles:
        language = article.language or DEFAULT
        of_word = known.setdefault(language, _Known(language, numbers))
        title = [number for word in split(article.title) for number in of_word[word]] * _TITLE_TIMES
        rows += [title + [n for word in split(p.text) for n in of_word[word]] for p in article.passages]
    return Terms(dict(numbers), rows, tuple(sorted(known)))


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
        self._bm25 = bm25s.BM25(k1=1.2, b=0.75)
        rows = terms.rows[:size]
        if any(rows):  # the library divides by the mean length
            self._bm25.index((rows, dict(terms.numbers)), show_progress=False)
            self._bm25.vocab_dict, self._bm25.unique_token_ids_set = {}, set()  # ours serves, all rankings share it
            self._starts: Ints = np.asarray(self._bm25.scores["indptr"], np.int64)
        else:
            self._starts = np.zeros(len(terms.numbers) + 1, np.int64)
        holders = np.diff(self._starts)
        self._rarity = np.log1p((size - holders + 0.5) / (holders + 0.5))
        self._unknown = float(np.log1p(2 * size))

    def ask(self, query: str) -> Asked:
        """The question, ready to be scored."""
        return Asked(tuple(self._numbers(language, query) for language in self._languages))

    def scores(self, asked: Asked) -> Floats:
        """BM25 of every row; 0 where no word fits."""
        known = asked.known
        made: Floats = self._bm25.get_scores_from_ids(known) if known else np.zeros(self.size, np.float32)
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
                    held[np.isin(articles, article_of[self._rows_with(number)])] += weight
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
        return number if number is not None and self._starts[number] < self._starts[number + 1] else None

    def _weight(self, number: int | None) -> float:
        return self._unknown if number is None else float(self._rarity[number])

    def _rows_with(self, number: int) -> NDArray[np.int32]:
        rows: NDArray[np.int32] = self._bm25.scores["indices"][self._starts[number] : self._starts[number + 1]]
        return rows
