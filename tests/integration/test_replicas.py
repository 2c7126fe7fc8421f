"""Several processes on one database: who is alive, and who does a dead one's work."""

import asyncio
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.domain.errors import PermanentError
from bot.ports.clock import sortable_id
from bot.runtime.cause_queue import sync_engine
from bot.runtime.replicas import EXIT_DECLARED_DEAD, Lease, Pulse, SharedLease, lease_on
from bot.store.engine import create_engine
from bot.store.migrate import migrate
from tests.contract.store_kit import database
from tests.fakes.postgres import postgres_database
from tests.integration.test_runtime_dispatcher import house_at

QUICK = Pulse(every=0.05, fresh=0.2, dead=0.3)


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with postgres_database() as made:
        engine = create_engine(made)
        await migrate(engine)
        await engine.dispose()
        yield made


class Replica:
    """A lease that notes instead of ending the process, and can be frozen."""

    def __init__(self, url: str) -> None:
        self.ended: list[int] = []
        self.deaths = 0
        self.engine = sync_engine(url, connections=2)
        self.lease = SharedLease(self.engine, sortable_id(), pulse=QUICK, end=self.ended.append)
        self.lease.watch(self._death)
        self._may_go = threading.Event()
        self._may_go.set()
        sa.event.listen(self.engine, "begin", lambda _: self._may_go.wait())

    def freeze(self) -> None:
        self._may_go.clear()

    def thaw(self) -> None:
        self._may_go.set()

    def _death(self) -> None:
        self.deaths += 1


@contextmanager
def replica(url: str) -> Iterator[Replica]:
    one = Replica(url)
    one.lease.start()
    try:
        yield one
    finally:
        one.thaw()
        one.lease.close()


def until(condition: Callable[[], bool], seconds: float = 60.0) -> float:
    """How long it took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, "it did not come to that"
        time.sleep(0.01)
    return time.monotonic() - began


def living(url: str) -> set[str]:
    engine = sync_engine(url, connections=1)
    with engine.begin() as connection:
        found = set(connection.scalars(sa.text("select id from replicas")))
    engine.dispose()
    return found


def test_a_process_that_signs_off_is_missed_at_once(url: str) -> None:
    with replica(url) as one, replica(url) as other:
        until(lambda: living(url) == {one.lease.replica_id, other.lease.replica_id})
        time.sleep(3 * QUICK.every)
        other.lease.close()
        assert until(lambda: one.deaths == 1) < QUICK.dead


def test_a_frozen_process_is_given_up_and_ends_when_it_wakes_up(url: str) -> None:
    with replica(url) as one, replica(url) as other:
        time.sleep(3 * QUICK.every)
        other.freeze()
        until(lambda: one.deaths == 1)
        assert living(url) == {one.lease.replica_id}
        assert not other.lease.is_fresh()
        assert one.lease.is_fresh()
        other.thaw()
        until(lambda: other.ended == [EXIT_DECLARED_DEAD])
        assert not other.lease.is_fresh()
        assert one.ended == []


def test_when_the_database_was_away_nobody_is_given_up(url: str) -> None:
    with replica(url) as one, replica(url) as other:
        time.sleep(3 * QUICK.every)
        for each in (one, other):
            each.freeze()
        until(lambda: not one.lease.is_fresh() and not other.lease.is_fresh())
        time.sleep(2 * QUICK.dead)
        one.thaw()
        time.sleep(2 * QUICK.every)
        other.thaw()
        until(lambda: one.lease.is_fresh() and other.lease.is_fresh())
        time.sleep(2 * QUICK.dead)
        assert one.ended == other.ended == []
        assert living(url) == {one.lease.replica_id, other.lease.replica_id}


def test_many_come_and_go_and_only_the_silent_are_given_up(url: str) -> None:
    replicas = [Replica(url) for _ in range(4)]
    for each in replicas:
        each.lease.start()
    time.sleep(2 * QUICK.dead)
    replicas[0].freeze()
    replicas[1].freeze()
    until(lambda: living(url) == {each.lease.replica_id for each in replicas[2:]})
    for each in replicas[:2]:
        each.thaw()
    until(lambda: all(each.ended for each in replicas[:2]))
    assert not any(each.ended for each in replicas[2:])
    for each in replicas:
        each.lease.close()
    assert living(url) == set()


async def test_a_second_bot_on_a_sqlite_file_is_refused_with_the_remedy(tmp_path: Path) -> None:
    async with database("sqlite", tmp_path) as url:
        first, second = lease_on(url, "first"), lease_on(url, "second")
        first.claim()
        with pytest.raises(PermanentError, match=r"another bot \(process \d+\).*use PostgreSQL"):
            second.claim()
        (tmp_path / "link.db").symlink_to(tmp_path / "test.db")
        with pytest.raises(PermanentError, match="another bot"):
            lease_on(f"sqlite:///{tmp_path}/link.db", "by another name").claim()
        first.close()
        second.claim()
        second.close()


HOLDER = """
import sys, time
from bot.runtime.replicas import lease_on
lease_on(sys.argv[1], "holder").claim()
print("ready", flush=True)
time.sleep(60)
"""


async def test_the_lock_of_a_killed_bot_is_free(tmp_path: Path) -> None:
    async with database("sqlite", tmp_path) as url:
        holder = await _process(HOLDER, url)
        lease: Lease = lease_on(url, "next")
        with pytest.raises(PermanentError):
            lease.claim()
        holder.kill()
        await holder.wait()
        lease.claim()
        lease.close()


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


@pytest.mark.alone
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
async def test_p1_a_dead_processs_causes_are_taken_over_within_five_seconds(url: str, how: signal.Signals) -> None:
    victim = await _process(VICTIM, url)  # first: or the other might take a cause before it is begun
    async with house_at(url) as house:
        began = asyncio.get_running_loop().time()
        victim.send_signal(how)
        await house.until(lambda: len(house.done) == 5)
        assert asyncio.get_running_loop().time() - began < 5
        assert house.overlaps == 0
        for lane in "pq":
            mine = [one for one in house.done if one[0] == lane]
            assert mine == sorted(mine)
        if how is signal.SIGSTOP:
            victim.send_signal(signal.SIGCONT)
            async with asyncio.timeout(5):
                assert await victim.wait() == EXIT_DECLARED_DEAD
        assert len(house.began) == 5
    await victim.wait()


async def _process(program: str, url: str) -> asyncio.subprocess.Process:
    """Runs a program until it says that it is ready."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, url, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    async with asyncio.timeout(20):
        assert await process.stdout.readline() == b"ready\n"
    return process
