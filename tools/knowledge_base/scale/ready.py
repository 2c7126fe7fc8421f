"""Whether a database and this installation can hold an index for many articles."""

from importlib.util import find_spec

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from tools.base import ToolUnavailableError
from tools.database import alone, transact

_OLDEST = (0, 8)
"""Version of pgvector that goes on scanning until enough rows pass a filter."""
_INSTALLED = sa.text("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
_NO_TANTIVY = "tantivy is missing: pip install 'deskhand[scale]'."
_NO_RIGHT = "This user may not create pgvector: have an administrator run CREATE EXTENSION vector in this database."
_NONE = "This server has no pgvector: install it there, then CREATE EXTENSION vector."


class NotReadyError(Exception):
    """The index in memory has to do; the message says why, and what would help."""


async def make_ready(engine: AsyncEngine) -> None:
    """See to it that the extension is there. Raises NotReadyError; ToolUnavailableError when the database is away."""
    if engine.dialect.name != "postgresql":
        raise NotReadyError("DATABASE_URL is not PostgreSQL.")
    if find_spec("tantivy") is None:
        raise NotReadyError(_NO_TANTIVY)
    try:
        version = await transact(engine, _extension)
    except ToolUnavailableError as error:
        # What PostgreSQL says of an extension it does not know is an operational error to some, an outage to us
        if isinstance(error.__cause__, DBAPIError) and getattr(error.__cause__.orig, "sqlstate", None):
            raise NotReadyError(_missing(error.__cause__)) from error
        raise
    except DBAPIError as error:
        raise NotReadyError(_missing(error)) from error
    if why := _too_old(version):
        raise NotReadyError(why)


async def unready(engine: AsyncEngine) -> str:
    """Why `make_ready` would fail, as far as can be seen without changing anything; empty when it would not."""
    if find_spec("tantivy") is None:
        return _NO_TANTIVY
    async with engine.connect() as connection:
        if version := await connection.scalar(_INSTALLED):
            return _too_old(str(version))
        if not await connection.scalar(sa.text("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'")):
            return _NONE
        may = await connection.scalar(sa.text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"))
        return "" if may else _NO_RIGHT


def _too_old(version: str) -> str:
    numbers = tuple(int(part) for part in version.split(".")[:2])
    return f"pgvector is {version}, and 0.8 is needed: ALTER EXTENSION vector UPDATE." if numbers < _OLDEST else ""


async def _extension(connection: AsyncConnection) -> str:
    if version := await connection.scalar(_INSTALLED):
        return str(version)
    await alone(connection)
    await connection.execute(sa.text("CREATE EXTENSION IF NOT EXISTS vector"))
    return str(await connection.scalar(_INSTALLED))


def _missing(error: DBAPIError) -> str:
    if getattr(error.orig, "sqlstate", "") == "42501":
        return _NO_RIGHT
    return _NONE
