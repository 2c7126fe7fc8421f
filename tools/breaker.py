"""A circuit breaker: spares a back-end that is down, and everybody the wait for it.

A back-end is down when nothing succeeds any more, not when many attempts fail: while half of them do, three attempts
answer seven calls of eight, and a breaker that counts a share, or a handful of failures, would take that away. So only
failures in a row count, over some time or in great number; and a breaker that opened by chance does little harm, since
its first pause is short and those after it double. What that is worth is reckoned in tests/unit/test_tools_outages.py.

Own code, because none of the three libraries for it lets exactly one trial call through on one event loop with a clock
that a test can hold: purgatory 3.0 and aiobreaker 1.2 admit every call that arrives while the trial is still running
(half-open is a state without a lock) and read `time.time()` / `datetime.utcnow()` themselves; aiobreaker has had no
release since 2021; pybreaker 1.4 does asynchronous calls only through Tornado and holds a thread lock across the await.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

MOST_FAILURES = 50
"""That are remembered; no rules may ask for more. So many in a row are no chance, however fast they came."""


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
    """In a row; at most MOST_FAILURES."""
    window_seconds: float = 120.0
    """Failures further apart than this are not the same trouble."""
    open_seconds: float = 60.0
    """Before the trial call."""
    first_seconds: float | None = None
    """The same for a breaker that has just opened; after each trial that failed it stays open for as long again as it
    has been altogether, up to open_seconds. None: open_seconds from the beginning."""
    grace_seconds: float = 0.0
    """Failures in a row must have gone on for so long, if they are not MOST_FAILURES: where half of many calls at once
    fail, some in a row are chance, and another attempt helps more than sparing the back-end."""


class Breaker:
    """Opens after some failures in a row; after a pause one trial call decides whether it closes.

    For one event loop. A call asks `enter` for a permit and gives it back with one of the other three methods. Permits
    of a time before the last change of state count for nothing, so a straggler neither closes nor prolongs.
    """

    def __init__(self, clock: Callable[[], float], rules: Rules | None = None) -> None:
        self._clock = clock
        self._rules = rules or Rules()
        self._failed_at: deque[float] = deque(maxlen=MOST_FAILURES)
        self._opened_at: float | None = None
        """When it was closed for the last time; None while it is."""
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
        self,
        permit: int,
        reason: str = "",
        *,
        at_once: float | None = None,
        pause: float | None = None,
        rules: Rules | None = None,
    ) -> bool:
        """The back-end did not do its work; True when this opened the breaker.

        `at_once`: seconds for which to open without counting, for failures that are known to last. `pause`: seconds
        that the back-end asked for itself, instead of those of the rules. `rules`: this caller's own; all callers'
        failures are counted together.
        """
        if permit != self._term:
            return False
        now, rules = self._clock(), rules or self._rules
        self._failed_at.append(now)
        if not self._trial and at_once is None and not self._is_enough(now, rules):
            return False
        seconds = next(s for s in (at_once, pause, self._pause(now, rules)) if s is not None)
        self._change(open_until=now + seconds, reason=reason)
        return True

    def released(self, permit: int) -> None:
        """The call ended without telling anything about the back-end, e.g. cancelled from outside."""
        if permit == self._term:
            self._trial = False

    def learn(self, seconds: float | None, reason: str = "") -> None:
        """Another process changed the state: open for so many seconds, or closed (None)."""
        self._change(open_until=None if seconds is None else self._clock() + seconds, reason=reason)

    def _is_enough(self, now: float, rules: Rules) -> bool:
        recent = [at for at in self._failed_at if now - at <= rules.window_seconds]
        if len(recent) < rules.failures:
            return False
        return now - recent[0] >= rules.grace_seconds or len(recent) == MOST_FAILURES

    def _pause(self, now: float, rules: Rules) -> float:
        """Grows with the time for which the breaker has not been closed, which all processes know of."""
        if rules.first_seconds is None:
            return rules.open_seconds
        so_far = 0.0 if self._opened_at is None else now - self._opened_at
        return min(rules.open_seconds, max(rules.first_seconds, so_far))

    def _change(self, *, open_until: float | None, reason: str = "") -> None:
        if open_until is None:
            self._opened_at = None
        elif self._opened_at is None:
            self._opened_at = self._clock()
        self._open_until = open_until
        self._failed_at.clear()
        self._trial = False
        self._term += 1
        self.reason = reason
