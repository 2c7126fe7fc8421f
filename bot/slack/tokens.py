"""The token of an installed workspace: kept for seconds, refreshed by one process for all."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from bot.domain.errors import DeskhandError, TransientError, WorkspaceLeftError
from bot.ports.clock import Clock
from bot.ports.installations import Installation, Installations
from bot.runtime.background import Errands

logger = logging.getLogger(__name__)

KEPT_SECONDS = 10.0
"""How long a token that another process replaced may still be used here; Slack honours it for longer."""
AHEAD_SECONDS = 1800.0
"""A token is refreshed so long before it expires."""
CLAIM_SECONDS = 20.0
"""One process has so long to refresh; then another may try."""
_LOOK_SECONDS = 0.2
_WAIT_SECONDS = 3.0
"""So long a call waits for a refresh of another process; then it fails, and is repeated by whoever repeats calls."""
_STORE_PAUSES = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds between attempts to store a new token: Slack tells it once."""

Refresh = Callable[[Installation], Awaitable[Installation]]
Sleep = Callable[[float], Awaitable[None]]


class InstalledTokens:
    """bot.slack.clients.Tokens of one workspace, from the database."""

    def __init__(
        self,
        team_id: str,
        installations: Installations,
        refresh: Refresh,
        clock: Clock,
        errands: Errands,
        *,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """`errands` carries a refresh through: the old refresh token is spent once Slack was asked."""
        self._team_id = team_id
        self._installations = installations
        self._refresh = refresh
        self._clock = clock
        self._errands = errands
        self._sleep = sleep
        self._known: tuple[float, Installation] | None = None

    async def current(self) -> str:
        """The token, refreshed when it expires soon. WorkspaceLeftError when the app is not installed any more."""
        one = await self._read()
        if _left(one, self._clock()) < AHEAD_SECONDS:
            one = await self._refreshed(one)
        return one.bot_token

    async def after(self, refused: str) -> str | None:
        """What another process has refreshed meanwhile, or a token refreshed now."""
        one = await self._read(anew=True)
        if one.bot_token != refused:
            return one.bot_token
        if not one.refresh_token:
            return None
        newer = await self._refreshed(one, refused=True)
        return newer.bot_token if newer.bot_token != refused else None

    async def _read(self, *, anew: bool = False) -> Installation:
        now = self._clock()
        if self._known is not None and not anew and 0 <= now - self._known[0] < KEPT_SECONDS:
            return self._known[1]
        try:
            tenant = await self._installations.tenant(self._team_id)
        except DeskhandError:
            raise
        except Exception as error:
            raise TransientError(f"the workspace's token cannot be read: {type(error).__name__}") from error
        if tenant is None:
            self._known = None
            raise WorkspaceLeftError("the app is not installed in this workspace any more")
        self._known = (now, tenant.installation)
        return tenant.installation

    async def _refreshed(self, old: Installation, *, refused: bool = False) -> Installation:
        """The installation with a new token. While the old one is good, nobody waits for somebody else's refresh."""
        until = self._clock() + _WAIT_SECONDS
        while (now := self._clock()) < until:
            is_good = not refused and _left(old, now) > 0
            if await self._installations.begin_refresh(old, at=now, until=now + CLAIM_SECONDS):
                return await self._errands.run(self._ask(old, is_good=is_good), f"refresh {self._team_id}")
            if is_good:
                return old
            await self._sleep(_LOOK_SECONDS)
            newer = await self._read(anew=True)
            if newer.version != old.version:
                return newer
        raise TransientError("the workspace's token is being refreshed by another process")

    async def _ask(self, old: Installation, *, is_good: bool) -> Installation:
        """A failure leaves the claim standing, so that the next attempt comes after a pause."""
        try:
            new = await self._refresh(old)
        except DeskhandError as error:
            fields = {"team": self._team_id, "error": str(error), "still_good": is_good}
            logger.error("slack.token_not_refreshed", extra={"fields": fields})  # noqa: TRY400 - Slack's own word says it
            if is_good:
                return old
            raise
        await self._store(new)
        logger.info("slack.token_refreshed", extra={"fields": {"team": self._team_id}})
        return await self._read(anew=True)

    async def _store(self, new: Installation) -> None:
        for pause in _STORE_PAUSES:
            try:
                return await self._installations.refreshed(new)
            except Exception as error:  # noqa: BLE001 - whatever the database suffers from, the token must not be lost
                fields = {"team": self._team_id, "error": type(error).__name__}
                logger.warning("slack.token_not_stored", extra={"fields": fields})
                await self._sleep(pause)
        return await self._installations.refreshed(new)


def _left(one: Installation, now: float) -> float:
    """Seconds until the token expires."""
    return float("inf") if one.expires_at is None or not one.refresh_token else one.expires_at - now
