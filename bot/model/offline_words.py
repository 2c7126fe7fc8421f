"""Words of the offline model: content words by stem, and the passages of an article that share most of them."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import Stemmer

from bot.domain.exchange import SearchResult

EXTRACT_CHARS = 700
"""Of one quoted passage."""
_MOST_QUOTES = 2
_SECOND_BEST = 0.7
"""Share of the best score a second passage needs."""
_PER_RANK = 0.85
"""What a passage keeps of its score for each article ranked before its own."""
_PER_PLACE = 0.95
"""Likewise for each passage before it in its article: the beginning explains most."""
_STEPS_BONUS = 1.3
"""For numbered steps, when the question is how."""
_ENOUGH_WORDS = 2
_HALF = 0.5
_STOP_WORDS = """
a about after all also am an and any are as at be been but by can could d did do does doing for from get got had has
have having hello help hey hi how i if in into is it its just ll like m me my need no not of off on or our out please
re s should so some t tell thank thanks that the their them then there these they this those to too up us use ve very
want was we were what when where which while who why will with would yes you your
"""
_STOP = frozenset(_STOP_WORDS.split())


@lru_cache(maxsize=1)
def _stemmer() -> Stemmer.Stemmer:
    return Stemmer.Stemmer("english")


def stems(text: str) -> list[str]:
    """Content words of a text in order, lower case, by stem; any script."""
    words = [w for w in re.findall(r"\w+", text.lower()) if w not in _STOP]
    stemmed: list[str] = _stemmer().stemWords(words)
    return stemmed


def sentences(text: str) -> list[str]:
    """The sentences and lines of a text, trimmed."""
    parts = re.split(r"(?<=[.!?。！？])\s+|\n+", text)  # noqa: RUF001 — full stops of other scripts
    return [part.strip() for part in parts if part.strip()]


@dataclass(frozen=True, slots=True)
class Quote:
    """A passage worth quoting."""

    source: str
    title: str
    text: str


def best_quotes(question: str, results: Sequence[SearchResult]) -> tuple[Quote, ...]:
    """The one or two passages that share most with the question; none when they share too little."""
    wanted = set(stems(question))
    weights = _weights(wanted, [f"{r.title} {p}" for r in results for p in r.passages])
    asks_how = bool(re.search(r"\bhow\b", question, re.I))
    scored = [
        (_score(result, passage, weights, asks_how=asks_how) * _PER_RANK**rank * _PER_PLACE**place, result, passage)
        for rank, result in enumerate(results)
        for place, passage in enumerate(result.passages)
        if _is_relevant(wanted, result, passage)
    ]
    scored.sort(key=lambda candidate: -candidate[0])
    chosen = [c for c in scored if c[0] >= _SECOND_BEST * scored[0][0]][:_MOST_QUOTES]
    return tuple(Quote(result.source, result.title, extract(passage, weights)) for _, result, passage in chosen)


def extract(passage: str, weights: dict[str, float]) -> str:
    """The consecutive lines of a passage that carry most weight, whole if it is short."""
    text = passage.strip()
    if len(text) <= EXTRACT_CHARS:
        return text
    lines = [line for line in text.splitlines() if line.strip()]
    pieces = lines if len(lines) > 1 else sentences(text)
    windows = (_window(pieces, start) for start in range(len(pieces)))
    best = max(windows, key=lambda window: sum(weights.get(s, 0.0) for s in set(stems(" ".join(window)))))
    return "\n".join(best)[:EXTRACT_CHARS]


def _window(pieces: list[str], start: int) -> list[str]:
    taken: list[str] = []
    for piece in pieces[start:]:
        if taken and sum(map(len, taken)) + len(piece) > EXTRACT_CHARS:
            break
        taken.append(piece)
    while len(taken) > 1 and taken[-1].lstrip().startswith("#"):  # a heading with nothing under it
        taken.pop()
    return taken


def _weights(wanted: Iterable[str], texts: Sequence[str]) -> dict[str, float]:
    """A word counts more the fewer passages have it."""
    found = Counter(word for text in texts for word in set(stems(text)))
    return {word: math.log(1 + len(texts) / found[word]) for word in wanted if found[word]}


def _score(result: SearchResult, passage: str, weights: dict[str, float], *, asks_how: bool) -> float:
    inside, above = set(stems(passage)), set(stems(result.title))
    score = sum(weight * ((word in inside) + (word in above)) for word, weight in sorted(weights.items()))
    return score * _STEPS_BONUS if asks_how and re.search(r"^1\. ", passage, re.M) else score


def _is_relevant(wanted: set[str], result: SearchResult, passage: str) -> bool:
    shared = len(wanted & set(stems(f"{result.title} {passage}")))
    return shared > 0 and (shared >= _ENOUGH_WORDS or shared > _HALF * len(wanted))
