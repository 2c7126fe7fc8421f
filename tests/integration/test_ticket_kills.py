"""A process that is killed before or after any statement and any request of its own leaves one ticket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import sqlalchemy as sa

from bot.store.engine import create_engine
from tests.contract.ticket_kit import NEW, SYSTEMS, Post, posted
from tools.base import ToolUnavailableError
from tools.http import http_session
from tools.tickets.desk import NewTicket
from tools.tickets.outside import OutsideTickets

HOLD = 10.0
POINTS = 60
"""More than there are."""


class Killed(BaseException):
    """The process is gone."""


class Fate:
    """Kills a process at one of the points it comes by; the dead write and send nothing."""

    def __init__(self, point: int) -> None:
        self.point, self.passed = point, 0

    def meet(self, *_: object) -> None:
        self.passed += 1
        if self.passed >= self.point:
            raise Killed

    async def meet_outside(self, *_: object) -> None:
        self.meet()

    @property
    def has_struck(self) -> bool:
        return self.passed >= self.point


@asynccontextmanager
async def doomed(post: Post, fate: Fate) -> AsyncIterator[OutsideTickets]:
    """The desk of a process with a database connection and a session of its own."""
    engine = create_engine(post.engine.url.render_as_string(hide_password=False))
    for step in ("before_cursor_execute", "commit"):
        sa.event.listen(engine.sync_engine, step, fate.meet)
    watch: Any = aiohttp.TraceConfig()
    watch.on_request_start.append(fate.meet_outside)
    watch.on_request_end.append(fate.meet_outside)
    watch.freeze()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(engine.dispose)
        session = await stack.enter_async_context(http_session())
        session.trace_configs.append(watch)
        yield replace(post, engine=engine, session=session).desk()


async def opened_in_the_end(post: Post, ticket: NewTicket, key: str) -> str:
    for _ in range(6):
        try:
            return (await post.desk().open(ticket, key)).id
        except ToolUnavailableError as error:
            post.clock.now += 1 + max(error.retry_after or 0.0, HOLD)
    raise AssertionError("no ticket in the end")


@pytest.mark.parametrize("kind", SYSTEMS)
async def test_a_kill_at_any_point_leaves_one_ticket(kind: str, tmp_path: Path) -> None:
    async with posted(kind, tmp_path) as post:
        for point in range(1, POINTS):
            asked, fate = replace(NEW, subject=f"Matter {point}"), Fate(point)
            async with doomed(post, fate) as desk:
                outcome = await asyncio.gather(desk.open(asked, f"run:{point}"), return_exceptions=True)
            assert fate.has_struck or not isinstance(outcome[0], BaseException)
            post.clock.now += HOLD + 1
            await opened_in_the_end(post, asked, f"run:{point if point % 2 else -point}")  # the same run, or another
            assert len(post.system.tickets) == point
            if not fate.has_struck:
                break
        assert 10 < point < POINTS - 1
