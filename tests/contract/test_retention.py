"""Every table has a rule for what is old, or a reason to stay; the night's work is done once a night."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from bot.ports.keeping import Ages
from bot.runtime.keeping import KeepDays, Keeper
from bot.runtime.nights import Night
from bot.store.copying import all_tables
from bot.store.engine import create_engine
from bot.store.retention import RULES, Kept
from bot.store.tables import metadata
from tests.contract.store_kit import KINDS, NOW, database, open_store
from tools.database import create_tables
from tools.database import metadata as tool_metadata
from tools.tickets.desk import tickets

HOURS = 3600.0


def test_no_table_is_without_a_rule() -> None:
    """A new table needs an age (and a shelf of the archive that knows it), or a reason why its rows stay."""
    there = {table.name for table in (*metadata.sorted_tables, *tool_metadata.sorted_tables, *all_tables())}
    assert there == set(RULES)
    assert [name for name, rule in RULES.items() if isinstance(rule, Kept) and len(rule.why) < 8] == []


@pytest.mark.parametrize(
    ("now", "last"),
    [
        ("2026-03-29T01:30", "2026-03-28T03:00"), ("2026-03-29T09:00", "2026-03-29T03:00"),
        ("2026-10-25T12:00", "2026-10-25T03:00"),
    ],
)  # fmt: skip
def test_the_hour_is_that_of_the_business(now: str, last: str) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    seconds = [datetime.fromisoformat(one).replace(tzinfo=berlin).timestamp() for one in (now, last)]
    assert Night(3, berlin).last(seconds[0]) == seconds[1]


def test_an_hour_that_the_clock_shows_twice_is_one_night_and_one_it_leaves_out_comes_at_once() -> None:
    night, berlin = Night(2, ZoneInfo("Europe/Berlin")), ZoneInfo("Europe/Berlin")
    twice = datetime(2026, 10, 25, 2, 30, tzinfo=berlin)
    assert night.last(twice.timestamp()) == night.last(twice.replace(fold=1).timestamp())
    after = datetime(2026, 3, 29, 3, 5, tzinfo=berlin).timestamp()
    assert after - HOURS < night.last(after) <= after


@pytest.mark.parametrize("kind", KINDS)
async def test_it_is_done_once_a_night_by_one_process_and_made_up_for(kind: str, tmp_path: Path) -> None:
    midnight = datetime(2027, 1, 15, tzinfo=UTC).timestamp()
    async with database(kind, tmp_path) as url, open_store(url) as store:
        time = midnight + 2 * HOURS

        async def due() -> list[bool]:
            keepers = [Keeper(store.archive, lambda: time, KeepDays(), pause_seconds=0) for _ in range(3)]
            return sorted(await asyncio.gather(*(keeper.tidy_if_due() for keeper in keepers)))

        assert await due() == [False, False, True], "never done before"
        assert await due() == [False, False, False]
        time = midnight + 3 * HOURS
        assert await due() == [False, False, True]
        time = midnight + 80 * HOURS
        assert await due() == [False, False, True], "three nights were slept through"
        await store.archive.forget_night()
        assert await due() == [False, False, True], "what failed is tried again"


async def test_tickets_that_are_done_go_after_their_conversation(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/test.db"
    engine = create_engine(url)
    async with open_store(url) as store:
        await create_tables(engine)
        row = {
            "customer_email": "ana@example.com", "subject": "x", "subject_key": "x", "body": "y", "priority": "high",
            "category": "billing", "created_at": NOW, "conversation_id": "T1:C1:1.1",
        }  # fmt: skip
        rows = [{**row, "number": n, "key": str(n), "status": status} for n, status in enumerate(("open", "solved"))]
        async with store.write() as tx:
            await tx.connection.execute(sa.insert(tickets), rows)
        batch = await store.archive.clear("tickets", Ages(0, 0, NOW + 1, 0), None)
        assert batch is not None
        assert batch.deleted == 1
        async with store.read() as tx:
            assert list(await tx.connection.scalars(sa.select(tickets.c.status))) == ["open"]
    await engine.dispose()
