"""`/slack/install` and `/slack/oauth_redirect`: two small pages on which an admin puts the app into a workspace."""

import logging
import re
import secrets
from collections.abc import Awaitable, Callable
from html import escape

from aiohttp import web

from bot.domain.errors import DeskhandError, TransientError
from bot.ports.clock import Clock
from bot.ports.installations import Installation, SignIns
from bot.slack.manifest import REDIRECT
from bot.slack.oauth import OAuth

logger = logging.getLogger(__name__)

INSTALL = "/slack/install"
SIGN_IN_SECONDS = 600
"""How long a person may take to consent."""
COOKIE = "deskhand_install"
_OURS = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
"""What `secrets.token_urlsafe(32)` gives; anything else in a cookie or an address is not from us."""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Welcome = Callable[[Installation], Awaitable[None]]
"""Takes a workspace in: stores the installation and tells the installer how to go on."""

_STYLE = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:12vh auto;padding:0 1.5rem;"
    "background:#fff;color:#1d1c1d}h1{font-size:1.6rem}"
    "button,a.button{font:inherit;font-weight:600;display:inline-block;padding:.7rem 1.2rem;border:0;"
    "border-radius:.4rem;background:#4a154b;color:#fff;text-decoration:none;cursor:pointer}"
    "button:focus-visible,a:focus-visible{outline:3px solid #1264a3;outline-offset:3px}"
    "@media(prefers-color-scheme:dark){body{background:#1a1d21;color:#e8e8e8}button,a.button{background:#e9d7ea;"
    "color:#3a0f3b}}"
)
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
}
_OFFER = (
    "<p>Deskhand answers your customers' questions in Slack from your help centre, shows what each answer cost, "
    "and hands over to your team whenever a person is needed.</p>"
    '<form method="post" action="{action}"><button type="submit">Add Deskhand to Slack</button></form>'
    "<p>Slack will ask you to confirm what it may read and write.</p>"
)
_DONE = (
    "<p>One step is left, in Slack: I have sent you a direct message. Until you choose a channel for your team, "
    "cases come to you there.</p><p>You can close this page.</p>"
)
_AGAIN = '<p><a class="button" href="{action}">Start again</a></p>'


class InstallPages:
    """Answers both addresses. Nothing is stored before somebody presses the button, nothing without consent."""

    def __init__(self, oauth: OAuth, sign_ins: SignIns, welcome: Welcome, clock: Clock, *, public_url: str) -> None:
        self._oauth = oauth
        self._sign_ins = sign_ins
        self._welcome = welcome
        self._clock = clock
        self._is_secure = public_url.startswith("https://")

    def routes(self) -> list[web.RouteDef]:
        """For the web application."""
        return [
            web.get(INSTALL, self.offer),
            web.post(INSTALL, _in_words(self.begin)),
            web.get(REDIRECT, _in_words(self.finish)),
        ]

    async def offer(self, _: web.Request) -> web.StreamResponse:
        """The page with the button."""
        return _page("Add Deskhand to your Slack workspace", _OFFER.format(action=INSTALL))

    async def begin(self, request: web.Request) -> web.StreamResponse:
        """Send the browser to Slack, with a state that is good once and for this browser only."""
        state, browser = secrets.token_urlsafe(32), _ours(request.cookies.get(COOKIE)) or secrets.token_urlsafe(32)
        now = self._clock()
        if not await self._sign_ins.begin(state, browser, at=now, until=now + SIGN_IN_SECONDS):
            return _problem("Too many installations are under way. Please try again in ten minutes.", 503)
        answer = web.Response(status=303, headers={"Location": self._oauth.consent_url(state)})
        answer.set_cookie(
            COOKIE, browser, max_age=SIGN_IN_SECONDS, path="/slack", httponly=True, secure=self._is_secure,
            samesite="Lax",
        )  # fmt: skip
        return answer

    async def finish(self, request: web.Request) -> web.StreamResponse:
        """Slack sent the browser back: with a code, or with the reason why there is none."""
        state, browser = _ours(request.query.get("state")), _ours(request.cookies.get(COOKIE))
        if not (state and browser and await self._sign_ins.take(state, browser, at=self._clock())):
            return _problem(
                "This link was used already, is older than ten minutes, or was opened in another browser "
                "than the one you started in. Nothing was installed.",
                400,
            )
        if request.query.get("error"):
            return _problem("Slack says that the installation was cancelled. Nothing was installed.", 400)
        if not (code := request.query.get("code", "")):
            return _problem("Slack sent no confirmation. Nothing was installed.", 400)
        return await self._install(code)

    async def _install(self, code: str) -> web.StreamResponse:
        try:
            installation = await self._oauth.exchange(code)
            await self._welcome(installation)
        except DeskhandError as error:
            logger.warning("install.failed", extra={"fields": {"error": str(error)}})
            if isinstance(error, TransientError):
                return _problem("Slack cannot be reached at the moment. Please try again in a minute.", 502)
            return _problem("Slack did not confirm the installation. Please start again.", 400)
        ids = {"team": installation.team_id, "enterprise": installation.enterprise_id}
        logger.info("workspace.installed", extra={"fields": ids})
        return _page(f"Deskhand is now in {installation.name or 'your workspace'}", _DONE)


def _ours(secret: str | None) -> str:
    return secret if secret is not None and _OURS.fullmatch(secret) else ""


def _in_words(handler: Handler) -> Handler:
    """People read these pages: troubles of our own are told them like all others."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except Exception:
            logger.exception("install.page_failed", extra={"fields": {"path": request.path}})
            return _problem("Something went wrong on our side. Please try again in a minute.", 500)

    return answer


def _problem(sentence: str, status: int) -> web.Response:
    content = f'<p role="alert">{escape(sentence)}</p>{_AGAIN.format(action=INSTALL)}'
    return _page("That did not work", content, status=status)


def _page(title: str, content: str, *, status: int = 200) -> web.Response:
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body><main><h1>{escape(title)}</h1>{content}</main></body></html>"
    )
    return web.Response(text=text, status=status, content_type="text/html", headers=_HEADERS)
