"""How fast the dashboard's lists are read from SQLite with a million trace rows in it; the worst of some readings."""

import random
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from bot.domain.answer import Outcome
from bot.domain.browsing import ConversationFilter, Opinion, Position
from bot.ports.browsing import Browsing
from bot.store.browsing import browsing
from bot.store.engine import create_engine
from bot.store.migrate import migrate
from tests.bench.kit import Row, row
from tools.database import create_tables

NOW = 1_800_000_000.0
LIMIT_MS = 300.0
_TEAM = "T1"
_EACH = 17
"""Trace rows of a conversation."""
_WORDS = ("invoice", "refund", "board", "guest", "share", "login", "password", "error", "sync", "export", "plan")
_ACTIONS = ("llm_call", "tool_call", "tool_result", "decision")


async def measure(*, quick: bool) -> list[Row]:
    count = 3_000 if quick else 60_000
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "past.db"
        engine = create_engine(f"sqlite:///{file}")
        await migrate(engine)
        await create_tables(engine)
        fill(file, count)
        try:
            return [await _worst(name, read) for name, read in _readings(browsing(engine, home=_TEAM), count)]
        finally:
            await engine.dispose()


def _readings(lists: Browsing, count: int) -> Iterable[tuple[str, Callable[[], Awaitable[object]]]]:
    filters = {
        "newest": ConversationFilter(),
        "a frequent word": ConversationFilter(words=("invoice",)),
        "a word nobody said": ConversationFilter(words=("zebra",)),
        "of nobody": ConversationFilter(user="U9999999"),
        "dear": ConversationFilter(cost_over=Decimal(1)),
        "disliked": ConversationFilter(opinion=Opinion.DOWN),
        "everything at once": ConversationFilter(
            words=("zebra", "guest"), cost_over=Decimal(1), outcome=Outcome.FAILED, escalated=True
        ),
    }
    for name, wanted in filters.items():
        yield f"conversations: {name}", partial(lists.conversations.search, _TEAM, wanted)
    middle = Position(NOW - count * 30)
    yield (
        "conversations: a page in the middle",
        lambda: lists.conversations.search(_TEAM, ConversationFilter(), after=middle),
    )
    yield "one conversation", lambda: lists.conversations.record(_TEAM, _id(count - 1))
    yield "escalations", lambda: lists.cases.cases(_TEAM, now=NOW)
    yield (
        "knowledge, 30 days",
        lambda: lists.knowledge.knowledge(_TEAM, since=NOW - 30 * 86_400, stale_before="2026-01-01"),
    )
    yield "budgets", lambda: lists.budgets.budgets(_TEAM, now=NOW, zone="UTC")


async def _worst(name: str, read: Callable[[], Awaitable[object]], times: int = 3) -> Row:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        await read()
        taken.append((time.perf_counter() - began) * 1000)
    return row(name, max(taken), LIMIT_MS, "ms")


def fill(file: Path, count: int) -> None:
    """A past of `count` conversations, one a minute until NOW, each with everything that belongs to it."""
    with sqlite3.connect(file) as connection:
        connection.execute("pragma synchronous = off")
        for table, rows in (_talks(count) | _around_them(count)).items():
            _insert(connection, table, rows)
    connection.close()


