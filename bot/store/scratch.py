"""A store that is thrown away: an empty database in a folder that is deleted afterwards."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import sqlalchemy as sa

from bot.ports.clock import Clock
from bot.store.engine import create_engine
from bot.store.store import SqlStore
from bot.store.tables import metadata


@asynccontextmanager
async def scratch_store(clock: Clock) -> AsyncIterator[SqlStore]:
    """Nothing that is put into it is ever dispatched or delivered."""
    with tempfile.TemporaryDirectory(prefix="deskhand-") as folder:
        engine = create_engine(f"sqlite:///{Path(folder) / 'scratch.db'}")
        try:
            async with engine.begin() as connection:
                await connection.run_sync(metadata.create_all)
            yield SqlStore(engine, _nowhere, clock)
        finally:
            await engine.dispose()


def _nowhere(_: sa.Connection, __: str, ___: str) -> None:
    """No queue."""
