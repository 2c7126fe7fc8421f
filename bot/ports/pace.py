"""How fast another service may be called: what a call costs, and the books that all replicas share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

LONGEST_WAIT = 600.0
"""Seconds ahead for which a place is booked; what would come later asks again."""
LONGEST_CLOSED = 900.0
"""Seconds for which a key is closed at most, whatever the other side asks for."""


@dataclass(frozen=True, slots=True)
class Toll:
    """What one call costs one key; a call may cost several keys at once."""

    key: str
    interval: float
    """Seconds between calls when they come steadily; 0: no limit of our own, only closed after a refusal."""
    burst: int = 1
    """Calls that may come at once after a rest."""


class Paces(Protocol):
    """When each key may be used next, the same for all replicas. Every method is its own short transaction."""

    async def take(self, tolls: Sequence[Toll], *, at: float, within: float, leave: int = 0) -> float:
        """Seconds from `at` until the call may be made; the place is taken only when they are at most `within`.

        `leave`: calls of the burst that must be left for others.
        """
        ...

    async def close(self, toll: Toll, *, at: float, until: float) -> None:
        """Nobody may use the key before `until`, and no burst follows."""
        ...
