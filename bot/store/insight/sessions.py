"""Queries of who is signed in, and of links to sign in by. Stored are hashes only: a read database lets nobody in."""

import hashlib

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store.dialect import upsert
from bot.store.engine import Writer
from bot.store.insight.tables import sessions, sign_in_links


class SqlSessions:
    """ports.insight.Sessions."""

    def __init__(self, engine: AsyncEngine, write: Writer) -> None:
        self._engine = engine
        self._write = write

    async def begin(self, secret: str, team_id: str, user_id: str, *, at: float, until: float) -> None:
        row = {"secret": _hash(secret), "team_id": team_id, "user_id": user_id, "until": until}
        async with self._write() as connection:
            await connection.execute(sa.delete(sessions).where(sessions.c.until <= at))
            await connection.execute(sa.insert(sessions).values(row))

    async def find(self, secret: str, *, at: float) -> tuple[str, str] | None:
        return await self._whose(sessions, secret, at)

    async def end(self, secret: str) -> None:
        async with self._write() as connection:
            await connection.execute(sa.delete(sessions).where(sessions.c.secret == _hash(secret)))

    async def end_all(self, team_id: str, user_id: str) -> None:
        async with self._write() as connection:
            for table in (sessions, sign_in_links):
                theirs = sa.and_(table.c.team_id == team_id, table.c.user_id == user_id)
                await connection.execute(sa.delete(table).where(theirs))

    async def offer(self, secret: str, team_id: str, user_id: str, *, at: float, until: float) -> None:
        row: dict[str, object] = {"team_id": team_id, "user_id": user_id, "secret": _hash(secret), "until": until}
        async with self._write() as connection:
            await connection.execute(sa.delete(sign_in_links).where(sign_in_links.c.until <= at))
            await connection.execute(upsert(connection, sign_in_links, row))

    async def peek(self, secret: str, *, at: float) -> tuple[str, str] | None:
        return await self._whose(sign_in_links, secret, at)

    async def redeem(self, secret: str, *, at: float) -> tuple[str, str] | None:
        meant = sa.delete(sign_in_links).where(*_good(sign_in_links, secret, at))
        async with self._write() as connection:
            taken = await connection.execute(meant.returning(sign_in_links.c.team_id, sign_in_links.c.user_id))
            row = taken.first()
        return (row.team_id, row.user_id) if row else None

    async def _whose(self, table: sa.Table, secret: str, at: float) -> tuple[str, str] | None:
        query = sa.select(table.c.team_id, table.c.user_id).where(*_good(table, secret, at))
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).first()
        return (row.team_id, row.user_id) if row else None


def _good(table: sa.Table, secret: str, at: float) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.secret == _hash(secret), table.c.until > at


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
