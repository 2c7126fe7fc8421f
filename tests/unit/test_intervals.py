"""Intervals, against published and hand-made numbers."""

import random

import pytest

from bot.domain.intervals import Interval, bootstrap_mean, kappa, mcnemar, newcombe_paired, wilson


@pytest.mark.parametrize(
    ("hits", "tries", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_shares_have_the_intervals_of_the_literature(hits: int, tries: int, low: float, high: float) -> None:
    """Newcombe (1998), table I, method 3."""
    found = wilson(hits, tries)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("cells", "low", "high"),
    [((36, 12, 2, 0), 0.0569, 0.3404), ((20, 12, 2, 16), 0.0562, 0.3292)],
)
def test_paired_shares_have_the_intervals_of_the_literature(
    cells: tuple[int, int, int, int], low: float, high: float
) -> None:
    """Newcombe (1998) "Improved confidence intervals … paired data", table II, method 10; it counts first - second."""
    found = newcombe_paired(*cells)
    assert (-found.high, -found.low) == pytest.approx((low, high), abs=2e-3)


def test_two_that_never_differ_have_an_interval_that_holds_zero_and_is_not_nothing() -> None:
    found = newcombe_paired(30, 0, 0, 0)
    assert found.value == 0
    assert found.low < 0 < found.high
    assert not found.is_above_zero
    assert not found.is_below_zero


def test_a_split_by_chance_is_told_from_one_that_is_none() -> None:
    assert mcnemar(0, 0) == 1.0
    assert mcnemar(3, 3) == 1.0
    assert mcnemar(0, 8) == pytest.approx(2 / 2**8)


def test_resampled_means_hold_the_mean_and_come_out_the_same_again() -> None:
    values = [0.1, 0.2, -0.1, 0.4, 0.3, 0.2, 0.0, 0.1]
    first = bootstrap_mean(values, chance=_seeded())
    assert first == bootstrap_mean(values, chance=_seeded())
    assert first.low <= first.value <= first.high
    assert bootstrap_mean([], chance=_seeded()) == Interval(0.0, 0.0, 0.0)


def test_agreement_beyond_chance() -> None:
    assert kappa(20, 5, 10, 15) == pytest.approx(0.4)  # the example in Cohen's measure everywhere
    assert kappa(10, 0, 0, 10) == 1.0
    assert kappa(5, 5, 5, 5) == pytest.approx(0.0)


def _seeded() -> random.Random:
    return random.Random(1)  # noqa: S311 - to come out the same again
