"""Intervals instead of single numbers: for shares, and for differences of paired results."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

_Z = 1.959963984540054
"""95 % of a normal distribution lie within so many standard deviations."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate, and where the true value lies with 95 % confidence."""

    value: float
    low: float
    high: float

    @property
    def is_above_zero(self) -> bool:
        return self.low > 0

    @property
    def is_below_zero(self) -> bool:
        return self.high < 0


def wilson(hits: int, tries: int) -> Interval:
    """Of a share, by Wilson's score: right for few tries and for shares near 0 and 1, where the normal one is not."""
    if tries <= 0:
        return Interval(0.0, 0.0, 1.0)
    share, square = hits / tries, _Z * _Z
    middle = (share + square / (2 * tries)) / (1 + square / tries)
    half = _Z * math.sqrt(share * (1 - share) / tries + square / (4 * tries * tries)) / (1 + square / tries)
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    high = 1.0 if hits == tries else min(1.0, middle + half)
    return Interval(share, low, high)


def newcombe_paired(both: int, only_first: int, only_second: int, neither: int) -> Interval:
    """Of the difference second - first of two shares seen on the same cases (Newcombe 1998, method 10).

    It joins the Wilson intervals of the two shares, less what their correlation takes away. It needs no chance, stays
    within -1 and 1, and does not collapse to nothing when no case differs, as a bootstrap does.
    """
    total = both + only_first + only_second + neither
    if total == 0:
        return Interval(0.0, -1.0, 1.0)
    first, second = wilson(both + only_first, total), wilson(both + only_second, total)
    tied = _correlation(both, only_first, only_second, neither)
    difference = second.value - first.value

    def half(up: float, down: float) -> float:
        return math.sqrt(max(0.0, up * up - 2 * tied * up * down + down * down))

    low = difference - half(second.value - second.low, first.high - first.value)
    high = difference + half(second.high - second.value, first.value - first.low)
    return Interval(difference, max(-1.0, low), min(1.0, high))


def mcnemar(only_first: int, only_second: int) -> float:
    """How likely at least so lopsided a split of the differing cases is by chance (exact, two-sided)."""
    tries, fewer = only_first + only_second, min(only_first, only_second)
    if tries == 0:
        return 1.0
    ways = sum(math.comb(tries, k) for k in range(fewer + 1))
    return min(1.0, 2.0 * ways / float(2**tries))


def bootstrap_mean(differences: Sequence[float], *, chance: random.Random, rounds: int = 2_000) -> Interval:
    """Of the mean of paired differences, whatever their distribution (percentiles of resampled means)."""
    if not differences:
        return Interval(0.0, 0.0, 0.0)
    count = len(differences)
    means = sorted(sum(chance.choices(differences, k=count)) / count for _ in range(rounds))
    tail = int(rounds * 0.025)
    return Interval(sum(differences) / count, means[tail], means[rounds - 1 - tail])


def kappa(both_yes: int, only_first: int, only_second: int, both_no: int) -> float:
    """Cohen's kappa of two raters: agreement beyond what chance alone would give; 1 is perfect, 0 is chance."""
    total = both_yes + only_first + only_second + both_no
    if total == 0:
        return 0.0
    seen = (both_yes + both_no) / total
    first, second = (both_yes + only_first) / total, (both_yes + only_second) / total
    expected = first * second + (1 - first) * (1 - second)
    return 1.0 if expected == 1.0 else (seen - expected) / (1 - expected)


def _correlation(both: int, only_first: int, only_second: int, neither: int) -> float:
    """Phi of the two results, with Newcombe's correction for continuity where it is positive."""
    total = both + only_first + only_second + neither
    rows = (both + only_first) * (only_second + neither) * (both + only_second) * (only_first + neither)
    if rows == 0:
        return 0.0
    raw = both * neither - only_first * only_second
    corrected = max(raw - total / 2, 0.0) if raw > 0 else float(raw)
    return corrected / math.sqrt(rows)
