"""Slack's pace in the database: places booked exactly, the same for all replicas; refusals hold for everybody."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.domain.errors import TransientError
from bot.ports.keeping import Ages
from bot.ports.pace import LONGEST_CLOSED, Toll
from bot.runtime.pace import Pace
from bot.slack.rates import Rates
from bot.store.engine import create_engine
from bot.store.migrate import migrate
from bot.store.store import SqlStore
from tests.contract.store_kit import KINDS, NOW, database, enqueue

HOUR = 3600.0
POST = Toll("T1|chat.postMessage|C1", 1.0, 2)
CAP = Toll("T1|chat.postMessage", 0.25, 30)


class Road:
    """Two processes on one database under one clock that the test moves."""

    def __init__(self, *stores: SqlStore) -> None:
        self.now = NOW
        self.slept: list[float] = []
        self.stores = stores
        self.here, self.there = (Pace(one.paces, lambda: self.now, Rates().opening, sleep=self.sleep) for one in stores)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def take(self, *tolls: Toll, within: float = 600.0, leave: int = 0) -> float:
        return await self.stores[0].paces.take(tolls, at=self.now, within=within, leave=leave)


@pytest.fixture(params=KINDS)
async def road(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Road]:
    async with database(request.param, tmp_path) as url:
        engines = [create_engine(url) for _ in range(2)]
        await migrate(engines[0])
        yield Road(*(SqlStore(engine, enqueue, lambda: NOW) for engine in engines))
        for engine in engines:
            await engine.dispose()


async def test_a_short_burst_passes_and_then_each_call_gets_its_own_place(road: Road) -> None:
    assert [await road.take(POST) for _ in range(5)] == [0, 0, 1, 2, 3]
    road.now += 4
    assert await road.take(POST) == 0
    road.now += 60
    assert [await road.take(POST) for _ in range(3)] == [0, 0, 1]


async def test_what_would_take_too_long_books_nothing(road: Road) -> None:
    assert [await road.take(POST) for _ in range(3)] == [0, 0, 1]
    assert [await road.take(POST, within=1.5) for _ in range(4)] == [2, 2, 2, 2]


async def test_a_call_on_two_keys_waits_for_the_slower_one_and_pays_both(road: Road) -> None:
    assert [await road.take(POST, CAP) for _ in range(3)] == [0, 0, 1]
    for _ in range(28):
        await road.take(CAP)
    assert await road.take(CAP) == 1
    assert await road.take(Toll("T1|chat.postMessage|C2", 1.0, 2), CAP) == 1.25


async def test_other_workspaces_and_channels_are_not_slowed_down(road: Road) -> None:
    for _ in range(4):
        await road.take(POST)
    assert await road.take(Toll("T2|chat.postMessage|C1", 1.0, 2)) == 0


async def test_two_processes_together_keep_the_pace(road: Road) -> None:
    places = await asyncio.gather(*(s.paces.take([POST, CAP], at=NOW, within=600) for s in road.stores * 20))
    assert sorted(places) == [0, *range(39)]


async def test_progress_leaves_most_of_a_burst_to_answers(road: Road) -> None:
    update = Toll("T1|chat.update", 1.2, 12)
    shown = [await road.here.has_room([update]) for _ in range(12)]
    assert shown == [True] * 4 + [False] * 8
    assert [await road.take(update) for _ in range(8)] == [0] * 8
    road.now += 2
    assert not await road.there.has_room([update])


async def test_a_full_channel_does_not_make_others_look_full(road: Road) -> None:
    for _ in range(3):
        await road.take(POST, CAP)
    assert not await road.here.has_room([POST, CAP])
    assert await road.here.has_room([Toll("T1|chat.postMessage|C2", 1.0, 2), CAP])


async def test_room_that_was_granted_is_paid_for_the_call_that_follows(road: Road) -> None:
    update = Toll("T1|chat.update", 1.2, 12)
    assert await road.here.has_room([update])
    await road.here.admit([update])
    assert [await road.take(update) for _ in range(12)] == [0] * 11 + [pytest.approx(1.2)]


async def test_a_call_waits_a_little_on_its_way_out_and_is_put_off_when_it_would_be_long(road: Road) -> None:
    for _ in range(7):
        await road.here.admit([POST])
    assert road.slept == [1, 2, 3, 4, 5]
    with pytest.raises(TransientError) as far_off:
        await road.here.admit([POST])
    assert (far_off.value.retry_after, far_off.value.ambiguous) == (6, False)


async def test_a_refusal_closes_the_way_for_every_process_and_no_burst_follows(road: Road) -> None:
    await road.here.refused([POST, CAP], 30)
    assert not await road.there.has_room([POST])
    with pytest.raises(TransientError) as closed:
        await road.there.admit([POST])
    assert closed.value.retry_after == 30
    assert await road.take(CAP) == 0
    road.now += 30
    assert [await road.take(POST) for _ in range(3)] == [0, 1, 2]


async def test_a_shorter_refusal_does_not_open_the_way_early(road: Road) -> None:
    await road.here.refused([POST], 30)
    await road.there.refused([POST], 5)
    road.now += 10
    assert await road.take(POST) == 20


async def test_without_limits_of_our_own_a_refusal_still_counts(road: Road) -> None:
    [free] = Rates(0).tolls("T1", "chat.update")
    assert [await road.take(free) for _ in range(40)] == [0] * 40
    await road.here.refused([free], 20)
    assert await road.take(free) == 20
    road.now += 20
    assert [await road.take(free) for _ in range(40)] == [0] * 40


async def test_a_clock_set_back_an_hour_delays_nothing_by_an_hour(road: Road) -> None:
    for _ in range(5):
        await road.take(POST)
    await road.here.refused([CAP], 60)
    road.now -= 2 * HOUR
    assert await road.take(POST, CAP) == 0
    await road.here.refused([POST], 5 * HOUR)
    assert await road.take(POST, within=0) == LONGEST_CLOSED


READ = Toll("T1|users.info", 0.6, 25)


async def test_a_process_paces_its_reading_calls_without_the_books(road: Road) -> None:
    for _ in range(27):
        await road.here.admit([READ], reading=True)
    assert road.slept == pytest.approx([0.6, 1.2], abs=0.001)
    for _ in range(25):
        await road.there.admit([READ], reading=True)
    assert len(road.slept) == 2
    assert await idle_since(NOW + HOUR, road) == 0, "nothing was written"


async def test_a_refused_reading_call_closes_the_way_for_others_within_a_second(road: Road) -> None:
    await road.there.admit([READ], reading=True)
    await road.here.refused([READ], 30)
    for pace, passed in ((road.here, 0.0), (road.there, 1.0)):
        road.now += passed
        with pytest.raises(TransientError) as closed:
            await pace.admit([READ], reading=True)
        assert closed.value.retry_after == 30 - passed
    road.now += 30
    for pace in (road.here, road.there):
        await pace.admit([READ], reading=True)


async def test_a_crowd_of_reading_calls_asks_the_books_once_a_second(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/test.db")
    await migrate(engine)
    asked: list[str] = []
    sa.event.listen(engine.sync_engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    for speed in (1.0, 0.0):
        asked.clear()
        rates = Rates(speed)
        pace = Pace(SqlStore(engine, enqueue, lambda: NOW).paces, lambda: NOW, rates.opening, sleep=asyncio.sleep)
        tolls = rates.tolls("T1", "users.info")
        await asyncio.gather(*(pace.admit(tolls, reading=True) for _ in range(25)))
        assert len([sql for sql in asked if sql.startswith("SELECT")]) == 1
        assert not any(sql.startswith(("INSERT", "UPDATE", "BEGIN IMMEDIATE")) for sql in asked)
    await engine.dispose()


async def test_without_limits_of_our_own_nothing_is_written(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/test.db")
    await migrate(engine)
    asked: list[str] = []
    sa.event.listen(engine.sync_engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    pace = Pace(SqlStore(engine, enqueue, lambda: NOW).paces, lambda: NOW, Rates(0).opening)
    await pace.admit(Rates(0).tolls("T1", "chat.update"))
    assert await pace.has_room(Rates(0).tolls("T1", "chat.appendStream"))
    assert asked
    assert not any(sql.startswith(("INSERT", "UPDATE", "BEGIN IMMEDIATE")) for sql in asked)
    await engine.dispose()


async def test_idle_keys_are_forgotten(road: Road) -> None:
    await road.take(POST)
    assert await idle_since(NOW, road) == 0
    assert await idle_since(NOW + HOUR, road) == 1


async def idle_since(moment: float, road: Road) -> int:
    """How many keys housekeeping drops that have been idle since then."""
    batch = await road.stores[0].archive.clear("paces", Ages(moment, moment, moment, moment), None)
    assert batch is not None
    return batch.deleted


async def test_a_database_in_trouble_holds_no_call_up(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/empty.db")
    pace = Pace(SqlStore(engine, enqueue, lambda: NOW).paces, lambda: NOW, Rates().opening)
    for _ in range(20):
        await pace.admit([POST])
        await pace.admit([READ], reading=True)
    await pace.refused([POST], 5)
    assert not await pace.has_room([POST])
    await engine.dispose()
    told = [record for record in caplog.records if record.message == "pace.unknown"]
    assert [(record.levelname, record.exc_info) for record in told] == [("WARNING", None)], "once a second, no traces"


def test_the_table_of_rates_names_the_channel_only_for_posts() -> None:
    rates = Rates()
    assert [toll.key for toll in rates.tolls("T1", "chat.postMessage", "C1")] == [
        "T1|chat.postMessage|C1", "T1|chat.postMessage",
    ]  # fmt: skip
    assert rates.tolls("T1", "chat.update", "C1") == (Toll("T1|chat.update", 1.2, 12),)
    assert Rates(2).tolls("T1", "chat.update") == (Toll("T1|chat.update", 0.6, 12),)
