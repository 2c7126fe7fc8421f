"""Brings the database to the newest schema. Forward only; one process at a time."""

import logging
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store.engine import writing

_FOLDER = Path(__file__).with_name("migrations")
_LOCK_ID = 4_117_301_508
"""Key of PostgreSQL's advisory lock; any number nobody else uses."""


async def migrate(engine: AsyncEngine) -> None:
    """Run what is missing in one transaction, while other processes wait for theirs."""
    async with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK_ID)))
        await connection.run_sync(_upgrade)


def _upgrade(connection: sa.Connection) -> None:
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells its plugins when imported, its dialect when run
    from alembic import command  # noqa: PLC0415 - see above; and only this function needs it
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
