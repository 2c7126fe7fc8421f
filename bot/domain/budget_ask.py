"""A run that waits for money: the next call does not fit a limit that people may raise, so they are asked.

The run is paused, not ended: when somebody allows more, the same run goes on where it stopped, and what it has paid for
is not paid again. What the customer writes meanwhile is shown to the people who were asked; it waits, and is the next
turn once the pause is over. A limit is raised by a grant, once, for exactly its subject and in the running period; the
limit itself stays as it was set. Limits of a whole channel or workspace, and those of a month, are for admins.
"""

from dataclasses import dataclass
from decimal import ROUND_UP, Decimal
from enum import StrEnum

from bot.domain.budget import Limit, Period, Scope, Shortfall

OFFERS = (Decimal("0.50"), Decimal("2.00"))
"""USD that the card offers to allow."""
RAISABLE = frozenset({Scope.RUN, Scope.CONVERSATION, Scope.USER, Scope.CHANNEL, Scope.WORKSPACE})
"""The limit of a single step is none of them: it guards against a slip."""
_ROUND = Decimal("0.50")


class AskEnd(StrEnum):
    """How a pause ended."""

    ALLOWED = "allowed"
    STOPPED = "stopped"
    """A colleague decided against it."""
    OVERTAKEN = "overtaken"
    """A person took over, or the customer pressed Stop."""
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class BudgetAsk:
    """What people are asked, and what became of it."""

    case_id: str
    run_id: str
    conversation_id: str
    shortfall: Shortfall
    asked_at: float
    held: tuple[str, ...] = ()
    """Inbox ids of what was written meanwhile."""
    end: AskEnd | None = None

    @property
    def limit(self) -> Limit:
        """The limit in the way."""
        return self.shortfall.limit

    @property
    def offers(self) -> tuple[Decimal, ...]:
        """USD that may be allowed: what would not even pay for the next call is not offered."""
        needed = self.shortfall.missing
        enough = tuple(usd for usd in OFFERS if usd >= needed)
        return enough or ((needed / _ROUND).to_integral_value(ROUND_UP) * _ROUND,)

    @property
    def is_for_admins(self) -> bool:
        """Whether only admins may allow more."""
        return self.limit.scope in (Scope.CHANNEL, Scope.WORKSPACE) or self.limit.period is Period.MONTH
