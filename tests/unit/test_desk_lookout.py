"""One look at the database tells all runs under way whether they are still wanted."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from bot.desk.lookout import Lookout


class Rows:
    """The runs table, as far as the lookout reads it."""

    def __init__(self) -> None:
        self.gone: set[str] = set()
        self.asked: list[tuple[str, ...]] = []
        self.failures = 0
        self.runs = self

    async def overtaken(self, run_ids: Sequence[str]) -> frozenset[str]:
        self.asked.append(tuple(run_ids))
        if self.failures:
            self.failures -= 1
            raise ConnectionError("the database is away")
        return frozenset(run_ids) & self.gone

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Any]:
        yield self


async def test_many_runs_cost_one_look_and_only_the_unwanted_one_is_told() -> None:
    rows = Rows()
    lookout = Lookout(rows, every=0.01)  # type: ignore[arg-type]
    async with AsyncExitStack() as stack:
        events = [await stack.enter_async_context(lookout.over(f"r{n}")) for n in range(50)]
        rows.gone = {"r7"}
        async with asyncio.timeout(5):
            await events[7].wait()
        assert [n for n, event in enumerate(events) if event.is_set()] == [7]
        assert all(len(asked) == 50 for asked in rows.asked)
    looks = len(rows.asked)
    await asyncio.sleep(0.05)
    assert len(rows.asked) == looks, "nobody is under way: nobody looks"


async def test_a_database_that_was_away_is_asked_again() -> None:
    rows = Rows()
    rows.failures, rows.gone = 3, {"r1"}
    async with Lookout(rows, every=0.01).over("r1") as overtaken, asyncio.timeout(5):  # type: ignore[arg-type]
        await overtaken.wait()
