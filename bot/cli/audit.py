"""`deskhand audit`: who decided and changed what."""

import argparse
import asyncio
import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime

from bot.app import open_store
from bot.cli.audit_verify import verify
from bot.cli.database import check_database
from bot.config import Settings, load_settings
from bot.domain.audit import AuditEntry
from bot.logs import configure_logging

COLUMNS = (
    "time", "workspace", "who", "action", "subject", "conversation", "detail", "digest", "before", "after",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_SHOWN = 200
"""Entries at a terminal, unless told otherwise."""
_ALL = 2**31 - 1
_DETAIL = 100
_DIGEST = 12


def run(arguments: argparse.Namespace) -> int:
    """Print the entries, oldest first; or check them."""
    settings = load_settings()
    configure_logging("WARNING")
    if arguments.action == "verify":
        return verify(settings, arguments.workspace, arguments.head)
    most = arguments.last or (_ALL if arguments.csv else _SHOWN)
    entries = asyncio.run(_entries(settings, most, arguments.conversation))
    if arguments.csv:
        print(table(entries), end="")
    else:
        print("\n".join(map(line, entries)) or "Nothing has been decided or changed yet.")
    return 0


def line(entry: AuditEntry) -> str:
    """One entry for a person at a terminal."""
    detail = " ".join(entry.detail.split())
    facts = (
        _time(entry), f"{entry.actor or 'bot':<12}", f"{entry.action:<18}", entry.subject,
        f"digest {entry.digest[:_DIGEST]}" if entry.digest else "",
        detail if len(detail) <= _DETAIL else f"{detail[: _DETAIL - 1]}…",
    )  # fmt: skip
    return "  ".join(filter(None, facts)).rstrip()


def table(entries: Sequence[AuditEntry]) -> str:
    """All columns as CSV; nothing in it is a formula to a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for entry in entries:
        row = (
            _time(entry), entry.team_id, entry.actor, entry.action, entry.subject, entry.conversation_id,
            entry.detail, entry.digest, entry.before, entry.after,
        )  # fmt: skip
        writer.writerow([f"'{value}" if value.startswith(_FORMULA) else value for value in row])
    return out.getvalue()


def _time(entry: AuditEntry) -> str:
    return datetime.fromtimestamp(entry.at, UTC).strftime("%Y-%m-%d %H:%M:%S")


async def _entries(settings: Settings, count: int, about: str) -> list[AuditEntry]:
    await check_database(settings.database_url)
    async with open_store(settings) as store, store.read() as transaction:
        return (await transaction.audit.recent(count, about=about))[::-1]
