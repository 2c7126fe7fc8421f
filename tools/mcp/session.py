"""One connection to an MCP server: list its tools, call one, hear that they changed. The SDK's types end here.

Two things are done by hand that the SDK's client offers: results are not checked against the schema the server promises
for them (a schema of its own making could keep us busy for ever), and requests of the server (for a model call, for a
question to the user) find nobody.
"""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import anyio
from mcp import Client, MCPError, types
from mcp.client._transport import Transport
from mcp.client.subscriptions import SubscriptionLost
from mcp.types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import TypeAdapter, ValidationError

from tools.mcp.definition import Definition
from tools.mcp.meter import Flow
from tools.mcp.plain import is_hidden
from tools.mcp.result import Answer, answer_of
from tools.mcp.settings import McpServer
from tools.mcp.stdio import Command, stdio_transport
from tools.mcp.web import web_transport

logger = logging.getLogger(__name__)

MOST_TOOLS = 200
MOST_PAGES = 20
LONGEST_NAME = 128
"""Of a tool, in the server's words."""
_US = types.Implementation(name="deskhand", version="1")
_RESULT: TypeAdapter[types.CallToolResult | types.InputRequiredResult] = TypeAdapter(
    types.CallToolResult | types.InputRequiredResult
)
_TERMINATED = "Session terminated"
"""The SDK's words for HTTP 404: the server does not know this connection any more."""
_BROKEN = (anyio.ClosedResourceError, anyio.BrokenResourceError, anyio.EndOfStream, OSError, RuntimeError)


class LostError(Exception):
    """The connection ended before the server answered."""


class FailedError(LostError):
    """The server came to grief over the call; the connection stands."""


class RefusedError(Exception):
    """The server answered with an error of the protocol; its words are data from outside."""


class Session(Protocol):
    """A connection that stands."""

    async def definitions(self) -> list[Definition]:
        """The tools the server has now, each once, without those whose names are none; LostError or RefusedError."""
        ...

    async def call(self, tool: str, arguments: dict[str, Any]) -> Answer:
        """What the tool returns; LostError when nobody knows whether it did its work, else RefusedError."""
        ...

    async def hear_changes(self) -> None:
        """Until the server says no more of changes: have whoever opened the session told of each."""
        ...


@dataclass(frozen=True, slots=True)
class _ClientSession:
    """Session on the SDK's client."""

    settings: McpServer
    client: Client
    changed: Callable[[], None]

    async def definitions(self) -> list[Definition]:
        found: list[Definition] = []
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            page = await self._page(cursor)
            found += [_definition(self.settings.name, tool) for tool in page.tools if _is_named(tool)]
            cursor = page.next_cursor
            if cursor is None or len(found) > MOST_TOOLS:
                break
        return list({one.tool: one for one in found[:MOST_TOOLS]}.values())

    async def call(self, tool: str, arguments: dict[str, Any]) -> Answer:
        wanted = types.CallToolRequest(params=types.CallToolRequestParams(name=tool, arguments=arguments))
        try:
            result = await self.client.session.send_request(wanted, _RESULT)
        except MCPError as error:
            raise _as_ours(error) from error
        except ValidationError as error:
            raise RefusedError("its answer is not what the protocol allows") from error
        except _BROKEN as error:
            raise LostError(type(error).__name__) from error
        if isinstance(result, types.InputRequiredResult):
            raise RefusedError("it asks for something that nobody here can answer")
        return answer_of(result)

    async def hear_changes(self) -> None:
        capabilities = self.client.server_capabilities.tools
        is_modern = self.client.protocol_version in MODERN_PROTOCOL_VERSIONS
        if not is_modern or capabilities is None or not capabilities.list_changed:
            return
        try:
            async with self.client.listen(tools_list_changed=True) as events:
                async for _ in events:
                    self.changed()
        except (MCPError, SubscriptionLost, *_BROKEN) as error:
            logger.info("mcp.not_listening", extra={"fields": {"server": self.settings.name, "error": _name(error)}})

    async def _page(self, cursor: str | None) -> types.ListToolsResult:
        try:
            return await self.client.session.list_tools(params=types.PaginatedRequestParams(cursor=cursor))
        except MCPError as error:
            raise _as_ours(error) from error
        except ValidationError as error:
            raise RefusedError("its list of tools is not what the protocol allows") from error
        except _BROKEN as error:
            raise LostError(type(error).__name__) from error


@asynccontextmanager
async def open_session(
    settings: McpServer, *, changed: Callable[[], None], ended: Callable[[], None]
) -> AsyncIterator[Session]:
    """Start or reach the server and agree on a protocol. Raises whatever stands in the way; the caller has a deadline.

    `changed` is called whenever the server says that its tools are others now, `ended` when nothing more will come.
    """

    async def hear(message: object) -> None:
        if isinstance(message, types.ToolListChangedNotification):
            changed()

    flow = Flow(ended, settings.max_message_bytes)
    client = Client(_transport(settings, flow), message_handler=hear, client_info=_US, cache=None)
    try:
        async with client:
            yield _ClientSession(settings, client, changed)
    finally:
        if flow.is_cut:
            logger.warning("mcp.cut_off", extra={"fields": {"server": settings.name, "reason": flow.reason}})


def _transport(settings: McpServer, flow: Flow) -> Transport:
    if settings.url:
        headers = {name: value.get_secret_value() for name, value in settings.headers_env.items()}
        return web_transport(settings.url, headers, flow, settings.max_message_bytes)
    environment = {name: value.get_secret_value() for name, value in settings.env.items()}
    words = (settings.command, *settings.args)
    return stdio_transport(Command(settings.name, words, environment, settings.max_message_bytes), flow)


def _definition(server: str, tool: types.Tool) -> Definition:
    read_only = tool.annotations is not None and tool.annotations.read_only_hint is True
    return Definition.of(server, tool.name, tool.description or "", tool.input_schema, read_only=read_only)


def _is_named(tool: types.Tool) -> bool:
    """Whether people and databases can take the name; the protocol asks for much less than this allows."""
    return 0 < len(tool.name) <= LONGEST_NAME and not any(map(is_hidden, tool.name))


def _as_ours(error: MCPError) -> Exception:
    if error.code == types.CONNECTION_CLOSED or error.message == _TERMINATED:
        return LostError("connection closed")
    return FailedError("internal error") if error.code == types.INTERNAL_ERROR else RefusedError(error.message)


def _name(error: BaseException) -> str:
    return type(error).__name__
