"""Socket Mode: events over a WebSocket that we open, for places Slack cannot reach."""

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import ConnectionLostError, DeskhandError, PermanentError, TransientError
from bot.runtime.background import Background
from bot.slack.socket_link import SocketLink, open_link
from bot.slack.web import call, is_local

logger = logging.getLogger(__name__)

STEADY_SECONDS = 10.0
"""A connection that lasted so long was a good one; after others the pauses grow."""
_REPLACED = frozenset({"warning", "refresh_requested", "expired"})
"""Reasons for a new connection that are no trouble: Slack does this every few hours."""
_CROWDED = "too_many_websockets"
_REMEDIES = {
    _CROWDED: "Slack allows ten connections per app: run fewer processes, or use signed HTTP.",
    "link_disabled": "Socket Mode was switched off in the app's settings: switch it on, or use signed HTTP.",
}


@dataclass(frozen=True, slots=True)
class Patience:
    """How long what may take. All in seconds."""

    loss: float = 300.0
    """Without any connection: then the process should end."""
    first_pause: float = 0.5
    """Before the second attempt to connect; doubles with each, and half of every pause is chance."""
    longest_pause: float = 30.0
    crowded_pause: float = 10.0
    """After Slack told that there are too many connections."""
    heartbeat: float = 10.0
    """Silence after which we ping; half as long again without an answer, and the connection counts as lost."""
    hand_over: float = 10.0
    """How long a connection that Slack is about to close goes on beside its successor."""
    refusals: int = 3
    """Attempts in a row that Slack refused for good (a revoked token): then the process should end."""


class SocketRunner:
    """Keeps one connection; opens the next before Slack closes the last, and says so when Slack stays away."""

    def __init__(
        self,
        app: AsyncApp,
        client: AsyncWebClient,
        app_token: str,
        *,
        patience: Patience | None = None,
        give_up: Callable[[DeskhandError], None] = lambda _: None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`give_up` is told why no further attempt is made: ConnectionLostError, or PermanentError (refused)."""
        self._app = app
        self._client = client
        self._app_token = app_token
        self._patience = patience or Patience()
        self._give_up = give_up
        self._chance = chance
        self._session: aiohttp.ClientSession | None = None
        self._links: set[SocketLink] = set()
        self._task = Background("slack socket")
        self._lost_at: float | None = None
        self._failures = 0
        """Attempts, and connections that did not last, since one did."""
        self._closing = False
        self.trouble = ""
        """Why there is no connection, in words; empty while there is one."""

    async def start(self) -> None:
        """Connect, and return when connected; while Slack is away, return at once and go on trying.

        PermanentError when Slack refuses the token.
        """
        self._session = aiohttp.ClientSession()
        self._lost_at = _now()
        link = None
        try:
            link = await self._open()
        except TransientError as error:
            self._tell(str(error), again_in=self._patience.first_pause)
        except BaseException:
            await self.close()
            raise
        self._task.start(self._keep(link))

    async def close(self) -> None:
        """Hang up; what was not acknowledged by now Slack delivers again. Never raises."""
        self._closing = True
        await asyncio.gather(*(link.close() for link in self._links))
        await self._task.close()
        self._links.clear()
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def is_connected(self) -> bool:
        """Whether events can arrive right now."""
        return any(link.is_open for link in self._links)

    async def _keep(self, link: SocketLink | None) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                while link := link or await self._connected():
                    group.create_task(self._serve(link))
                    await self._until_leaving(link)
                    if link.is_open:
                        group.create_task(self._hand_over(link))
                    link = None
        except Exception:  # a bug; without events the process is of no use
            logger.exception("slack.socket_failed")
            self._end(ConnectionLostError("The connection to Slack failed unexpectedly; the log tells why."))

    async def _serve(self, link: SocketLink) -> None:
        try:
            await link.serve()
        finally:
            self._links.discard(link)

    async def _until_leaving(self, link: SocketLink) -> None:
        opened = _now()
        try:
            async with asyncio.timeout(link.lifetime):
                await link.leaving.wait()
        except TimeoutError:  # Slack forgot to replace it: perhaps it forgot all of it
            link.leave("expired")
        lasted = round(_now() - opened, 1)
        self._failures = 0 if lasted >= STEADY_SECONDS else self._failures + 1
        if self._closing or link.reason in _REPLACED:
            fields = {"reason": link.reason, "after_seconds": lasted}
            logger.info("slack.socket_replaced", extra={"fields": fields})
            if self._failures > 1 and not self._closing:  # this one goes on meanwhile
                await asyncio.sleep(self._pause(link.reason))
            return
        self._tell(link.reason, after_seconds=lasted)
        if link.reason in _REMEDIES:
            await link.close()
        await asyncio.sleep(self._pause(link.reason))

    async def _hand_over(self, link: SocketLink) -> None:
        """Let Slack send the rest of what it has begun to send here."""
        await asyncio.sleep(self._patience.hand_over)
        await link.close()

    async def _connected(self) -> SocketLink | None:
        """The next connection, however long it takes; None when it takes too long or is refused."""
        refusals = 0
        while not self._closing:
            self._lost_at = None if await self.is_connected() else self._lost_at or _now()
            try:
                return await self._open()
            except TransientError as error:
                refusals, reason, wish = 0, str(error), error.retry_after
            except PermanentError as error:
                refusals, reason, wish = refusals + 1, str(error), None
                if refusals >= self._patience.refusals:
                    self._end(error)
                    return None
            pause = max(wish or 0.0, self._pause(reason), self._patience.first_pause * refusals * 5)
            left = self._patience.loss - self._lost_for()
            if left <= 0:
                self._end(ConnectionLostError(f"No connection to Slack for {self._lost_for():.0f} s: {reason}."))
                return None
            self._failures += 1
            self._tell(reason, again_in=round(pause, 1))
            await asyncio.sleep(min(pause, left))
        return None

    async def _open(self) -> SocketLink:
        """One attempt."""
        assert self._session is not None  # noqa: S101 - start comes first
        url = (await call(self._client.apps_connections_open(app_token=self._app_token))).get("url")
        if not isinstance(url, str):
            raise TransientError("Slack's answer could not be read")
        proxy = None if is_local(self._client.base_url) else self._client.proxy
        ssl = True if self._client.ssl is None else self._client.ssl
        link = await open_link(self._app, self._session, url, heartbeat=self._patience.heartbeat, proxy=proxy, ssl=ssl)
        self._links.add(link)
        logger.info("slack.socket_open", extra={"fields": {"lost_seconds": round(self._lost_for(), 1)}})
        self._lost_at, self.trouble = None, ""
        return link

    def _pause(self, reason: str) -> float:
        longest = min(self._patience.longest_pause, self._patience.first_pause * 2.0 ** min(self._failures, 10))
        least = self._patience.crowded_pause if reason in _REMEDIES else 0.0
        return max(least, longest) * (0.5 + 0.5 * self._chance())

    def _lost_for(self) -> float:
        return 0.0 if self._lost_at is None else _now() - self._lost_at

    def _tell(self, reason: str, **fields: object) -> None:
        self.trouble = f"no connection to Slack ({reason}). {_REMEDIES.get(reason, '')}".strip()
        logger.warning("slack.socket_waits", extra={"fields": {"trouble": self.trouble, **fields}})

    def _end(self, error: DeskhandError) -> None:
        self.trouble = str(error)
        logger.critical("slack.socket_given_up", extra={"fields": {"reason": str(error)}})
        self._give_up(error)


def _now() -> float:
    return asyncio.get_running_loop().time()
