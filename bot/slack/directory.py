"""Who people are and where they belong, as Slack tells it."""

import asyncio
import logging

from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.effects import Place
from bot.domain.errors import MembershipUnknownError, PermanentError, TransientError
from bot.domain.language import code_of
from bot.ports.clock import Clock, system_clock
from bot.ports.slack import Person
from bot.slack.cache import TtlCache
from bot.slack.reading import first, obj, word
from bot.slack.web import SlackRefusalError, call

logger = logging.getLogger(__name__)

PROFILE_SECONDS = 600.0
MEMBERSHIP_SECONDS = 60.0
LINK_SECONDS = 86_400.0
_PAGE = 200
_MOST_PAGES = 100
_GUEST = ("is_restricted", "is_ultra_restricted", "is_stranger", "deleted")
"""Whoever has left counts no more than a guest."""
_UNKNOWN = frozenset({"user_not_found", "users_not_found", "user_not_visible"})


class SlackDirectory:
    """Implements `bot.ports.slack.Directory` with users.info, conversations.members, usergroups.users.list and
    chat.getPermalink."""

    def __init__(self, client: AsyncWebClient, *, clock: Clock = system_clock) -> None:
        self._client = client
        self._profiles: TtlCache[str, Person] = TtlCache(clock, seconds=PROFILE_SECONDS, size=5_000)
        self._members: TtlCache[str, frozenset[str]] = TtlCache(clock, seconds=MEMBERSHIP_SECONDS, size=200)
        self._groups: TtlCache[str, frozenset[str]] = TtlCache(clock, seconds=MEMBERSHIP_SECONDS, size=200)
        self._links: TtlCache[tuple[str, str], str] = TtlCache(clock, seconds=LINK_SECONDS, size=5_000)
        self._reading = asyncio.Lock()

    async def person(self, user_id: str) -> Person:
        known = self._profiles.get(user_id)
        if known is None:
            known = await self._ask_person(user_id)
            self._profiles.put(user_id, known)
        return known

    async def is_member(self, channel_id: str, user_id: str) -> bool:
        members = self._members.get(channel_id)
        if members is None:
            async with self._reading:  # the second of two who ask at once finds the answer here
                members = self._members.get(channel_id)
                if members is None:
                    members = await self._ask_members(channel_id)
                    self._members.put(channel_id, members)
        return user_id in members

    async def in_group(self, group_id: str, user_id: str) -> bool:
        members = self._groups.get(group_id)
        if members is None:
            members = await self._ask_group(group_id)
            self._groups.put(group_id, members)
        return user_id in members

    async def permalink(self, place: Place) -> str:
        if not place.thread_ts:
            return ""
        key = (place.channel_id, place.thread_ts)
        known = self._links.get(key)
        if known is None:
            known = await self._ask_link(*key)
            if known:
                self._links.put(key, known)
        return known

    async def _ask_person(self, user_id: str) -> Person:
        try:
            user = obj((await call(self._client.users_info(user=user_id, include_locale=True))).get("user"))
        except SlackRefusalError as error:
            if error.error in _UNKNOWN:  # the author of a webhook has a bot id only
                return Person(user_id, "", "another bot" if user_id.startswith("B") else "somebody", None, is_bot=True)
            raise
        profile = obj(user.get("profile"))
        name = first(profile.get("real_name"), user.get("real_name"), profile.get("display_name"), user.get("name"))
        return Person(
            user_id=user_id,
            team_id=first(user.get("team_id"), profile.get("team")),
            name=name or "somebody",
            email=word(profile.get("email")).strip().lower() or None,
            is_bot=user.get("is_bot") is True,
            is_guest=any(user.get(name) is True for name in _GUEST),
            picture=first(profile.get("image_192"), profile.get("image_72"), profile.get("image_48")),
            language=code_of(word(user.get("locale"))),
        )

    async def _ask_members(self, channel_id: str) -> frozenset[str]:
        """Every member; half a list would shut people out, so it counts as none."""
        members: set[str] = set()
        cursor = ""
        try:
            for _ in range(_MOST_PAGES):
                waiting = self._client.conversations_members(channel=channel_id, limit=_PAGE, cursor=cursor or None)
                answer = await call(waiting)
                members.update(map(str, answer["members"]))
                cursor = word(obj(answer.get("response_metadata")).get("next_cursor"))
                if not cursor:
                    return frozenset(members)
        except (TransientError, PermanentError, KeyError, TypeError) as error:
            logger.warning("slack.members_unknown", extra={"fields": {"channel": channel_id, "error": str(error)}})
            raise MembershipUnknownError(f"Slack did not tell who is in {channel_id}") from error
        raise MembershipUnknownError(f"{channel_id} has too many members to read")

    async def _ask_group(self, group_id: str) -> frozenset[str]:
        try:
            answer = await call(self._client.usergroups_users_list(usergroup=group_id))
            return frozenset(map(str, answer["users"]))
        except (TransientError, PermanentError, KeyError, TypeError) as error:
            logger.warning("slack.group_unknown", extra={"fields": {"group": group_id, "error": str(error)}})
            raise MembershipUnknownError(f"Slack did not tell who is in the user group {group_id}") from error

    async def _ask_link(self, channel_id: str, ts: str) -> str:
        try:
            answer = await call(self._client.chat_getPermalink(channel=channel_id, message_ts=ts))
        except (TransientError, PermanentError) as error:
            logger.warning("slack.no_permalink", extra={"fields": {"channel": channel_id, "error": str(error)}})
            return ""
        return word(answer.get("permalink"))
