"""Who gets to see a page: asked before every one of them, and in doubt nobody does.

1. Only under names that are ours: loopback, and the host of PUBLIC_URL. A page elsewhere cannot get at us by a name of
   its own that it lets point here (DNS rebinding).
2. Only somebody with a session, who still is staff or admin: asked again every two minutes. What Slack does not tell
   counts as no. Which pages are open to everybody (those to sign in by) is written out; all others are not.
3. What changes something is a POST from one of our own pages, with the secret that page was given.
"""

import logging
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.domain.viewer import Viewer
from bot.ports.clock import Clock
from bot.ports.insight import Insight, Sessions, Viewers
from bot.web.dashboard.cookies import HTTPS, SESSION, derived, same
from bot.web.dashboard.frame import CSRF, PREFIX, VIEWER, ZONE, link, render

logger = logging.getLogger(__name__)

RECHECK_SECONDS = 120.0
"""How long somebody may go on looking who is not staff any more."""
DENIED_SECONDS = 10.0
"""How long a no stands."""
_KNOWN = 5_000
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
SIGN_IN, ENTER, STATIC = "/sign-in", "/enter", "/static"
_OPEN = tuple(f"{PREFIX}{path}" for path in (SIGN_IN, ENTER, STATIC))
"""Pages for everybody, with whatever follows their path."""
_SAFE = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Hosts:
    """Under which names browsers reach us."""

    public_url: str = ""

    def admits(self, request: web.Request) -> bool:
        """Whether a request came under one of them."""
        return hostname(request.host) in LOOPBACK or self.is_public(request)

    def is_public(self, request: web.Request) -> bool:
        """Whether it came under that of PUBLIC_URL."""
        return bool(self.public_url) and request.host.lower() == urlsplit(self.public_url).netloc.lower()

    def is_https(self, request: web.Request) -> bool:
        """Whether the browser came by https."""
        return self.is_public(request) and self.public_url.startswith("https://")


class Gate:
    """Middleware of the dashboard."""

    def __init__(
        self,
        sessions: Sessions,
        viewers: Viewers,
        insight: Insight,
        clock: Clock,
        hosts: Hosts,
        *,
        open_to: Viewer | None = None,
    ) -> None:
        """`open_to`: as whom everybody on this machine looks. Only the sandbox gives one."""
        self._sessions = sessions
        self._viewers = viewers
        self._insight = insight
        self._clock = clock
        self.hosts = hosts
        self._open_to = open_to
        self._own_secret = secrets.token_urlsafe(32)
        self._known: OrderedDict[tuple[str, str], tuple[float, Viewer | None]] = OrderedDict()

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """For the application."""
        if not self.hosts.admits(request) or (self._open_to and hostname(request.host) not in LOOPBACK):
            return web.Response(status=421, text="The dashboard does not answer under this name.")
        if "%00" in request.raw_path:  # nothing we keep holds this character, and PostgreSQL fails when it is asked
            raise web.HTTPNotFound
        request[HTTPS] = self.hosts.is_https(request)
        if request.method not in _SAFE and not _is_from_our_page(request, self.hosts):
            return render(request, "problem.html", status=403, title="Not from here", words=_FOREIGN)
        if is_open(request.path):
            return await handler(request)
        viewer = await self.whoever_looks(request)
        if viewer is None:
            return await self._to_the_sign_in(request)
        if request.method not in _SAFE and not await self._has_token(request):
            return render(request, "problem.html", status=403, title="This page was too old", words=_STALE)
        return await handler(request)

    async def whoever_looks(self, request: web.Request) -> Viewer | None:
        """Who looks, noted with what the page needs; None when they may not."""
        if self._open_to is not None:
            viewer: Viewer | None = self._open_to
            secret = self._own_secret
        else:
            secret = SESSION.read(request)
            viewer = await self.of_session(secret)
        if viewer is not None:
            request[VIEWER], request[CSRF] = viewer, derived(secret, "csrf")
            request[ZONE] = await self._insight.zone(viewer.team_id)
        return viewer

    async def of_session(self, secret: str) -> Viewer | None:
        """Whose session it is, if they may look; for those who come back to ask while a page stays open."""
        if self._open_to is not None:
            return self._open_to
        whose = await self._sessions.find(secret, at=self._clock()) if secret else None
        return await self.person(*whose) if whose else None

    async def person(self, team_id: str, user_id: str) -> Viewer | None:
        """Somebody who may look; None when they may not, or nobody knows."""
        now = self._clock()
        known = self._known.get((team_id, user_id))
        if known is not None and 0 <= now - known[0] < (RECHECK_SECONDS if known[1] else DENIED_SECONDS):
            return known[1]
        viewer = await self._viewers.viewer(team_id, user_id)
        self._known[team_id, user_id] = (now, viewer)
        self._known.move_to_end((team_id, user_id))
        while len(self._known) > _KNOWN:
            self._known.popitem(last=False)
        return viewer

    async def _to_the_sign_in(self, request: web.Request) -> web.StreamResponse:
        if SESSION.read(request) and await self._sessions.find(SESSION.read(request), at=self._clock()):
            return render(request, "problem.html", status=403, title="For staff only", words=_NO_STAFF)
        if request.headers.get("Accept", "").startswith("text/event-stream"):
            raise web.HTTPForbidden
        raise web.HTTPSeeOther(link(SIGN_IN))

    @staticmethod
    async def _has_token(request: web.Request) -> bool:
        given = (await request.post()).get("csrf")
        return isinstance(given, str) and same(given, request[CSRF])


_FOREIGN = "This form was sent from another site. Nothing was changed."
_STALE = "Nothing was changed. Load the page again and repeat what you did."
_NO_STAFF = (
    "You are signed in, but you are not (or no longer) a member of the staff channel or an admin, or Slack does not "
    "tell at the moment. If you should be, try again in a minute."
)


def is_open(path: str) -> bool:
    """Whether a page is for everybody."""
    return any(path == one or path.startswith(f"{one}/") for one in _OPEN)


def hostname(host: str) -> str:
    """The name in a Host header."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_from_our_page(request: web.Request, hosts: Hosts) -> bool:
    """By what browsers say of themselves; one that says nothing at all is not let in."""
    scheme = "https" if hosts.is_https(request) else "http"
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    return request.headers.get("Origin", "") == f"{scheme}://{request.host}" and site == "same-origin"
