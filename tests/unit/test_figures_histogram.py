"""Percentiles from buckets are as good as they say."""

import math
import random

import pytest

from bot.domain.histogram import MOST_OFF, SHORTEST, Histogram, bucket_of, middle_of


def test_a_percentile_is_never_further_off_than_is_said() -> None:
    chance = random.Random(1)  # noqa: S311 - the same numbers each time
    waits = sorted(chance.lognormvariate(1, 1.5) for _ in range(2_000))
    counts: dict[int, int] = {}
    for wait in waits:
        counts[bucket_of(wait)] = counts.get(bucket_of(wait), 0) + 1
    for share in (0.5, 0.9, 0.95, 0.99, 1.0):
        true = max(SHORTEST, waits[math.ceil(share * len(waits)) - 1])
        told = Histogram(counts).percentile(share)
        assert told is not None
        assert abs(told / true - 1) <= MOST_OFF + 1e-9


@pytest.mark.parametrize("seconds", [0.0, -1.0, 1e-9, 0.1, 0.2, 3600.0, 1e12])
def test_every_duration_has_a_bucket(seconds: float) -> None:
    assert 0 <= bucket_of(seconds) <= 80
    assert middle_of(bucket_of(seconds)) > 0


def test_without_durations_there_is_no_percentile() -> None:
    assert Histogram({}).percentile(0.5) is None
