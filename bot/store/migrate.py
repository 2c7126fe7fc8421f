"""Brings the database to the newest schema. Forward only; one process at a time.

Migrations only add: code of the release before goes on working on the new tables, because during a rolling deploy both
run side by side. A migration that takes something away may come one release after the last code that used it, and
raises the fact `oldest_code`: older code then refuses to start, while any other starts on a schema newer than itself.
"""

import logging
from functools import cache
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.domain.errors import PermanentError
from bot.store.engine import writing
from bot.store.tables import facts

logger = logging.getLogger(__name__)

FOLDER = Path(__file__).with_name("migrations")
MOVE: Final = "move"
"""Fact that holds while a database is being filled from another one."""
DONE: Final = "done"
_LOCK_ID = 4_117_301_508
"""Key of PostgreSQL's advisory lock; any number nobody else uses."""
_PATIENCE = "SET LOCAL lock_timeout = '15s'"
"""A change of a table waits for those who read it, and everybody after that waits for the change."""
_NO_HURRY = "SET LOCAL statement_timeout = 0"


class WrongSchemaError(PermanentError):
    """This code must not work on the database as it is."""


async def migrate(engine: AsyncEngine, *, target: str = "head", filling: bool = False) -> None:
    """Run what is missing in one transaction, while other processes wait for theirs.

    WrongSchemaError, a sentence, when the schema is too new for this code, or the database was only half filled by
    `deskhand migrate --from` (which itself is `filling` it).
    """
    async with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            await connection.execute(sa.text(_NO_HURRY))
            await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK_ID)))
            await connection.execute(sa.text(_PATIENCE))
        await connection.run_sync(_upgrade, target, filling)


@cache
def newest_revision() -> str:
    """The revision this code was written for."""
    head = ScriptDirectory(str(FOLDER)).get_current_head()
    if head is None:
        raise LookupError(FOLDER)
    return head


def current_revision(connection: sa.Connection) -> str | None:
    """The revision the database is at; None when it has no tables yet."""
    return MigrationContext.configure(connection).get_current_revision()


def check_usable(connection: sa.Connection, *, filling: bool = False) -> None:
    """WrongSchemaError as told by `migrate`."""
    present, ours = current_revision(connection), newest_revision()
    known = facts_of(connection)
    if known.get(MOVE, DONE) != DONE and not filling:
        raise WrongSchemaError("it was only half filled. Run `deskhand migrate --from … --to …` again to its end.")
    if present is None or present <= ours:
        return
    if known.get("oldest_code", present) > ours:
        raise WrongSchemaError(
            f"its tables are of version {present}, which this Deskhand (version {ours}) is too old for. "
            "Start the newer release again, or restore a backup from before the upgrade."
        )
    logger.warning("schema.newer", extra={"fields": {"schema": present, "code": ours}})


def facts_of(connection: sa.Connection) -> dict[str, str]:
    """Facts about the database itself, by name; empty before the revision that brought them."""
    if not sa.inspect(connection).has_table(facts.name):
        return {}
    return {row.name: row.value for row in connection.execute(sa.select(facts))}


def _upgrade(connection: sa.Connection, target: str, filling: bool) -> None:  # noqa: FBT001 - run_sync passes it on
    check_usable(connection, filling=filling)
    present = current_revision(connection)
    if present is not None and present >= newest_revision():
        return
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells its plugins when imported, its dialect when run
    from alembic import command  # noqa: PLC0415 - see above; and only this function needs it
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, target)
