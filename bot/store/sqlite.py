"""A SQLite connection whose short statements do not change threads.

aiosqlite sends each cursor, statement, fetch and close to a thread and back: four trips for one row found by its key.
Our statements take some ten microseconds, a trip takes more, and far more while other threads want the interpreter. So
statements run where they are asked for; what waits for the disk (COMMIT, many rows) still goes to the thread. Nothing
waits for a lock: with a busy timeout of 0 a locked file is an error at once, after which callers begin again.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import aiosqlite

_STATEMENTS = 512
"""Prepared statements a connection keeps."""
_ROWS_AT_ONCE = 64
"""aiosqlite's default, for its own iterators."""
_MAY_WAIT = ("PRAGMA", "VACUUM")
T = TypeVar("T")


async def connect(*where: Any, **options: Any) -> "InlineConnection":
    """Open a connection; for SQLAlchemy's `async_creator_fn`."""

    def open_file() -> sqlite3.Connection:
        wanted = {**options, "check_same_thread": False, "cached_statements": _STATEMENTS}
        opened: sqlite3.Connection = sqlite3.connect(*where, **wanted)
        return opened

    connection = InlineConnection(open_file, _ROWS_AT_ONCE)
    connection._thread.daemon = True  # noqa: SLF001 — as SQLAlchemy does with the connections it opens itself
    await connection
    return connection


class InlineConnection(aiosqlite.Connection):
    """One operation at a time. Nothing runs here while the thread still works for a caller who was cancelled."""

    def __init__(self, connector: Callable[[], sqlite3.Connection], iter_chunk_size: int) -> None:
        super().__init__(connector, iter_chunk_size)
        self.takes_long = False
        """Whether the statements of whoever has the connection now are not short: then all run in the thread."""
        self._sent = 0
        self._done = 0
        """Counted by the thread alone, as `_sent` is by the event loop: neither needs a lock."""

    def cursor(self, *_: Any, **__: Any) -> Any:
        return _Cursor(self)

    async def rollback(self) -> None:
        """Also right behind a cancelled COMMIT: then it waits its turn in the thread."""
        await self.at_once(self._conn.rollback)

    async def at_once(self, work: Callable[[], T]) -> T:
        """Run short work here, unless the thread is still busy with this connection."""
        if self._sent == self._done and not self.takes_long:
            return work()
        result: T = await self._execute(work)
        return result

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self._sent += 1

        def work() -> Any:
            try:
                return fn(*args, **kwargs)
            finally:
                self._done += 1

        return await super()._execute(work)  # type: ignore[no-untyped-call] # the library's own has no annotations


class _Cursor:
    """What SQLAlchemy's adapter needs of a cursor; rows are fetched with the statement."""

    arraysize = 1

    def __init__(self, connection: InlineConnection) -> None:
        self._connection = connection
        self._rows: Sequence[Any] = ()
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> "_Cursor":
        return self

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> "_Cursor":
        raw = self._connection._conn  # noqa: SLF001 — the library's own way to its connection

        def work() -> None:
            self._take(raw.execute(statement, parameters))

        if statement.startswith(_MAY_WAIT):
            await self._connection._execute(work)  # noqa: SLF001 — as above
        else:
            await self._connection.at_once(work)
        return self

    async def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> "_Cursor":
        """Many rows are no short work: in the thread."""
        raw = self._connection._conn  # noqa: SLF001 — as above
        await self._connection._execute(lambda: self._take(raw.executemany(statement, rows)))  # noqa: SLF001 — as above
        return self

    async def fetchall(self) -> Sequence[Any]:
        return self._rows

    async def close(self) -> None:
        """Nothing is open."""

    def _take(self, cursor: sqlite3.Cursor) -> None:
        self.description, self.rowcount, self.lastrowid = cursor.description, cursor.rowcount, cursor.lastrowid
        self._rows = cursor.fetchall() if cursor.description else ()
        cursor.close()
