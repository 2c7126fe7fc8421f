"""A load balancer in front of several replicas: takes turns among those whose health check is good."""

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus

import aiohttp
from aiohttp import web

Backends = Callable[[], list[str]]
"""Addresses of the replicas there are, e.g. `http://127.0.0.1:8080`."""


class Balancer:
    """Passes requests on; a replica that cannot be reached is passed over, as by any balancer."""

    def __init__(self) -> None:
        self.backends: Backends = list
        self.served: dict[str, int] = {}
        """Requests that each replica answered."""
        self.url = ""
        self._turn = itertools.count()

    async def pass_on(self, session: aiohttp.ClientSession, request: web.Request) -> web.Response:
        """The first answer of a replica whose turn it is."""
        body, backends = await request.read(), self.backends()
        first = next(self._turn)
        for i in range(len(backends)):
            backend = backends[(first + i) % len(backends)]
            try:
                async with session.get(f"{backend}/readyz") as health:
                    if health.status != HTTPStatus.OK:
                        continue
                async with session.post(f"{backend}{request.path}", data=body, headers=request.headers) as answer:
                    text = await answer.text()
            except aiohttp.ClientConnectorError:
                continue
            except aiohttp.ClientError:  # it died with our request: Slack delivers again
                break
            self.served[backend] = self.served.get(backend, 0) + 1
            return web.Response(status=answer.status, text=text, content_type=answer.content_type)
        return web.Response(status=HTTPStatus.BAD_GATEWAY)


@asynccontextmanager
async def balancer_running() -> AsyncIterator[Balancer]:
    """On a free port; tell it its backends."""
    balancer = Balancer()
    async with aiohttp.ClientSession() as session:

        async def handle(request: web.Request) -> web.Response:
            return await balancer.pass_on(session, request)

        app = web.Application()
        app.router.add_post("/{path:.*}", handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        balancer.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield balancer
        finally:
            await runner.cleanup()
