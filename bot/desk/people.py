"""Who somebody is to us: by settings and Slack's membership, never by what they write."""

import logging
from collections.abc import Collection
from dataclasses import dataclass

import prompts
from bot.domain.errors import DeskhandError, MembershipUnknownError
from bot.domain.escalation import Team
from bot.domain.principal import Principal, Role
from bot.ports.slack import Directory

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

    async def principal(self, user_id: str, *, author_team: str, bot_id: str | None = None) -> Principal:
        """The speaker. No verified e-mail without a readable profile, nor for people of another workspace: what their
        profile says was verified by somebody else."""
        role = await self._role(user_id, author_team, bot_id)
        try:
            person = await self._directory.person(user_id)
        except DeskhandError:
            logger.warning("profile.unreadable", extra={"fields": {"user": user_id}})
            return Principal(author_team, user_id, role, "Customer", None)
        return Principal(
            author_team, user_id, role, plain_name(person.name), None if role is Role.EXTERNAL else person.email
        )

    async def name(self, user_id: str) -> str:
        """A name to show, to customers too."""
        try:
            return plain_name((await self._directory.person(user_id)).name)
        except DeskhandError:
            return "somebody"

    def is_allowed_bot(self, bot_id: str | None, user_id: str) -> bool:
        """Whether another bot may ask for a handoff."""
        allowed: Collection[str] = self._room.allowed_bots
        return user_id in allowed or (bot_id is not None and bot_id in allowed)

    def is_admin(self, user_id: str) -> bool:
        """Whether the user may set budgets."""
        return user_id in self._room.admins

    async def why_not_staff(self, user_id: str) -> str | None:
        """None when the user may decide escalations, else the sentence that says why not. Fails closed."""
        try:
            is_staff = await self._is_staff(user_id)
        except MembershipUnknownError:
            return self._sentences["membership_unknown"]
        return None if is_staff else self._sentences["not_staff"]

    async def _role(self, user_id: str, author_team: str, bot_id: str | None) -> Role:
        if bot_id is not None:
            return Role.AGENT
        if author_team != self._home_team:
            return Role.EXTERNAL
        try:
            if not await self._is_staff(user_id):
                return Role.CUSTOMER
        except MembershipUnknownError:
            return Role.CUSTOMER
        return Role.ADMIN if self.is_admin(user_id) else Role.STAFF

    async def _is_staff(self, user_id: str) -> bool:
        if self._room.is_one_person:
            return user_id == self._room.default
        return await self._directory.is_member(self._room.default, user_id)


def plain_name(name: str) -> str:
    """A name that is only a name: people choose theirs, and it stands in our sentences."""
    return " ".join(name.replace("<", "").replace(">", "").split())[:80] or "Somebody"
