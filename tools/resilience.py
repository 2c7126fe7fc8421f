"""Calls to a back-end that may fail: attempts, deadlines, a circuit breaker, a fallback, an honest word in the end.

The attempts are tenacity's (the usual library for it: any stop and wait rule, any sleep, no threads); the deadlines are
`asyncio.timeout`, which cancels what it stops; for the breaker see `tools.breaker` and `tools.noticeboard`.
"""

import asyncio
import itertools
import logging
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, retry_never

from tools.base import OutcomeUnknownError, ToolContext, ToolError, ToolUnavailableError
from tools.breaker import BreakerState
from tools.noticeboard import Noticeboard, SharedBreaker

logger = logging.getLogger(__name__)

T = TypeVar("T")


class BreakerOpenError(Exception):
    """The back-end failed too often of late and is not asked."""


_OUTAGES = (ToolUnavailableError, TimeoutError)
"""Failures of the back-end that may pass; all others are the model's to fix or bugs."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How hard to try. All times in seconds."""

    attempts: int = 3
    attempt_seconds: float = 5.0
    """One attempt is cancelled after this."""
    total_seconds: float = 12.0
    """All attempts and the waits between them."""
    first_wait: float = 0.2
    """Doubles with each attempt; half of every wait is chance, so that many callers do not come back together."""
    longest_wait: float = 2.0
    safe_to_repeat: bool = True
    """False for work that must not be asked for twice when the outcome of the first time is unknown."""


STANDARD = Policy()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a back-end, for the trace."""

    backend: str
    number: int
    ok: bool
    """True also when the back-end refused the model's wish: it works."""
    error: str
    """Class of the error; empty when ok."""
    ms: int
    context: ToolContext


def log_attempt(attempt: Attempt) -> None:
    """The default observer: a log line for each attempt that failed."""
    if not attempt.ok:
        fields = {
            "backend": attempt.backend,
            "attempt": attempt.number,
            "error": attempt.error,
            "ms": attempt.ms,
            "run": attempt.context.run_id,
        }
        logger.warning("tool.attempt_failed", extra={"fields": fields})


@dataclass(frozen=True, slots=True)
class Instruments:
    """Time, chance, an observer and the board of the breakers; a test brings its own."""

    clock: Callable[[], float] = time.monotonic
    """Seconds, of any origin; drives the breaker and the measured durations."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = random.random
    """A number from 0 to 1."""
    observe: Callable[[Attempt], None] = log_attempt
    board: Noticeboard = field(default_factory=Noticeboard)
    """Where processes share their breakers; without one each has its own."""


SYSTEM = Instruments()


class Guard:
    """Stands before one back-end and holds its breaker."""

    def __init__(self, backend: str, instruments: Instruments = SYSTEM, policy: Policy = STANDARD) -> None:
        self.backend = backend
        self._instruments = instruments
        self._policy = policy
        self._breaker = SharedBreaker(f"tool:{backend}", instruments.board, instruments.clock, trial_seconds=30.0)

    @property
    def state(self) -> BreakerState:
        """Of the breaker."""
        return self._breaker.state

    async def call(
        self,
        work: Callable[[], Awaitable[T]],
        context: ToolContext,
        *,
        sorry: str,
        fallback: Callable[[], Awaitable[T]] | None = None,
    ) -> T:
        """What `work` returns, or what `fallback` does when the back-end is down, or OutcomeUnknownError(sorry).

        `work` must be idempotent unless the policy says `safe_to_repeat=False`. A ToolError of `work` goes through
        untouched: it is never retried and never counts against the back-end.
        """
        try:
            return await self._persist(work, context)
        except (*_OUTAGES, BreakerOpenError) as error:
            if fallback is None:
                raise OutcomeUnknownError(sorry) from error
        return await self._instead(fallback, sorry)

    async def _instead(self, fallback: Callable[[], Awaitable[T]], sorry: str) -> T:
        try:
            async with asyncio.timeout(self._policy.attempt_seconds):
                return await fallback()
        except _OUTAGES as error:
            raise OutcomeUnknownError(sorry) from error

    async def _persist(self, work: Callable[[], Awaitable[T]], context: ToolContext) -> T:
        now = asyncio.get_running_loop().time
        deadline = now() + self._policy.total_seconds

        def enough(state: RetryCallState) -> bool:
            tired = state.attempt_number >= self._policy.attempts or self.state is BreakerState.OPEN
            return tired or now() + state.upcoming_sleep >= deadline

        retrying = AsyncRetrying(
            sleep=self._instruments.sleep,
            stop=enough,
            wait=self._wait,
            retry=retry_if_exception_type(_OUTAGES) if self._policy.safe_to_repeat else retry_never,
            reraise=True,
        )
        return await retrying(self._attempt, work, context, deadline, itertools.count(1))

    def _wait(self, state: RetryCallState) -> float:
        wait = min(self._policy.longest_wait, self._policy.first_wait * 2.0 ** (state.attempt_number - 1))
        return wait * (0.5 + 0.5 * self._instruments.random())

    async def _attempt(
        self, work: Callable[[], Awaitable[T]], context: ToolContext, deadline: float, numbers: Iterator[int]
    ) -> T:
        permit = await self._breaker.enter()
        if permit is None:
            raise BreakerOpenError(self.backend)
        began, number, error = self._instruments.clock(), next(numbers), None
        try:
            async with asyncio.timeout_at(min(deadline, self._attempt_ends())):
                return await work()
        except BaseException as raised:
            error = raised
            raise
        finally:
            await self._weigh(permit, error)
            ms = int((self._instruments.clock() - began) * 1000)
            well = error is None or isinstance(error, ToolError)
            name = "" if error is None or well else type(error).__name__
            self._instruments.observe(Attempt(self.backend, number, well, name, ms, context))

    def _attempt_ends(self) -> float:
        return asyncio.get_running_loop().time() + self._policy.attempt_seconds

    async def _weigh(self, permit: int, error: BaseException | None) -> None:
        """What an attempt says about the back-end; being cancelled from outside, or a bug, says nothing."""
        if error is None or isinstance(error, ToolError):
            await self._breaker.succeeded(permit)
        elif not isinstance(error, _OUTAGES):
            await self._breaker.released(permit)
        elif await self._breaker.failed(permit, type(error).__name__):
            logger.warning("tool.breaker_opened", extra={"fields": {"backend": self.backend}})
