"""What the dashboard asks about each workspace: who may look, and whose days and limits count.

A workspace without an office has nobody who may look.
"""

from datetime import UTC, tzinfo
from weakref import WeakKeyDictionary

from slack_sdk.web.async_client import AsyncWebClient

from bot.desk.people import plain_name
from bot.domain.budget import Limit
from bot.domain.errors import DeskhandError
from bot.domain.viewer import Viewer
from bot.slack.channels import SlackChannels
from bot.workspaces.registry import Registry


class Looking:
    """ports.insight.Viewers and ChannelNames; zones and ceilings for the figures."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._channels: WeakKeyDictionary[AsyncWebClient, SlackChannels] = WeakKeyDictionary()

    async def viewer(self, team_id: str, user_id: str) -> Viewer | None:
        """Members of the staff channel, and admins who are still there; never guests, outsiders or bots."""
        office = await self._registry.of(team_id)
        if office is None:
            return None
        people = office.desk.people
        is_admin = people.is_admin(team_id, user_id)
        try:
            person = await office.directory.person(user_id)
        except DeskhandError:
            return None
        if person.is_bot or person.is_guest:
            return None
        if not is_admin and await people.why_not_staff(team_id, user_id) is not None:
            return None
        return Viewer(team_id, user_id, plain_name(person.name), is_admin)

    async def zone(self, team_id: str) -> tzinfo:
        """UTC for a workspace that is there no more."""
        office = await self._registry.of(team_id)
        return office.zone if office else UTC

    async def ceiling(self, team_id: str) -> Limit | None:
        """What its admins cannot raise."""
        office = await self._registry.of(team_id)
        return office.ceiling if office else None

    async def name(self, team_id: str, channel_id: str) -> str:
        """Of a channel; asked of Slack seldom."""
        office = await self._registry.of(team_id)
        if office is None:
            return channel_id
        channels = self._channels.setdefault(office.client, SlackChannels(office.client))
        return await channels.name(channel_id)
