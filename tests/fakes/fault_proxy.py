"""A proxy before an HTTP back-end that lets some requests go wrong, as networks and services do."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum

import aiohttp
from aiohttp import web


class Fault(StrEnum):
    """How a request goes wrong."""

    ERROR = "error"
    """503, nothing done."""
    RESET = "reset"
    """The connection breaks, nothing done."""
    LOST = "lost"
    """The work is done, the answer never arrives."""
    HANGS = "hangs"
    """No answer, for as long as anybody waits."""


class FaultProxy:
    """Passes requests on; a share of them goes wrong, each kind as often as the others."""

    def __init__(self, session: aiohttp.ClientSession, target: str, seed: int = 7) -> None:
        self._session = session
        self._target = target
        self._seed = seed
        self.begin(0.0)

    def begin(self, share: float) -> None:
        """From now on this share of the requests goes wrong; the same ones each time."""
        self._random = random.Random(self._seed)  # noqa: S311 - faults, no secrets
        self._share = share
        self.asked = 0
        self.faults: Counter[Fault] = Counter()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        fault = self._random.choice(list(Fault)) if self._random.random() < self._share else None
        if fault is not None:
            self.faults[fault] += 1
        if fault is Fault.ERROR:
            return web.Response(status=503)
        if fault is Fault.HANGS:
            await asyncio.sleep(60)
        if fault in {Fault.RESET, Fault.HANGS}:
            return self._broken(request)
        answer = await self._passed_on(request)
        return self._broken(request) if fault is Fault.LOST else answer

    async def _passed_on(self, request: web.Request) -> web.Response:
        headers = {k: v for k, v in request.headers.items() if k.lower() in {"content-type", "idempotency-key"}}
        async with self._session.request(
            request.method, f"{self._target}{request.path_qs}", data=await request.read(), headers=headers
        ) as answer:
            return web.Response(status=answer.status, body=await answer.read(), content_type=answer.content_type)

    @staticmethod
    def _broken(request: web.Request) -> web.Response:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()


@asynccontextmanager
async def serving(handle: web.Application) -> AsyncIterator[str]:
    """URL of an application on this machine."""
    runner = web.AppRunner(handle, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def fault_proxy(target: str, seed: int = 7) -> AsyncIterator[tuple[FaultProxy, str]]:
    """A proxy before `target`, and its own URL."""
    async with aiohttp.ClientSession() as session:
        proxy = FaultProxy(session, target, seed)
        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", proxy.handle)
        async with serving(app) as url:
            yield proxy, url
