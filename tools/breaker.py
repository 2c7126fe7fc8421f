"""A circuit breaker: spares a back-end that is down, and everybody the wait for it.

Own code, because none of the three libraries for it lets exactly one trial call through on one event loop with a clock
that a test can hold: purgatory 3.0 and aiobreaker 1.2 admit every call that arrives while the trial is still running
(half-open is a state without a lock) and read `time.time()` / `datetime.utcnow()` themselves; aiobreaker has had no
release since 2021; pybreaker 1.4 does asynchronous calls only through Tornado and holds a thread lock across the await.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class BreakerState(StrEnum):
    """What a breaker does with the next call."""

    CLOSED = "closed"
    """Lets it through."""
    OPEN = "open"
    """Refuses it."""
    HALF_OPEN = "half_open"
    """Lets it through as the one trial, or refuses it while the trial is under way."""


@dataclass(frozen=True, slots=True)
class Rules:
    """When a breaker opens, and for how long."""

    failures: int = 5
    """In a row."""
    window_seconds: float = 120.0
    """Failures further apart than this are not the same trouble."""
    open_seconds: float = 60.0
    """Before the trial call."""


class Breaker:
    """Opens after some failures in a row; after a pause one trial call decides whether it closes.

    For one event loop. A call asks `enter` for a permit and gives it back with one of the other three methods. Permits
    of a time before the last change of state count for nothing, so a straggler neither closes nor prolongs.
    """

    def __init__(self, clock: Callable[[], float], rules: Rules | None = None) -> None:
        self._clock = clock
        self._rules = rules or Rules()
        self._failed_at: deque[float] = deque(maxlen=self._rules.failures)
        self._open_until: float | None = None
        self._trial = False
        self._term = 0
        self.reason = ""
        """Class of the failure that opened it."""

    @property
    def state(self) -> BreakerState:
        """For traces and health pages."""
        if self._open_until is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if self._clock() < self._open_until else BreakerState.HALF_OPEN

    @property
    def seconds_left(self) -> float:
        """Until the next trial; 0 when calls are let through."""
        return 0.0 if self._open_until is None else max(0.0, self._open_until - self._clock())

    def enter(self) -> int | None:
        """A permit for one call; None when the call must not be made."""
        if self.state is BreakerState.CLOSED:
            return self._term
        if self._trial or self.state is BreakerState.OPEN:
            return None
        self._trial = True
        return self._term

    def is_trial(self, permit: int) -> bool:
        """Whether this permit is the one on which it depends whether the breaker closes."""
        return self._trial and permit == self._term

    def succeeded(self, permit: int) -> bool:
        """The back-end did its work, or told the model what is wrong; True when this closed the breaker."""
        if permit != self._term:
            return False
        self._failed_at.clear()
        if not self._trial:
            return False
        self._change(open_until=None)
        return True

    def failed(
        self, permit: int, reason: str = "", *, at_once: float | None = None, pause: float | None = None
    ) -> bool:
        """The back-end did not do its work; True when this opened the breaker.

        `at_once`: seconds for which to open without counting, for failures that are known to last. `pause`: seconds
        that the back-end asked for itself, instead of those of the rules.
        """
        if permit != self._term:
            return False
        now = self._clock()
        self._failed_at.append(now)
        if not self._trial and at_once is None and not self._is_enough(now):
            return False
        seconds = next(s for s in (at_once, pause, self._rules.open_seconds) if s is not None)
        self._change(open_until=now + seconds, reason=reason)
        return True

    def released(self, permit: int) -> None:
        """The call ended without telling anything about the back-end, e.g. cancelled from outside."""
        if permit == self._term:
            self._trial = False

    def learn(self, seconds: float | None, reason: str = "") -> None:
        """Another process changed the state: open for so many seconds, or closed (None)."""
        self._change(open_until=None if seconds is None else self._clock() + seconds, reason=reason)

    def _is_enough(self, now: float) -> bool:
        return len(self._failed_at) == self._rules.failures and now - self._failed_at[0] <= self._rules.window_seconds

    def _change(self, *, open_until: float | None, reason: str = "") -> None:
        self._open_until = open_until
        self._failed_at.clear()
        self._trial = False
        self._term += 1
        self.reason = reason
