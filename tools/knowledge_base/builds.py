"""Work on indexes that goes on beside the searches: one at a time, because each takes a core and much memory."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from tools.base import ToolUnavailableError

logger = logging.getLogger(__name__)

_CLOSED = "the knowledge base is being closed"


class Builds:
    """Owns the work from `begin` to its end, or to `close`."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._under_way: dict[object, asyncio.Task[object]] = {}
        self._is_closed = False

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """While nobody else builds."""
        async with self._turn:
            yield

    def begin(self, owner: object, work: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Do this in the background, unless the owner's work is being done already."""
        if not self._is_closed:
            self._begun(owner, work)

    async def finish(self, owner: object, work: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """The same, and wait until it is done. Raises what the work raises, ToolUnavailableError after `close`.

        Whoever stops waiting does not stop the work: it may take longer than a search, and the next one needs it.
        """
        if self._is_closed:
            raise ToolUnavailableError(_CLOSED)
        task = self._begun(owner, work)
        await asyncio.wait({task})
        if task.cancelled():
            raise ToolUnavailableError(_CLOSED)
        task.result()

    def _begun(self, owner: object, work: Callable[[], Coroutine[Any, Any, object]]) -> asyncio.Task[object]:
        if (present := self._under_way.get(owner)) is not None:
            return present
        task: asyncio.Task[object] = asyncio.get_running_loop().create_task(work(), name="knowledge_build")
        self._under_way[owner] = task
        task.add_done_callback(lambda done: self._ended(owner, done))
        return task

    def _ended(self, owner: object, task: asyncio.Task[object]) -> None:
        """What failed leaves the old index, and the next search tries again."""
        self._under_way.pop(owner, None)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, ToolUnavailableError):
            logger.warning("knowledge.not_built", extra={"fields": {"error": str(error)}})
        elif error is not None:
            logger.error("knowledge.not_built", exc_info=error)

    async def close(self) -> None:
        """End what is under way, and begin nothing more; what was being built is not taken up."""
        self._is_closed = True
        tasks = tuple(self._under_way.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
