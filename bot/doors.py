"""The doors of a running bot: Slack's socket or signed requests, pages for browsers, and what health checks ask."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

from aiohttp import web
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.agent.breakers import ModelBreakers
from bot.config import Settings, SettingsError
from bot.domain.errors import DeskhandError, PermanentError
from bot.runtime.monitor import Monitor
from bot.slack.http import SlackEndpoint
from bot.slack.listeners.app import build_app
from bot.slack.socket import Patience, SocketRunner
from bot.store.store import SqlStore
from bot.web.application import build_web
from bot.web.server import WebServer
from bot.workspaces.registry import Registry
from bot.workspaces.tenancy import Tenancy

GiveUp = Callable[[DeskhandError], None]
"""Told why the process should end."""


@dataclass(frozen=True, slots=True)
class BotAddress:
    """Where a running bot is reached."""

    url: str
    """Of its own HTTP server."""
    socket_mode: bool

    @property
    def dashboard(self) -> str:
        """Where people of this machine look at it."""
        return f"{self.url}/dashboard/"


@dataclass(frozen=True)
class WaysIn:
    """What may come from outside, and who takes it."""

    app: AsyncApp
    client: AsyncWebClient
    """Without a token."""
    pages: Sequence[web.AbstractRouteDef]
    """For browsers."""
    dashboard: web.Application | None = None

    @classmethod
    def of(cls, settings: Settings, registry: Registry, tenancy: Tenancy | None, client: AsyncWebClient) -> "WaysIn":
        """Listeners and pages for the workspaces there are."""
        secret = settings.slack_signing_secret.get_secret_value()
        app = build_app(signing_secret=secret, client=client, workspaces=registry)
        return cls(app, client, tenancy.pages(settings.public_url, registry.forget).routes() if tenancy else [])

    def also(self, pages: Sequence[web.AbstractRouteDef], dashboard: web.Application) -> "WaysIn":
        """The same with more pages."""
        return replace(self, pages=[*self.pages, *pages], dashboard=dashboard)


@dataclass(frozen=True, slots=True)
class Vitals:
    """What /readyz asks beside Slack."""

    store: SqlStore
    monitor: Monitor
    breakers: ModelBreakers

    def details(self) -> Mapping[str, object]:
        """What else there is to tell of this process."""
        return {**self.monitor.details(), "models_left_alone": self.breakers.left_alone()}

    async def database_answers(self) -> bool:
        """True, or an exception."""
        async with self.store.read() as tx:
            await tx.conversations.get("")  # cheap, however much there is
        return True


async def open_doors(
    settings: Settings,
    stack: AsyncExitStack,
    ways_in: WaysIn,
    vitals: Vitals,
    stop: asyncio.Event,
    give_up: GiveUp,
) -> BotAddress:
    """Let events in: by Socket Mode, or at our own HTTP endpoint."""
    secret, app_token = settings.slack_signing_secret.get_secret_value(), settings.slack_app_token.get_secret_value()
    patience = Patience(loss=settings.socket_loss_seconds)
    socket = (
        SocketRunner(ways_in.app, ways_in.client, app_token, patience=patience, give_up=give_up)
        if settings.socket_mode
        else None
    )
    endpoint = None if socket else SlackEndpoint(ways_in.app, secret).handle

    async def checks() -> Mapping[str, bool]:
        connected = socket is None or await socket.is_connected()
        accepting = vitals.monitor.is_accepting and not stop.is_set()
        return {"database": await vitals.database_answers(), "slack": connected, "accepting": accepting}

    def details() -> Mapping[str, object]:
        return {**vitals.details(), "slack_trouble": socket.trouble if socket else ""}

    site = build_web(
        slack_endpoint=endpoint, ready=checks, details=details, pages=ways_in.pages, dashboard=ways_in.dashboard
    )
    server = WebServer(site, host=settings.http_host, port=settings.http_port)
    await server.start()
    stack.push_async_callback(server.close)
    if socket is not None:
        stack.push_async_callback(socket.close)
        try:
            await socket.start()
        except PermanentError as error:
            raise app_token_error(error) from error
    return BotAddress(server.url, settings.socket_mode)


def app_token_error(error: DeskhandError) -> SettingsError:
    """Slack refuses the app token."""
    return SettingsError([f"SLACK_APP_TOKEN: {error}. Create one with the scope connections:write."])
