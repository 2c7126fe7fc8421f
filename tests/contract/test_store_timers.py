"""Timers: causes that arrive later, once, whoever looks and whatever dies."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.domain.incoming import CarryOn
from bot.ports.clock import sortable_id
from bot.runtime.timers import TimerWorker
from bot.store.store import SqlStore
from bot.store.tables import timers
from tests.contract.store_kit import KINDS, NOW, THREAD, carry_on, conversation, database, open_store, queued
from tests.fakes.sandbox_driver import eventually
from tests.fakes.tools import HeldClock


@pytest.fixture(params=KINDS)
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    async with database(request.param, tmp_path) as made:
        yield made


@pytest.fixture
async def store(url: str) -> AsyncIterator[SqlStore]:
    async with open_store(url) as opened, opened.write() as tx:
        await tx.conversations.open(conversation())
    async with open_store(url) as opened:
        yield opened


def clock_at(now: float) -> HeldClock:
    clock = HeldClock()
    clock.now = now
    return clock


async def set_timer(store: SqlStore, key: str, due_at: float, cause: CarryOn | None = None) -> None:
    async with store.write() as tx:
        await tx.timers.set(
            key, cause or carry_on(key), due_at=due_at, partition=f"lane:{key}", conversation_id=THREAD.id
        )


async def arrived(store: SqlStore) -> list[str]:
    """Causes that came into the inbox, in order."""
    async with store.read() as tx:
        return [row.incoming.cause for row in await tx.inbox.waiting(THREAD.id) if isinstance(row.incoming, CarryOn)]


async def has_arrived(store: SqlStore) -> bool:
    return bool(await arrived(store))


async def test_a_timer_arrives_when_it_is_due_and_not_before(store: SqlStore) -> None:
    clock = clock_at(NOW)
    worker = TimerWorker(store, clock, sortable_id)
    await set_timer(store, "b", NOW + 20)
    await set_timer(store, "a", NOW + 10)
    assert await worker.look() == 0
    clock.now = NOW + 10
    assert await worker.look() == 1
    assert await arrived(store) == ["a"]
    clock.now = NOW + 999
    assert await worker.look() == 1
    assert await arrived(store) == ["a", "b"]
    assert len(await queued(store)) == 2
    async with store.read() as tx:
        assert await tx.timers.next_due() is None


async def test_the_same_key_replaces_and_a_cancelled_timer_never_comes(store: SqlStore) -> None:
    await set_timer(store, "sla:1:50", NOW + 10)
    await set_timer(store, "sla:1:50", NOW + 99, carry_on("newer"))
    for key in ("sla:10:50", "other"):
        await set_timer(store, key, NOW + 5)
    async with store.write() as tx:
        assert await tx.timers.due_at("sla:1:50") == NOW + 99
        await tx.timers.cancel("other")
        assert await tx.timers.due_at("other") is None
    await TimerWorker(store, clock_at(NOW + 100), sortable_id).look()
    assert await arrived(store) == ["sla:10:50", "newer"]


async def test_many_that_look_at_once_move_each_timer_once(store: SqlStore, url: str) -> None:
    for number in range(120):
        await set_timer(store, f"t{number:03}", NOW + number / 1000)
    await queued(store)
    async with open_store(url) as other:
        clock = clock_at(NOW + 1)
        moved = await asyncio.gather(*(TimerWorker(s, clock, sortable_id).look() for s in (store, other, store)))
    while await TimerWorker(store, clock, sortable_id).look():
        pass
    assert sum(moved) <= 120
    assert sorted(await arrived(store)) == [f"t{number:03}" for number in range(120)]
    assert len(await queued(store)) == 120


class Died(Exception):  # noqa: N818 - it is no error
    """The process ends here."""


async def test_a_crash_between_taking_and_storing_leaves_the_timer_for_the_next(store: SqlStore) -> None:
    async def take_and_die() -> None:
        async with store.write() as tx:
            [due] = await tx.timers.take_due(NOW, 10)
            await tx.inbox.add("i1", due.cause, conversation_id=due.conversation_id, partition=due.partition)
            raise Died

    await set_timer(store, "t", NOW)
    with pytest.raises(Died):
        await take_and_die()
    assert await arrived(store) == []
    assert await TimerWorker(store, clock_at(NOW), sortable_id).look() == 1
    assert await arrived(store) == ["t"]


async def test_a_timer_of_a_newer_version_waits_for_it_and_holds_up_no_other(
    store: SqlStore, caplog: pytest.LogCaptureFixture
) -> None:
    """After a way back, or while replicas of two versions run."""
    await set_timer(store, "unknown", NOW)
    await set_timer(store, "known", NOW + 1)
    async with store.write() as tx:
        newer = sa.update(timers).where(timers.c.key == "unknown").values(payload='{"kind": "from_tomorrow"}')
        await tx.connection.execute(newer)
    worker = TimerWorker(store, clock_at(NOW + 2), sortable_id)
    for _ in range(2):
        await worker.look()
    assert await arrived(store) == ["known"]
    async with store.read() as tx:
        assert await tx.timers.due_at("unknown") == NOW + 2 + 60, "it is still there"
    assert "timer.unreadable" in caplog.text


async def test_who_looks_whether_a_timer_is_set_keeps_it_from_going_off_meanwhile(url: str) -> None:
    """Else a reason to look would be lost between the look and the deed."""
    async with open_store(url) as one, open_store(url) as other:
        async with one.write() as tx:
            await tx.conversations.open(conversation())
        await set_timer(one, "t", NOW)
        async with one.write() as tx:
            assert await tx.timers.due_at("t") == NOW
            async with asyncio.TaskGroup() as group:
                looked = group.create_task(TimerWorker(other, clock_at(NOW), sortable_id).look())
                await asyncio.sleep(0.1)
                moved_meanwhile = looked.done() and looked.result()
                looked.cancel()
        assert not moved_meanwhile
        assert await TimerWorker(other, clock_at(NOW), sortable_id).look() == 1


async def test_a_running_worker_is_on_time(store: SqlStore) -> None:
    """Also for a timer that is set while it sleeps."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    worker = TimerWorker(store, lambda: NOW + loop.time() - began, sortable_id, every=0.1)
    await worker.start()
    try:
        await set_timer(store, "soon", NOW + 0.15)
        await eventually(lambda: has_arrived(store))
        assert loop.time() - began >= 0.15
    finally:
        await worker.close()
