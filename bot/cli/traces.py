"""`deskhand traces`: what the bot did, step by step. Showing and replaying have modules of their own."""

import argparse
import asyncio
import json
import re
import sys
import time
from datetime import UTC, datetime

from bot.app import open_store
from bot.cli import traces_replay, traces_show
from bot.cli.database import check_database
from bot.config import Settings, load_settings
from bot.domain.answer import Outcome
from bot.domain.hidden import one_line
from bot.domain.money import show_usd
from bot.logs import configure_logging
from bot.store.bounds import Bounds
from bot.store.run_list import RunFilter, RunLine, SqlRunList

UNFINISHED = "unfinished"
_AGO = re.compile(r"(\d{1,6})\s*([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_WRONG = 2
_NAME = 60
"""Characters of a tool's name."""


def run(arguments: argparse.Namespace) -> int:
    """0 well, 1 when there is no such run, 2 when an option cannot be understood."""
    settings = load_settings()
    configure_logging("WARNING")
    match arguments.action:
        case "show":
            return asyncio.run(traces_show.show(settings, arguments.id, as_json=arguments.json))
        case "replay":
            return asyncio.run(traces_replay.run(settings, arguments))
        case _:
            return _list(settings, arguments)


def _list(settings: Settings, arguments: argparse.Namespace) -> int:
    try:
        since = moment(arguments.since, time.time())
        outcome = _outcome(arguments.outcome)
    except ValueError as error:
        print(error, file=sys.stderr)
        return _WRONG
    wanted = RunFilter(since, outcome, arguments.tool, arguments.failed)
    lines = asyncio.run(_find(settings, wanted, arguments.last, arguments.workspace))
    if arguments.json:
        print(json.dumps([_fields(line) for line in lines], indent=2, ensure_ascii=False))
        return 0
    nothing = "No such run." if any((wanted != RunFilter(), arguments.workspace)) else "No run yet."
    print("\n".join(map(describe, lines)) or nothing)
    return 0


def describe(line: RunLine) -> str:
    """One run for a person at a terminal; times in UTC."""
    outcome = line.run.outcome.value if line.run.outcome else UNFINISHED
    called = ((one_line(name, _NAME), count) for name, count in line.tools.items())  # one may be the model's own word
    tools = ", ".join(name if count == 1 else f"{count} {name}" for name, count in called)
    failed = f" · {line.failures} failed" if line.failures else ""
    return (
        f"{datetime.fromtimestamp(line.run.started_at, UTC):%Y-%m-%d %H:%M:%S}  {line.run.id}  {outcome:<17}  "
        f"{line.model_calls} calls · {show_usd(line.usd)}{failed}  {tools or 'no tools'}  ({line.run.conversation_id})"
    )


def moment(text: str, now: float) -> float | None:
    """Unix seconds of `24h` (ago) or of a date in UTC; None for nothing. ValueError, in words, for anything else."""
    if not text:
        return None
    if found := _AGO.fullmatch(text.strip().lower()):
        return now - int(found[1]) * _SECONDS[found[2]]
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"--since: {text!r} is no time; write 30m, 24h, 7d or 2026-01-31.") from None
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()


def _outcome(text: str) -> str:
    known = (*(outcome.value for outcome in Outcome), UNFINISHED)
    if text and text not in known:
        raise ValueError(f"--outcome: there is no {text!r}; use one of {', '.join(known)}.")
    return text


def _fields(line: RunLine) -> dict[str, object]:
    run = line.run
    return {
        "run": run.id,
        "conversation": run.conversation_id,
        "started_at": run.started_at,
        "outcome": run.outcome.value if run.outcome else UNFINISHED,
        "epoch": run.epoch,
        "model_calls": line.model_calls,
        "tokens": line.tokens,
        "cost_usd": float(line.usd),
        "failures": line.failures,
        "tools": line.tools,
    }


async def _find(settings: Settings, wanted: RunFilter, count: int, team_id: str) -> list[RunLine]:
    await check_database(settings.database_url)
    async with open_store(settings) as store, store.read() as tx:
        return await SqlRunList(tx.connection, Bounds(team_id or None)).find(wanted, count)
