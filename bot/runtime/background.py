"""A long-running task with an owner."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

logger = logging.getLogger(__name__)


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
