"""What the ticket systems of other companies have in common when they are served on this machine."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any

from aiohttp import web

from tests.fakes.loopback import served
from tests.fakes.tools import HeldClock

Json = dict[str, Any]


class Fault(StrEnum):
    """What happens to the next request that would open a ticket."""

    LOST = "the ticket is opened and the connection cut"
    HANGING = "the ticket is opened and no answer comes"
    HALF = "the ticket is opened and a gateway answers 502"
    CUT = "the connection is cut before anything is done"
    BROKEN = "500, nothing done"
    BUSY = "429 with Retry-After, nothing done"
    REFUSED = "422, nothing done"
    LOCKED_OUT = "401, nothing done"

    @property
    def opens(self) -> bool:
        """Whether there is a ticket all the same."""
        return self in {Fault.LOST, Fault.HANGING, Fault.HALF}


class TicketSystem:
    """Serves one vendor's API on loopback, remembers its tickets, and fails as told."""

    def __init__(self, clock: HeldClock) -> None:
        self.clock = clock
        self.tickets: list[Json] = []
        """In the vendor's own form, oldest first."""
        self.faults: deque[Fault] = deque()
        self.reading_fault: Fault | None = None
        """What happens to every other request, as long as it is set."""
        self.requests: list[web.Request] = []
        self.lag = 0.0
        """Seconds until a new ticket can be found."""
        self.url = ""
        self.hanging = asyncio.Event()
        """Set once a request hangs."""
        self._stopping = asyncio.Event()

    def is_create(self, request: web.Request, body: Json) -> bool:
        """Whether a request would open a ticket."""
        raise NotImplementedError

    def is_allowed(self, request: web.Request) -> bool:
        """Whether the credentials are right."""
        raise NotImplementedError

    def refusal(self, request: web.Request) -> web.Response | None:
        """The answer to credentials that are right and may not do this."""
        return None

    def routes(self) -> list[web.RouteDef]:
        raise NotImplementedError

    def solve(self, id_: str) -> None:
        """People finish this ticket."""
        raise NotImplementedError

    def slow_down(self) -> web.Response:
        """The answer to somebody who asks too often."""
        return web.json_response({"error": "TooManyRequests"}, status=429, headers={"Retry-After": "7"})

    def found(self, tickets: list[Json]) -> list[Json]:
        """Those that the index has already."""
        return [one for one in tickets if one["_at"] + self.lag <= self.clock()]

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        app = web.Application(middlewares=[self._before])
        app.add_routes(self.routes())
        async with served(app) as self.url:
            try:
                yield
            finally:
                self._stopping.set()

    @web.middleware
    async def _before(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.requests.append(request)
        raw = await request.read()
        body = await request.json() if raw else {}
        if not self.is_allowed(request):
            return web.json_response({"message": "who are you?"}, status=401)
        refusal = self.refusal(request)
        if refusal is not None:
            return refusal
        creates = self.is_create(request, body)
        fault = (self.faults.popleft() if self.faults else None) if creates else self.reading_fault
        if fault is None:
            return await handler(request)
        if fault.opens:
            await handler(request)
        return await self._fail(request, fault)

    async def _fail(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        if fault is Fault.HANGING:
            self.hanging.set()
            await self._stopping.wait()
        if fault is Fault.BUSY:
            return self.slow_down()
        status = {Fault.HALF: 502, Fault.BROKEN: 500, Fault.REFUSED: 422, Fault.LOCKED_OUT: 401}.get(fault)
        if status is not None:
            return web.json_response({"error": "secret-internal-detail"}, status=status)
        if request.transport is not None:
            request.transport.abort()
        return web.Response()
