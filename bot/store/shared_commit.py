"""SQLite: one writer at a time, urgent ones first, and one commit for those who wait in line.

A commit waits for the disk, and nobody writes meanwhile. So who waits when a transaction ends is let into it, behind a
savepoint: it may fail alone. One commit makes the writing of all of them durable, and only then each of them goes on.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.store.engine import writing

_MOST = 32
_LONGEST = 0.02
"""Seconds after which nobody is let in any more: the first has waited for its commit long enough."""


class _Turn:
    """One transaction that waits for its turn, writes, and waits for the commit."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.ready: asyncio.Future[AsyncConnection] = loop.create_future()
        self.left: asyncio.Future[bool] = loop.create_future()
        """Whether what it wrote is to stay."""
        self.committed: asyncio.Future[None] = loop.create_future()

    def fail(self, error: BaseException) -> None:
        """Let the caller know, if it still waits."""
        waits_for = self.committed if self.ready.done() else self.ready
        if not waits_for.done():
            waits_for.set_exception(error)
            waits_for.exception()  # seen, should the caller be gone


class _NothingToKeepError(Exception):
    """The only one inside failed: roll back."""


class SharedCommit:
    """Gives out write transactions on one SQLite file."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._urgent: deque[_Turn] = deque()
        self._others: deque[_Turn] = deque()
        self._task: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def writing(self, *, urgent: bool = False) -> AsyncIterator[AsyncConnection]:
        """A connection inside a write transaction; what an exception leaves is undone. Returns when it is durable."""
        loop = asyncio.get_running_loop()
        turn = _Turn(loop)
        (self._urgent if urgent else self._others).append(turn)
        if self._task is None:
            self._task = loop.create_task(self._serve(), name="writers")
        try:
            yield await turn.ready
        except BaseException:
            turn.left.set_result(False)
            raise
        turn.left.set_result(True)
        await turn.committed

    async def _serve(self) -> None:
        """Until nobody waits; the end and the next beginning cannot miss each other: nothing is awaited between."""
        try:
            while (first := self._next()) is not None:
                await self._transaction(first)
        finally:
            self._task = None

    async def _transaction(self, first: _Turn) -> None:
        inside: list[_Turn] = []
        try:
            async with writing(self._engine) as connection:
                await self._fill(connection, first, inside)
        except _NothingToKeepError:
            return
        except Exception as error:  # noqa: BLE001 - whatever the database's fault: everybody inside hears of it
            for turn in (first, *inside):
                turn.fail(error)
        else:
            for turn in inside:
                if not turn.committed.done():
                    turn.committed.set_result(None)

    async def _fill(self, connection: AsyncConnection, first: _Turn, inside: list[_Turn]) -> None:
        """Let one after another in; those whose writing stays are added to `inside`."""
        loop = asyncio.get_running_loop()
        until = loop.time() + _LONGEST
        turn: _Turn | None = first
        while turn is not None:
            nested = bool(inside)
            if nested:
                await connection.exec_driver_sql("SAVEPOINT turn")
            if not turn.ready.done():
                turn.ready.set_result(connection)
            if await turn.left:
                inside.append(turn)
            elif nested:
                await connection.exec_driver_sql("ROLLBACK TO turn")
            else:
                raise _NothingToKeepError
            if nested:
                await connection.exec_driver_sql("RELEASE turn")
            turn = self._next() if len(inside) < _MOST and loop.time() < until else None

    def _next(self) -> _Turn | None:
        """The next that still waits."""
        for queue in (self._urgent, self._others):
            while queue:
                turn = queue.popleft()
                if not turn.left.done():
                    return turn
        return None
