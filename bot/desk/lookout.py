"""Tells the runs under way when somebody took over or pressed Stop: one look at the database for all of them."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.ports.store import Store

logger = logging.getLogger(__name__)

LOOKS_EVERY = 0.5
"""Seconds."""


class Lookout:
    """Looks while any run is under way; a thousand conversations cost one query every half second."""

    def __init__(self, store: Store, *, every: float = LOOKS_EVERY) -> None:
        self._store = store
        self._every = every
        self._watched: dict[str, asyncio.Event] = {}
        self._task: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def over(self, run_id: str) -> AsyncIterator[asyncio.Event]:
        """An event that is set once the run is no longer wanted."""
        overtaken = self._watched[run_id] = asyncio.Event()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._look(), name="lookout")
        try:
            yield overtaken
        finally:
            if self._watched.get(run_id) is overtaken:
                del self._watched[run_id]
            if not self._watched and self._task is not None:
                task, self._task = self._task, None
                task.cancel()
                await asyncio.wait({task})

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            try:
                async with self._store.read() as tx:
                    overtaken = await tx.runs.overtaken(tuple(self._watched))
            except Exception:  # the database may be away for a while; what a run writes is checked anyway
                logger.exception("lookout.failed")
                continue
            for run_id in overtaken & self._watched.keys():
                self._watched[run_id].set()
