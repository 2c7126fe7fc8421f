"""`deskhand doctor`: is everything there that the bot needs?"""

import argparse
import asyncio

from bot.cli.connections import Connections
from bot.cli.probes import DatabaseAnswers, ModelAnswers, slack_answers
from bot.cli.scale_probe import scale_findings
from bot.config import Settings, SettingsError, load_settings
from bot.doctor import Doctor, Finding, Verdict
from bot.logs import configure_logging


def run(_: argparse.Namespace) -> int:
    """Print one finding a line; 0 when none is bad."""
    try:
        settings = load_settings()
    except SettingsError as error:
        print("\n".join(str(Finding(Verdict.BAD, line)) for line in error.lines))
        return 1
    configure_logging("ERROR")
    return asyncio.run(_examine(settings))


async def _examine(settings: Settings) -> int:
    bad = 0
    async with slack_answers(settings) as slack:
        doctor = Doctor(
            settings,
            slack=slack,
            model=ModelAnswers(settings),
            database=DatabaseAnswers(settings.database_url),
            connections=Connections(settings),
        )
        async for finding in doctor.examine():
            print(finding, flush=True)
            bad += finding.verdict is Verdict.BAD
        for finding in await scale_findings(settings):
            print(finding, flush=True)
    print("\nAll is well." if not bad else f"\n{bad} to mend.")
    return 1 if bad else 0
