"""/metrics for Prometheus: figures about the work, and nothing about a customer.

Whoever has METRICS_TOKEN may read them. Without a token only programs on this machine may: the page is not there when
the server listens for others as well, or is reached by others through a proxy, nor for a request that shows that it
came through one or was not meant for this machine (a browser here may be lent to a page from elsewhere).
"""

import hmac
from collections.abc import Callable, Sequence
from ipaddress import ip_address

from aiohttp import web

from bot.web.dashboard.gate import hostname

Page = Callable[[str], tuple[bytes, str]]
"""What is accepted → the page and its content type."""
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Via")
_HIDDEN = "There are figures here for this machine alone; set METRICS_TOKEN to let others read them."


def metrics_routes(page: Page, *, token: str, is_local: bool) -> Sequence[web.AbstractRouteDef]:
    """`is_local`: the server listens for this machine alone."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if token:
            given = request.headers.get("Authorization", "").encode(errors="surrogateescape")
            if not hmac.compare_digest(given, f"Bearer {token}".encode()):
                raise web.HTTPUnauthorized(text="Say the bearer token in METRICS_TOKEN.")
        elif not (is_local and _is_from_here(request)):
            raise web.HTTPNotFound(text=_HIDDEN)
        body, content_type = page(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    return [web.get("/metrics", answer)]


def is_loopback(host: str) -> bool:
    """Whether a name or an address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _is_from_here(request: web.Request) -> bool:
    return is_loopback(hostname(request.host)) and not any(name in request.headers for name in _FORWARDED)
