"""Calls to a back-end that may fail: attempts, deadlines, a circuit breaker, a fallback, an honest word in the end.

The attempts are tenacity's (the usual library for it: any stop and wait rule, any sleep, no threads); the deadlines are
`asyncio.timeout`, which cancels what it stops; for the breaker see `tools.breaker` and `tools.noticeboard`, for the
number of calls at once `tools.bulkhead`. Nothing is asked twice unless whoever asks has said that this does no harm.
"""

import asyncio
import itertools
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from tools.attempts import Attempt
from tools.base import OutcomeUnknownError, ToolContext, ToolError, ToolUnavailableError
from tools.breaker import BreakerState, Rules
from tools.bulkhead import Bulkhead, CrowdedError
from tools.noticeboard import Noticeboard, SharedBreaker

logger = logging.getLogger(__name__)

T = TypeVar("T")
Fallback = Callable[[], Awaitable[T]]


class BreakerOpenError(Exception):
    """The back-end failed too often of late and is not asked."""


class TooLateError(Exception):
    """No time was left for an attempt when it could have been made."""


class _HastyError(Exception):
    """The back-end was not given the time it may take."""


_OUTAGES = (ToolUnavailableError, OutcomeUnknownError, TimeoutError)
"""Failures of the back-end; all others are the model's to fix or bugs."""
_SPARED = (BreakerOpenError, CrowdedError, TooLateError)
"""The back-end was not asked."""
_FAIR_PART = 0.5
"""Of the seconds for an attempt; one that was cut off sooner, since the call had no more left, tells nothing."""
_LONGEST_WISH = 600.0
"""Seconds for which a back-end is left alone at most because it asked for it."""
_TRIAL_MARGIN = 5.0
"""Seconds between the deadline of a trial and the next one, to clean up and to tell the others."""
OUTAGE = Rules(failures=8, window_seconds=600.0, open_seconds=60.0, first_seconds=2.0, grace_seconds=10.0)
"""While half of all attempts fail, eight in a row that go on for ten seconds come once in ten minutes at most, at
whatever traffic, and cost two seconds."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How hard to try. All times in seconds. A profile may set most of it for each tool."""

    attempts: int = 3
    attempt_seconds: float = 5.0
    """One attempt is cancelled after this."""
    total_seconds: float = 12.0
    """All attempts and the waits between them."""
    first_wait: float = 0.2
    """Doubles with each attempt; half of every wait is chance, so that many callers do not come back together."""
    longest_wait: float = 2.0
    """Unless the back-end itself asks for more, and the total leaves room for it."""
    safe_to_repeat: bool = True
    """False for work that must not be asked for twice when the outcome of the first time is unknown."""
    breaker: Rules = OUTAGE
    at_once: int = 10
    """Calls of this process to the back-end at once; further ones wait within the total. No more than there are
    connections to one host (`tools.http`): whoever waits for one spends his attempt on it and seems to have failed."""


STANDARD = Policy()


def log_attempt(attempt: Attempt, context: ToolContext) -> None:
    """The default observer: a log line for each attempt that failed, and a quieter one for each that was spared."""
    if not attempt.ok:
        fields = {
            "backend": attempt.name,
            "attempt": attempt.number,
            "error": attempt.error,
            "ms": attempt.ms,
            "tool": context.tool,
            "run": context.run_id,
        }
        if attempt.asked:
            logger.warning("tool.attempt_failed", extra={"fields": fields})
        else:
            logger.info("tool.spared", extra={"fields": fields})


def as_it_is(_: ToolContext, policy: Policy) -> Policy:
    """For an installation without settings of its own."""
    return policy


@dataclass(frozen=True, slots=True)
class Instruments:
    """Time, chance, an observer, the settings and the board of the breakers; a test brings its own."""

    clock: Callable[[], float] = time.monotonic
    """Seconds, of any origin; drives the breaker and the measured durations."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = random.random
    """A number from 0 to 1."""
    observe: Callable[[Attempt, ToolContext], None] = log_attempt
    adapt: Callable[[ToolContext, Policy], Policy] = as_it_is
    """How hard to try for this tool in this profile, given how hard the back-end's guard would."""
    board: Noticeboard = field(default_factory=Noticeboard)
    """Where processes share their breakers; without one each has its own."""


