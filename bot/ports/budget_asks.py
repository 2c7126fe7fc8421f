"""What the desk needs of a database about runs that wait for money."""

from collections.abc import Sequence
from typing import Protocol

from bot.domain.budget_ask import AskEnd, BudgetAsk


class BudgetAsks(Protocol):
    """What people are asked about money, each answered once."""

    async def open(self, ask: BudgetAsk) -> None: ...

    async def of_case(self, case_id: str) -> BudgetAsk | None: ...

    async def of_run(self, run_id: str) -> BudgetAsk | None:
        """The newest of a run."""
        ...

    async def open_of(self, team_id: str) -> list[BudgetAsk]:
        """Those of a workspace that nobody has answered, by case."""
        ...

    async def hold(self, case_id: str, inbox_ids: Sequence[str]) -> bool:
        """Note what was written meanwhile; False, and nothing is noted, when the pause is over."""
        ...

    async def end(self, case_id: str, how: AskEnd, *, at: float) -> BudgetAsk | None:
        """One conditional update: end the pause; None when it was over already."""
        ...
