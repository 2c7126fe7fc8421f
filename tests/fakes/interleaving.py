"""A scheduler that interleaves: everything a turn awaits is counted, and at one point something else happens.

Every task of the loop runs inside a driver that sees each suspension: a statement that waits for the disk, a call of
the model or of Slack, a sleep, another task. The k-th resumption is held up until the interruption has come to its end.
Only where the held task has what the interruption waits for (the database's writer, a lock) do both go on side by side.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.shared_commit import SharedCommit
from bot.store.store import SqlStore

_EXEMPT: ContextVar[bool] = ContextVar("exempt", default=False)
_WRITES: ContextVar[bool] = ContextVar("writes", default=False)
_THE_WRITER = SharedCommit._serve.__qualname__
_HELD_SECONDS = 0.3
"""After so long the interruption waits for something the held task has, and goes on beside it."""
Interruption = Callable[[], Awaitable[None]]


class Points:
    """Counts the points of one story after another, and interrupts each at one of them."""

    def __init__(self) -> None:
        self.count = 0
        self.done: asyncio.Task[None] | None = None
        self._at = 0
        self._interrupt: Interruption | None = None

    def install(self) -> None:
        """From now on every new task of the running loop is driven."""
        loop = asyncio.get_running_loop()

        def make(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> "asyncio.Task[Any]":
            is_writer = getattr(coro, "__qualname__", "") == _THE_WRITER
            driven = coro if _EXEMPT.get() or is_writer else _Driven(coro, self)
            return asyncio.Task(driven, loop=loop, **options)

        loop.set_task_factory(make)

    def arm(self, at: int, interrupt: Interruption) -> None:
        """Count from here, and interrupt at this point."""
        self.count, self.done, self._at, self._interrupt = 0, None, at, interrupt

    async def disarm(self) -> int:
        """Wait for the interruption, which comes now if the story had fewer points; how many there were."""
        points, self._at = self.count, 0
        await (self.done or self._start())
        self._interrupt = None
        return points

    async def passed(self) -> None:
        """One more point."""
        if self._interrupt is None or _EXEMPT.get():
            return
        self.count += 1
        if self.count != self._at:
            return
        self.done = self._start()
        if _WRITES.get():
            await asyncio.sleep(0)  # it waits for the lock this task holds
        else:
            await asyncio.wait({self.done}, timeout=_HELD_SECONDS)

    def _start(self) -> "asyncio.Task[None]":
        """Interrupt, without being interrupted."""
        assert self._interrupt is not None
        token = _EXEMPT.set(True)
        try:
            return asyncio.get_running_loop().create_task(_awaited(self._interrupt))
        finally:
            _EXEMPT.reset(token)


class _Driven(Coroutine[Any, Any, Any]):
    """Runs a coroutine step by step; each resumption is a point."""

    def __init__(self, coro: Coroutine[Any, Any, Any], points: Points) -> None:
        self._coro = coro
        self._points = points
        self._is_begun = False
        self._passing: Coroutine[Any, Any, None] | None = None

    def send(self, value: Any) -> Any:
        """Go on: first past the point, then with the coroutine itself."""
        if self._is_begun:
            self._passing = self._passing or self._points.passed()
            try:
                return self._passing.send(value)
            except StopIteration:
                self._passing = None
        self._is_begun = True
        return self._coro.send(None)

    def throw(self, *error: Any) -> Any:
        """Cancellation belongs to the coroutine; whatever holds it up is left."""
        if self._passing is not None:
            self._passing.close()
            self._passing = None
        self._is_begun = True
        return self._coro.throw(*error)

    def close(self) -> None:
        """As the coroutine's own."""
        if self._passing is not None:
            self._passing.close()
        self._coro.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        raise NotImplementedError("tasks drive it themselves")


async def _awaited(work: Interruption) -> None:
    await work()


class WatchedStore(SqlStore):
    """Knows which task holds the writer."""

    def _writing(self, *, urgent: bool = False) -> Any:
        return _watched(super()._writing(urgent=urgent))


@asynccontextmanager
async def _watched(writing: AbstractAsyncContextManager[AsyncConnection]) -> AsyncIterator[AsyncConnection]:
    async with writing as connection:
        token = _WRITES.set(True)
        try:
            yield connection
        finally:
            _WRITES.reset(token)
