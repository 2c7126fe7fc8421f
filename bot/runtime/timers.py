"""The clock of the desk: moves timers that are due into the inbox.

Every process looks about once a second, and earlier when the next timer is due before that. Taking a timer and storing
its cause is one transaction, so a timer fires once however many look, and none is lost when one of them dies.
"""

import asyncio
import logging

from bot.domain.incoming import team_of
from bot.ports.clock import Clock, NewId
from bot.ports.store import Store
from bot.runtime.background import Background

logger = logging.getLogger(__name__)

EVERY_SECONDS = 1.0
"""Between two looks; a timer that another process sets is noticed so late at most."""
_SHORTEST_SECONDS = 0.01
_AT_ONCE = 50
"""Timers moved in one transaction."""


class TimerWorker:
    """Moves due timers from `start` to `close`."""

    def __init__(self, store: Store, clock: Clock, new_id: NewId, *, every: float = EVERY_SECONDS) -> None:
        """`store` is the one that sees every workspace."""
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._every = every
        self._task = Background("timers")

    async def start(self) -> None:
        """Move what became due meanwhile, then go on."""
        await self.look()
        self._task.start(self._go_on())

    async def close(self) -> None:
        """Look no more."""
        await self._task.close()

    async def look(self) -> int:
        """Move everything that is due; how many timers that were."""
        total = 0
        while (await self._next())[0]:
            moved = await self._move()
            total += moved
            if moved < _AT_ONCE:
                break
        return total

    async def _next(self) -> tuple[bool, float]:
        """Whether something is due, and for how long one may sleep."""
        async with self._store.read() as tx:
            due_at = await tx.timers.next_due()
        left = self._every if due_at is None else due_at - self._clock()
        return left <= 0, max(_SHORTEST_SECONDS, min(left, self._every))

    async def _move(self) -> int:
        async with self._store.write() as tx:
            due = await tx.timers.take_due(self._clock(), _AT_ONCE)
            for timer in due:
                await tx.inbox.add(
                    self._new_id(), timer.cause, conversation_id=timer.conversation_id, partition=timer.partition
                )
        for timer in due:
            fields = {"kind": timer.cause.kind, "team": team_of(timer.cause)}
            logger.debug("timer.fired", extra={"fields": fields})
        return len(due)

    async def _go_on(self) -> None:
        while True:
            try:
                await self.look()
                seconds = (await self._next())[1]
            except Exception:  # the clock must outlive a database that is away for a while
                logger.exception("timers.failed")
                seconds = self._every
            await asyncio.sleep(seconds)
