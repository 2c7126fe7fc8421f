"""Whether the database can be used, asked before a command begins with it."""

from collections.abc import Iterator
from contextlib import contextmanager

from bot.config import SettingsError
from bot.domain.errors import PermanentError
from bot.store.migrate import WrongSchemaError
from bot.store.schema import revisions


async def check_database(database_url: str) -> None:
    """SettingsError when the database cannot be reached or written; changes nothing."""
    with database_faults_told():
        await revisions(database_url)


@contextmanager
def database_faults_told() -> Iterator[None]:
    """What bot.store.schema found out becomes the line about DATABASE_URL."""
    try:
        yield
    except WrongSchemaError as error:
        raise SettingsError([f"DATABASE_URL: {error}"]) from error
    except PermanentError as error:
        raise SettingsError([f"DATABASE_URL: {error} Check it, and that this user may write there."]) from error
