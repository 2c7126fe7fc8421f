"""Slack's consent page, and the Web API methods of OAuth."""

from html import escape
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from bot.sandbox.backend import Args, Backend
from bot.sandbox.records import Change
from bot.sandbox.wire import Json

WITHOUT_TOKEN = frozenset({"oauth.v2.access"})


def access(backend: Backend, args: Args) -> Json:
    """oauth.v2.access, for a code or a refresh token."""
    app = (args.text("client_id"), args.text("client_secret"))
    if args.text("grant_type") == "refresh_token":
        return backend.grants.refresh(*app, args.need("refresh_token"))
    return backend.grants.exchange(*app, args.need("code", "invalid_code"), args.text("redirect_uri"))


def uninstall(backend: Backend, _args: Args) -> Json:
    """apps.uninstall."""
    remove_app(backend)
    return {"ok": True}


def revoke(backend: Backend, _args: Args) -> Json:
    """auth.revoke."""
    remove_app(backend)
    return {"ok": True, "revoked": True}


def remove_app(backend: Backend) -> None:
    """As an admin does: no token is good any more, and the app is told."""
    backend.grants.revoke()
    backend.workspace.emit(Change("uninstalled"))


class Consent:
    """The page on which a person allows the app what it asks for."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def routes(self) -> list[web.RouteDef]:
        """The routes, written out."""
        return [web.get("/oauth/v2/authorize", self.ask), web.get("/oauth/v2/answer", self.answer)]

    async def ask(self, request: web.Request) -> web.Response:
        """Two links: Allow and Cancel."""
        query = dict(request.query)
        if query.get("client_id") != self._backend.config.client_id:
            return _page("<p>Unknown client_id.</p>", status=400)
        links = "".join(
            f'<p><a href="/oauth/v2/answer?{escape(urlencode({**query, "allow": allow}))}">{name}</a></p>'
            for name, allow in (("Allow", "1"), ("Cancel", ""))
        )
        company = self._backend.config.company
        asked = "".join(f"<li>{escape(scope)}</li>" for scope in query.get("scope", "").split(","))
        title = f"{escape(company.app.real_name)} wants to enter {escape(company.team.name)}"
        return _page(f"<h1>{title}</h1><ul>{asked}</ul>{links}")

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Send the browser back to the app."""
        query = request.query
        target = query.get("redirect_uri", "")
        if urlsplit(target).scheme not in ("http", "https"):
            return _page("<p>bad_redirect_uri</p>", status=400)
        given = {"state": query.get("state", "")}
        if query.get("allow"):
            given["code"] = self._backend.grants.consent(target, query.get("user") or self._admin())
        else:
            given["error"] = "access_denied"
        raise web.HTTPFound(f"{target}?{urlencode(given)}")

    def _admin(self) -> str:
        return next(person.id for person in self._backend.config.company.people if person.role == "admin")


def _page(content: str, *, status: int = 200) -> web.Response:
    text = f'<!doctype html><html lang="en"><title>Slack (sandbox)</title><body>{content}</body></html>'
    return web.Response(text=text, status=status, content_type="text/html")
