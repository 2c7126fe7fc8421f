"""Sign in with Slack (OpenID Connect): the page on which a person signs in, the keys, and signed ID tokens."""

import secrets
from html import escape
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from bot.sandbox.backend import Args, Backend
from bot.sandbox.wire import Json, SlackError

WITHOUT_TOKEN = frozenset({"openid.connect.token"})


def token(backend: Backend, args: Args) -> Json:
    """openid.connect.token."""
    config = backend.config
    if args.text("client_id") != config.client_id:
        raise SlackError("invalid_client_id")
    if args.text("client_secret") != config.client_secret:
        raise SlackError("bad_client_secret")
    id_token = backend.signer.redeem(args.need("code", "invalid_code"), args.text("redirect_uri"))
    access = f"xoxp-{secrets.token_hex(12)}"
    return {"ok": True, "access_token": access, "token_type": "Bearer", "id_token": id_token, "state": ""}


class SignIn:
    """The pages a browser sees."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def routes(self) -> list[web.RouteDef]:
        """The routes, written out."""
        return [
            web.get("/openid/connect/authorize", self.ask),
            web.get("/openid/connect/answer", self.answer),
            web.get("/openid/connect/keys", self.keys),
        ]

    async def ask(self, request: web.Request) -> web.Response:
        """A link for each person one can be, and one to cancel."""
        query = dict(request.query)
        if query.get("client_id") != self._backend.config.client_id or query.get("response_type") != "code":
            return _page("<p>invalid_request</p>", status=400)
        people = [(one.id, one.real_name) for one in self._backend.config.company.people if one.role != "bot"]
        links = "".join(
            f'<li><a href="/openid/connect/answer?{escape(urlencode({**query, "user": user}))}">{escape(name)}</a></li>'
            for user, name in (*people, ("", "Cancel"))
        )
        return _page(f"<h1>Sign in as</h1><ul>{links}</ul>")

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Send the browser back to the app."""
        query = request.query
        target, user = query.get("redirect_uri", ""), query.get("user", "")
        if urlsplit(target).scheme not in ("http", "https"):
            return _page("<p>bad_redirect_uri</p>", status=400)
        given = {"state": query.get("state", "")}
        if user:
            given["code"] = self._backend.signer.signed_in(target, user, query.get("nonce", ""))
        else:
            given["error"] = "access_denied"
        raise web.HTTPFound(f"{target}?{urlencode(given)}")

    async def keys(self, _: web.Request) -> web.Response:
        """The public half of what signs."""
        return web.json_response(self._backend.signer.public_keys())


def _page(content: str, *, status: int = 200) -> web.Response:
    text = f'<!doctype html><html lang="en"><title>Slack (sandbox)</title><body>{content}</body></html>'
    return web.Response(text=text, status=status, content_type="text/html")