SYSTEM = Instruments()


class Guard:
    """Stands before one back-end and holds its breaker and its bulkhead."""

    def __init__(self, backend: str, instruments: Instruments = SYSTEM, policy: Policy = STANDARD) -> None:
        self.backend = backend
        self.instruments = instruments
        self.breaker = SharedBreaker(f"tool:{backend}", instruments.board, instruments.clock, rules=policy.breaker)
        self.bulkhead = Bulkhead()
        self._policy = policy

    @property
    def state(self) -> BreakerState:
        """Of the breaker."""
        return self.breaker.state

    async def call(
        self,
        work: Callable[[], Awaitable[T]],
        context: ToolContext,
        *,
        sorry: str,
        fallback: Fallback[T] | Sequence[Fallback[T]] = (),
        safe_to_repeat: bool | None = None,
    ) -> T:
        """What `work` returns, or the first `fallback` that can do it while the back-end is down, or
        OutcomeUnknownError(sorry).

        `work` is repeated only if that does no harm: as `safe_to_repeat` says of this call; without it, if both the
        tool and the back-end's policy allow it. A ToolError of `work` goes through untouched: it is never retried and
        never counts against the back-end.
        """
        policy = self.instruments.adapt(context, self._policy)
        safe = context.safe_to_repeat and policy.safe_to_repeat if safe_to_repeat is None else safe_to_repeat
        effort = _Effort(self, context, replace(policy, safe_to_repeat=safe), work)
        try:
            return await effort.persist()
        except (*_OUTAGES, *_SPARED) as error:
            for instead in (fallback,) if callable(fallback) else fallback:
                with suppress(*_OUTAGES):
                    return await effort.do_instead(instead)
            raise OutcomeUnknownError(sorry) from error


