"""Lets people in and out: by Slack, or by a link that Slack showed to nobody else.

Who signs in by Slack begins here with a secret in a cookie; the state of the sign-in is good once, and only with that
cookie, and so is the nonce in Slack's answer. A link is good once, for five minutes, and only its button uses it up:
whatever looks at links in messages (previews, scanners) opens pages and presses nothing. Either way ends in a session
of twelve hours, and only for somebody who may look right now.
"""

import logging
import secrets
from dataclasses import dataclass

from aiohttp import web

from bot.domain.errors import DeskhandError, TransientError
from bot.ports.clock import Clock
from bot.ports.insight import Sessions, SlackSignIn
from bot.ports.installations import SignIns
from bot.web.dashboard.cookies import SESSION, SIGNING_IN, derived, ours
from bot.web.dashboard.frame import link, render
from bot.web.dashboard.gate import ENTER, SIGN_IN, Gate
from bot.web.dashboard.throttle import Throttle

logger = logging.getLogger(__name__)

SESSION_SECONDS = 12 * 3600.0
SIGN_IN_SECONDS = 600.0
LINK_SECONDS = 300.0


@dataclass(frozen=True)
class SignInPages:
    """Answers everything that is open to everybody, and signs out."""

    gate: Gate
    sessions: Sessions
    states: SignIns
    slack: SlackSignIn | None
    """None: only links let people in."""
    throttle: Throttle
    clock: Clock

    def routes(self) -> list[web.RouteDef]:
        """For the dashboard."""
        return [
            web.get(SIGN_IN, self.offer),
            web.post(SIGN_IN, self.begin),
            web.get(f"{SIGN_IN}/slack", self.finish),
            web.get(f"{ENTER}/{{secret}}", self.show_link),
            web.post(f"{ENTER}/{{secret}}", self.enter),
            web.post("/sign-out", self.sign_out),
        ]

    async def offer(self, request: web.Request) -> web.StreamResponse:
        """The page with the button."""
        if await self.gate.whoever_looks(request) is not None:
            raise web.HTTPSeeOther(link("/"))
        return self._offer(request)

    async def begin(self, request: web.Request) -> web.StreamResponse:
        """Send the browser to Slack."""
        if self.slack is None:
            raise web.HTTPNotFound
        if not self.throttle.admits(request.remote or ""):
            return self._offer(request, problem=_TOO_OFTEN, status=429)
        state, browser = secrets.token_urlsafe(32), SIGNING_IN.read(request) or secrets.token_urlsafe(32)
        now = self.clock()
        if not await self.states.begin(state, browser, at=now, until=now + SIGN_IN_SECONDS):
            return self._offer(request, problem=_TOO_OFTEN, status=503)
        answer = web.Response(status=303, headers={"Location": self.slack.address(state, _nonce(browser, state))})
        SIGNING_IN.write(request, answer, browser, SIGN_IN_SECONDS)
        return answer

    async def finish(self, request: web.Request) -> web.StreamResponse:
        """Slack sent the browser back."""
        if self.slack is None:
            raise web.HTTPNotFound
        if not self.throttle.admits(request.remote or ""):
            return self._offer(request, problem=_TOO_OFTEN, status=429)
        state, browser = ours(request.query.get("state")), SIGNING_IN.read(request)
        if not (state and browser and await self.states.take(state, browser, at=self.clock())):
            return self._offer(request, problem=_OLD_STATE, status=400)
        if not (code := request.query.get("code", "")):
            return self._offer(request, problem=_CANCELLED, status=400)
        try:
            team_id, user_id = await self.slack.who(code, _nonce(browser, state))
        except DeskhandError as error:
            logger.warning("dashboard.sign_in_failed", extra={"fields": {"error": str(error)}})
            is_passing = isinstance(error, TransientError)
            return self._offer(request, problem=_SLACK_AWAY if is_passing else _NOT_CONFIRMED, status=502)
        return await self._let_in(request, team_id, user_id, by="slack")

    async def show_link(self, request: web.Request) -> web.StreamResponse:
        """For whom a link is, and the button that uses it up."""
        secret = ours(request.match_info["secret"])
        whose = await self.sessions.peek(secret, at=self.clock()) if secret else None
        viewer = await self.gate.person(*whose) if whose else None
        if viewer is None:
            return self._offer(request, problem=_OLD_LINK, status=410)
        return render(request, "enter.html", whose=viewer.name, address=link(f"{ENTER}/{secret}"))

    async def enter(self, request: web.Request) -> web.StreamResponse:
        """The button was pressed."""
        secret = ours(request.match_info["secret"])
        is_good = bool(secret) and await self.sessions.peek(secret, at=self.clock()) is not None
        if not is_good and not self.throttle.admits(request.remote or ""):  # a good link works whoever else tries
            return self._offer(request, problem=_TOO_OFTEN, status=429)
        whose = await self.sessions.redeem(secret, at=self.clock()) if is_good else None
        if whose is None:
            return self._offer(request, problem=_OLD_LINK, status=410)
        return await self._let_in(request, *whose, by="link")

    async def sign_out(self, request: web.Request) -> web.StreamResponse:
        """End the session of this browser."""
        await self.sessions.end(SESSION.read(request))
        answer = web.Response(status=303, headers={"Location": link(SIGN_IN), "Clear-Site-Data": '"cache"'})
        SESSION.forget(request, answer)
        return answer

    async def _let_in(self, request: web.Request, team_id: str, user_id: str, *, by: str) -> web.StreamResponse:
        viewer = await self.gate.person(team_id, user_id)
        if viewer is None:
            logger.warning("dashboard.refused", extra={"fields": {"team": team_id, "user": user_id, "by": by}})
            return self._offer(request, problem=_NO_STAFF, status=403)
        secret, now = secrets.token_urlsafe(32), self.clock()
        if old := SESSION.read(request):
            await self.sessions.end(old)
        await self.sessions.begin(secret, team_id, user_id, at=now, until=now + SESSION_SECONDS)
        logger.info("dashboard.signed_in", extra={"fields": {"team": team_id, "user": user_id, "by": by}})
        answer = web.Response(status=303, headers={"Location": link("/")})
        SESSION.write(request, answer, secret, SESSION_SECONDS)
        SIGNING_IN.forget(request, answer)
        return answer

    def _offer(self, request: web.Request, *, problem: str = "", status: int = 200) -> web.Response:
        form = f"'self' {self.slack.origin}" if self.slack else "'self'"  # the form's answer leads on to Slack
        return render(
            request, "sign_in.html", status=status, form=form, problem=problem, by_slack=self.slack is not None
        )


_TOO_OFTEN = "Too many people are signing in at the moment. Please try again in a minute."
_OLD_STATE = (
    "This sign-in was finished already, is older than ten minutes, or began in another browser. Please begin again."
)
_CANCELLED = "Slack says that the sign-in was cancelled."
_SLACK_AWAY = "Slack cannot be reached at the moment. Please try again in a minute."
_NOT_CONFIRMED = "Slack did not confirm who you are. Please begin again."
_OLD_LINK = "This link was used already, or is older than five minutes. Type /agent-budget in Slack to get a new one."
_NO_STAFF = (
    "You are not a member of the staff channel, nor an admin, or Slack does not tell at the moment. "
    "If you should be, try again in a minute."
)


def _nonce(browser: str, state: str) -> str:
    return derived(browser, f"nonce:{state}")
