"""The dashboard with a million trace rows in SQLite: how long its pages take over HTTP, and how long counting takes."""

import sqlite3
import tempfile
import time
from collections.abc import Collection, Mapping
from datetime import UTC, tzinfo
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.domain.service import Service
from bot.domain.viewer import Viewer
from bot.store.store import SqlStore
from bot.web.application import build_web
from bot.web.dashboard.frame import Frame
from bot.web.dashboard.gate import Gate, Hosts
from bot.web.dashboard.live import LiveEvents
from bot.web.dashboard.pages import (
    budgets,
    conversation,
    conversations,
    escalations,
    knowledge,
    overview,
    prompts,
    tools,
)
from bot.web.dashboard.site import dashboard
from tests.bench.bench_lists import NOW, fill
from tests.bench.kit import Row, percentile, row, show, spread
from tests.contract.store_kit import open_store
from tests.fakes.dashboard_browser import Browser, browser
from tools.database import create_tables

LIMIT_MS = 300.0
_TEAM = "T1"
_MORE = (
    "insert into inbox (id, kind, conversation_id, partition, order_ts, payload, received_at, handled_at)"
    " select 'i' || id, 'message', conversation_id, conversation_id, '1', '{}', started_at, started_at from runs",
    "update runs set inbox_ids = json_array('i' || id)",
    "update traces set action = 'delivery', ref = 'answer:' || run_id, at = at + abs(random() % 60000) / 1000.0"
    " where seq % 17 = 4",
    "update traces set action = 'delivery', ref = 'live:i' || run_id, at = at + 0.2 where seq % 17 = 5",
    "update traces set name = 'tool_' || (seq % 5), ok = seq % 11 > 0, error = 'tool_error' where action = 'tool_call'",
    "update conversations set surface = 'dm' where opened_at % 3 = 0",
    "delete from uncounted",
    "insert into uncounted (conversation_id) select id from conversations order by opened_at desc",  # as v0017 does
)
_PAGES = {
    "overview, 30 days": "/",
    "overview, 90 days, one channel": "/?from=2026-10-18&channel=C3",
    "overview, a year": "/?from=2026-01-16",
    "conversations": "/conversations",
    "conversations, searched": "/conversations?q=invoice&outcome=answered",
    "one conversation": "/conversations/T1:C5:1700000500.000100",
    "escalations": "/escalations",
    "tools": "/tools",
    "knowledge": "/knowledge",
    "budgets": "/budgets",
    "prompts": "/prompts",
}


class Everybody:
    """ports.insight.Viewers and ports.browsing.Around: knows nobody by name."""

    async def viewer(self, team_id: str, user_id: str) -> Viewer | None:
        return None

    async def people(self, team_id: str, user_ids: Collection[str]) -> Mapping[str, str]:
        return {}

    async def channels(self, team_id: str, channel_ids: Collection[str]) -> Mapping[str, str]:
        return {}

    async def link(self, conversation_id: str) -> str:
        return ""

    async def service(self, team_id: str) -> Service:
        return Service()


async def measure(*, quick: bool) -> list[Row]:
    count, times = (3_000, 20) if quick else (60_000, 100)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "past.db"
        async with open_store(f"sqlite:///{file}") as store:
            await create_tables(store.queue._engine)
            rows = _fill(file, count)
            began = time.perf_counter()
            while await store.roller(_utc, _now, passing_days=0).roll():
                pass
            seconds = time.perf_counter() - began
            kept = _figures(file)
            counting = f"{count / seconds:.0f} conversations/s; {kept:,} figures"
            told = [Row(f"{rows:,} trace rows counted after a migration", f"{show(seconds)} s  ({counting})")]
            async with TestServer(_application(store)) as server, browser(str(server.make_url("")).rstrip("/")) as one:
                return [*told, *[await _page(one, name, path, times) for name, path in _PAGES.items()]]


def _fill(file: Path, count: int) -> int:
    fill(file, count)
    with sqlite3.connect(file) as connection:
        for statement in _MORE:
            connection.execute(statement)
        rows = int(connection.execute("select count(*) from traces").fetchone()[0])
    connection.close()
    return rows


def _figures(file: Path) -> int:
    with sqlite3.connect(file) as connection:
        found = int(connection.execute("select count(*) from figures").fetchone()[0])
    connection.close()
    return found


def _application(store: SqlStore) -> web.Application:
    insight, everybody, shelves = store.insight(_utc, _now, _no_ceiling), Everybody(), store.browsing(home=_TEAM)
    gate = Gate(store.sessions, everybody, insight, _now, Hosts(), open_to=Viewer(_TEAM, "U1", "Bench", is_admin=True))
    live = LiveEvents(gate, insight)
    routes = [
        *overview.routes(insight, shelves.cases, everybody, _now),
        *conversations.routes(shelves.conversations, insight, everybody),
        *conversation.routes(shelves.conversations, everybody, live),
        *escalations.routes(shelves.cases, everybody, _now),
        *tools.routes(insight, shelves.breakers, _now),
        *knowledge.routes(shelves.knowledge, _now),
        *budgets.routes(shelves.budgets, everybody, _now),
        *prompts.routes(shelves.prompts, insight, shelves.evaluations, _now),
    ]
    return build_web(slack_endpoint=None, ready=_ready, dashboard=dashboard(gate, Frame(), live, routes))


async def _page(one: Browser, name: str, path: str, times: int) -> Row:
    taken = []
    await one.opens(path)  # templates are compiled once
    for _ in range(times):
        began = time.perf_counter()
        page = await one.opens(path)
        taken.append((time.perf_counter() - began) * 1000)
        assert page.status == 200, (path, page.status)
    return row(f"{name} (p99)", percentile(taken, 0.99), LIMIT_MS, "ms", spread(taken))


async def _ready() -> Mapping[str, bool]:
    return {}


async def _utc(_: str) -> tzinfo:
    return UTC


async def _no_ceiling(_: str) -> None:
    return None


def _now() -> float:
    return NOW
