"""`deskhand migrate`: bring the database up to date."""

import argparse
import asyncio

from bot.config import SettingsError, load_settings
from bot.domain.errors import PermanentError
from bot.logs import configure_logging
from bot.store.schema import upgrade


def run(_: argparse.Namespace) -> int:
    """Create or upgrade the tables of DATABASE_URL."""
    settings = load_settings()
    configure_logging(settings.log_level)
    try:
        before, now = asyncio.run(upgrade(settings.database_url))
    except PermanentError as error:
        raise SettingsError([f"DATABASE_URL: {error} Check it, and that this user may write there."]) from error
    print(f"The database is at version {now}" + (", as it was." if before == now else "."))
    return 0
