"""The database engine behind DATABASE_URL, and how a write transaction begins on it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.domain.errors import TransientError
from bot.runtime.postgres import connection_arguments, tolerate_poolers
from bot.store.sqlite import InlineConnection, connect

Writer = Callable[[], AbstractAsyncContextManager[AsyncConnection]]
"""Opens a write transaction."""

_DRIVERS: Final = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
_LOCK_SECONDS = 30.0
"""How long a write transaction tries to begin on SQLite before it gives up."""
_BEGIN = "deskhand_begin"
_IN_EACH_OTHERS_WAY = frozenset({"40P01", "40001"})
"""PostgreSQL's codes for a deadlock and for a serialization failure: the same again may work."""
_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=0",  # last: who finds the file locked says so at once, and waits without holding up the loop
)


def create_engine(database_url: str) -> AsyncEngine:
    """An engine for `sqlite:///path` or `postgresql://…`; ValueError for anything else.

    The folder of a SQLite file is created. Nothing connects yet.
    """
    url = make_url(database_url)
    kind = url.get_backend_name()
    if kind not in _DRIVERS:
        raise ValueError(f"a database of kind {kind!r} is not supported; use sqlite:/// or postgresql://")
    url = url.set(drivername=_DRIVERS[kind])
    if kind == "sqlite":
        return _sqlite(url)
    return _postgresql(url)


def _postgresql(url: URL) -> AsyncEngine:
    arguments = connection_arguments(url)
    engine = create_async_engine(
        url, pool_size=8, max_overflow=4, pool_pre_ping=True, hide_parameters=True, connect_args=arguments
    )
    tolerate_poolers(engine.sync_engine)
    return engine


def database_file(database_url: str) -> Path | None:
    """The file of a SQLite database; None for one in memory or on a server. ValueError when the URL is none."""
    url = make_url(database_url)
    is_file = url.get_backend_name() == "sqlite" and url.database not in {None, "", ":memory:"}
    return Path(url.database or "") if is_file else None


def database_folder(database_url: str) -> Path | None:
    """The folder of that file."""
    file = database_file(database_url)
    return file.absolute().parent if file else None


def _sqlite(url: URL) -> AsyncEngine:
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    arguments = {"async_creator_fn": connect}
    # hide_parameters, here and above: errors quote the statement, and what customers wrote must not stand in a log
    engine = create_async_engine(url, pool_size=5, max_overflow=10, hide_parameters=True, connect_args=arguments)
    sa.event.listen(engine.sync_engine, "connect", _prepare)
    sa.event.listen(engine.sync_engine, "begin", _begin)
    sa.event.listen(engine.sync_engine, "handle_error", _stay_connected)
    return engine


def _prepare(connection: Any, _record: object) -> None:
    """Take transaction control away from the driver, which would begin too late, and set the file's mode."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    if connection.get_execution_options().get(_BEGIN) is None:
        connection.exec_driver_sql("BEGIN")


def _stay_connected(context: sa.engine.ExceptionContext) -> None:
    """A caller cancelled in the middle of a statement leaves the connection sound: others may be on it, too.

    SQLAlchemy would throw it away, as it has to with a protocol on a wire; here what follows waits for the statement.
    """
    if isinstance(context.original_exception, asyncio.CancelledError):
        context.is_disconnect = False


def is_in_transaction(connection: AsyncConnection) -> bool:
    """Whether SQLite itself still is in the transaction that was begun on this connection."""
    raw = connection.sync_connection.connection.driver_connection if connection.sync_connection else None
    return bool(raw is not None and raw.in_transaction)


@asynccontextmanager
async def reading_at_length(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection for queries that take milliseconds: on SQLite they run in a thread, while the bot goes on."""
    async with engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        if not isinstance(driver, InlineConnection):
            yield connection
            return
        driver.takes_long = True
        try:
            yield connection
        finally:
            driver.takes_long = False


@asynccontextmanager
async def writing(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection inside a write transaction; commits at the end, rolls back when an exception leaves.

    On SQLite the write lock is taken at the start (BEGIN IMMEDIATE), so that what is read inside stays true.
    """
    if engine.dialect.name != "sqlite":
        try:
            async with engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", "") in _IN_EACH_OTHERS_WAY:
                raise TransientError("two transactions were in each other's way") from error
            raise
        return
    async with engine.connect() as plain:
        connection = await plain.execution_options(**{_BEGIN: "own"})
        async with connection.begin():
            await _begin_immediate(connection)
            yield connection


async def _begin_immediate(connection: AsyncConnection) -> None:
    pause = 0.002
    waited = asyncio.get_running_loop().time() + _LOCK_SECONDS
    while True:
        try:
            await connection.exec_driver_sql("BEGIN IMMEDIATE")
        except OperationalError as error:
            if "locked" not in str(error.orig) or asyncio.get_running_loop().time() > waited:
                raise
        else:
            return
        await asyncio.sleep(pause)
        pause = min(pause * 2, 0.008)
