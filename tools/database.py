"""How the default back-ends use the caller's database. Each back-end owns its tables, all of this `metadata`."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection, MetaData, Row, Select, Table, func, inspect, select
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable

from tools.base import ToolUnavailableError

metadata = MetaData()

T = TypeVar("T")
_Opened = Callable[[], AbstractAsyncContextManager[AsyncConnection]]
_OUTAGES = (OperationalError, InterfaceError, PoolTimeoutError, OSError)
_LOCK_SECONDS = 10.0
"""How long a transaction is tried again while SQLite's single writer is somebody else."""
_LONGEST_PAUSE = 0.05
_SETUP = 0x6465736B_746F6F6C
"""Number of the lock under which PostgreSQL makes and fills the tables."""


async def transact(engine: AsyncEngine, work: Callable[[AsyncConnection], Awaitable[T]], *, is_long: bool = False) -> T:
    """Run `work` in one transaction and commit; ToolUnavailableError when the database does not answer.

    `work` may run more than once: on SQLite a transaction that meets another writer is rolled back and begun again.
    `is_long`: it reads thousands of rows, which is not to hold up the event loop.
    """
    return await _tried(engine.begin, work, is_long)


async def _tried(opened: _Opened, work: Callable[[AsyncConnection], Awaitable[T]], is_long: bool) -> T:  # noqa: FBT001
    loop = asyncio.get_running_loop()
    give_up, pause = loop.time() + _LOCK_SECONDS, 0.002
    while True:
        try:
            async with opened() as connection, _beside_the_loop(connection, is_long):
                return await work(connection)
        except _OUTAGES as error:
            if not _locked(error) or loop.time() > give_up:
                raise ToolUnavailableError(f"database: {type(error).__name__}") from error
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


async def fetch(
    engine: AsyncEngine, query: Select[*tuple[Any, ...]], *, is_long: bool = False
) -> Sequence[Row[*tuple[Any, ...]]]:
    """All rows of a query; `is_long`: thousands.

    Nothing is committed, which on SQLite saves two changes of threads, a millisecond and more of a busy processor.
    """

    async def work(connection: AsyncConnection) -> Sequence[Row[*tuple[Any, ...]]]:
        return (await connection.execute(query)).all()

    return await _tried(engine.connect, work, is_long)


@asynccontextmanager
async def _beside_the_loop(connection: AsyncConnection, wanted: bool) -> AsyncIterator[None]:  # noqa: FBT001
    """The bot's own connections to SQLite run statements where they are asked for, unless they are told to wait."""
    driver: Any = (await connection.get_raw_connection()).driver_connection if wanted else None
    if not hasattr(driver, "takes_long"):
        yield
        return
    driver.takes_long = True
    try:
        yield
    finally:
        driver.takes_long = False


def _locked(error: BaseException) -> bool:
    return isinstance(error, DBAPIError) and "database is locked" in str(error.orig)


async def alone(connection: AsyncConnection) -> None:
    """Let one transaction at a time, of all processes, set something up; on SQLite they follow one another anyway."""
    if connection.dialect.name == "postgresql":
        await connection.execute(select(func.pg_advisory_xact_lock(_SETUP)))


async def create_tables(engine: AsyncEngine) -> None:
    """Create what is not there yet; several processes may do so at once.

    A column that an older version did not have is added, with its `server_default` in the rows that are there.
    """

    async def create(connection: AsyncConnection) -> None:
        await alone(connection)  # on PostgreSQL even "if not exists" may meet another's half-made table
        for table in metadata.sorted_tables:
            await connection.execute(CreateTable(table, if_not_exists=True))
            await connection.run_sync(_add_columns, table)
            for index in sorted(table.indexes, key=lambda index: str(index.name)):
                await connection.execute(CreateIndex(index, if_not_exists=True))

    await transact(engine, create)


def _add_columns(connection: Connection, table: Table) -> None:
    present = {column["name"] for column in inspect(connection).get_columns(table.name)}
    for column in table.columns:
        if column.name not in present:
            definition = CreateColumn(column).compile(dialect=connection.dialect)
            connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {definition}")
