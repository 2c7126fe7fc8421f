"""Waiting times in buckets, so that those of a year add up like any other count.

Four buckets to a doubling, from a tenth of a second to more than a day: a percentile read from them is at most 9 % off.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

SHORTEST = 0.1
"""Seconds; whatever is shorter counts as this."""
PER_DOUBLING = 4
MOST_OFF = 2 ** (1 / (2 * PER_DOUBLING)) - 1
"""Share by which a percentile may be off: it is told as the middle of its bucket."""
_LAST = 80


def bucket_of(seconds: float) -> int:
    """Number of the bucket a duration falls into."""
    if seconds <= SHORTEST:
        return 0
    return min(_LAST, math.ceil(PER_DOUBLING * math.log2(seconds / SHORTEST) - 1e-9))


def middle_of(bucket: int) -> float:
    """Seconds in the (geometric) middle of a bucket."""
    return SHORTEST if bucket == 0 else float(SHORTEST * 2 ** ((bucket - 0.5) / PER_DOUBLING))


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many durations fell into which bucket."""

    counts: Mapping[int, int]

    @property
    def total(self) -> int:
        """Durations in all."""
        return sum(self.counts.values())

    def percentile(self, share: float) -> float | None:
        """Seconds that `share` (0 to 1) of the durations did not exceed; None without any."""
        wanted, seen = math.ceil(share * self.total), 0
        for bucket in sorted(self.counts):
            seen += self.counts[bucket]
            if seen >= wanted and seen:
                return middle_of(bucket)
        return None
