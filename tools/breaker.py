"""A circuit breaker: spares a back-end that is down, and everybody the wait for it.

Own code, because none of the three libraries for it lets exactly one trial call through on one event loop with a clock
that a test can hold: purgatory 3.0 and aiobreaker 1.2 admit every call that arrives while the trial is still running
(half-open is a state without a lock) and read `time.time()` / `datetime.utcnow()` themselves; aiobreaker has had no
release since 2021; pybreaker 1.4 does asynchronous calls only through Tornado and holds a thread lock across the await.
"""

from collections.abc import Callable
from enum import StrEnum


class BreakerState(StrEnum):
    """What a breaker does with the next call."""

    CLOSED = "closed"
    """Lets it through."""
    OPEN = "open"
    """Refuses it."""
    HALF_OPEN = "half_open"
    """Lets it through as the one trial, or refuses it while the trial is under way."""


class Breaker:
    """Opens after `failures` in a row for `open_seconds`; then one trial call decides whether it closes.

    For one event loop. A call asks `enter` for a permit and gives it back with one of the other three methods. Permits
    of a time before the last change of state count for nothing, so a straggler neither closes nor prolongs.
    """

    def __init__(self, clock: Callable[[], float], *, failures: int = 5, open_seconds: float = 60.0) -> None:
        self._clock = clock
        self._failures = failures
        self._open_seconds = open_seconds
        self._in_a_row = 0
        self._opened_at: float | None = None
        self._trial = False
        self._term = 0

    @property
    def state(self) -> BreakerState:
        """For traces and health pages."""
        if self._opened_at is None:
            return BreakerState.CLOSED
        return BreakerState.HALF_OPEN if self._clock() - self._opened_at >= self._open_seconds else BreakerState.OPEN

    def enter(self) -> int | None:
        """A permit for one call; None when the call must not be made."""
        if self.state is BreakerState.CLOSED:
            return self._term
        if self._trial or self.state is BreakerState.OPEN:
            return None
        self._trial = True
        return self._term

    def succeeded(self, permit: int) -> None:
        """The back-end did its work, or told the model what is wrong."""
        if permit != self._term:
            return
        self._in_a_row = 0
        if self._trial:
            self._change(opened_at=None)

    def failed(self, permit: int) -> bool:
        """The back-end did not do its work; True when this opened the breaker."""
        if permit != self._term:
            return False
        self._in_a_row += 1
        if not self._trial and self._in_a_row < self._failures:
            return False
        self._change(opened_at=self._clock())
        return True

    def released(self, permit: int) -> None:
        """The call ended without telling anything about the back-end, e.g. cancelled from outside."""
        if permit == self._term:
            self._trial = False

    def _change(self, *, opened_at: float | None) -> None:
        self._opened_at = opened_at
        self._in_a_row = 0
        self._trial = False
        self._term += 1
