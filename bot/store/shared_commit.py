"""SQLite: one writer at a time, urgent ones first, and one commit for those who wait in line.

A commit waits for the disk, and nobody writes meanwhile. So who waits when a transaction ends is let into it, behind a
savepoint: it may fail alone. One commit makes the writing of all of them durable, and only then each of them goes on.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.domain.errors import TransientError
from bot.store.engine import is_in_transaction, writing

_MOST = 32
_LONGEST = 0.02
"""Seconds after which nobody is let in any more: the first has waited for its commit long enough."""


class _Turn:
    """One transaction that waits for its turn, writes, and waits for the commit."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.task = asyncio.current_task(loop)
        self.ready: asyncio.Future[AsyncConnection] = loop.create_future()
        self.left: asyncio.Future[bool] = loop.create_future()
        """Whether what it wrote is to stay."""
        self.committed: asyncio.Future[None] = loop.create_future()
        self.over: asyncio.Future[None] = loop.create_future()
        """Nothing of it holds the connection any more."""

    def leave(self, *, stays: bool) -> None:
        """Write no more."""
        if not self.left.done():
            self.left.set_result(stays)

    async def gone(self) -> None:
        """Wait until what it wrote is undone, if it was ever let in: whoever is told of a failure may rely on that."""
        if self.ready.done() and not self.ready.cancelled() and self.ready.exception() is None:
            await asyncio.wait({self.over})

    def fail(self, error: Exception) -> None:
        """Let the caller know, if it still waits."""
        waits_for = self.committed if self.ready.done() else self.ready
        if not waits_for.done():
            waits_for.set_exception(error)
            waits_for.exception()  # seen, should the caller be gone

    def succeed(self) -> None:
        """As above."""
        if not self.committed.done():
            self.committed.set_result(None)

    def end(self) -> None:
        """The connection is free of it."""
        if not self.over.done():
            self.over.set_result(None)


class _NothingToKeepError(Exception):
    """The only one inside failed: roll back."""


class SharedCommit:
    """Gives out write transactions on one SQLite file."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._urgent: deque[_Turn] = deque()
        self._others: deque[_Turn] = deque()
        self._task: asyncio.Task[None] | None = None
        self._now: _Turn | None = None

    @asynccontextmanager
    async def writing(self, *, urgent: bool = False) -> AsyncIterator[AsyncConnection]:
        """A connection inside a write transaction; what an exception leaves is undone. Returns when it is durable.

        RuntimeError for one inside another, which would wait for itself.
        """
        turn = _Turn(asyncio.get_running_loop())
        if self._now is not None and self._now.task is turn.task and not self._now.left.done():
            raise RuntimeError("a write transaction was begun inside another one")
        (self._urgent if urgent else self._others).append(turn)
        if self._task is None:
            self._start()
        try:
            yield await turn.ready
        except BaseException:
            turn.leave(stays=False)
            await turn.gone()
            raise
        turn.leave(stays=True)
        await turn.committed

    def _start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._serve(), name="writers")

    async def _serve(self) -> None:
        """Until nobody waits; the end and the next beginning cannot miss each other: nothing is awaited between."""
        try:
            while (first := self._next()) is not None:
                await self._transaction(first)
        except asyncio.CancelledError:  # the program ends, and some still write on their way out
            self._task = None
            if self._urgent or self._others:
                self._start()
            raise
        self._task = None

    async def _transaction(self, first: _Turn) -> None:
        inside = [first]
        try:
            async with writing(self._engine) as connection:
                await self._fill(connection, inside)
        except _NothingToKeepError:
            return
        except asyncio.CancelledError:
            _tell(inside, TransientError("the program ended before the commit"))
            raise
        except Exception as error:  # noqa: BLE001 - whatever the database's fault: everybody inside hears of it
            _tell(inside, error)
        else:
            _tell(inside, None)
        finally:
            for turn in inside:
                turn.end()

    async def _fill(self, connection: AsyncConnection, inside: list[_Turn]) -> None:
        """Let the one inside write, then one after another of those who wait; who fails goes out again."""
        until = asyncio.get_running_loop().time() + _LONGEST
        if not await self._let_in(connection, inside[0]):
            raise _NothingToKeepError
        while len(inside) < _MOST and asyncio.get_running_loop().time() < until and (turn := self._next()) is not None:
            inside.append(turn)
            await connection.exec_driver_sql("SAVEPOINT turn")
            if not await self._let_in(connection, turn):
                await connection.exec_driver_sql("ROLLBACK TO turn")
                inside.remove(turn)
                turn.end()
            await connection.exec_driver_sql("RELEASE turn")

    async def _let_in(self, connection: AsyncConnection, turn: _Turn) -> bool:
        """Whether what it wrote is to stay."""
        if not turn.ready.done():
            turn.ready.set_result(connection)
        self._now = turn
        stays = await turn.left
        if not is_in_transaction(connection):  # a full disk, for instance, undoes what all of them wrote
            raise TransientError("SQLite undid the whole transaction")
        return stays

    def _next(self) -> _Turn | None:
        """The next that still waits."""
        for queue in (self._urgent, self._others):
            while queue:
                turn = queue.popleft()
                if not turn.left.done():
                    return turn
        return None


def _tell(turns: Iterable[_Turn], error: Exception | None) -> None:
    for turn in turns:
        if error is None:
            turn.succeed()
        else:
            turn.fail(error)
