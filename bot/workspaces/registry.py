"""Which office serves which workspace."""

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial

from bot.ports.clock import Clock
from bot.ports.installations import Installations
from bot.slack.identity import Identity
from bot.slack.workspace import Departure, Origin, Workspace
from bot.workspaces.office import Office, Offices
from bot.workspaces.tenancy import Tenancy

logger = logging.getLogger(__name__)

FRESH_SECONDS = 15.0
"""How long other processes may not notice a new installation, a change of settings, or that the app was removed."""
MOST_OFFICES = 500
"""Kept in memory; the one not needed for longest goes first."""


@dataclass(slots=True)
class _Kept:
    office: Office
    version: tuple[float, int, int]
    looked_at: float


class Registry:
    """The office of SLACK_BOT_TOKEN (`home`), and those of installed workspaces, set up when first needed."""

    def __init__(
        self,
        offices: Offices,
        *,
        clock: Clock,
        home: Office | None,
        tenancy: Tenancy | None,
    ) -> None:
        self._offices = offices
        self._clock = clock
        self._home = home
        self._tenancy = tenancy
        self._installations = tenancy.installations if tenancy else None
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._looking: dict[str, asyncio.Lock] = {}

    async def of(self, team_id: str) -> Office | None:
        """The office of a workspace; None when the app is not installed there."""
        if self._home is not None and self._home.me.team_id == team_id:
            return self._home
        if self._tenancy is None:
            return None
        kept = self._kept.get(team_id)
        if kept is not None and 0 <= self._clock() - kept.looked_at < FRESH_SECONDS:
            self._kept.move_to_end(team_id)
            return kept.office
        async with self._looking.setdefault(team_id, asyncio.Lock()):
            return await self._look(team_id, self._tenancy)

    async def has_left(self, team_id: str) -> bool:
        """Whether a workspace without an office had the app once; if not, this bot was started with a wrong token."""
        return self._installations is not None and await self._installations.settings(team_id) is not None

    async def find(self, origin: Origin) -> Workspace | None:
        """The workspace a request belongs to. Without installations whatever arrives is for `home`."""
        office = await self._find(origin)
        return Workspace(office.me, office.client, office.desk) if office else None

    async def leave(self, departure: Departure) -> None:
        """Forget the tokens, void what was to be sent, stop what runs; the data stays until it is due to be purged.

        For `home` the operator is told, and its work waits for a new SLACK_BOT_TOKEN: it may have been a mistake.
        """
        if self._home is not None and self._home.me.team_id == departure.team_id:
            remedy = "install the app anew and set SLACK_BOT_TOKEN"
            logger.error("workspace.home_left", extra={"fields": {"team": departure.team_id, "remedy": remedy}})
        if self._installations is None:
            return
        for team_id in await self._gone(self._installations, departure):
            logger.warning("workspace.left", extra={"fields": {"team": team_id}})
            self.forget(team_id)

    async def _gone(self, installations: Installations, departure: Departure) -> list[str]:
        now = self._clock()
        if departure.withdrawn:
            return await installations.withdraw(departure.enterprise_id, departure.withdrawn, at=now)
        key = (departure.enterprise_id, departure.team_id)
        return await installations.revoke(*key, at=now, before=departure.at or now)

    def forget(self, team_id: str) -> None:
        """Look the workspace up anew the next time."""
        self._kept.pop(team_id, None)

    async def _find(self, origin: Origin) -> Office | None:
        for team_id in origin.team_ids:
            if (office := await self.of(team_id)) is not None:
                return office
        if self._installations is None:
            return self._home
        if origin.enterprise_id and origin.team_ids:
            team_id = origin.team_ids[0]
            if await self._installations.join(origin.enterprise_id, team_id):
                self.forget(team_id)
                return await self.of(team_id)
        return None

    async def _look(self, team_id: str, tenancy: Tenancy) -> Office | None:
        kept = self._kept.get(team_id)
        now = self._clock()
        if kept is not None and 0 <= now - kept.looked_at < FRESH_SECONDS:
            return kept.office
        tenant = await tenancy.installations.tenant(team_id)
        if tenant is None:
            self.forget(team_id)
            self._looking.pop(team_id, None)
            return None
        if kept is None or kept.version != tenant.version:
            one = tenant.installation
            me = Identity(team_id, one.bot_id, one.bot_user_id, "", one.name)
            office = self._offices.open_guest(
                me, tenancy.client_for(tenant), tenant.settings, partial(tenancy.choose_channel, team_id)
            )
            kept = _Kept(office, tenant.version, now)
        kept.looked_at = now
        self._kept[team_id] = kept
        self._kept.move_to_end(team_id)
        while len(self._kept) > MOST_OFFICES:
            gone, _ = self._kept.popitem(last=False)
            self._looking.pop(gone, None)
        return kept.office
