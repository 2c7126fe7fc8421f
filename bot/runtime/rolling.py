"""Keeps the figures up to date: about once a second, whatever something has happened in is counted."""

import asyncio
import logging

from bot.ports.insight import Roller
from bot.runtime.background import Background

logger = logging.getLogger(__name__)

EVERY_SECONDS = 1.0
"""Between two looks while nothing waits: so old may a figure be."""
PAUSE_SECONDS = 0.02
"""Between two transactions while much waits, for everybody else."""
AGAIN_SECONDS = 10.0
"""After a failure."""


class FigureWorker:
    """Counts from `start` to `close`. Of several processes one does it at a time; what was left is caught up with."""

    def __init__(self, roller: Roller, *, every: float = EVERY_SECONDS) -> None:
        self._roller = roller
        self._every = every
        self._task = Background("figures")

    def start(self) -> None:
        """Begin with what was left."""
        self._task.start(self._go_on())

    async def close(self) -> None:
        """Stop after the transaction under way."""
        await self._task.close()

    async def catch_up(self) -> int:
        """Count everything that waits; how many conversations."""
        total = 0
        while some := await self._roller.roll():
            total += some
            await asyncio.sleep(PAUSE_SECONDS)
        return total

    async def _go_on(self) -> None:
        while True:
            seconds = self._every
            try:
                await self.catch_up()
            except Exception:  # figures wait when the database is away for a while
                logger.exception("figures.failed")
                seconds = AGAIN_SECONDS
            await asyncio.sleep(seconds)
