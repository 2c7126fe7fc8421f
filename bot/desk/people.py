"""Who somebody is to us: by settings and Slack's membership, never by what they write."""

import logging
from collections.abc import Collection
from dataclasses import dataclass, replace

import prompts
from bot.domain.errors import DeskhandError, MembershipUnknownError
from bot.domain.escalation import Team
from bot.domain.hidden import one_line
from bot.domain.principal import Principal, Role
from bot.ports.slack import Directory, Person

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StaffRoom:
    """Where cases go and who may decide them."""

    default: str
    """Channel id; its members are staff. Or a person's id: cases go to them, and nobody else is staff."""
    by_team: dict[str, str]
    admins: frozenset[str]
    allowed_bots: frozenset[str]

    @property
    def is_one_person(self) -> bool:
        """Whether cases go to a person instead of a channel."""
        return self.default.startswith(("U", "W"))

    def is_private(self, channel_id: str) -> bool:
        """Whether only staff read along in a channel."""
        return channel_id == self.default or channel_id in self.by_team.values()

    def channel_for(self, team: Team | None) -> str:
        """The channel a case of this team is routed to."""
        return self.by_team.get(team.value, self.default) if team else self.default


class People:
    """Resolves speakers to principals; in doubt somebody is a customer, and nobody may decide."""

    def __init__(self, directory: Directory, room: StaffRoom, home_team: str) -> None:
        self._directory = directory
        self._room = room
        self._home_team = home_team
        self._sentences = prompts.sentences()

    async def principal(
        self, user_id: str, *, author_team: str, bot_id: str | None = None, is_guest: bool = False
    ) -> Principal:
        """The speaker. No verified e-mail without a readable profile, nor for people of another workspace: what their
        profile says was verified by somebody else. `is_guest`: what the message itself said."""
        try:
            person = await self._directory.person(user_id)
        except DeskhandError:
            logger.warning("profile.unreadable", extra={"fields": {"user": user_id}})
            role = await self._role(user_id, author_team, bot_id, is_guest=is_guest)
            return Principal(author_team, user_id, role, "Customer", None)
        bot_id = bot_id or (user_id if person.is_bot else None)
        role = await self._role(user_id, author_team, bot_id, is_guest=is_guest or person.is_guest)
        is_known = author_team == self._home_team and role is not Role.AGENT
        email = person.email if is_known else None
        return Principal(author_team, user_id, role, plain_name(person.name), email, person.language)

    async def name(self, user_id: str) -> str:
        """A name to show, to customers too."""
        try:
            return plain_name((await self._directory.person(user_id)).name)
        except DeskhandError:
            return "somebody"

    async def portrait(self, user_id: str) -> Person:
        """Name and picture to show, to customers too; nothing else of it is trusted."""
        try:
            person = await self._directory.person(user_id)
        except DeskhandError:
            return Person(user_id, "", "somebody", None, is_bot=False)
        return replace(person, name=plain_name(person.name))

    @property
    def staff_channel(self) -> str:
        """Where staff read what concerns no single case."""
        return self._room.default

    def is_allowed_bot(self, bot_id: str | None, user_id: str) -> bool:
        """Whether another bot may ask for a handoff or a question answered."""
        allowed: Collection[str] = self._room.allowed_bots
        return user_id in allowed or (bot_id is not None and bot_id in allowed)

    def is_admin(self, team_id: str, user_id: str) -> bool:
        """Whether the user may set budgets."""
        return team_id == self._home_team and user_id in self._room.admins

    async def why_not_staff(self, team_id: str, user_id: str) -> str | None:
        """None when the user may decide escalations, else the sentence that says why not. Fails closed.

        `team_id`: the person's own workspace. Whoever is in the staff channel by Slack Connect is not staff, nor is a
        guest or a bot.
        """
        try:
            is_staff = await self._is_staff(team_id, user_id)
        except MembershipUnknownError:
            return self._sentences["membership_unknown"]
        return None if is_staff else self._sentences["not_staff"]

    async def _role(self, user_id: str, author_team: str, bot_id: str | None, *, is_guest: bool) -> Role:
        if bot_id is not None or user_id in self._room.allowed_bots:
            return Role.AGENT
        if is_guest or author_team != self._home_team:
            return Role.EXTERNAL
        try:
            if not await self._is_staff(author_team, user_id):
                return Role.CUSTOMER
        except MembershipUnknownError:
            return Role.CUSTOMER
        return Role.ADMIN if self.is_admin(author_team, user_id) else Role.STAFF

    async def _is_staff(self, team_id: str, user_id: str) -> bool:
        if team_id != self._home_team or user_id in self._room.allowed_bots:
            return False
        if self._room.is_one_person:
            return user_id == self._room.default
        return await self._directory.is_member(self._room.default, user_id) and not await self._is_outsider(user_id)

    async def _is_outsider(self, user_id: str) -> bool:
        """Bots and guests may be in the staff channel, too; MembershipUnknownError when Slack does not tell."""
        try:
            person = await self._directory.person(user_id)
        except DeskhandError as error:
            raise MembershipUnknownError("Slack did not tell who this is") from error
        return person.is_bot or person.is_guest


def plain_name(name: str) -> str:
    """A name that is only a name: people choose theirs, and it stands in our sentences."""
    return one_line(name.replace("<", "").replace(">", ""), 80) or "Somebody"
