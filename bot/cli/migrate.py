"""`deskhand migrate`: bring the database up to date, or move to another one."""

import argparse
import asyncio

from bot.cli.database import database_faults_told
from bot.config import SettingsError, load_settings
from bot.logs import configure_logging
from bot.store.schema import upgrade


def run(arguments: argparse.Namespace) -> int:
    """Create or upgrade the tables of DATABASE_URL; with --from and --to, move everything."""
    source, target = getattr(arguments, "source", None), getattr(arguments, "target", None)
    if bool(source) != bool(target):
        raise SettingsError(["--from and --to go together: the database that is left, and the one that is moved to."])
    settings = load_settings()
    configure_logging(settings.log_level)
    if source and target:
        from bot.cli.moving import move_house  # noqa: PLC0415 - loads the tools' libraries; only needed here

        return move_house(source, target)
    with database_faults_told():
        before, now = asyncio.run(upgrade(settings.database_url))
    print(f"The database is at version {now}" + (", as it was." if before == now else "."))
    return 0
