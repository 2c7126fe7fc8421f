"""The page's live line: a snapshot, then every change this person may see, in order."""

import asyncio
import json

from aiohttp import WSMsgType, web

from bot.sandbox.delivery import Transport
from bot.sandbox.records import Change
from bot.sandbox.snapshot import frame, snapshot
from bot.sandbox.views import Views
from bot.sandbox.wire import Json
from bot.sandbox.workspace import Workspace

_PING_SECONDS = 20.0
_QUEUE_MOST = 10_000
"""A page that falls this far behind is cut off; it reconnects and gets a new snapshot."""


class PageSockets:
    """`/ui/ws?user=<id>`."""

    def __init__(self, workspace: Workspace, views: Views, transport: Transport) -> None:
        self._workspace = workspace
        self._views = views
        self._transport = transport
        self._open: set[web.WebSocketResponse] = set()

    def state(self, user: str) -> Json:
        """The snapshot of this person."""
        self._workspace.person(user)
        return snapshot(self._workspace, self._views, user, connected=self._transport.connected)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One page, until it goes away."""
        user = request.query.get("user", "")
        if user not in self._workspace.people:
            raise web.HTTPNotFound(text="There is nobody with that id in this workspace.")
        socket = web.WebSocketResponse(heartbeat=_PING_SECONDS)
        await socket.prepare(request)
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        queue.put_nowait(json.dumps(self.state(user)))
        unsubscribe = self._workspace.subscribe(lambda change: self._queue(queue, change, user))
        self._open.add(socket)
        try:
            async with asyncio.TaskGroup() as group:
                writer = group.create_task(_write(socket, queue), name=f"page {user}")
                await _drain(socket)
                writer.cancel()
        finally:
            self._open.discard(socket)
            unsubscribe()
        return socket

    async def close(self) -> None:
        """Close every page's socket."""
        for socket in tuple(self._open):
            await socket.close(code=1001)

    def _queue(self, queue: "asyncio.Queue[str | None]", change: Change, user: str) -> None:
        news = frame(self._workspace, change, user)
        if news is None:
            return
        queue.put_nowait(json.dumps(news) if queue.qsize() < _QUEUE_MOST else None)


async def _write(socket: web.WebSocketResponse, queue: "asyncio.Queue[str | None]") -> None:
    while True:
        news = await queue.get()
        if news is None or socket.closed:
            await socket.close()
            return
        try:
            await socket.send_str(news)
        except ConnectionError:
            return


async def _drain(socket: web.WebSocketResponse) -> None:
    """The line is one-way: whatever a page sends is ignored."""
    async for received in socket:
        if received.type is WSMsgType.ERROR:
            return
