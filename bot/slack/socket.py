"""Socket Mode: events over a WebSocket that we open, for places Slack cannot reach."""

import logging

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import TransientError
from bot.slack.web import call, is_local, quiet_logger

logger = logging.getLogger(__name__)


class SocketRunner:
    """Keeps the connection; reconnecting is the SDK's own work."""

    def __init__(self, app: AsyncApp, client: AsyncWebClient, app_token: str) -> None:
        self._app = app
        self._client = client
        self._app_token = app_token
        self._handler: AsyncSocketModeHandler | None = None

    async def start(self) -> None:
        """Connect, and return when connected.

        PermanentError when Slack refuses the token (the SDK would try for ever); while Slack is merely unreachable
        the SDK keeps trying, so this takes as long as that takes.
        """
        url = await self._first_url()
        self._handler = AsyncSocketModeHandler(
            self._app, self._app_token, logger=quiet_logger("bot.slack.socket_mode"), web_client=self._client
        )
        if is_local(self._client.base_url):
            self._handler.client.proxy = None
        self._handler.client.wss_uri = url
        await self._handler.connect_async()  # type: ignore[no-untyped-call] # Bolt's adapter has no annotations
        logger.info("slack.socket_open")

    async def close(self) -> None:
        """Hang up; what was not acknowledged by now Slack delivers again. Never raises."""
        handler, self._handler = self._handler, None
        if handler is None:
            return
        try:
            await handler.close_async()  # type: ignore[no-untyped-call] # as above
        except Exception as error:  # noqa: BLE001 - a connection that fails to close is closed enough
            logger.warning("slack.socket_close_failed", extra={"fields": {"error": type(error).__name__}})

    async def is_connected(self) -> bool:
        """Whether events can arrive right now."""
        return self._handler is not None and await self._handler.client.is_connected()

    async def _first_url(self) -> str | None:
        """Asked by ourselves, so that a wrong token is told instead of tried again and again."""
        try:
            answer = await call(self._client.apps_connections_open(app_token=self._app_token))
        except TransientError as error:
            logger.warning("slack.socket_waits", extra={"fields": {"reason": str(error)}})
            return None
        return str(answer["url"])
