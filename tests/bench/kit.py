"""Processes under measurement, what they leave behind, and how results are told."""

import asyncio
import json
import math
import os
import random
import socket
import sqlite3
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import psycopg

from tests.fakes.postgres import postgres_database

Json = dict[str, Any]

ROOT = Path(__file__).parents[2]
CHANNEL, BOT = "C0SUPPORT", "<@U0DESKHAND>"
CUSTOMERS = ("U0ANA", "U0BO", "U0CHIDI", "U0DARIA", "U0EMI")
START_SECONDS = 60.0
DATABASE = "DESKHAND_BENCH_DATABASE"
"""Name of the variable that says on which database the bot runs."""


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    name: str
    measured: str
    goal: str = ""
    ok: bool | None = None
    """None when there is no goal."""


def row(name: str, value: float, limit: float, unit: str, more: str = "") -> Row:
    """A row whose value must stay below a limit."""
    return Row(name, f"{show(value)} {unit}{f'  ({more})' if more else ''}", f"< {limit:g} {unit}", value < limit)


def show(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that `share` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


def spread(values: Sequence[float], unit: str = "ms") -> str:
    """p50, p95, p99 and the largest value, of `len(values)`."""
    parts = [f"p{int(s * 100)} {show(percentile(values, s))}" for s in (0.5, 0.95, 0.99)]
    return f"{', '.join(parts)}, max {show(max(values, default=math.nan))} {unit}, n {len(values)}"


def free_port() -> int:
    """Below those the system gives to outgoing connections, which could take it before the bot does."""
    while True:
        port = random.randrange(20_000, 32_000)  # noqa: S311 — a port, not a secret
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port


class World:
    """Slack and Claude, running elsewhere."""

    def __init__(self, about: dict[str, str], http: aiohttp.ClientSession) -> None:
        self.about = about
        self._http = http

    async def says(self, user: str, text: str, *, thread: str | None = None, channel: str = CHANNEL) -> str:
        """A person writes; the ts of the message."""
        body = {"user": user, "channel": channel, "text": text} | ({"thread_ts": thread} if thread else {})
        async with self._http.post(f"{self.about['url']}/control/messages", json=body) as answer:
            told = await answer.json()
        assert told["ok"], told
        return str(told["ts"])

    async def dm(self, user: str) -> str:
        """The channel of a person's direct messages with the bot."""
        async with self._http.post(f"{self.about['url']}/control/dm", json={"user": user}) as answer:
            return str((await answer.json())["channel"])

    async def messages(self, **query: str) -> list[Json]:
        async with self._http.get(f"{self.about['url']}/control/messages", params=query) as answer:
            return list((await answer.json())["messages"])

    async def record(self) -> Json:
        """Every call and delivery since the last `forget`."""
        async with self._http.get(f"{self.about['url']}/bench/record") as answer:
            told: Json = await answer.json()
            return told

    async def forget(self) -> None:
        async with self._http.post(f"{self.about['url']}/bench/forget") as answer:
            assert answer.status == 200


class Bot:
    """`python -m bot run`, running elsewhere."""

    def __init__(
        self, process: asyncio.subprocess.Process, folder: Path, settings: dict[str, str], started_in: float
    ) -> None:
        self.folder = folder
        self._database = settings["DATABASE_URL"]
        self.port = int(settings["HTTP_PORT"])
        self.started_in = started_in
        """Seconds from exec to a good /readyz."""
        self.pid = process.pid
        self.process = psutil.Process(process.pid)

    def rss_mb(self) -> float:
        """Resident memory in units of 10^6 bytes."""
        return float(self.process.memory_info().rss) / 1e6

    def cpu_seconds(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)

    @property
    def is_on_postgresql(self) -> bool:
        return self._database.startswith("postgresql")

    def rows(self, query: str) -> list[Any]:
        """A look into the bot's database."""
        if self.is_on_postgresql:
            with psycopg.connect(self._database, autocommit=True) as server:
                return server.execute(query.encode()).fetchall()
        connection = sqlite3.connect(f"file:{self.folder / 'desk.db'}?mode=ro", uri=True, timeout=10)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()

    def open_rows(self) -> int:
        """Events not handled and effects not delivered."""
        query = (
            "select (select count(*) from inbox where handled_at is null)"
            " + (select count(*) from outbox where state = 'waiting')"
        )
        return int(self.rows(query)[0][0])

    async def settled(self, seconds: float = 120.0, *, pause: float = 0.05) -> None:
        """Wait until nothing is left to do."""
        until = time.monotonic() + seconds
        while self.open_rows():
            assert time.monotonic() < until, f"{self.open_rows()} rows still open; log: {self.log()}"
            await asyncio.sleep(pause)

    def log(self, lines: int = 3) -> str:
        return "\n".join((self.folder / "log").read_text().splitlines()[-lines:])


@asynccontextmanager
async def stage(
    *, http: bool = False, claude: bool = True, latency: float = 0.0, **settings: str
) -> AsyncIterator[tuple[World, Bot]]:
    """A world and a bot in it. `http`: signed HTTP instead of Socket Mode; `claude`: the fake one, else offline."""
    port = free_port()
    words = ["--latency", str(latency)]
    words += ["--request-url", f"http://127.0.0.1:{port}/slack/events"] if http else []
    async with _running("-m", "tests.bench.world", *words, read=True) as world_process:
        assert world_process.stdout is not None
        about = json.loads(await world_process.stdout.readline())
        async with aiohttp.ClientSession() as session:
            with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
                wanted = _settings(about, Path(folder), port, http=http, claude=claude) | settings
                async with _database() as own, bot_running(wanted | own, Path(folder), session) as bot:
                    yield World(about, session), bot


@asynccontextmanager
async def bot_running(settings: dict[str, str], folder: Path, session: aiohttp.ClientSession) -> AsyncIterator[Bot]:
    began = time.monotonic()
    with (folder / "log").open("a") as log:
        async with _running("-m", "bot", "run", stderr=log, cwd=folder, **settings) as process:
            port = int(settings["HTTP_PORT"])
            while not await _is_ready(port, session):
                told = (folder / "log").read_text()[-2000:]
                assert process.returncode is None, f"the bot ended: {told}"
                assert time.monotonic() - began < START_SECONDS, f"the bot is not ready: {told}"
                await asyncio.sleep(0.02)
            yield Bot(process, folder, settings, time.monotonic() - began)


@asynccontextmanager
async def _running(
    *words: str, read: bool = False, stderr: Any = None, cwd: Path = ROOT, **settings: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    inherited = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy") and k != "ANTHROPIC_API_KEY"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, *words, cwd=cwd, env={**inherited, "PYTHONPATH": str(ROOT), **settings}, stderr=stderr,
        stdout=asyncio.subprocess.PIPE if read else asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(25):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


@asynccontextmanager
async def process_running(*words: str) -> AsyncIterator[Json]:
    """A process of ours that tells its address in one line of JSON; that line."""
    async with _running(*words, read=True) as process:
        assert process.stdout is not None
        yield json.loads(await process.stdout.readline())


@asynccontextmanager
async def _database() -> AsyncIterator[dict[str, str]]:
    """The setting of a database that is not the default one; `python -m tests.bench --database` chooses."""
    if os.environ.get(DATABASE) != "postgresql":
        yield {}
        return
    async with postgres_database() as url:
        yield {"DATABASE_URL": url}


async def _is_ready(port: int, session: aiohttp.ClientSession) -> bool:
    try:
        async with session.get(f"http://127.0.0.1:{port}/readyz") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


def _settings(about: dict[str, str], folder: Path, port: int, *, http: bool, claude: bool) -> dict[str, str]:
    values = {
        "SLACK_API_URL": about["api_url"],
        "SLACK_BOT_TOKEN": about["bot_token"],
        "SLACK_SIGNING_SECRET": about["signing_secret"],
        "STAFF_CHANNEL": "C0STAFF",
        "ADMIN_USERS": "U0GRACE",
        "HTTP_PORT": str(port),
        "DATABASE_URL": f"sqlite:///{folder / 'desk.db'}",
        "QUIET_SECONDS": "0",
        "SLACK_PACE": "0",
    }
    values |= {} if http else {"SLACK_APP_TOKEN": about["app_token"]}
    ours = {"ANTHROPIC_API_KEY": about["claude_key"], "ANTHROPIC_BASE_URL": about["claude_url"]}
    return values | (ours if claude else {})
