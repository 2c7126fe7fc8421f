"""Tells open pages that figures have changed, by server-sent events.

Events carry no figures, only the version they have reached: the page fetches itself anew, through the same gate as
ever. A stream ends when its person signs out or may look no more, and after an hour in any case (browsers come back by
themselves, saying in `Last-Event-ID` what they have seen).
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from bot.domain.viewer import Viewer
from bot.ports.insight import Insight
from bot.web.dashboard.cookies import SESSION
from bot.web.dashboard.frame import VIEWER
from bot.web.dashboard.gate import Gate

logger = logging.getLogger(__name__)

Version = Callable[[], Awaitable[int]]
"""Gives the version something has now; it only rises."""
PATH = "/events"
LOOK_SECONDS = 2.0
BEAT_SECONDS = 15.0
"""Proxies close what is silent for too long."""
LONGEST_SECONDS = 3600.0
MOST, MOST_EACH = 200, 8
"""Streams of this process, and of one person."""
_AGAIN = "retry: 5000\n\n"
_HEADERS = {"Cache-Control": "no-store", "Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}


class LiveEvents:
    """Answers `/events`."""

    def __init__(self, gate: Gate, insight: Insight, *, look_seconds: float = LOOK_SECONDS) -> None:
        self._gate = gate
        self._insight = insight
        self._look_seconds = look_seconds
        self._open: Counter[tuple[str, str]] = Counter()
        self._closing = asyncio.Event()
        self._seen: dict[str, tuple[float, int]] = {}

    def routes(self) -> list[web.RouteDef]:
        """For the dashboard."""
        return [web.get(PATH, self.stream, allow_head=False)]

    async def close(self, _: web.Application) -> None:
        """End every stream; for the application's shutdown."""
        self._closing.set()

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Events about the figures of the workspace."""
        return await self.follow(request, lambda: self._version(request[VIEWER].team_id))

    async def follow(self, request: web.Request, version: Version) -> web.StreamResponse:
        """Events about something that has a version, until somebody has enough."""
        viewer = request[VIEWER]
        if self._open.total() >= MOST or self._open[viewer.team_id, viewer.user_id] >= MOST_EACH:
            raise web.HTTPServiceUnavailable(headers={"Retry-After": "60"})
        response = web.StreamResponse(headers=_HEADERS)
        async with self._counted(viewer):
            await response.prepare(request)
            await response.write(_AGAIN.encode())
            try:
                async with asyncio.timeout(LONGEST_SECONDS):
                    async for text in self._events(version, SESSION.read(request), _last_seen(request)):
                        await response.write(text.encode())
            except (TimeoutError, ConnectionResetError):
                pass  # the browser went away, or comes back
        return response

    async def _events(self, look: Version, secret: str, seen: int | None) -> AsyncIterator[str]:
        silent = 0.0
        while not self._closing.is_set():
            if await self._gate.of_session(secret) is None:
                yield "event: signed-out\ndata: \n\n"
                return
            version = await look()
            if version != seen:
                if seen is not None:
                    yield f"id: {version}\nevent: figures\ndata: {version}\n\n"
                else:
                    yield f"id: {version}\ndata: {version}\n\n"
                seen, silent = version, 0.0
            elif silent >= BEAT_SECONDS:
                yield ": beat\n\n"
                silent = 0.0
            await self._pause()
            silent += self._look_seconds

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._look_seconds):
                await self._closing.wait()
        except TimeoutError:
            return

    async def _version(self, team_id: str) -> int:
        """Asked once for all streams of a workspace."""
        now = asyncio.get_running_loop().time()
        known = self._seen.get(team_id)
        if known is None or now - known[0] >= self._look_seconds / 2:
            known = self._seen[team_id] = (now, await self._insight.version(team_id))
        return known[1]

    @asynccontextmanager
    async def _counted(self, viewer: Viewer) -> AsyncIterator[None]:
        key = (viewer.team_id, viewer.user_id)
        self._open[key] += 1
        try:
            yield
        finally:
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]


def _last_seen(request: web.Request) -> int | None:
    """What the browser, or the page it shows, has seen."""
    given = request.headers.get("Last-Event-ID") or request.query.get("seen", "")
    return int(given) if given.isdecimal() and len(given) < 19 else None  # noqa: PLR2004 - what the database holds
