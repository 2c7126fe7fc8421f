"""The MCP servers of this process: started with the bot, stopped with it; staff are told when a tool has changed.

The SDK is an extra. It is loaded only where servers are set up, and a missing one is told with its remedy.
"""

import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

import prompts
from bot.config import SettingsError
from bot.domain.effects import Outgoing, Place, ShowNotice
from bot.ports.clock import Clock
from bot.ports.store import Store
from bot.runtime.background import Background
from tools.base import AnyTool
from tools.guards import Guards
from tools.mcp.definition import Definition
from tools.mcp.settings import McpServer

logger = logging.getLogger(__name__)

CLOSE_SECONDS = 8.0
"""For the servers to end at a stop."""


class StaffAlert:
    """Tells the staff channel that a tool is switched off because it is another now.

    Once for each approval, whoever notices first and however often the server changes its mind.
    """

    def __init__(self, store: Store, place: Place) -> None:
        """`store`: of the workspace of `place`."""
        self._store = store
        self._place = place

    async def __call__(self, then: Definition, now: Definition) -> None:
        """Put the line into the outbox. Nothing in it is in the server's words but the tool's name, made harmless."""
        text = prompts.sentences()["mcp_changed"].format(tool=now.name, server=now.server)
        key = f"mcp:{then.name}:{then.digest}"
        line = f"staff:alerts:{self._place.team_id}"
        async with self._store.write() as tx:
            if not await tx.outbox.known([key]):
                await tx.outbox.add(Outgoing(key, ShowNotice(self._place, text), line))


class OutsideTools:
    """Owns the servers from `start` to `close`."""

    def __init__(self, servers: Sequence[McpServer], engine: AsyncEngine, clock: Clock) -> None:
        check_extra(servers)
        self.tools: dict[str, AnyTool] = {}
        """Those that may be used at this moment, by name."""
        self._servers = servers
        self._engine = engine
        self._clock = clock
        self._task = Background("mcp")
        self._stop: Callable[[], None] = _nothing

    @property
    def consents(self) -> Mapping[str, str]:
        """When a person is asked before a call, by server."""
        return {server.name: server.consent for server in self._servers}

    async def start(self, guards: Guards, alert: StaffAlert | None) -> None:
        """Offer what is approved, and begin to connect; ToolUnavailableError when the database does not answer."""
        serve = await self.load(guards, alert)
        if serve is not None:
            self._task.start(serve())

    async def load(
        self, guards: Guards, alert: StaffAlert | None = None
    ) -> Callable[[], Coroutine[Any, Any, None]] | None:
        """Offer what is approved and connect to nothing; what connects, or None where no server is set up."""
        if not self._servers:
            return None
        from tools.mcp.hub import Hub, Records, nobody  # noqa: PLC0415 - needs the extra
        from tools.mcp.session import open_session  # noqa: PLC0415 - likewise

        records = Records.of(self._engine, self._clock)
        hub = Hub(self._servers, records, open_session, tools=self.tools, guards=guards, alert=alert or nobody)
        await hub.load()
        self._stop = hub.stop
        return hub.serve

    async def close(self) -> None:
        """End the servers; never raises."""
        self._stop()
        await self._task.close(grace=CLOSE_SECONDS)


def check_extra(servers: Sequence[McpServer]) -> None:
    """SettingsError when there are servers and the SDK is not installed."""
    if servers and find_spec("mcp") is None:
        remedy = "Install it with the extra: pip install 'deskhand[mcp]'"
        raise SettingsError([f"CONNECTORS_FILE: [[mcp]] needs the MCP SDK, which is not installed. {remedy}"])


def _nothing() -> None:
    """Nothing was started."""
