"""What the desk needs of a database to count money."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from decimal import Decimal
from typing import Protocol

from bot.domain.budget import Account, BudgetChange, Claim, Grant, Limit, Period, Scope, Spend
from bot.domain.exchange import Usage


class Ledger(Protocol):
    """Money set aside and money spent.

    For every limit, what is spent or reserved never rises above it. A limit that is set lower than that takes nothing
    back: there are no new reservations under it until enough was given back or the period is over.
    """

    async def hold(self, team_id: str) -> None:
        """Until this transaction ends nobody else changes a workspace's limits or reserves: what is read holds."""
        ...

    async def reserve(self, claim: Claim, *, at: float) -> str:
        """Set the worst case aside if it fits every limit; the reservation's id.

        A reservation of the same run and name left behind by a crash is settled at its worst case first.
        Raises BudgetExceededError or TokensExceededError.
        """
        ...

    async def left(self, account: Account, limit: Limit, *, at: float, zone: tzinfo) -> Decimal:
        """USD of a limit that are neither spent nor reserved; negative when the limit was lowered since."""
        ...

    async def spent(self, account: Account, limits: Sequence[Limit], *, at: float, zone: tzinfo) -> list[Decimal]:
        """USD spent of each limit in its running period, without what is set aside for calls under way; one query."""
        ...

    async def settle(self, reservation_id: str, *, usd: Decimal, usage: Usage, model: str) -> None:
        """Replace the reservation by what was really spent."""
        ...

    async def charge_worst(self, reservation_id: str) -> None:
        """Settle at the worst case: the attempt may have been billed and nobody can tell."""
        ...

    async def charge_left_behind(self, run_id: str) -> None:
        """Settle what a crash left reserved for a run at its worst case; call it when the run ends.

        Should the call's price become known after all, `settle` and `release` still correct it.
        """
        ...

    async def charge_lost(self, *, before: float) -> int:
        """The same for whatever was reserved before a moment: no call takes so long. How many there were."""
        ...

    async def release(self, reservation_id: str) -> None:
        """Give the money back: nothing was spent."""
        ...

    async def spend(self, conversation_id: str) -> Spend: ...

    async def total(self, team_id: str, *, since: float, channel_id: str = "", user_id: str = "") -> Decimal:
        """USD spent or reserved in a workspace, channel or by a user since a moment."""
        ...

    async def dearest(self, team_id: str, count: int, *, opened_by: str = "") -> list[tuple[str, Spend]]:
        """(conversation id, spend) of the dearest conversations that are not closed; `opened_by`: only this user's."""
        ...

    async def limits(self, team_id: str, scope: Scope, subject: str) -> list[Limit]:
        """Limits set by admins for a subject; subject `*` holds for every subject of the scope."""
        ...

    async def limits_of(self, team_id: str, subjects: Mapping[Scope, str]) -> list[Limit]:
        """The same for one subject of each of several scopes."""
        ...

    async def set_limit(self, change: BudgetChange, *, team_id: str) -> None:
        """Set or (usd None) remove a limit, and remember who did."""
        ...

    async def changes(self, team_id: str, count: int) -> list[BudgetChange]:
        """The last changes, newest first."""
        ...

    async def limit_for(self, team_id: str, scope: Scope, subject: str, period: Period) -> Limit | None: ...

    async def note_change(self, change: BudgetChange, *, team_id: str) -> None:
        """Remember a change in the history that set no limit: a grant."""
        ...

    async def grant(self, grant: Grant, *, team_id: str) -> None:
        """Allow more than a limit; whoever sets that limit anew takes the grants beyond it back."""
        ...

    async def grants_of(self, team_id: str, subjects: Mapping[Scope, str]) -> list[Grant]:
        """What was granted to one subject of each of several scopes, in whatever period."""
        ...
