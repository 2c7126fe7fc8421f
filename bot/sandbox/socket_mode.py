"""Socket Mode: the app opens WebSockets, any one of them gets a payload and acknowledges it by envelope id."""

import asyncio
import json
import logging
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from bot.sandbox.config import SandboxConfig
from bot.sandbox.delivery import FIRST, Ack, PayloadKind, Retry
from bot.sandbox.records import Change
from bot.sandbox.wire import Json
from bot.sandbox.workspace import Workspace

logger = logging.getLogger(__name__)

CONNECTIONS_MOST = 10
_PING_SECONDS = 15.0
_CONNECTION_SECONDS = 18_060


@dataclass
class _Connection:
    socket: web.WebSocketResponse
    request: web.Request
    pending: dict[str, asyncio.Future[Ack]] = field(default_factory=dict)
    silent: bool = False
    """Open, but nothing is sent or answered any more, not even a ping."""


class SocketMode:
    """The transport and the WebSocket endpoint behind `apps.connections.open`."""

    def __init__(self, config: SandboxConfig, workspace: Workspace) -> None:
        self._config = config
        self._workspace = workspace
        self._tickets: set[str] = set()
        self._connections: list[_Connection] = []
        self._turn = 0
        self._arrived = asyncio.Event()
        self.base_url = ""
        self.most = CONNECTIONS_MOST
        """How many sockets may be open; the next one is told `too_many_websockets`."""

    @property
    def connected(self) -> bool:
        """Whether at least one socket is open."""
        return bool(self._connections)

    def open_url(self) -> str:
        """A WebSocket URL that can be used once."""
        ticket = self._config.make_id("wss")
        self._tickets.add(ticket)
        return f"{self.base_url.replace('http', 'ws', 1)}/socket/{ticket}?app_id={self._config.company.app.app_id}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One WebSocket of the app, from hello to close."""
        ticket = request.match_info["ticket"]
        if ticket not in self._tickets:
            raise web.HTTPUnauthorized(text="This Socket Mode URL is unknown or was used already.")
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse(heartbeat=_PING_SECONDS, autoping=False)
        await socket.prepare(request)
        if len(self._connections) >= self.most:
            await self._say_goodbye(socket, "too_many_websockets")
            return socket
        connection = _Connection(socket, request)
        await socket.send_json(self._hello())
        self._join(connection)
        try:
            await self._listen(connection)
        finally:
            self._leave(connection)
        return socket

    async def send(self, kind: PayloadKind, payload: Json, retry: Retry = FIRST) -> Ack:
        """Send an envelope to one of the sockets and wait for its acknowledgement."""
        if not self._connections:
            return Ack(ok=False, reason="connection_failed")
        self._turn += 1
        connection = self._connections[self._turn % len(self._connections)]
        envelope_id = self._config.make_id("env-")
        answer: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
        connection.pending[envelope_id] = answer
        try:
            async with asyncio.timeout(self._config.ack_seconds):
                if not connection.silent:
                    await connection.socket.send_str(json.dumps(_envelope(kind, envelope_id, payload, retry)))
                return await answer
        except TimeoutError:
            return Ack(ok=False, reason="timeout")
        except ConnectionError:
            return Ack(ok=False, reason="connection_failed")
        finally:
            connection.pending.pop(envelope_id, None)

    async def wait_until_connected(self, seconds: float) -> bool:
        """Wait for the first socket."""
        try:
            async with asyncio.timeout(seconds):
                await self._arrived.wait()
        except TimeoutError:
            return False
        return True

    async def disconnect(self, reason: str) -> None:
        """Send every socket Slack's `disconnect` frame; the app is expected to open new ones."""
        for connection in tuple(self._connections):
            await self._say_goodbye(connection.socket, reason, close=False)

    async def say(self, frame: str) -> None:
        """Send every socket a frame as it is, however odd."""
        for connection in tuple(self._connections):
            await connection.socket.send_str(frame)

    def silence(self) -> None:
        """Let every socket stay open and say nothing more, as when a machine between freezes."""
        for connection in self._connections:
            connection.silent = True

    def cut(self) -> None:
        """Break every socket off without a word."""
        for connection in tuple(self._connections):
            if connection.request.transport is not None:
                connection.request.transport.abort()

    async def close(self) -> None:
        """Close every socket."""
        for connection in tuple(self._connections):
            await connection.socket.close(code=1001)

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self._connections) + 1,
            "debug_info": {"host": "sandbox", "build_number": 1, "approximate_connection_time": _CONNECTION_SECONDS},
            "connection_info": {"app_id": self._config.company.app.app_id},
        }

    async def _say_goodbye(self, socket: web.WebSocketResponse, reason: str, *, close: bool = True) -> None:
        await socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {"host": "sandbox"}})
        if close:
            await socket.close()

    def _join(self, connection: _Connection) -> None:
        self._connections.append(connection)
        self._arrived.set()
        self._announce()

    def _leave(self, connection: _Connection) -> None:
        self._connections.remove(connection)
        if not self._connections:
            self._arrived.clear()
        for answer in connection.pending.values():
            if not answer.done():
                answer.set_result(Ack(ok=False, reason="connection_failed"))
        self._announce()

    def _announce(self) -> None:
        self._workspace.emit(Change("bot", data={"connected": self.connected}))

    async def _listen(self, connection: _Connection) -> None:
        async for frame in connection.socket:
            if connection.silent:
                continue
            if frame.type is WSMsgType.PING:
                await connection.socket.pong(frame.data)
            if frame.type is WSMsgType.TEXT:
                self._take(connection, frame.data)

    def _take(self, connection: _Connection, text: str) -> None:
        try:
            message = json.loads(text)
        except ValueError:
            logger.warning("sandbox.socket_garbage")
            return
        envelope_id = message.get("envelope_id") if isinstance(message, dict) else None
        answer = connection.pending.get(str(envelope_id))
        if answer is None or answer.done():
            return
        payload = message.get("payload")
        answer.set_result(Ack(ok=True, payload=payload if isinstance(payload, dict) else {}))


def _envelope(kind: PayloadKind, envelope_id: str, payload: Json, retry: Retry) -> Json:
    accepts = kind == "slash_commands" or payload.get("type") == "view_submission"
    envelope: Json = {"envelope_id": envelope_id, "payload": payload, "type": kind, "accepts_response_payload": accepts}
    if kind == "events_api":
        envelope.update(retry_attempt=retry.attempt, retry_reason=retry.reason)
    return envelope
