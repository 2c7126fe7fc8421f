"""`deskhand traces`: what the bot did, step by step."""

import argparse
import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

from bot.app import open_store
from bot.cli.database import check_database
from bot.config import Settings, load_settings
from bot.domain.hidden import one_line
from bot.domain.money import show_usd
from bot.domain.trace import TraceEvent
from bot.logs import configure_logging

RECENT = 20
_SUMMARY = 100


def run(arguments: argparse.Namespace) -> int:
    """Print the conversations worked on last, or every step of one; 1 when it is unknown."""
    settings = load_settings()
    configure_logging("WARNING")
    if arguments.conversation is None:
        conversations = asyncio.run(_recent(settings))
        print("\n".join(conversations) or "No conversation has been worked on yet.")
        return 0
    events = asyncio.run(_events(settings, arguments.conversation))
    if not events:
        print(f"No trace of conversation {arguments.conversation}; `deskhand traces` lists those there are.")
        return 1
    print("\n".join(describe(events)))
    return 0


def describe(events: list[TraceEvent]) -> Iterator[str]:
    """The steps of one conversation for a person at a terminal; times in UTC."""
    run_id = ""
    for event in events:
        if event.run_id != run_id:
            run_id = event.run_id
            yield f"run {run_id}, {datetime.fromtimestamp(event.at, UTC):%Y-%m-%d}"
        yield _line(event)
        for sign, summary in (("<", event.given), (">", event.got)):
            if summary:
                yield f"      {sign} {_short(summary)}"
    total = sum((event.cost for event in events), Decimal(0))
    yield f"{len(events)} events, {show_usd(total)}"


def _line(event: TraceEvent) -> str:
    usage = event.usage
    facts = [
        f"{usage.prompt} + {usage.output} tokens" if usage.prompt or usage.output else "",
        show_usd(event.cost) if event.cost else "",
        f"{event.duration_ms} ms" if event.duration_ms else "",
        f"attempt {event.attempt}" if event.attempt > 1 else "",
        "" if event.ok else f"failed: {event.error or 'unknown'}",
    ]
    at = f"{datetime.fromtimestamp(event.at, UTC):%H:%M:%S}"
    return f"  {at} step {event.step:<2} {event.action:<10} {event.name}  {' · '.join(filter(None, facts))}".rstrip()


def _short(text: str) -> str:
    """Customers' words: without what a terminal would carry out."""
    return one_line(text, _SUMMARY)


async def _recent(settings: Settings) -> list[str]:
    await check_database(settings.database_url)
    async with open_store(settings) as store, store.read() as transaction:
        return await transaction.traces.recent(RECENT)


async def _events(settings: Settings, conversation_id: str) -> list[TraceEvent]:
    await check_database(settings.database_url)
    async with open_store(settings) as store, store.read() as transaction:
        return await transaction.traces.of_conversation(conversation_id)
