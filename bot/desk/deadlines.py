"""Until when a proposal may be approved: so many business hours, as the agent profile says."""

from dataclasses import dataclass, field

from bot.agent.approvals import ApprovalRules
from bot.agent.profile import Profiles
from bot.domain.escalation import Proposal
from bot.domain.hours import Hours
from bot.ports.clock import Clock

HOUR = 3600.0


class Deadlines:
    """Tells the moment at which a new proposal expires."""

    def __init__(self, profiles: Profiles, hours: Hours, clock: Clock) -> None:
        self._profiles = profiles
        self._hours = hours
        self._clock = clock

    def of(self, profile: str, proposal: Proposal | None) -> float | None:
        """Unix seconds for a proposal made now; None when there is nothing that could expire."""
        return None if proposal is None else self.from_now(profile)

    def from_now(self, profile: str) -> float:
        """Unix seconds for whatever is put before people now."""
        return self._hours.add(self._clock(), self._profiles.of(profile).approval_hours * HOUR)


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for approvals."""

    deadlines: Deadlines | None = None
    """Until when they may be given; None: as long as the case is open."""
    rules: ApprovalRules = field(default_factory=ApprovalRules)
    """By whom."""


NO_TERMS = Terms()
"""Anybody of staff, at any time."""


def timer_key(escalation_id: str) -> str:
    """Of the timer that ends the time to approve."""
    return f"expiry:{escalation_id}"
