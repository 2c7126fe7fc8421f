"""What state a database is in, for people who ask from the command line."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from bot.domain.errors import PermanentError
from bot.store.engine import create_engine, database_file, writing
from bot.store.migrate import check_usable, current_revision, migrate, newest_revision


async def revisions(database_url: str) -> tuple[str | None, str | None]:
    """(revision the database is at, None when it has no tables; the newest one); nothing is created or changed.

    PermanentError when the database cannot be reached or written, WrongSchemaError when this code is too old for it.
    """
    newest = newest_revision()
    with in_words():
        file = database_file(database_url)
        if file is None or file.exists():
            return await _present(database_url), newest
        _check_writable(file.parent)
        return None, newest


async def upgrade(database_url: str) -> tuple[str | None, str | None]:
    """Bring the database to the newest schema; (revision before, revision now). PermanentError as above."""
    before, newest = await revisions(database_url)
    with in_words():
        engine = create_engine(database_url)
        try:
            await migrate(engine)
        finally:
            await engine.dispose()
    return before, max(before or "", newest or "")


async def _present(database_url: str) -> str | None:
    engine = create_engine(database_url)
    try:
        async with writing(engine) as connection:
            return await connection.run_sync(_revision)
    finally:
        await engine.dispose()


def _revision(connection: sa.Connection) -> str | None:
    check_usable(connection)
    return current_revision(connection)


def _check_writable(folder: Path) -> None:
    there = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise PermanentError(f"this user cannot write to {there}.")


@contextmanager
def in_words() -> Iterator[None]:
    """Failures of the driver become one sentence without the URL, which may hold a password."""
    try:
        yield
    except (SQLAlchemyError, ValueError, OSError, ImportError) as error:
        raise PermanentError(f"it cannot be used ({type(error).__name__}).") from error
