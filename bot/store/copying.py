"""Moves everything from one database to another, of whatever kind each is, and checks it row by row.

The target is marked while it is filled: a bot refuses to start on it, and a second attempt begins by emptying it. The
queue's own tables are not copied; causes that were still open are queued anew by the first start on the target.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

import bot.store.bot_pauses
import bot.store.citations
import bot.store.gates
import bot.store.handover
import bot.store.sign_ins  # noqa: F401 - likewise
import tools.backends  # noqa: F401 - all tools make their tables known
from bot.domain.errors import PermanentError
from bot.store.dialect import upsert
from bot.store.engine import create_engine, writing
from bot.store.insight.tables import uncounted
from bot.store.migrate import DONE, MOVE, facts_of, migrate
from bot.store.tables import facts, inbox, metadata, outbox, replicas
from tools.database import create_tables
from tools.database import metadata as tool_metadata

ROWS = 500
"""Read, and written in one transaction."""
_BEGUN: Final = "begun"
_OWN = frozenset({facts.name, replicas.name, uncounted.name})
"""Tables that speak of a database itself, or that it fills by itself."""
_NUL, _INSTEAD = "\x00", "\N{REPLACEMENT CHARACTER}"
_BITS = 2**256
_ALIVE_SECONDS = 5.0

Progress = Callable[[str, int, int], None]
"""Told (table, rows copied, rows there are)."""


class CannotMoveError(PermanentError):
    """Nothing was copied; says why, in a sentence."""


@dataclass(frozen=True, slots=True)
class Copied:
    """One table, as both sides have it."""

    table: str
    rows: int
    checksum: str
    """Of all rows, whatever their order; the first digits of it."""
    matches: bool
    """Whether rows and checksum are the same on both sides."""


@dataclass(frozen=True, slots=True)
class Move:
    """What was moved."""

    tables: tuple[Copied, ...]
    open_causes: int
    """Not handled yet: the first start on the target takes them up."""
    open_deliveries: int

    @property
    def is_complete(self) -> bool:
        """Whether every row arrived as it was."""
        return all(one.matches for one in self.tables)


def all_tables() -> list[sa.Table]:
    """Everything that is moved, parents before children."""
    return [table for table in (*metadata.sorted_tables, *tool_metadata.sorted_tables) if table.name not in _OWN]


async def move(source_url: str, target_url: str, progress: Progress) -> Move:
    """Copy and compare. CannotMoveError when a bot works on one of them, or the target holds anything."""
    source, target = create_engine(source_url), create_engine(target_url)
    try:
        await migrate(source)
        await create_tables(source)
        await _check_idle(source, "--from")
        await migrate(target, filling=True)
        await create_tables(target)
        await _check_idle(target, "--to")
        await _begin(target)
        return await _move(source, target, progress)
    finally:
        await source.dispose()
        await target.dispose()


async def _move(source: AsyncEngine, target: AsyncEngine, progress: Progress) -> Move:
    async with _snapshot(source) as reading:
        for table in all_tables():
            await _copy(reading, target, table, progress)
        await _continue_counting(target)
        copied = []
        for table in all_tables():
            before = await _sum(reading, table)
            async with _snapshot(target) as arrived:
                after = await _sum(arrived, table)
            copied.append(Copied(table.name, before[0], before[1][:16], before == after))
        causes = await _count(reading, inbox, inbox.c.handled_at.is_(None), inbox.c.parked_at.is_(None))
        deliveries = await _count(reading, outbox, outbox.c.state == "waiting")
    result = Move(tuple(copied), causes, deliveries)
    if result.is_complete:
        await _mark(target, DONE)
    return result


async def _check_idle(engine: AsyncEngine, option: str) -> None:
    """On PostgreSQL a running bot shows itself in a table; on SQLite it holds a lock, which the caller takes."""
    if engine.dialect.name != "postgresql":
        return
    now = sa.extract("epoch", sa.func.clock_timestamp())
    async with engine.connect() as connection:
        alive = await _count(connection, replicas, replicas.c.beat_at > now - _ALIVE_SECONDS)
    if alive:
        raise CannotMoveError(f"{option}: {alive} bot(s) work on this database. Stop them first.")


async def _begin(target: AsyncEngine) -> None:
    """Make sure the target is empty: as it was found, or after an attempt that did not come to its end."""
    async with writing(target) as connection:
        state = (await connection.run_sync(facts_of)).get(MOVE)
        for table in reversed(all_tables()):
            if state == _BEGUN:
                await connection.execute(sa.delete(table))
            elif await connection.scalar(sa.select(sa.literal(1)).select_from(table).limit(1)):
                raise CannotMoveError(f"--to: this database is not empty (table {table.name}). Name a new one.")
        await connection.execute(upsert(connection, facts, {"name": MOVE, "value": _BEGUN}))


async def _mark(target: AsyncEngine, state: str) -> None:
    async with writing(target) as connection:
        await connection.execute(upsert(connection, facts, {"name": MOVE, "value": state}))


def _snapshot(engine: AsyncEngine) -> "_Snapshot":
    return _Snapshot(engine)


class _Snapshot:
    """A connection that sees the database as it is at its first look, however long it takes."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._connection: AsyncConnection | None = None

    async def __aenter__(self) -> AsyncConnection:
        connection = self._connection = await self._engine.connect()
        if self._engine.dialect.name == "postgresql":
            await connection.execution_options(isolation_level="REPEATABLE READ")
            await connection.execute(sa.text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            await connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
        return connection

    async def __aexit__(self, *_: object) -> None:
        if self._connection is not None:
            await self._connection.close()


async def _copy(reading: AsyncConnection, target: AsyncEngine, table: sa.Table, progress: Progress) -> None:
    total, done = await _count(reading, table), 0
    async for rows in _rows(reading, table):
        async with writing(target) as connection:
            await connection.execute(sa.insert(table), [_storable(row) for row in rows])
        done += len(rows)
        progress(table.name, done, total)


async def _rows(reading: AsyncConnection, table: sa.Table) -> AsyncIterator[Sequence[sa.RowMapping]]:
    """All rows in the order of their key, some hundred at a time."""
    keys = list(table.primary_key.columns)
    position = sa.tuple_(*keys)
    after: tuple[Any, ...] | None = None
    while True:
        query = sa.select(table).order_by(*keys).limit(ROWS)
        if after is not None:
            query = query.where(position > sa.tuple_(*(sa.literal(value) for value in after)))
        rows = (await reading.execute(query)).mappings().all()
        if rows:
            yield rows
        if len(rows) < ROWS:
            return
        after = tuple(rows[-1][key.name] for key in keys)


def _storable(row: sa.RowMapping) -> dict[str, Any]:
    """PostgreSQL's text has no NUL; it becomes a replacement character on both sides of the comparison."""
    return {
        name: value.replace(_NUL, _INSTEAD) if isinstance(value, str) and _NUL in value else value
        for name, value in row.items()
    }


async def _sum(reading: AsyncConnection, table: sa.Table) -> tuple[int, str]:
    """(rows, checksum): the sum of the rows' hashes, so that the order, which collations decide, does not matter."""
    count, total = 0, 0
    async for rows in _rows(reading, table):
        count += len(rows)
        for row in rows:
            total += int.from_bytes(hashlib.sha256(_canonical(_storable(row))).digest())
    return count, f"{total % _BITS:064x}"


def _canonical(row: dict[str, Any]) -> bytes:
    """The same bytes for the same values, whichever driver read them."""
    return json.dumps([[name, _plain(row[name])] for name in sorted(row)], ensure_ascii=True).encode()


def _plain(value: object) -> object:
    if isinstance(value, float):
        return value.hex()
    return value if value is None or isinstance(value, str | int) else repr(value)


async def _continue_counting(target: AsyncEngine) -> None:
    """PostgreSQL counts its serial keys apart from what is in the table; SQLite looks."""
    if target.dialect.name != "postgresql":
        return
    async with writing(target) as connection:
        for table in all_tables():
            for column in table.primary_key.columns:
                sequence = await connection.scalar(sa.select(sa.func.pg_get_serial_sequence(table.name, column.name)))
                if sequence is not None:
                    last = sa.select(sa.func.coalesce(sa.func.max(column), 0)).scalar_subquery()
                    await connection.execute(sa.select(sa.func.setval(sequence, last + 1, False)))  # noqa: FBT003


async def _count(connection: AsyncConnection, table: sa.Table, *where: sa.ColumnElement[bool]) -> int:
    return int(await connection.scalar(sa.select(sa.func.count()).select_from(table).where(*where)) or 0)
