"""What the dashboard's lists want to know of Slack: names and links. A page does not wait long for them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping

from bot.desk.people import plain_name
from bot.domain.conversation import ThreadKey
from bot.domain.effects import Place
from bot.domain.errors import DeskhandError
from bot.domain.service import Service
from bot.ports.insight import ChannelNames
from bot.workspaces.office import Office
from bot.workspaces.registry import Registry

logger = logging.getLogger(__name__)

PATIENCE = 0.2
"""Seconds for all names of a page; those that come later are there the next time, because they are remembered."""
MOST = 40
"""Names asked for at once."""


class SlackAround:
    """ports.browsing.Around."""

    def __init__(self, registry: Registry, service: Service, channels: ChannelNames) -> None:
        """`service`: of home; other workspaces have the usual rules."""
        self._registry = registry
        self._service = service
        self._channels = channels

    async def people(self, team_id: str, user_ids: Collection[str]) -> Mapping[str, str]:
        office = await self._registry.of(team_id)
        if office is None:
            return {}

        async def name(user_id: str) -> str:
            return plain_name((await office.directory.person(user_id)).name)

        return await _in_time([one for one in user_ids if one[:1] in ("U", "W")], name)

    async def channels(self, team_id: str, channel_ids: Collection[str]) -> Mapping[str, str]:
        return await _in_time(channel_ids, lambda channel_id: self._channels.name(team_id, channel_id))

    async def link(self, conversation_id: str) -> str:
        key = ThreadKey.parse(conversation_id)
        office = await self._registry.of(key.team_id)
        if office is None:
            return ""
        found = await _in_time([conversation_id], lambda _: _link(office, key))
        return found.get(conversation_id, "")

    async def service(self, team_id: str) -> Service:
        office = await self._registry.of(team_id)
        return self._service if office is not None and office.ceiling is None else Service()


async def _link(office: Office, key: ThreadKey) -> str:
    return await office.directory.permalink(Place(key.team_id, key.channel_id, key.thread_ts))


async def _in_time(ids: Collection[str], ask: Callable[[str], Awaitable[str]]) -> Mapping[str, str]:
    """What was told in time. Whoever did not answer by then is left alone: a page is shown without a name."""
    found: dict[str, str] = {}

    async def one(about: str) -> None:
        try:
            found[about] = await ask(about)
        except DeskhandError as error:
            logger.info("dashboard.name_unknown", extra={"fields": {"error": type(error).__name__}})

    try:
        async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
            for about in list(ids)[:MOST]:
                group.create_task(one(about))
    except TimeoutError:
        pass
    return found
