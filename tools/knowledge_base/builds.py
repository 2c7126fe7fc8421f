"""Work on indexes that goes on beside the searches: one at a time, because each takes a core and much memory."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tools.base import ToolUnavailableError

logger = logging.getLogger(__name__)

_CLOSED = "the knowledge base is being closed"
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 300.0
"""Seconds after work that failed, doubled each time: a database that was away for a moment is asked again within the
same search, what fails for good takes a core every five minutes and not at every search."""


class RestingError(ToolUnavailableError):
    """It failed of late, of these very articles; it is tried again later, or when they change."""


@dataclass(frozen=True, slots=True)
class _Failure:
    of: int
    """Revision of the articles."""
    why: str
    times: int
    """In a row."""
    rests_until: float


class Builds:
    """Owns the work from `begin` to its end, or to `close`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock`: in seconds, of any origin."""
        self._clock = clock
        self._turn = asyncio.Lock()
        self._under_way: dict[object, asyncio.Task[object]] = {}
        self._failures: dict[object, _Failure] = {}
        self._is_closed = False

    @asynccontextmanager
    async def turn(self, owner: object, revision: int) -> AsyncIterator[None]:
        """While nobody else builds. `revision`: of the articles that the owner builds its index of.

        Raises RestingError while the same work would only fail again. What fails inside is remembered, and raised.
        """
        self._check(owner, revision)
        async with self._turn:
            try:
                yield
            except Exception as error:
                self._failures[owner] = self._failed(self._failures.get(owner), revision, error)
                raise
            self._failures.pop(owner, None)

    def begin(self, owner: object, work: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Do this in the background, unless the owner's work is being done already."""
        if not self._is_closed:
            self._begun(owner, work)

    async def finish(self, owner: object, work: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """The same, and wait until it is done. Raises ToolUnavailableError when it fails, and after `close`.

        Whoever stops waiting does not stop the work: it may take longer than a search, and the next one needs it.
        """
        if self._is_closed:
            raise ToolUnavailableError(_CLOSED)
        task = self._begun(owner, work)
        await asyncio.wait({task})
        if task.cancelled():
            raise ToolUnavailableError(_CLOSED)
        if (error := task.exception()) is not None:
            raise ToolUnavailableError(_told(error)) from error

    def _begun(self, owner: object, work: Callable[[], Coroutine[Any, Any, object]]) -> asyncio.Task[object]:
        if (present := self._under_way.get(owner)) is not None:
            return present
        task: asyncio.Task[object] = asyncio.get_running_loop().create_task(work(), name="knowledge_build")
        self._under_way[owner] = task
        task.add_done_callback(lambda done: self._ended(owner, done))
        return task

    def _ended(self, owner: object, task: asyncio.Task[object]) -> None:
        """What failed leaves the old index; a search after the pause tries again."""
        self._under_way.pop(owner, None)
        error = None if task.cancelled() else task.exception()
        if error is None or isinstance(error, RestingError):  # which was told when it failed
            return
        if isinstance(error, ToolUnavailableError):
            logger.warning("knowledge.not_built", extra={"fields": {"error": str(error)}})
        else:
            logger.error("knowledge.not_built", exc_info=error)

    def _check(self, owner: object, revision: int) -> None:
        failure = self._failures.get(owner)
        if failure is not None and failure.of == revision and self._clock() < failure.rests_until:
            raise RestingError(failure.why)

    def _failed(self, before: _Failure | None, revision: int, error: Exception) -> _Failure:
        times = before.times + 1 if before is not None and before.of == revision else 1
        pause = min(_FIRST_PAUSE * 2.0 ** min(times - 1, 30), _LONGEST_PAUSE)
        return _Failure(revision, _told(error), times, self._clock() + pause)

    async def close(self) -> None:
        """End what is under way, and begin nothing more; what was being built is not taken up."""
        self._is_closed = True
        tasks = tuple(self._under_way.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


def _told(error: BaseException) -> str:
    """Of others than our own only the kind: what they say may quote an article."""
    if isinstance(error, ToolUnavailableError):
        return str(error)
    return f"the index cannot be built: {type(error).__name__}"
