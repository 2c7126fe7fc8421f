"""Who must agree to what: the parts `[approvals]`, `[roles]` and `[[limit]]` of the policy file.

Everybody in the staff channel may approve, unless limits say otherwise. A limit is about the cases of a team, or about
calls of a tool (above an amount); who approves must have the role of every limit that applies. What cannot be read
(no such argument, no number) counts as above every amount: then the limit applies.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot.agent.outside import is_meant
from bot.domain.escalation import Escalation, GatedCall, Team

_GroupId = Annotated[str, Field(pattern=r"^S[A-Z0-9]{1,30}$")]
_ChannelId = Annotated[str, Field(pattern=r"^[CG][A-Z0-9]{1,30}$")]
_UserId = Annotated[str, Field(pattern=r"^[UW][A-Z0-9]{1,30}$")]


class RoleRule(BaseModel):
    """Who has a role: any of these is enough."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    users: tuple[_UserId, ...] = ()
    groups: tuple[_GroupId, ...] = ()
    """User groups of Slack."""
    channels: tuple[_ChannelId, ...] = ()
    """Members of these channels."""
    teams: tuple[Team, ...] = ()
    """Members of these teams' own staff channels (STAFF_CHANNELS); nobody when a team has none."""
    admins: bool = False
    """ADMIN_USERS."""


class LimitRule(BaseModel):
    """What only a role may approve."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    why: Annotated[str, Field(max_length=200)] = ""
    """In words, for whoever may not."""
    role: str
    team: Team | None = None
    """Only cases of this team."""
    tool: str = ""
    """Only calls of this tool; `*` stands for any characters."""
    field: str = ""
    """Argument of the call that is compared."""
    above: Decimal | None = None
    two_people: bool = False
    """Whether a second person of the role must approve, too."""

    @model_validator(mode="after")
    def _says_something(self) -> "LimitRule":
        if (self.above is None) == bool(self.field):
            raise ValueError("give `field` and `above` together")
        if not (self.team or self.tool):
            raise ValueError("say what it is about: `team` or `tool`")
        if self.field and not self.tool:
            raise ValueError("`field` is an argument of a tool: name the `tool`")
        return self

    def applies_to(self, case: Escalation) -> bool:
        """Whether who approves this case needs the role."""
        if self.team is not None and case.team is not self.team:
            return False
        if not self.tool:
            return True
        call = case.proposal.call if case.proposal else None
        return call is not None and is_meant(call.tool, self.tool) and self._is_above(call)

    def _is_above(self, call: GatedCall) -> bool:
        if self.above is None:
            return True
        value = _argument(call, self.field)
        return value is None or value > self.above

    def __str__(self) -> str:
        amount = f" with {self.field} above {self.above}" if self.above is not None else ""
        about = " and ".join(
            filter(None, (self.team and f"cases of {self.team}", self.tool and f"{self.tool}{amount}"))
        )
        return self.why or f"{about}: {self.role} only"


class ApprovalSettings(BaseModel):
    """What holds for all approvals."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    two_people: Literal["never", "calls", "always"] = "never"
    """Whether a second person must approve: calls of tools, or replies, too."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What an approval of one case takes."""

    limits: tuple[LimitRule, ...] = ()
    two_people: bool = False

    @property
    def words(self) -> str:
        """For the card; empty when anybody of staff may approve alone."""
        roles = ", ".join(dict.fromkeys(limit.role for limit in self.limits))
        who = f"{'two people' if self.two_people else 'somebody'} of {roles}" if roles else "two people"
        return who if roles or self.two_people else ""


class ApprovalRules(BaseModel):
    """The three parts together."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    approvals: ApprovalSettings = ApprovalSettings()
    roles: Mapping[str, RoleRule] = {}
    limit: tuple[LimitRule, ...] = ()

    @model_validator(mode="after")
    def _roles_exist(self) -> "ApprovalRules":
        for rule in self.limit:
            if rule.role not in self.roles:
                known = ", ".join(self.roles) or "none"
                raise ValueError(f"there is no role {rule.role!r}; [roles] has: {known}")
        return self

    def needs(self, case: Escalation) -> Needs:
        """What approving the case as it is takes; nothing special without a proposal."""
        if case.proposal is None:
            return Needs()
        limits = tuple(rule for rule in self.limit if rule.applies_to(case))
        general = {"never": False, "calls": case.proposal.call is not None, "always": True}[self.approvals.two_people]
        return Needs(limits, general or any(rule.two_people for rule in limits))


def _argument(call: GatedCall, name: str) -> Decimal | None:
    """A number among a call's arguments; None when there is none."""
    try:
        value = json.loads(call.arguments, parse_float=Decimal).get(name)
        number = Decimal(value) if isinstance(value, int | str | Decimal) and not isinstance(value, bool) else None
    except (ValueError, AttributeError, InvalidOperation):
        return None
    return number if number is not None and number.is_finite() else None
