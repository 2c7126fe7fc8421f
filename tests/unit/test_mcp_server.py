"""The life of one connection, with a session that does as it is told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bot.store.engine import create_engine
from tests.fakes.mcp_hub import PATIENT, QUICK, decided
from tools.base import OutcomeUnknownError, ToolUnavailableError
from tools.database import create_tables
from tools.mcp.definition import Definition
from tools.mcp.meter import MOST_BYTES, MOST_MESSAGES, WINDOW_SECONDS, Flow
from tools.mcp.pins import Pins
from tools.mcp.result import Answer
from tools.mcp.server import Server
from tools.mcp.session import LostError, Session
from tools.mcp.settings import McpServer

ECHO = Definition.of("s", "echo", "Echoes.", {"type": "object"})


@dataclass
class Line:
    """Connections to one server, and what becomes of them."""

    lets_go: bool = True
    """False: who wants to leave waits for ever."""
    opened: int = 0
    ended: list[Callable[[], None]] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    lost: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def open(
        self, settings: McpServer, *, changed: Callable[[], None], ended: Callable[[], None]
    ) -> AsyncIterator[Session]:
        assert (settings.name, callable(changed)) == ("s", True)
        self.opened += 1
        self.ended.append(ended)
        yield Connection(self)
        if not self.lets_go:
            await asyncio.Event().wait()


@dataclass(frozen=True)
class Connection:
    """One of them."""

    line: Line

    async def definitions(self) -> list[Definition]:
        return [ECHO]

    async def hear_changes(self) -> None:
        return None

    async def call(self, tool: str, arguments: dict[str, Any]) -> Answer:
        assert (tool, arguments) == ("echo", {})
        self.line.asked.set()
        await self.line.lost.wait()
        raise LostError


@asynccontextmanager
async def served(
    folder: Path, line: Line, looked_over: Callable[[Server, Sequence[Definition]], Awaitable[None]]
) -> AsyncIterator[Server]:
    engine = create_engine(f"sqlite:///{folder}/pins.db")
    await create_tables(engine)
    pins = Pins(engine, lambda: 1.0)
    await pins.note("s", [ECHO])
    await decided(pins, ECHO)
    settings = McpServer(name="s", command="x")
    server = Server(settings, pins, line.open, looked_over=looked_over, patience=replace(QUICK, close=0.1))
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(server.serve())
            try:
                yield server
            finally:
                server.stop()
    finally:
        await engine.dispose()


async def until(found: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENT):
        while not found():  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0.01)


async def fine(*_: object) -> None:
    return None


async def yes() -> bool:
    return True


async def test_a_call_that_is_lost_with_an_old_connection_does_not_end_the_new_one(tmp_path: Path) -> None:
    line = Line()
    async with served(tmp_path, line, fine) as server:
        call = asyncio.ensure_future(server.call(ECHO, {}, yes))
        await line.asked.wait()
        line.ended[0]()
        await until(lambda: line.opened == 2 and server.is_connected)
        line.lost.set()
        (error,) = await asyncio.gather(call, return_exceptions=True)
        assert isinstance(error, OutcomeUnknownError)
        assert server.is_connected
        assert line.opened == 2


async def test_a_server_that_lets_nobody_leave_is_left(tmp_path: Path) -> None:
    line = Line(lets_go=False)
    async with asyncio.timeout(PATIENT), served(tmp_path, line, fine) as server:
        await until(lambda: server.is_connected)
        line.ended[0]()
        await until(lambda: line.opened == 2 and server.is_connected)


async def test_a_database_that_is_away_ends_no_connection(tmp_path: Path) -> None:
    line, looks = Line(), asyncio.Event()

    async def away(*_: object) -> None:
        looks.set()
        raise ToolUnavailableError

    async with served(tmp_path, line, away) as server:
        await looks.wait()
        await until(lambda: server.is_connected)
        assert line.opened == 1


def test_a_flood_is_measured_in_messages_and_in_bytes_within_a_window() -> None:
    now, ends = [0.0], []
    flow = Flow(lambda: ends.append(now[0]), 1_000, clock=lambda: now[0])
    flow.weigh(MOST_BYTES)
    now[0] += WINDOW_SECONDS + 1
    flow.weigh(MOST_BYTES)
    for _ in range(MOST_MESSAGES):
        flow.count()
    assert not flow.is_cut
    flow.weigh(1)
    assert (flow.reason, len(ends)) == ("flood", 1)
    assert not Flow(lambda: None, MOST_BYTES, clock=lambda: 0.0).is_cut
