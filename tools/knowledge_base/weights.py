"""What each term adds to the score of each row that has it: BM25, worked out for all of them at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SATURATION, _LENGTH = 1.2, 0.75
"""BM25's k1: how soon more of the same term counts less; and b: how much a long row loses."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Weights:
    """By term: the rows that have it, and what it adds there."""

    starts: NDArray[np.int64]
    """Where each term's rows begin; one number more than there are terms."""
    rows: NDArray[np.int32]
    adds: Floats
    rarity: Floats
    """Of each term: what a row gains by it at most."""

    def has(self, term: int) -> bool:
        """Whether any row has it."""
        return bool(self.starts[term] < self.starts[term + 1])

    def of(self, term: int) -> tuple[NDArray[np.int32], Floats]:
        """Its rows, each once, and what it adds to them."""
        span = slice(self.starts[term], self.starts[term + 1])
        return self.rows[span], self.adds[span]


def weights_of(said: NDArray[np.int32], lengths: NDArray[np.int32], terms: int) -> Weights:
    """Those of the first rows, which say the first terms of `said`, `lengths` each; terms are numbered from 0."""
    size = len(lengths)
    row_of = np.repeat(np.arange(size, dtype=np.int64), lengths)
    # A term and a row as one number: sorted, all rows of a term lie together, and equal neighbours count how often.
    keys = said[: len(row_of)].astype(np.int64) * max(1, size) + row_of
    keys.sort()
    firsts = np.flatnonzero(np.diff(keys, prepend=-1))
    times = np.diff(firsts, append=len(keys)).astype(np.float32)
    term_of, rows = np.divmod(keys[firsts], max(1, size))
    starts = np.searchsorted(term_of, np.arange(terms + 1))
    holders = np.diff(starts)
    rarity = np.log1p((size - holders + 0.5) / (holders + 0.5)).astype(np.float32)
    mean = max(1.0, float(lengths.mean())) if size else 1.0
    damping = (_SATURATION * (1 - _LENGTH + _LENGTH * lengths / mean)).astype(np.float32)
    adds = rarity[term_of] * times / (times + damping[rows])
    return Weights(starts, rows.astype(np.int32), adds, rarity)
