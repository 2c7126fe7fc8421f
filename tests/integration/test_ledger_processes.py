"""P4 across processes: real ones, on one database, each with runs of its own, and one limit over all of them."""

import asyncio
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from bot.domain.budget import Account, BudgetChange, Claim, Limit, Period, Scope
from bot.domain.errors import BudgetExceededError
from tests.contract.store_kit import KINDS, NOW, database, open_store

LIMIT = Limit(Scope.WORKSPACE, "T1", Decimal("1.00"), Period.DAY)
PROCESSES, CALLS = 3, 12


async def spend(url: str, who: str) -> None:
    """What one process does: calls of several conversations, side by side; prints how many were granted."""
    async with open_store(url) as store:

        async def call(number: int) -> int:
            account = Account("T1", f"C{number}", f"U{who}", f"T1:C{number}:{who}.0", f"run-{who}-{number}")
            try:
                async with store.write() as tx:
                    await tx.ledger.hold("T1")
                    limits = tuple(await tx.ledger.limits("T1", Scope.WORKSPACE, "T1"))
                    await tx.ledger.reserve(Claim(account, "m1", "claude-test", Decimal("0.07"), 1, limits), at=NOW)
            except BudgetExceededError:
                return 0
            return 1

        print(sum(await asyncio.gather(*(call(number) for number in range(CALLS)))))  # noqa: T201 - for the test


@pytest.mark.parametrize("kind", KINDS)
async def test_p4_processes_together_never_reserve_more_than_a_limit(kind: str, tmp_path: Path) -> None:
    async with database(kind, tmp_path) as url:
        async with open_store(url) as store, store.write() as tx:
            change = BudgetChange(LIMIT.scope, LIMIT.subject, LIMIT.period, LIMIT.usd, "U9", NOW)
            await tx.ledger.set_limit(change, team_id="T1")
        running = [
            await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.integration.test_ledger_processes", url, str(number),
                stdout=asyncio.subprocess.PIPE,
            )
            for number in range(PROCESSES)
        ]  # fmt: skip
        granted = [int((await process.communicate())[0]) for process in running]
        assert sum(granted) == int(LIMIT.usd / Decimal("0.07")), granted
        async with open_store(url) as store, store.read() as tx:
            assert await tx.ledger.total("T1", since=0) == Decimal("0.98")


if __name__ == "__main__":
    asyncio.run(spend(*sys.argv[1:]))
