"""The few statements that SQLite and PostgreSQL share but SQLAlchemy keeps apart."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

AnyRow = sa.Row[*tuple[Any, ...]]


async def insert_new(connection: AsyncConnection, table: sa.Table, values: Mapping[str, object]) -> bool:
    """Insert a row; False when one of its unique keys is known already (nothing is changed then)."""
    statement = _insert_new(connection.dialect.name, table)
    result = await connection.execute(statement, dict(values), execution_options={"preserve_rowcount": True})
    return result.rowcount == 1


@cache
def _insert_new(dialect: str, table: sa.Table) -> sa.Insert:
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    return insert(table).on_conflict_do_nothing()


async def one_at_a_time(connection: AsyncConnection, subject: str) -> None:
    """Let one transaction at a time, of all processes, look at a subject and then act on what it saw.

    SQLite's write transactions follow one another anyway.
    """
    if connection.dialect.name == "postgresql":
        key = sa.func.hashtextextended(f"deskhand.{subject}", 0)
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))


def upsert(connection: AsyncConnection, table: sa.Table, values: dict[str, object]) -> sa.Insert:
    """An INSERT that overwrites the row with the same primary key."""
    keys = list(table.primary_key.columns)
    rest = {name: value for name, value in values.items() if name not in table.primary_key.columns}
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table).values(values).on_conflict_do_update(index_elements=keys, set_=rest)
    return postgresql.insert(table).values(values).on_conflict_do_update(index_elements=keys, set_=rest)