def _talks(count: int) -> dict[str, Iterable[dict[str, Any]]]:
    """Conversations, and what each is made of."""
    chance = random.Random(1)  # noqa: S311 - the same past each time
    numbers = range(count)
    return {
        "conversations": (_conversation(i, count) for i in numbers),
        "transcript_lines": (
            {"conversation_id": _id(i), "speaker": "bot" if k % 2 else "customer", "name": "Ana",
             "text": " ".join(chance.choices(_WORDS, k=30)), "at": _at(i, count) + k}
            for i in numbers for k in range(6)
        ),
        "runs": (
            {"id": f"R{i}", "conversation_id": _id(i), "inbox_ids": "[]", "user_id": "U1", "epoch": 1,
             "started_at": _at(i, count), "outcome": "answered" if i % 5 else "escalated", "stop_requested": False}
            for i in numbers
        ),
        "ledger": (
            {"id": f"L{i}-{k}", "run_id": f"R{i}", "name": f"m{k}", "team_id": _TEAM, "channel_id": f"C{i % 9}",
             "user_id": f"U{i % 5000}", "conversation_id": _id(i), "model": "m", "state": "settled",
             "charged": chance.randrange(40_000), "counted": 10, "input": 9, "output": 9, "cache_read": 9,
             "cache_write_5m": 9, "cache_write_1h": 9, "at": _at(i, count)}
            for i in numbers for k in range(4)
        ),
        "traces": (
            {"conversation_id": _id(i), "run_id": f"R{i}", "step": 1, "action": _ACTIONS[k % 4], "name": "n",
             "at": _at(i, count) + k, "given": "{}", "got": "x", "input": 9, "output": 9, "cache_read": 9,
             "cache_write_5m": 9, "cache_write_1h": 9, "cost": 100, "duration_ms": 10, "attempt": 1, "ok": True,
             "error": ""}
            for i in numbers for k in range(_EACH)
        ),
    }  # fmt: skip


def _around_them(count: int) -> dict[str, Iterable[dict[str, Any]]]:
    """What there is beside them: cases, citations, gaps, articles, limits."""
    numbers = range(count)
    return {
        "escalations": (_case(i, count) for i in numbers if i % 5 == 0),
        "citations": (
            {"run_id": f"R{i}", "article": f"https://help.example/{i % 300}", "team_id": _TEAM, "title": "t",
             "at": _at(i, count)}
            for i in numbers
        ),
        "kb_gaps": (
            {"id": f"G{i}", "conversation_id": _id(i), "terms": f"t{i % 700}", "query": "q", "band": "none",
             "at": _at(i, count)}
            for i in numbers if i % 4 == 0
        ),
        "kb_articles": (
            {"slug": f"s{i}", "title": "t", "category": "billing", "url": f"https://help.example/{i}" if i % 2 else "",
             "updated": "2020-01-01", "audience": "public", "body": "b", "digest": "d", "imported_at": NOW}
            for i in range(2_000)
        ),
        "limits": (
            {"team_id": _TEAM, "scope": scope, "subject": subject, "period": period, "usd": 9_000_000}
            for scope, subject, period in (("workspace", _TEAM, "month"), ("user", "*", "month"), ("user", "*", "day"))
        ),
    }  # fmt: skip


def _insert(connection: sqlite3.Connection, table: str, rows: Iterable[dict[str, Any]]) -> None:
    rows = iter(rows)
    first = next(rows)
    names, places = ", ".join(first), ", ".join(f":{name}" for name in first)
    statement = f"insert into {table} ({names}) values ({places})"  # noqa: S608 - our own names
    connection.execute(statement, first)
    connection.executemany(statement, rows)


def _id(number: int) -> str:
    return f"{_TEAM}:C{number % 9}:{1_700_000_000 + number}.000100"


def _at(number: int, count: int) -> float:
    return NOW - (count - number) * 60.0


def _conversation(i: int, count: int) -> dict[str, Any]:
    return {
        "id": _id(i), "team_id": _TEAM, "channel_id": f"C{i % 9}", "thread_ts": f"{1_700_000_000 + i}.000100",
        "surface": "channel", "standing": "bot", "epoch": 1, "profile": "support", "prompt_version": f"v{i // 20_000}",
        "opened_by": f"U{i % 5000}", "opened_at": _at(i, count),
    }  # fmt: skip


def _case(i: int, count: int) -> dict[str, Any]:
    return {
        "id": f"E{i}", "team_id": _TEAM, "conversation_id": _id(i), "origin": "tool", "reason": "why",
        "summary": "what", "team": "billing", "requested_by": "U1", "requested_team": _TEAM,
        "state": "open" if i > count - 100 else "denied", "opened_at": _at(i, count), "staff_channel": "C9",
        "decided_by": "U9", "decided_at": _at(i, count) + 99, "note": "", "version": 1,
    }  # fmt: skip
