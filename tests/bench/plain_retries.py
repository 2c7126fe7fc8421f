"""The usual approach, to compare with: a decorator that retries in place under one that counts failed calls.

As found in many bots: each call makes all its attempts wherever it stands; the breaker, one for the process, sees only
how the whole call ended; when it half-opens it lets everybody through; nothing answers in the back-end's stead.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import TypeVar

from tools.base import OutcomeUnknownError, ToolUnavailableError
from tools.resilience import Policy

T = TypeVar("T")
OUTAGES = (ToolUnavailableError, OutcomeUnknownError, TimeoutError)


class PlainBreaker:
    """Counts calls that failed in a row; `clock` gives seconds."""

    def __init__(self, policy: Policy, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._policy = policy
        self._failures = 0
        self._opened_at = 0.0

    def guards(self, work: Callable[[], Awaitable[T]]) -> Callable[[], Awaitable[T]]:
        rules = self._policy.breaker

        @wraps(work)
        async def guarded() -> T:
            if self._failures >= rules.failures and self._clock() - self._opened_at < rules.open_seconds:
                raise ToolUnavailableError("circuit open")
            try:
                done = await work()
            except OUTAGES:
                self._failures += 1
                self._opened_at = self._clock()
                raise
            self._failures = 0
            return done

        return guarded


def retrying(work: Callable[[], Awaitable[T]], policy: Policy) -> Callable[[], Awaitable[T]]:
    """The same with as many attempts and as long waits as ours, without chance."""

    @wraps(work)
    async def repeated() -> T:
        for attempt in range(policy.attempts):
            try:
                async with asyncio.timeout(policy.attempt_seconds):
                    return await work()
            except OUTAGES:
                if attempt + 1 == policy.attempts:
                    raise
                await asyncio.sleep(min(policy.longest_wait, policy.first_wait * 2.0**attempt))
        raise AssertionError("there is at least one attempt")

    return repeated
