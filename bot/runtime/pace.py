"""Slack's pace: calls wait for their turn, unimportant ones are left out, a refusal closes the way for everybody.

An effect's first call is paid by the outbox together with its intent (`Pace.opening`, `Pace.paid`): a row whose turn
has not come occupies nothing while it waits. All other calls pay on their way out (`Pace.admit`).

Calls that only read are many, and nobody sees them: each process paces its own, without the books. What Slack refused
holds for them, too, in all processes, a second later at most.
"""

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from bot.domain.effects import Outgoing
from bot.domain.errors import TransientError
from bot.ports.clock import Clock
from bot.ports.pace import LONGEST_CLOSED, LONGEST_WAIT, Paces, Toll
from bot.ports.slack import Target

logger = logging.getLogger(__name__)

MOST_INLINE = 5.0
"""Seconds a call waits on its way out; what would take longer is repeated later by whoever asked for it."""
_DATABASE_SECONDS = 2.0
"""A database that takes longer is not waited for."""
_PAID_SECONDS = 30.0
"""A place that was paid and not used is worth so long."""
_LEFT_TO_OTHERS = 2 / 3
"""Share of a burst that is not for progress."""
_REMEMBERED_SECONDS = 1.0
"""What the books said of a key holds so long for calls that book nothing."""
_TELL_SECONDS = 1.0
"""Between two warnings that the books cannot be read."""
_MOST_REMEMBERED = 1000

Opening = Callable[[Outgoing, Target], Sequence[Toll]]
"""What the first call of an effect costs."""
Sleep = Callable[[float], Awaitable[None]]


