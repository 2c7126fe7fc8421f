"""A hub with real servers, and what a test needs to use it without Slack and without a model."""

import asyncio
import itertools
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.domain.principal import Principal, Role
from bot.store.engine import create_engine
from tools.base import AnyTool, ToolContext, ToolError
from tools.database import create_tables, transact
from tools.guards import Guards
from tools.mcp.definition import Definition
from tools.mcp.hub import Hub, Records
from tools.mcp.pins import Decided, Pins, PinState
from tools.mcp.server import Patience
from tools.mcp.session import open_session
from tools.mcp.settings import McpServer

_numbers = itertools.count(1)
SCRIPT = Path(__file__).with_name("mcp_script.py")
PATIENT = 60.0
"""Seconds; however slow the machine is."""
QUICK = Patience(
    connect=PATIENT, listing=PATIENT, first_pause=0.01, longest_pause=0.1, between_looks=0.01, ready=PATIENT
)
SAM = Principal("T1", "U0SAM", Role.STAFF, "Sam", "sam@fernway.example")
ANA = Principal("T1", "U0ANA", Role.CUSTOMER, "Ana", "ana@cobalt-studio.example")


async def decided(
    pins: Pins, definition: Definition, state: PinState = PinState.APPROVED, by: str = "test"
) -> Decided | None:
    """A decision of an admin, without the record of it."""
    return await transact(pins._engine, lambda connection: pins.decide(connection, definition, state, by))


@dataclass
class Bench:
    """A hub at work."""

    hub: Hub
    pins: Pins
    told: list[Definition] = field(default_factory=list)
    """What staff were alerted of."""

    @property
    def tools(self) -> dict[str, AnyTool]:
        return self.hub.tools

    async def until(self, found: Callable[[], Awaitable[bool]]) -> None:
        """Wait for something, however long a slow machine takes."""
        async with asyncio.timeout(PATIENT):
            while not await found():  # noqa: ASYNC110 - nobody tells of what other processes did
                await asyncio.sleep(0.01)

    async def seen(self, count: int = 1) -> None:
        """Wait until so many descriptions are known."""

        async def found() -> bool:
            return len(await self.pins.all()) >= count

        await self.until(found)

    async def alerted(self) -> list[str]:
        """Names of the tools that staff were told of, once they were."""

        async def found() -> bool:
            return bool(self.told)

        await self.until(found)
        return [one.name for one in self.told]

    async def approve(self, count: int = 1) -> None:
        """Approve all that waits, once so many descriptions are known."""
        await self.seen(count)
        for pin in await self.pins.all():
            if pin.state is PinState.NEW:
                await decided(self.pins, pin.definition)
        await self.hub.load()

    async def pinned(self, name: str, **given: Any) -> str:
        """The same by somebody whose turn began when the tool was still offered."""
        pins = await self.pins.all()
        pin = next(pin for pin in pins if pin.definition.name == name and pin.state is PinState.APPROVED)
        tool = self.hub.made[pin.definition.digest]
        assert tool is not None
        self.tools[name] = tool
        return await self.call(name, **given)

    async def answered(self, name: str, **given: Any) -> str:
        """The first answer, however often the server went away meanwhile."""
        async with asyncio.timeout(PATIENT):
            while True:
                try:
                    return await self.call(name, **given)
                except ToolError:
                    await asyncio.sleep(0.01)

    async def call(self, name: str, who: Principal = SAM, *, among_staff: bool = True, **given: Any) -> str:
        """What the model reads of the tool's result."""
        context = ToolContext(who, "c1", "r1", given.pop("use", f"t{next(_numbers)}"), 0, among_staff)
        output = await self.tools[name].call(json.dumps(given), context)
        assert isinstance(output.content, str)
        return output.content


def script(folder: Path, *tools: str, **settings: Any) -> McpServer:
    """The nasty server with these tools, listed in a file that can be changed."""
    listed = [{"name": name, "description": f"Does {name}.", "inputSchema": {"type": "object"}} for name in tools]
    (folder / "tools.json").write_text(json.dumps(listed), encoding="utf-8")
    fields = {"name": "s", "command": sys.executable, "args": ["-S", str(SCRIPT), str(folder / "tools.json")]}
    context = settings.pop("environment", {})
    return McpServer.model_validate({**fields, **settings}, context=context)


@asynccontextmanager
async def bench(folder: Path, *servers: McpServer, patience: Patience = QUICK) -> AsyncIterator[Bench]:
    """Run these servers."""
    engine = create_engine(f"sqlite:///{folder}/pins.db")
    await create_tables(engine)
    records = Records.of(engine, lambda: 1.0)
    told: list[Definition] = []

    async def alert(_: Definition, now: Definition) -> None:
        told.append(now)

    hub = Hub(servers, records, open_session, tools={}, guards=Guards(), alert=alert, patience=patience)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(hub.serve())
            try:
                yield Bench(hub, records.pins, told)
            finally:
                hub.stop()
    finally:
        await engine.dispose()
