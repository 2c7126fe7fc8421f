"""The database is away for a while: what Slack delivers meanwhile is not acknowledged; nothing is lost or doubled."""

import asyncio
import io
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.sandbox.config import SandboxConfig
from tests.fakes.desk import settings_for
from tests.fakes.desk_claude import Claude
from tests.fakes.desk_people import Timeline
from tests.fakes.desk_program import Program
from tests.fakes.desk_replicas import ReplicatedDesk
from tests.fakes.postgres import postgres_database
from tests.fakes.proxy import Line, line_to
from tests.fakes.sandbox_driver import sandbox_running

pytestmark = pytest.mark.timeout(240)

STUBBORN = SandboxConfig(ack_seconds=3.0, retry_delays=(2.0, 6.0, 10.0))
"""Delivers again over a time in which a database comes back."""
AWAY_SECONDS = 10


@asynccontextmanager
async def _desk(folder: Path, claude: Claude) -> AsyncIterator[tuple[ReplicatedDesk, Line]]:
    async with postgres_database() as url, line_to(url) as (line, through), sandbox_running(STUBBORN) as driver:
        timeline = Timeline(driver.server.workspace)
        program = Program(settings_for(driver, folder / "none", claude) | {"DATABASE_URL": through}, driver, folder)
        desk = ReplicatedDesk(driver, program, folder / "none", timeline, io.StringIO(), claude, url=url)
        await program.start()
        try:
            yield desk, line
        finally:
            claude.let_go()
            line.mend()
            await program.stop()


@pytest.mark.parametrize("how", ["cut", "stall"])
async def test_p1_p2_a_database_that_comes_back_finds_everything_in_order(
    tmp_path: Path, claude: Claude, how: str
) -> None:
    async with _desk(tmp_path, claude) as (desk, line):
        claude.hold()
        begun = await desk.customer().asks("What do guests cost?")
        await claude.is_asked(1)
        (line.cut if how == "cut" else line.stall)()
        claude.let_go()
        missed = await desk.customer("U0BO").asks("Is anybody there?")
        await asyncio.sleep(AWAY_SECONDS)
        deliveries = (await desk.driver.look("deliveries"))["deliveries"]
        assert not deliveries[-1]["acked"], "what could not be stored must not be acknowledged"
        line.mend()
        for thread in (begun, missed):
            await thread.answer(seconds=60)
        await desk.settled(60)
        assert [len(thread.ours()) for thread in (begun, missed)] == [1, 1]


@pytest.mark.alone
async def test_a_stop_while_the_database_is_away_ends_in_time(tmp_path: Path, claude: Claude) -> None:
    async with _desk(tmp_path, claude) as (desk, line):
        claude.hold()
        thread = await desk.customer().asks("What do guests cost?")
        await claude.is_asked(1)
        line.cut()
        began = time.monotonic()
        await desk.bot.stop()
        assert time.monotonic() - began < 20
        line.mend()
        claude.let_go()
        await desk.bot.start()
        await thread.answer(seconds=60)
        await desk.settled(60)
        assert len(thread.ours()) == 1
