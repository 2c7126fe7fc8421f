"""Tasks with an owner."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Background:
    """Owns one task from `start` to `close`; says so when it dies of itself."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._task: asyncio.Task[None] | None = None

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run the coroutine until it ends or `close` is called."""
        self._task = asyncio.get_running_loop().create_task(work, name=self._name)
        self._task.add_done_callback(self._ended)

    async def close(self, *, grace: float = 0.0) -> None:
        """Wait at most `grace` seconds for the task to end by itself, then cancel it. Never raises its errors."""
        if self._task is None:
            return
        task, self._task = self._task, None
        await asyncio.wait({task}, timeout=grace)
        task.cancel()
        await asyncio.wait({task})

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.critical("task.died", extra={"fields": {"task": self._name}}, exc_info=error)


class Errands:
    """Owns short work that is carried through even if whoever waits for it gives up."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    async def run(self, work: Coroutine[Any, Any, T], name: str) -> T:
        """What the work results in; a caller that is cancelled leaves it running."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    async def close(self, *, grace: float) -> None:
        """Wait at most `grace` seconds for what is under way, then cancel it. Never raises its errors."""
        if under_way := set(self._tasks):
            _, late = await asyncio.wait(under_way, timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.wait(under_way)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waited for it was told; nobody may be left to be
