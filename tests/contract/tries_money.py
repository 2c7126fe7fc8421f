"""What `test_store_workspaces` tries with rows of another workspace: the money desk's, and runs by channel."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC
from decimal import Decimal

from bot.domain.bot_pause import BotPause
from bot.domain.budget import Limit, Scope
from bot.store.store import SqlTransaction
from tests.contract.store_kit import NOW, account

PAUSE = BotPause("T1", "C1", "U1", NOW, "too dear")
OWN_LIMIT = Limit(Scope.USER, "U1", Decimal(9))


async def _spent(tx: SqlTransaction) -> object:
    """Nothing was spent, as far as one may see."""
    found = await tx.spending.since("T1", {Scope.WORKSPACE: "T1"}, [0.0])
    return sum(found[Scope.WORKSPACE])


async def _spent_between(tx: SqlTransaction) -> object:
    return sum(await tx.spending.between("T1", [0.0]))


MONEY_TRIES: dict[str, list[Callable[[SqlTransaction, str], Awaitable[object]]]] = {
    "Ledger.spent": [lambda tx, _: tx.ledger.spent(account(), [OWN_LIMIT], at=NOW, zone=UTC)],
    "BudgetAsks.open_of": [lambda tx, _: tx.budget_asks.open_of("T1")],
    "Spending.since": [lambda tx, _: _spent(tx)],
    "Spending.between": [lambda tx, _: _spent_between(tx)],
    "Spending.begun_by": [lambda tx, _: tx.spending.begun_by("T1", "U1", 5)],
    "Runs.open_in": [lambda tx, _: tx.runs.open_in("T1", "C1")],
    "BotPauses.holding": [lambda tx, _: tx.bot_pauses.holding("T1", "C1")],
    "BotPauses.all": [lambda tx, _: tx.bot_pauses.all("T1")],
    "BotPauses.begin": [lambda tx, _: tx.bot_pauses.begin(replace(PAUSE, channel_id="C2"))],
    "BotPauses.end": [lambda tx, _: tx.bot_pauses.end("T1", "C1")],
}
