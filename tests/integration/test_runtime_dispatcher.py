"""Durable dispatch over a real database: every stored cause reaches its handler, one at a time per conversation."""

import asyncio
import itertools
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.domain.conversation import ThreadKey
from bot.domain.errors import FencedError, TransientError
from bot.domain.trace import Action
from bot.ports.clock import sortable_id, system_clock
from bot.runtime.cause_queue import CauseQueue
from bot.runtime.dbos_dispatcher import DbosDispatcher
from bot.runtime.replicas import lease_on
from bot.store.engine import create_engine
from bot.store.migrate import migrate
from bot.store.store import SqlStore
from tests.contract.store_kit import KINDS, database, message

numbers = itertools.count(1)


class House:
    """Store and dispatcher on one file, and a handler that notes what it did."""

    def __init__(self, url: str) -> None:
        self.engine = create_engine(url)
        self.queue = CauseQueue(url)
        self.store = SqlStore(self.engine, self.queue.enqueue, system_clock)
        self.store.listen(events=self.queue.wake)
        self.lease = lease_on(url, sortable_id())
        self.dispatcher = DbosDispatcher(self.queue, self.store, self.lease, first_pause=0.01)
        self.began: list[str] = []
        self.done: list[str] = []
        self.running: dict[str, int] = {}
        self.overlaps = 0
        self.trouble: dict[str, list[Exception]] = {}
        self.gate = asyncio.Event()
        self.gate.set()
        self.news = asyncio.Event()

    async def handle(self, inbox_id: str) -> None:
        self.began.append(inbox_id)
        self.news.set()
        partition = inbox_id.partition("-")[0]
        self.overlaps += partition in self.running
        self.running[partition] = 1
        try:
            await self.gate.wait()
            if self.trouble.get(inbox_id):
                raise self.trouble[inbox_id].pop(0)
            async with self.store.write() as tx:
                await tx.inbox.mark_handled([inbox_id])
            self.done.append(inbox_id)
        finally:
            self.running.pop(partition, None)
            self.news.set()

    async def receive(self, partition: str, count: int = 1) -> list[str]:
        """Store messages of one conversation."""
        ids = [f"{partition}-{next(numbers):06d}" for _ in range(count)]
        for inbox_id in ids:
            async with self.store.write() as tx:
                ts = f"17000{inbox_id[-5:]}.000000"
                came = message(ts, thread=ThreadKey("T1", "C1", partition))
                assert await tx.inbox.add(inbox_id, came, conversation_id=partition, partition=partition)
        return ids

    async def until(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                self.news.clear()
                await self.news.wait()

    async def unfinished(self) -> list[str]:
        async with self.store.read() as tx:
            return [inbox_id for inbox_id, _ in await tx.inbox.unfinished(before=float("inf"))]


@asynccontextmanager
async def house_at(url: str) -> AsyncIterator[House]:
    house = House(url)
    house.lease.claim()
    await migrate(house.engine)
    house.lease.start()
    await house.dispatcher.start(house.handle)
    try:
        yield house
    finally:
        await house.dispatcher.close()
        house.lease.close()
        await house.engine.dispose()


@pytest.fixture(params=KINDS)
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    async with database(request.param, tmp_path) as made:
        yield made


@pytest.fixture
async def house(url: str) -> AsyncIterator[House]:
    async with house_at(url) as opened:
        yield opened


async def test_causes_of_a_conversation_are_handled_one_at_a_time_and_in_order(house: House) -> None:
    first, second = await house.receive("p", 8), await house.receive("q", 8)
    await house.until(lambda: len(house.done) == 16)
    assert house.overlaps == 0
    assert [one for one in house.done if one in first] == first
    assert [one for one in house.done if one in second] == second


async def test_conversations_do_not_wait_for_each_other(house: House) -> None:
    house.gate.clear()
    for number in range(12):
        await house.receive(f"p{number}")
    await house.until(lambda: len(house.began) == 12)
    house.gate.set()
    await house.until(lambda: len(house.done) == 12)


async def test_what_an_exception_rolled_back_is_never_handled(house: House) -> None:
    with pytest.raises(RuntimeError, match="no"):
        await store_and_fail(house)
    [kept] = await house.receive("p")
    await house.until(lambda: house.done == [kept])
    assert house.began == [kept]


async def store_and_fail(house: House) -> None:
    async with house.store.write() as tx:
        await tx.inbox.add("p-lost", message(), conversation_id="p", partition="p")
        raise RuntimeError("no")


async def test_a_transient_failure_is_repeated_before_later_causes_of_the_conversation(house: House) -> None:
    house.gate.clear()
    first, second = await house.receive("p", 2)
    house.trouble[first] = [TransientError("slack is away", retry_after=0.01) for _ in range(7)]
    house.gate.set()
    await house.until(lambda: house.done == [first, second])
    assert house.began.count(first) == 8


async def test_a_fault_is_tried_nine_times_and_then_parked_for_people(house: House) -> None:
    house.gate.clear()
    bad, good = await house.receive("p", 2)
    house.trouble[bad] = [ValueError("a bug") for _ in range(9)]
    house.gate.set()
    await house.until(lambda: house.done == [good])
    assert house.began.count(bad) == 9
    assert await house.unfinished() == [], "the sweep must not take up what was parked"
    async with house.store.read() as tx:
        row = await tx.inbox.get(bad)
        told = [(e.action, e.error, e.attempt, e.ok, e.ref) for e in await tx.traces.of_conversation("p")]
    assert row is not None
    assert (row.attempts, row.handled) == (9, False)
    assert told == [(Action.ERROR, "ValueError", number, False, bad) for number in range(1, 10)]


async def test_whoever_waits_for_a_cause_is_told_when_it_is_given_up(house: House) -> None:
    told: list[str] = []

    async def say(inbox_id: str) -> None:
        told.append(inbox_id)
        raise OSError("no words either")

    house.dispatcher._retries.last_words = say
    house.gate.clear()
    bad, good = await house.receive("p", 2)
    house.trouble[bad] = [KeyError("first"), *(ValueError("a bug") for _ in range(8))]
    house.gate.set()
    await house.until(lambda: house.done == [good])
    assert told == [bad]
    [stuck] = await house.store.dead.stuck()
    assert (stuck.first_error, stuck.last_error) == ("KeyError", "ValueError"), "parked though the words failed"


async def test_a_fenced_execution_drops_out(house: House) -> None:
    house.gate.clear()
    fenced, later = await house.receive("p", 2)
    house.trouble[fenced] = [FencedError("somebody else")]
    house.gate.set()
    await house.until(lambda: house.done == [later])
    assert house.began == [fenced, later]


async def test_dispatching_a_known_cause_again_changes_nothing(house: House) -> None:
    house.gate.clear()
    [waiting] = await house.receive("p")
    await house.until(lambda: house.began == [waiting])
    for _ in range(3):
        await house.dispatcher.dispatch(waiting, "p")
    house.gate.set()
    await house.until(lambda: house.done == [waiting])
    [after] = await house.receive("p")
    await house.until(lambda: house.done == [waiting, after])


async def test_a_cause_that_was_given_up_can_be_dispatched_anew(house: House) -> None:
    house.gate.clear()
    [bad] = await house.receive("p")
    house.trouble[bad] = [ValueError("a bug") for _ in range(9)]
    house.gate.set()
    [other] = await house.receive("p")
    await house.until(lambda: house.done == [other])
    await house.dispatcher.dispatch(bad, "p")
    await house.until(lambda: house.done == [other, bad])
    assert await house.unfinished() == []


async def test_a_stored_row_that_was_never_queued_can_be_dispatched(url: str) -> None:
    async with house_at(url) as house:
        silent = SqlStore(house.engine, lambda connection, inbox_id, partition: None, system_clock)
        async with silent.write() as tx:
            await tx.inbox.add("p-1", message(), conversation_id="p", partition="p")
            [(inbox_id, partition)] = await tx.inbox.unfinished(before=float("inf"))
        await house.dispatcher.dispatch(inbox_id, partition)
        await house.until(lambda: house.done == ["p-1"])


async def test_draining_lets_running_handlers_end_and_takes_nothing_new(url: str) -> None:
    async with house_at(url) as house:
        house.gate.clear()
        running, waiting = await house.receive("p", 2)
        await house.until(lambda: house.began == [running])
        asyncio.get_running_loop().call_later(0.05, house.gate.set)
        await house.dispatcher.drain(5)
        assert house.done == [running]
        [late] = await house.receive("q")
        await asyncio.sleep(0.05)
        assert house.began == [running]
    async with house_at(url) as again:
        await again.until(lambda: sorted(again.done) == [waiting, late])


async def test_draining_waits_no_longer_than_told_and_the_next_start_takes_the_rest(url: str) -> None:
    async with house_at(url) as house:
        house.gate.clear()
        [stuck] = await house.receive("p")
        await house.until(lambda: house.began == [stuck])
        async with asyncio.timeout(2):
            await house.dispatcher.drain(0.05)
        assert house.done == []
    async with house_at(url) as again:
        await again.until(lambda: again.done == [stuck])


async def test_a_cause_that_waits_for_its_next_try_does_not_hold_up_a_shutdown(url: str) -> None:
    async with house_at(url) as house:
        house.gate.clear()
        [pausing] = await house.receive("p")
        house.trouble[pausing] = [TransientError("away", retry_after=60)]
        house.gate.set()
        await house.until(lambda: house.trouble[pausing] == [])
        async with asyncio.timeout(2):
            await house.dispatcher.drain(20)
    async with house_at(url) as again:
        await again.until(lambda: again.done == [pausing])


VICTIM = """
import asyncio, sys
from tests.integration.test_runtime_dispatcher import house_at

async def main() -> None:
    async with house_at(sys.argv[1]) as house:
        house.gate.clear()
        await house.receive("p", 3)
        await house.receive("q", 2)
        await house.until(lambda: len(house.began) == 2)
        print("ready", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_what_a_killed_process_left_is_handled_by_the_next_one(url: str) -> None:
    victim = await asyncio.create_subprocess_exec(sys.executable, "-c", VICTIM, url, stdout=asyncio.subprocess.PIPE)
    assert victim.stdout is not None
    async with asyncio.timeout(20):
        assert await victim.stdout.readline() == b"ready\n"
    victim.kill()
    await victim.wait()
    async with house_at(url) as house:
        await house.until(lambda: len(house.done) == 5)
        assert await house.unfinished() == []
        assert house.overlaps == 0
        assert [one for one in house.done if one[0] == "p"] == sorted(one for one in house.done if one[0] == "p")
