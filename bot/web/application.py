"""What the bot answers over HTTP: Slack's endpoint and health."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping

from aiohttp import web

logger = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Ready = Callable[[], Awaitable[Mapping[str, bool]]]
"""Named checks (database, slack, model, accepting); ready when all are true."""
Details = Callable[[], Mapping[str, object]]
"""What else there is to tell: warnings and numbers, never anything of a customer."""

MAX_BODY_BYTES = 1_048_576
"""Slack's requests are far smaller; a larger body is answered with 413."""
SLACK_SECONDS = 10.0
"""Slack gives up after 3 s and sends again; what takes longer than this hangs."""
READY_SECONDS = 3.0

_UNLESS_SAID = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
"""Headers of which a page may say otherwise for itself."""
_HEADERS = {"Server": "deskhand", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY"}
_SOCKET_MODE = "This bot receives its events by Socket Mode; empty SLACK_APP_TOKEN to receive them here."


def build_web(
    *,
    slack_endpoint: Handler | None,
    ready: Ready,
    details: Details = dict,
    pages: Iterable[web.AbstractRouteDef] = (),
    dashboard: web.Application | None = None,
) -> web.Application:
    """The application; without `slack_endpoint` (Socket Mode) `/slack/events` is a 404 that says why.

    `details` are told beside the checks of `/readyz`. `pages` and `dashboard` are for people and may say themselves
    what a browser may load for them.
    """
    app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[_plain_errors])
    app.on_response_prepare.append(_add_headers)
    app.router.add_get("/", _index)
    app.router.add_get("/healthz", _alive)
    app.router.add_get("/readyz", _readiness(ready, details))
    app.router.add_post("/slack/events", _in_time(slack_endpoint) if slack_endpoint else _no_endpoint)
    app.router.add_routes(pages)
    if dashboard is not None:
        app.add_subapp("/dashboard", dashboard)
    return app


async def _index(_: web.Request) -> web.StreamResponse:
    return web.Response(text="Deskhand, a customer-support agent for Slack. Health: /healthz, /readyz.\n")


async def _alive(_: web.Request) -> web.StreamResponse:
    return web.json_response({"status": "ok"})


async def _no_endpoint(_: web.Request) -> web.StreamResponse:
    raise web.HTTPNotFound(text=_SOCKET_MODE)


def _readiness(ready: Ready, details: Details) -> Handler:
    async def answer(_: web.Request) -> web.StreamResponse:
        checks: Mapping[str, bool] = {}
        try:
            async with asyncio.timeout(READY_SECONDS):
                checks = await ready()
        except Exception:
            logger.exception("web.ready_check_failed")
        good = bool(checks) and all(checks.values())
        body = {"status": "ready" if good else "not ready", "checks": dict(checks), **details()}
        return web.json_response(body, status=200 if good else 503)

    return answer


def _in_time(endpoint: Handler) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            async with asyncio.timeout(SLACK_SECONDS):
                return await endpoint(request)
        except TimeoutError as error:
            raise web.HTTPServiceUnavailable(text="This took too long; send it again.") from error

    return answer


@web.middleware
async def _plain_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every failure with one sentence of JSON; the traceback goes to the log."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:  # noqa: PLR2004 - a redirect is an answer
            raise
        headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
        return web.json_response({"error": error.text or error.reason}, status=error.status, headers=headers)
    except Exception:
        logger.exception("web.request_failed", extra={"fields": {"path": request.path}})
        return web.json_response({"error": "Something went wrong here; the log tells what."}, status=500)


async def _add_headers(_: web.Request, response: web.StreamResponse) -> None:
    for name, value in _UNLESS_SAID.items():
        response.headers.setdefault(name, value)
    response.headers.update(_HEADERS)
