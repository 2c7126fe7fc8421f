"""`deskhand migrate`: bring the database up to date."""

import argparse
import asyncio

from bot.cli.database import database_faults_told
from bot.config import load_settings
from bot.logs import configure_logging
from bot.store.schema import upgrade


def run(_: argparse.Namespace) -> int:
    """Create or upgrade the tables of DATABASE_URL."""
    settings = load_settings()
    configure_logging(settings.log_level)
    with database_faults_told():
        before, now = asyncio.run(upgrade(settings.database_url))
    print(f"The database is at version {now}" + (", as it was." if before == now else "."))
    return 0
