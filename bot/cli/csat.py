"""`deskhand csat`: what customers thought of the cases people resolved."""

import argparse
import asyncio
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from bot.app import open_store
from bot.cli.database import check_database
from bot.config import Settings, load_settings
from bot.domain.handover import STARS, Rating
from bot.logs import configure_logging

_DAY = 86_400.0
_COMMENTS = 20
_BAR = 20


def run(arguments: argparse.Namespace) -> int:
    """Print number, average, distribution and the last comments."""
    settings = load_settings()
    configure_logging("WARNING")
    found = asyncio.run(_ratings(settings, time.time() - arguments.days * _DAY))
    if arguments.workspace:
        found = [one for one in found if one.conversation_id.startswith(f"{arguments.workspace}:")]
    print("\n".join(describe(found, arguments.days)))
    return 0


def describe(found: Sequence[Rating], days: int) -> Iterator[str]:
    """The ratings for a person at a terminal."""
    if not found:
        yield f"Nobody has rated a case in the last {days} days."
        return
    average = sum(one.stars for one in found) / len(found)
    happy = sum(one.stars >= 4 for one in found) / len(found)  # noqa: PLR2004 - CSAT counts the upper two of five
    yield f"{len(found)} ratings in {days} days: {average:.2f} of 5 on average, CSAT {happy:.0%}"
    for stars in reversed(STARS):
        count = sum(one.stars == stars for one in found)
        yield f"  {stars}  {'█' * round(_BAR * count / len(found)):<{_BAR}}  {count}"
    for one in [one for one in found if one.comment][:_COMMENTS]:
        at = f"{datetime.fromtimestamp(one.changed_at, UTC):%Y-%m-%d}"
        yield f"  {at}  {one.shown}  {' '.join(one.comment.split())}  ({one.conversation_id})"


async def _ratings(settings: Settings, since: float) -> list[Rating]:
    await check_database(settings.database_url)
    async with open_store(settings) as store, store.read() as transaction:
        return await transaction.ratings.since(since)
