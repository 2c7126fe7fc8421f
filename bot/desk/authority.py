"""Who may decide a case. Membership in the staff channel is the least; approving may take a role (see the policy file).

Everything is asked of Slack before the transaction in which the decision is made, about the case as it was read then;
the decision itself is bound to that version. What Slack does not tell counts as no.
"""

from collections.abc import Awaitable

import prompts
from bot.agent.approvals import ApprovalRules, LimitRule, Needs, RoleRule
from bot.desk.ownership import By
from bot.desk.people import People, StaffRoom
from bot.domain.errors import DeskhandError, MembershipUnknownError
from bot.domain.escalation import Escalation
from bot.ports.slack import Directory


class Authority:
    """Answers who may press what; a sentence is a no."""

    def __init__(self, people: People, directory: Directory, room: StaffRoom, rules: ApprovalRules) -> None:
        self._people = people
        self._directory = directory
        self._room = room
        self._rules = rules
        self._sentences = prompts.sentences()

    def needs(self, case: Escalation) -> Needs:
        """What an approval of the case takes."""
        return self._rules.needs(case)

    async def presser(self, user_id: str) -> By:
        """Who it is that decides, by a name to show."""
        return By(user_id, await self._people.name(user_id))

    async def why_not_act(self, team_id: str, user_id: str) -> str | None:
        """None when this person may act on cases at all. `team_id`: their own workspace."""
        return await self._people.why_not_staff(team_id, user_id)

    async def why_not_approve(self, team_id: str, user_id: str, case: Escalation) -> str | None:
        """None when this person may approve the case as it is."""
        refusal = await self.why_not_act(team_id, user_id)
        if refusal is not None:
            return refusal
        try:
            missing = [limit for limit in self.needs(case).limits if not await self._has(user_id, limit)]
        except MembershipUnknownError:
            return self._sentences["membership_unknown"]
        if not missing:
            return None
        return self._sentences["needs_role"].format(role=missing[0].role, why=str(missing[0]))

    async def _has(self, user_id: str, limit: LimitRule) -> bool:
        return await self._is_in(user_id, self._rules.roles[limit.role])

    async def _is_in(self, user_id: str, role: RoleRule) -> bool:
        """Any way into the role is enough; MembershipUnknownError when one that is left cannot be looked up."""
        if user_id in role.users or (role.admins and user_id in self._room.admins):
            return True
        own = (self._room.by_team.get(team.value) for team in role.teams)
        for channel in (*role.channels, *(channel for channel in own if channel)):
            if await self._asked(self._directory.is_member(channel, user_id)):
                return True
        for group in role.groups:
            if await self._asked(self._directory.in_group(group, user_id)):
                return True
        return False

    @staticmethod
    async def _asked(answer: Awaitable[bool]) -> bool:
        try:
            return await answer
        except DeskhandError as error:
            raise MembershipUnknownError("Slack did not tell who has the role") from error
