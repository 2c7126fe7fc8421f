"""Several rankings of the same articles made into one.

Each list is brought to 0 to 1 (its best article is 1, its fiftieth 0) and the lists are added by weight. Measured on
public question sets this beats adding up ranks, because it keeps how far ahead the first is. The sum orders the
articles of one question and says nothing else: its best is always near 1, so it must not be compared with a threshold.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_LENGTH = 50
"""Articles of a list that count."""

Floats = NDArray[np.float32]


def best_of_each(scores: Floats, starts: NDArray[np.int64]) -> Floats:
    """The best score of each article; its rows begin at `starts`, and none is without rows."""
    made: Floats = np.maximum.reduceat(scores, starts) if len(starts) else scores[:0]
    return made


def scaled(scores: Floats) -> Floats:
    """A list from 0 to 1. Articles with a score of 0 or less are not in it; a short list is measured from 0."""
    there = np.flatnonzero(scores > 0)
    made = np.zeros(len(scores), np.float32)
    if not len(there):
        return made
    low = 0.0
    if len(there) >= _LENGTH:
        there = there[np.argpartition(-scores[there], _LENGTH - 1)[:_LENGTH]]
        low = float(scores[there].min())
    high = float(scores[there].max())
    made[there] = (scores[there] - low) / (high - low) if high > low else 1.0
    return made


def fused(lists: Sequence[tuple[float, Floats]]) -> Floats:
    """The weighted sum of scaled lists."""
    made = np.zeros(len(lists[0][1]), np.float32)
    for weight, scores in lists:
        made += np.float32(weight) * scaled(scores)
    return made


def best(scores: Floats, count: int) -> NDArray[np.int64]:
    """Places of the highest scores above 0, highest first; equal ones in their own order."""
    there = np.flatnonzero(scores > 0)
    if len(there) > count:
        edge = np.partition(scores[there], len(there) - count)[len(there) - count]
        there = there[scores[there] >= edge]
    return there[np.argsort(-scores[there], kind="stable")][:count]