class _Effort(Generic[T]):
    """One call of a guard: its attempts, and what is done in their stead."""

    def __init__(self, guard: Guard, context: ToolContext, policy: Policy, work: Callable[[], Awaitable[T]]) -> None:
        self._guard = guard
        self._tools = guard.instruments
        self._context = context
        self._policy = policy
        self._work = work
        self._numbers = itertools.count(1)
        self._trial: tuple[int, BaseException] | None = None
        """Permit of the breaker's one trial, and how it went so far: all attempts of this call belong to it."""
        self._now = asyncio.get_running_loop().time
        self._deadline = self._now() + policy.total_seconds

    async def persist(self) -> T:
        """Try as long as it makes sense; the last error when nothing came of it."""
        retrying = AsyncRetrying(
            sleep=self._tools.sleep,
            stop=self._is_enough,
            wait=self._wait,
            retry=retry_if_exception(self._may_help),
            reraise=True,
        )
        try:
            return await retrying(self._attempt)
        finally:
            if self._trial is not None:
                await self._weigh(*self._trial)

    async def do_instead(self, fallback: Fallback[T]) -> T:
        """What the fallback makes of it; an outage when it can do nothing either."""
        began, error = self._tools.clock(), None
        try:
            async with asyncio.timeout(self._policy.attempt_seconds):
                return await fallback()
        except BaseException as raised:
            error = raised
            raise
        finally:
            self._note(error, began, is_fallback=True)

    def _is_enough(self, state: RetryCallState) -> bool:
        if state.attempt_number >= self._policy.attempts or self._guard.state is BreakerState.OPEN:
            return True
        return self._now() + state.upcoming_sleep >= self._deadline

    def _may_help(self, error: BaseException) -> bool:
        return self._policy.safe_to_repeat and _is_outage(error)

    def _wait(self, state: RetryCallState) -> float:
        policy = self._policy
        wait = min(policy.longest_wait, policy.first_wait * 2.0 ** (state.attempt_number - 1))
        wait *= 0.5 + 0.5 * self._tools.random()
        wish = _wish(state.outcome.exception() if state.outcome else None)
        return wait if wish is None else max(wait, wish + policy.first_wait * self._tools.random())

    async def _attempt(self) -> T:
        """One attempt, if there is room and the breaker lets it through."""
        began = self._tools.clock()
        try:
            async with self._guard.bulkhead.room(self._policy.at_once, self._deadline):
                return await self._ask()
        except _SPARED as error:
            self._note(error, began, asked=False)
            raise

    async def _ask(self) -> T:
        permit = await self._enter()
        began, error = self._tools.clock(), None
        fair = min(self._policy.attempt_seconds, self._policy.total_seconds)
        seconds = min(fair, self._deadline - self._now())
        try:
            async with asyncio.timeout(seconds) as cut:
                return await self._work()
        except BaseException as raised:
            error = raised
            raise
        finally:
            self._note(error, began)  # first: nothing that happens to what follows takes it from the trace
            is_hasty = cut.expired() and seconds < fair * _FAIR_PART
            await self._learn(permit, _HastyError() if is_hasty else error)

    async def _enter(self) -> int:
        """The breaker's permit; BreakerOpenError when there is none, TooLateError when asking took all the time."""
        breaker = self._guard.breaker
        if self._trial is not None and breaker.is_trial(self._trial[0]):
            return self._trial[0]
        self._trial = None
        permit = await breaker.enter(trial_seconds=self._deadline - self._now() + _TRIAL_MARGIN)
        if permit is None:
            raise BreakerOpenError
        if self._now() >= self._deadline:
            await breaker.released(permit)
            raise TooLateError
        return permit

    async def _learn(self, permit: int, error: BaseException | None) -> None:
        """How an attempt ended is weighed at once; that a trial failed, when its call gives up: it may yet succeed."""
        is_trial = self._guard.breaker.is_trial(permit)
        if is_trial and error is not None and _is_outage(error):
            self._trial = permit, error
        elif not (is_trial and self._trial) or _works(error):
            self._trial = None
            await self._weigh(permit, error)

    async def _weigh(self, permit: int, error: BaseException | None) -> None:
        """What an attempt says about the back-end; being cancelled from outside, or a bug, says nothing."""
        breaker, fields = self._guard.breaker, {"backend": self._guard.backend}
        if _works(error):
            if await breaker.succeeded(permit):
                logger.info("tool.breaker_closed", extra={"fields": fields})
        elif error is None or not _is_outage(error):
            await breaker.released(permit)
        elif await self._failed(permit, error):
            logger.warning("tool.breaker_opened", extra={"fields": fields})

    async def _failed(self, permit: int, error: BaseException) -> bool:
        """A wish for a pause that nobody would wait for keeps everybody away at once."""
        rules, wish = self._policy.breaker, _wish(error)
        is_long = wish is not None and wish > self._policy.total_seconds
        return await self._guard.breaker.failed(
            permit,
            type(error).__name__,
            at_once=min(wish, _LONGEST_WISH) if wish is not None and is_long else None,
            pause=min(max(1.0, wish), rules.open_seconds) if wish is not None else None,
            rules=rules,
        )

    def _note(
        self, error: BaseException | None, began: float, *, asked: bool = True, is_fallback: bool = False
    ) -> None:
        well = _works(error)
        name = "" if error is None or well else type(error).__name__
        ms = int((self._tools.clock() - began) * 1000)
        attempt = Attempt(self._guard.backend, next(self._numbers), well, name, ms, asked, is_fallback)
        self._context.note_attempt(attempt)
        self._tools.observe(attempt, self._context)


def _works(error: BaseException | None) -> bool:
    """Whether a back-end that ended so did its work, or told what is wrong with the wish."""
    if isinstance(error, ToolUnavailableError):
        return not error.will_pass
    return error is None or (isinstance(error, ToolError) and not isinstance(error, OutcomeUnknownError))


def _is_outage(error: BaseException) -> bool:
    return isinstance(error, _OUTAGES) and not _works(error)


def _wish(error: BaseException | None) -> float | None:
    """Seconds the back-end wants to be left alone."""
    return error.retry_after if isinstance(error, ToolUnavailableError) else None
