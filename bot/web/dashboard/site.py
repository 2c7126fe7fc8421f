"""The dashboard as an application of its own, to be put under `/dashboard`.

`pages/` answers, `gate.py` decides who gets to see it, `frame.py` draws what all pages share, `sign_in.py` lets people
in and out, `live.py` tells open pages that figures have changed, `charts.py` draws.
"""

import logging
from collections.abc import Iterable

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.web.dashboard.frame import FRAME, Frame, link, render
from bot.web.dashboard.gate import STATIC, Gate
from bot.web.dashboard.live import LiveEvents

logger = logging.getLogger(__name__)


def dashboard(gate: Gate, frame: Frame, live: LiveEvents, routes: Iterable[web.RouteDef]) -> web.Application:
    """The application; `routes` have paths inside the dashboard (`/tools`)."""
    routes = [*routes, *live.routes()]
    frame.pages = frozenset(route.path for route in routes)
    app = web.Application(middlewares=[_in_words, gate.guard])
    app[FRAME] = frame
    app.on_shutdown.append(live.close)
    app.router.add_get("", _with_slash)
    app.router.add_get(f"{STATIC}/{{name}}", frame.assets.serve)
    app.router.add_routes(routes)
    return app


async def _with_slash(_: web.Request) -> web.StreamResponse:
    raise web.HTTPSeeOther(link("/"))


@web.middleware
async def _in_words(request: web.Request, handler: Handler) -> web.StreamResponse:
    """People read these pages: whatever fails is told them like everything else, without its traceback."""
    try:
        return await handler(request)
    except web.HTTPNotFound:
        return render(request, "problem.html", status=404, title="There is no such page", words=_GONE)
    except web.HTTPException as error:
        if error.status < 400:  # noqa: PLR2004 - a redirect is an answer
            raise
        return render(request, "problem.html", status=error.status, title="That did not work", words=error.reason)
    except Exception:
        logger.exception("dashboard.page_failed", extra={"fields": {"page": _page_of(request)}})
        return render(request, "problem.html", status=500, title="Something went wrong", words=_FAILED)


def _page_of(request: web.Request) -> str:
    """`/dashboard/enter/{secret}`: which page it is, without what only its visitor may know."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else ""


_GONE = "What you looked for may have been deleted, or belongs to another workspace."
_FAILED = "It was our fault, and the log tells what happened. Try again in a minute."