class Pace:
    """Who may call when; one for all calls of this process, on books that all processes share."""

    def __init__(self, paces: Paces, clock: Clock, opening: Opening, *, sleep: Sleep = asyncio.sleep) -> None:
        self._paces = paces
        self._clock = clock
        self._sleep = sleep
        self._paid: defaultdict[str, deque[float]] = defaultdict(deque)
        self._full_until: dict[str, float] = {}
        self._closed: dict[str, tuple[float, float]] = {}
        """By key: when the books were asked last, and until when they said the key is closed."""
        self._reads: dict[str, float] = {}
        """Theoretical arrival times (see `bot.store.paces`) of this process's reading calls."""
        self._told = float("-inf")
        self.opening = opening

    def paid(self, tolls: Sequence[Toll]) -> None:
        """The next call on these keys has paid already."""
        now = self._clock()
        for toll in tolls:
            self._paid[toll.key].append(now + _PAID_SECONDS)

    async def admit(self, tolls: Sequence[Toll], *, reading: bool = False) -> None:
        """Wait for the turn; TransientError when it is too far off. A database in trouble holds nothing up."""
        if not tolls or self._use_paid(tolls):
            return
        try:
            async with asyncio.timeout(_DATABASE_SECONDS):
                if reading or not any(toll.interval for toll in tolls):
                    wait = await self._unbooked(tolls)
                else:
                    wait = await self._paces.take(tolls, at=self._clock(), within=MOST_INLINE)
        except Exception as error:  # noqa: BLE001 - the limiter spares Slack calls; without it Slack says so itself
            self._unknown(tolls[0], error)
            return
        if wait > MOST_INLINE:
            raise TransientError("Slack's pace does not allow the call yet", retry_after=wait)
        if wait > 0:
            await self._sleep(wait)

    async def has_room(self, tolls: Sequence[Toll], *, left: float = _LEFT_TO_OTHERS) -> bool:
        """Whether a call that may be left out can be made without being in the way; it is paid then.

        `left`: share of the burst that must be left to others.
        """
        if not tolls:
            return True
        now, narrowest = self._clock(), tolls[0].key
        if now < self._full_until.get(narrowest, 0.0) <= now + MOST_INLINE:
            return False
        self._full_until.pop(narrowest, None)
        leave = max((int(toll.burst * left) for toll in tolls), default=0)
        try:
            async with asyncio.timeout(_DATABASE_SECONDS):
                wait = await self._paces.take(tolls, at=now, within=0.0, leave=leave)
        except Exception as error:  # noqa: BLE001 - as above, but what may be left out is left out
            self._unknown(tolls[0], error)
            return False
        if wait > 0:  # until then the answer stays the same: no need to ask
            self._full_until[narrowest] = now + min(wait, MOST_INLINE)
            return False
        self.paid(tolls)
        return True

    async def refused(self, tolls: Sequence[Toll], seconds: float) -> None:
        """Slack asked to wait so long: for everybody who uses the narrowest of these keys. Never raises."""
        if not tolls:
            return
        now = self._clock()
        logger.warning("pace.refused", extra={"fields": {"key": tolls[0].key, "seconds": seconds}})
        self._closed[tolls[0].key] = (now, now + max(min(seconds, LONGEST_CLOSED), self._closed_seconds(tolls[0], now)))
        try:
            await self._paces.close(tolls[0], at=now, until=now + seconds)
        except Exception as error:  # noqa: BLE001 - the caller keeps to it all the same
            fields = {"key": tolls[0].key, "error": type(error).__name__}
            logger.warning("pace.not_closed", extra={"fields": fields})

    async def _unbooked(self, tolls: Sequence[Toll]) -> float:
        """Seconds until a call may be made that stands in no book; `admit` makes it when they are few."""
        wait = max([await self._closed_for(toll) for toll in tolls])
        now = self._clock()
        for toll in tolls:
            wait = max(wait, self._sane(toll.key, now) - toll.interval * (toll.burst - 1) - now)
        if wait <= MOST_INLINE:
            paced = [toll for toll in tolls if toll.interval]
            self._reads |= {one.key: max(self._sane(one.key, now), now + wait) + one.interval for one in paced}
        return wait

    def _sane(self, key: str, now: float) -> float:
        """A time too far ahead was noted before the clock was set back."""
        tat = self._reads.get(key, 0.0)
        return tat if tat <= now + 2 * LONGEST_WAIT else now

    async def _closed_for(self, toll: Toll) -> float:
        """Seconds for which a key is closed; the books are asked once a second, by one caller for all."""
        now = self._clock()
        asked, until = self._closed.get(toll.key, (float("-inf"), 0.0))
        if not 0 <= now - asked < _REMEMBERED_SECONDS:
            if len(self._closed) >= _MOST_REMEMBERED:
                self._closed.clear()
            self._closed[toll.key] = (now, until)
            wait = await self._paces.take([replace(toll, interval=0.0)], at=now, within=0.0)
            self._closed[toll.key] = (now, now + wait)
        return self._closed_seconds(toll, now)

    def _closed_seconds(self, toll: Toll, now: float) -> float:
        _, until = self._closed.get(toll.key, (0.0, 0.0))
        return until - now if now < until <= now + LONGEST_CLOSED else 0.0

    def _unknown(self, toll: Toll, error: Exception) -> None:
        """Once a second: when the books cannot be read, every call finds that out."""
        if not 0 <= self._clock() - self._told < _TELL_SECONDS:
            self._told = self._clock()
            logger.warning("pace.unknown", extra={"fields": {"key": toll.key, "error": type(error).__name__}})

    def _use_paid(self, tolls: Sequence[Toll]) -> bool:
        """Use one paid place on every key, or none."""
        now = self._clock()
        for toll in tolls:
            waiting = self._paid[toll.key]
            while waiting and waiting[0] < now:
                waiting.popleft()
            if not waiting:
                del self._paid[toll.key]
        if not all(toll.key in self._paid for toll in tolls):
            return False
        for toll in tolls:
            self._paid[toll.key].popleft()
            if not self._paid[toll.key]:
                del self._paid[toll.key]
        return True
