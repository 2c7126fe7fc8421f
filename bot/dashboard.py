"""Puts the dashboard together: its pages, what they read, who may look, and where people sign in."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import cached_property

from aiohttp import web

from bot.config import Settings, SettingsError
from bot.domain.service import Service
from bot.domain.viewer import Viewer
from bot.ports.clock import Clock
from bot.ports.insight import Insight
from bot.runtime.rolling import FigureWorker
from bot.slack.identity import Identity
from bot.slack.manifest import SIGN_IN_REDIRECT
from bot.slack.oauth import Credentials
from bot.slack.openid import OpenId
from bot.slack.web import is_local, slack_client
from bot.store.store import SqlStore
from bot.web.dashboard.frame import Frame
from bot.web.dashboard.gate import LOOPBACK, Gate, Hosts, hostname
from bot.web.dashboard.invitations import Invitations
from bot.web.dashboard.live import LiveEvents
from bot.web.dashboard.pages import (
    budgets,
    conversation,
    conversations,
    escalations,
    knowledge,
    overview,
    prompts,
    tools,
)
from bot.web.dashboard.sign_in import SignInPages
from bot.web.dashboard.site import dashboard
from bot.web.dashboard.throttle import Throttle
from bot.workspaces.around import SlackAround
from bot.workspaces.looking import Looking
from bot.workspaces.registry import Registry
from bot.workspaces.tenancy import Lines

_EVERY_ADDRESS = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, not listened on


@dataclass(frozen=True)
class Dashboard:
    """What its pages are made from."""

    settings: Settings
    store: SqlStore
    registry: Registry
    lines: Lines
    service: Service
    """How long cases of home may wait."""
    clock: Clock
    me: Identity | None
    """In the workspace of SLACK_BOT_TOKEN."""
    is_open: bool = False
    """Whether nobody needs to sign in; only in the sandbox."""

    def start(self, stack: AsyncExitStack) -> web.Application:
        """Begin to keep the figures up to date; what is to be served under `/dashboard`."""
        passing = min(
            (days for days in (self.settings.keep_events_days, self.settings.keep_traces_days) if days), default=0
        )
        figures = FigureWorker(self.store.roller(self._looking.zone, self.clock, passing_days=passing))
        figures.start()
        stack.push_async_callback(figures.close)
        return self.application()

    def application(self) -> web.Application:
        """The pages alone."""
        open_to = everybody_here(self.settings, self.me) if self.is_open else None
        insight = self.store.insight(self._looking.zone, self.clock, self._looking.ceiling)
        hosts = Hosts(self.settings.public_url)
        gate = Gate(self.store.sessions, self._looking, insight, self.clock, hosts, open_to=open_to)
        live = LiveEvents(gate, insight)
        ways_in = SignInPages(
            gate, self.store.sessions, self.store.sign_ins, self._slack(), Throttle(self.clock), self.clock
        )
        frame = Frame(is_sandbox=self.is_open)
        return dashboard(gate, frame, live, [*ways_in.routes(), *self._pages(insight, live)])

    def _pages(self, insight: Insight, live: LiveEvents) -> Sequence[web.RouteDef]:
        around, clock = SlackAround(self.registry, self.service, self._looking), self.clock
        shelves = self.store.browsing(home=self.me.team_id if self.me else "")
        return [
            *overview.routes(insight, shelves.cases, around, clock),
            *conversations.routes(shelves.conversations, insight, around),
            *conversation.routes(shelves.conversations, around, live),
            *escalations.routes(shelves.cases, around, clock),
            *tools.routes(insight, shelves.breakers, clock),
            *knowledge.routes(shelves.knowledge, clock),
            *budgets.routes(shelves.budgets, around, clock),
            *prompts.routes(shelves.prompts, insight, shelves.evaluations, clock),
        ]

    @cached_property
    def _looking(self) -> Looking:
        return Looking(self.registry)

    def _slack(self) -> OpenId | None:
        """None without the app's own credentials and an address to come back to."""
        settings, secret = self.settings, self.settings.slack_client_secret.get_secret_value()
        if not (settings.slack_client_id and secret and settings.public_url):
            return None
        credentials = Credentials(settings.slack_client_id, secret, f"{settings.public_url}{SIGN_IN_REDIRECT}")
        client = slack_client("", self.lines.api_url, self.lines.session)
        return OpenId(client, self.lines.session, credentials, self.clock)


def invitations(store: SqlStore, clock: Clock) -> Invitations:
    """Links to the dashboard; until it is known where it is, there are none."""
    return Invitations(store.sessions, clock)


def everybody_here(settings: Settings, me: Identity | None) -> Viewer:
    """As whom everybody on this machine looks at the sandbox's dashboard; SettingsError for anything but a sandbox."""
    is_here = settings.http_host in LOOPBACK and is_local(settings.slack_api_url) and not settings.public_url
    if me is None or not is_here:
        raise SettingsError(["HTTP_HOST: only the sandbox's dashboard is open to everybody, and only on this machine."])
    return Viewer(me.team_id, min(settings.admins, default=""), "Sandbox", is_admin=True)


def address_of(settings: Settings, url: str) -> str:
    """Where browsers reach the dashboard's host; empty when nobody knows. `url`: that of our own server."""
    if settings.public_url:
        return settings.public_url
    if settings.http_host in _EVERY_ADDRESS:
        return f"http://127.0.0.1:{url.rpartition(':')[2]}"
    return url if hostname(url.partition("://")[2]) in LOOPBACK else ""
