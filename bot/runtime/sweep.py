"""The safety net under dispatch: whatever is stored and unhandled is queued, even if the queue's own row was lost.

At a start that is everything; later, what has waited longer than any message should. A message that arrives while an
earlier one of its conversation waits is not queued itself: the handler of the earlier one takes it along.
Likewise money: what was set aside for a call nobody came back from is charged, so that none is stuck.
"""

import asyncio
import logging

from bot.ports.clock import Clock
from bot.ports.runtime import Dispatcher
from bot.ports.store import Store
from bot.runtime.background import Background

logger = logging.getLogger(__name__)

EVERY_SECONDS = 30.0
PATIENCE_SECONDS = 60.0
"""Before that age a message is surely on its way; known causes are ignored anyway."""
LOST_SECONDS = 1800.0
"""Three times what the longest turn may take: whoever made the call is gone."""


class Sweep:
    """Looks for forgotten causes now and then."""

    def __init__(self, store: Store, dispatcher: Dispatcher, clock: Clock) -> None:
        self._store = store
        self._dispatcher = dispatcher
        self._clock = clock
        self._task = Background("sweep")

    async def start(self) -> None:
        """Queue what an earlier process left, then look again every half minute."""
        await self._look(self._clock())
        self._task.start(self._go_on())

    async def close(self) -> None:
        """Look no more."""
        await self._task.close()

    async def _go_on(self) -> None:
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            try:
                await self._look(self._clock() - PATIENCE_SECONDS)
            except Exception:  # the net must outlive a database that is away for a while
                logger.exception("sweep.failed")

    async def _look(self, before: float) -> None:
        async with self._store.read() as tx:
            unfinished = await tx.inbox.unfinished(before=before)
        async with self._store.write() as tx:
            lost = await tx.ledger.charge_lost(before=self._clock() - LOST_SECONDS)
        if lost:
            logger.warning("ledger.lost", extra={"fields": {"reservations": lost}})
        for inbox_id, partition in unfinished:
            await self._dispatcher.dispatch(inbox_id, partition)
        if unfinished:
            logger.info("sweep.found", extra={"fields": {"causes": len(unfinished)}})
