"""`deskhand stuck`: what was given up, why, and what becomes of it. Shows nothing that a customer wrote."""

import argparse
import asyncio
import json
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from sqlalchemy.exc import SQLAlchemyError

from bot.cli.database import check_database
from bot.config import load_settings
from bot.logs import configure_logging
from bot.ports.clock import system_clock
from bot.ports.keeping import Stuck, StuckKind
from bot.runtime.cause_queue import CauseQueue
from bot.store.engine import create_engine
from bot.store.migrate import migrate
from bot.store.store import SqlStore

logger = logging.getLogger(__name__)

_NOBODY = "Nothing is stuck."


def run(arguments: argparse.Namespace) -> int:
    """Do what `stuck list`, `show`, `retry` or `drop` asks for; 1 when an ID is unknown."""
    settings = load_settings()
    configure_logging("WARNING")
    return asyncio.run(_act(arguments, settings.database_url))


async def _act(arguments: argparse.Namespace, database_url: str) -> int:
    await check_database(database_url)
    async with _tray(database_url) as tray:
        if arguments.action == "list":
            found = await tray.store.dead.stuck()
            print(_as_json(found) if arguments.json else "\n".join(_lines(found)))
            return 0
        if arguments.action == "retry" and arguments.all:
            chosen = await tray.store.dead.stuck()
        else:
            one = await tray.store.dead.find(arguments.id)
            if one is None:
                print(f"Nothing stuck has the id {arguments.id}; `deskhand stuck list` names what there is.")
                return 1
            chosen = [one]
        return await _do(tray, arguments, chosen)


async def _do(tray: "_Tray", arguments: argparse.Namespace, chosen: Sequence[Stuck]) -> int:
    match arguments.action:
        case "show":
            print(_as_json(chosen) if arguments.json else "\n".join(_describe(chosen[0])))
        case "retry":
            for one in chosen:
                await tray.retry(one)
            print(f"{len(chosen)} to be tried again; a running bot begins within a second." if chosen else _NOBODY)
        case "drop":
            await tray.store.dead.drop(chosen[0])
            print(f"{chosen[0].id} is closed for good.")
    return 0


@dataclass(frozen=True, slots=True)
class _Tray:
    """The database, as this command needs it; a bot may work on it at the same time."""

    store: SqlStore
    queue: CauseQueue

    async def retry(self, one: Stuck) -> None:
        """Free it, and queue a cause anew. If that fails, the bot's own sweep finds it within a minute."""
        cause = await self.store.dead.retry(one)
        if cause is None:
            return
        try:
            await self.queue.requeue(*cause)
        except SQLAlchemyError as error:  # the queue's tables are made by the first start
            logger.warning("stuck.not_queued", extra={"fields": {"error": type(error).__name__}})


@asynccontextmanager
async def _tray(database_url: str) -> AsyncIterator[_Tray]:
    engine, queue = create_engine(database_url), CauseQueue(database_url)
    try:
        await migrate(engine)
        yield _Tray(SqlStore(engine, queue.enqueue, system_clock), queue)
    finally:
        await engine.dispose()
        queue.engine.dispose()


def _lines(found: Sequence[Stuck]) -> list[str]:
    if not found:
        return [_NOBODY]
    rows = [("ID", "WHAT", "TRIES", "SINCE (UTC)", "ERROR", "STATE", "CONVERSATION")]
    rows += [
        (one.id, one.what, str(one.attempts), _when(one.stuck_at), one.last_error or "-", _state(one), _where(one))
        for one in found
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _describe(one: Stuck) -> list[str]:
    facts = {
        "id": one.id,
        "what": f"{one.kind.value}: {one.what}",
        "workspace": one.team_id or "-",
        "conversation": _where(one),
        "arrived": _when(one.received_at),
        "given up": _when(one.stuck_at),
        "tries": str(one.attempts),
        "first error": one.first_error or "- (the process ended in the middle of it)",
        "last error": one.last_error or "-",
        "state": _state(one),
        "next": "deskhand stuck retry ID, or deskhand stuck drop ID; "
        "the log has the traceback under cause.failed or outbox.failed",
    }
    if one.conversation_id:
        facts["steps"] = f"deskhand traces {one.conversation_id}"
    return [f"{name:<13} {fact}" for name, fact in facts.items()]


def _state(one: Stuck) -> str:
    if one.kind is StuckKind.DELIVERY:
        return "not in Slack"
    return "told, case open" if one.ended else "not done"


def _where(one: Stuck) -> str:
    return one.conversation_id or one.partition


def _when(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}"


def _as_json(found: Sequence[Stuck]) -> str:
    return json.dumps([asdict(one) for one in found], indent=2)
