"""All MCP servers of this process: keeps them running, and holds the tools that may be used at this moment.

The tools offered to models are those an admin approved, as they were approved, whether or not the server can be reached
just now: a server that comes and goes does not change what models see. A tool that the server describes otherwise by
now, or no longer has, is taken out at once. What admins decide elsewhere is noticed within seconds, and every call asks
the database anyway.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from tools.base import AnyTool, ToolUnavailableError
from tools.guards import Guards
from tools.mcp.definition import Definition
from tools.mcp.once import CallBook
from tools.mcp.pins import Pins
from tools.mcp.server import PATIENT, Opens, Patience, Server
from tools.mcp.settings import McpServer
from tools.mcp.tool import OutsideTool
from tools.resilience import Policy

logger = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
"""How often the pins are read for what admins decided."""
TIDY_SECONDS = 6 * 3_600.0
_MARGIN_SECONDS = 5.0

Alert = Callable[[Definition, Definition], Awaitable[None]]
"""Told of an approved tool, as it was approved, that has become another. May be told again: the first time may have
been cut off by a kill."""


async def nobody(*_: Definition) -> None:
    """Nobody is to be told."""


@dataclass(frozen=True, slots=True)
class Records:
    """What is kept in the database."""

    pins: Pins
    calls: CallBook

    @classmethod
    def of(cls, engine: AsyncEngine, clock: Callable[[], float]) -> "Records":
        """Those of one database; `clock`: Unix seconds."""
        return cls(Pins(engine, clock), CallBook(engine, clock))


class Hub:
    """The servers, and what they offer."""

    def __init__(
        self,
        servers: Sequence[McpServer],
        records: Records,
        opens: Opens,
        *,
        tools: dict[str, AnyTool],
        guards: Guards,
        alert: Alert = nobody,
        patience: Patience = PATIENT,
    ) -> None:
        """`tools`: where those are kept that may be used, by name; the hub's to change, others' to look into."""
        self.tools = tools
        self.servers: Mapping[str, Server] = {
            one.name: Server(one, records.pins, opens, looked_over=self._looked_over, patience=patience)
            for one in servers
        }
        self._guards = {one.name: guards.of(f"mcp:{one.name}", _policy(one)) for one in servers}
        self._pins = records.pins
        self._book = records.calls
        self._alert = alert
        self._stop = asyncio.Event()
        self.made: dict[str, AnyTool | None] = {}
        """By digest; None: cannot be used."""
        self._told: set[str] = set()
        """Digests of approved definitions that staff know to hold no longer."""

    async def load(self) -> None:
        """Offer what is approved; ToolUnavailableError when the database does not answer."""
        offered: dict[str, AnyTool] = {}
        for definition in await self._pins.approved():
            tool = self._tool(definition) if self._is_current(definition) else None
            if tool is not None:
                offered.setdefault(tool.name, tool)
        if offered != self.tools:
            self.tools.clear()
            self.tools.update(offered)
            logger.info("mcp.tools", extra={"fields": {"tools": len(offered)}})

    async def serve(self) -> None:
        """Keep the servers connected and the tools up to date, until `stop`."""
        async with asyncio.TaskGroup() as group:
            for server in self.servers.values():
                group.create_task(server.serve(), name=f"mcp {server.settings.name}")
            group.create_task(self._again_and_again(self.load, LOOK_SECONDS))
            group.create_task(self._again_and_again(self._book.forget, TIDY_SECONDS))

    async def _again_and_again(self, work: Callable[[], Awaitable[object]], seconds: float) -> None:
        while not self._stop.is_set():
            try:
                await work()
            except ToolUnavailableError:
                logger.warning("mcp.database_away", extra={"fields": {}})
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), timeout=seconds)

    def stop(self) -> None:
        """End all connections; `serve` returns when they have ended."""
        self._stop.set()
        for server in self.servers.values():
            server.stop()

    def _is_current(self, definition: Definition) -> bool:
        """Whether the operator wants the tool, and the server, as far as is known, still means it so."""
        server = self.servers.get(definition.server)
        if server is None or not server.settings.permits(definition.tool):
            return False
        return server.listed is None or server.listed.get(definition.tool) == definition.digest

    def _tool(self, definition: Definition) -> AnyTool | None:
        if definition.digest not in self.made:
            self.made[definition.digest] = self._make(definition)
        return self.made[definition.digest]

    def _make(self, definition: Definition) -> AnyTool | None:
        server, guard = self.servers[definition.server], self._guards[definition.server]
        if definition.fault:
            return None
        try:
            return OutsideTool(definition, server, guard, self._book).tool()
        except Exception as error:  # noqa: BLE001 - whatever a strange schema does to us: the tool is off, no other
            fields = {"server": definition.server, "tool": definition.name, "error": type(error).__name__}
            logger.warning("mcp.tool_unusable", extra={"fields": fields})
            return None

    async def _looked_over(self, server: Server, found: Sequence[Definition]) -> None:
        """Put new descriptions before the admins; alert them when an approved tool is another now."""
        name = server.settings.name
        fresh = await self._pins.note(name, found)
        await self.load()
        if fresh:
            logger.warning("mcp.tools_wait", extra={"fields": {"server": name, "tools": len(fresh)}})
        approved = {one.tool: one for one in await self._pins.approved() if one.server == name}
        for now in found:
            then = approved.get(now.tool)
            if then is not None and then.digest not in {now.digest, *self._told}:
                await self._tell(then, now)

    async def _tell(self, then: Definition, now: Definition) -> None:
        """Once for each approval: a server that changes ever again is no news, nor is what an admin has rejected."""
        if await self._pins.is_rejected(now):
            return
        fields = {"server": then.server, "tool": then.name, "digest": now.digest[:12]}
        logger.warning("mcp.tool_changed", extra={"fields": fields})
        await self._alert(then, now)
        self._told.add(then.digest)


def _policy(server: McpServer) -> Policy:
    """One try at what may have done something; the guard itself repeats only what is safe to repeat."""
    total = server.deadline_seconds + _MARGIN_SECONDS
    return Policy(attempts=2, attempt_seconds=server.deadline_seconds, total_seconds=total)
