"""`deskhand run`: the bot in a real Slack workspace."""

import argparse
import asyncio

from bot import memory
from bot.app import run_bot
from bot.cli.database import check_database
from bot.cli.stopping import stop_on_signals
from bot.config import Settings, check_ready_to_run, load_settings
from bot.logs import configure_logging
from bot.turns import take_short_turns


def run(_: argparse.Namespace) -> int:
    """Answer until a signal says to stop."""
    settings = load_settings()
    check_ready_to_run(settings)
    configure_logging(settings.log_level)
    asyncio.run(_serve(settings))
    return 0


async def _serve(settings: Settings) -> None:
    stop = stop_on_signals()
    await check_database(settings.database_url)
    memory.keep_lean()
    take_short_turns()
    await run_bot(settings, stop=stop, ready=lambda _: memory.settle())
