"""A support desk whose bot is several processes on one PostgreSQL, each of which can be killed, frozen or replaced."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg

from bot.sandbox.config import SandboxConfig
from tests.fakes.balancer import Balancer, balancer_running
from tests.fakes.desk import Desk, settings_for
from tests.fakes.desk_claude import Claude
from tests.fakes.desk_people import Timeline
from tests.fakes.desk_program import Program
from tests.fakes.postgres import postgres_database
from tests.fakes.sandbox_driver import eventually, sandbox_running

PATIENT = SandboxConfig(ack_seconds=3.0, retry_delays=(0.05, 1.0, 3.0))
"""Waits for an acknowledgement as long as Slack does, and delivers again while a replica starts."""


Way = Callable[[str], AbstractAsyncContextManager[str]]


@asynccontextmanager
async def straight(url: str) -> AsyncIterator[str]:
    """To the database itself."""
    yield url


@dataclass
class ReplicatedDesk(Desk):
    """A desk that looks into PostgreSQL."""

    url: str = ""
    replicas: list[Program] = field(default_factory=list)

    def rows(self, query: str) -> list[Any]:
        """A look into the bot's database."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(query.encode()).fetchall()

    async def at_work(self) -> Program:
        """The replica that handles a cause now, once there is one."""
        query = "select executor_id from dbos.workflow_status where status = 'PENDING'"

        async def someone() -> bool:
            return bool(self.rows(query))

        await eventually(someone)
        [(owner,)] = self.rows(query)
        return next(one for one in self.replicas if owner in one.log.read_text())

    async def whole(self) -> None:
        """Start whichever replica does not run."""
        await asyncio.gather(*(one.start() for one in self.replicas if not one.runs))


@asynccontextmanager
async def open_balanced_desk(
    folder: Path, claude: Claude, count: int
) -> AsyncIterator[tuple[ReplicatedDesk, Balancer]]:
    """`count` replicas that hear from Slack by signed HTTP, through a balancer."""
    async with balancer_running() as balancer:
        config = replace(PATIENT, request_url=f"{balancer.url}/slack/events")
        async with open_replicated_desk(folder, claude, count, config=config) as desk:
            balancer.backends = lambda: [one.url for one in desk.replicas if one.runs]
            yield desk, balancer


@asynccontextmanager
async def open_replicated_desk(
    folder: Path, claude: Claude, count: int, *, through: Way = straight, config: SandboxConfig = PATIENT
) -> AsyncIterator[ReplicatedDesk]:
    """`count` replicas; they log into `folder` and reach the database in this way."""
    async with postgres_database() as url, through(url) as way, sandbox_running(config) as driver:
        timeline = Timeline(driver.server.workspace)
        port = 1 if config.request_url else 0  # any: each program takes a free one
        few = {"RUNS_AT_ONCE": "6"}  # so that one replica has not room for everything
        settings = settings_for(driver, folder / "none", claude, port=port, **few) | {"DATABASE_URL": way}
        replicas = [Program(settings, driver, folder, name=f"log{i}", alone=False) for i in range(count)]
        desk = ReplicatedDesk(
            driver, replicas[0], folder / "none", timeline, io.StringIO(), claude, url=url, replicas=replicas
        )
        try:
            await desk.whole()
            yield desk
        finally:
            claude.let_go()
            await asyncio.gather(*(one.stop() for one in replicas))
