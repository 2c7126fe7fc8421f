"""Several replicas' outbox workers on one PostgreSQL: each row once, lanes in order, whoever dies."""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.domain.effects import Outgoing, Receipt
from bot.ports.pace import Toll
from bot.ports.slack import Target
from bot.runtime.outbox import OutboxWorker
from bot.runtime.pace import Pace
from bot.store.engine import create_engine
from bot.store.migrate import migrate
from bot.store.store import SqlStore
from bot.store.tables import outbox, replicas
from tests.contract.store_kit import enqueue, notice
from tests.fakes.messenger import FakeMessenger
from tests.fakes.postgres import postgres_database
from tests.fakes.sandbox_driver import eventually

ROWS, LANES, CRASHES = 500, 25, 12


class SlowSlack(FakeMessenger):
    """Takes a while before and after a message appears, so that a crash can fall on either side."""

    def __init__(self, dice: random.Random) -> None:
        super().__init__()
        self._dice = dice
        self.answers = asyncio.Event()
        self.answers.set()
        self.called = asyncio.Event()

    async def deliver(self, outgoing: Outgoing, target: Target) -> Receipt | None:
        self.called.set()
        await self.answers.wait()
        await asyncio.sleep(self._dice.uniform(0, 0.01))
        receipt = await super().deliver(outgoing, target)
        await asyncio.sleep(self._dice.uniform(0, 0.01))
        return receipt


def brisk(outgoing: Outgoing, _: Target) -> list[Toll]:
    """A pace that now and then makes somebody wait for a moment."""
    return [Toll(f"T1|{outgoing.lane[-1]}", 0.01, 2), Toll("T1", 0.002, 10)]


class Replica:
    """One process, as the outbox sees it."""

    def __init__(self, replica_id: str, url: str, slack: FakeMessenger, *, may_act: Callable[[], bool]) -> None:
        self.id = replica_id
        self.engine = create_engine(url)
        self.store = SqlStore(self.engine, enqueue, time.time, replica_id=replica_id)
        self.worker = OutboxWorker(
            self.store.queue,
            slack,
            time.time,
            parallel=8,
            poll_seconds=0.02,
            settle_seconds=0.05,
            pace=Pace(self.store.paces, time.time, brisk),
            may_act=may_act,
        )

    async def start(self) -> None:
        async with self.engine.begin() as connection:
            await connection.execute(sa.insert(replicas).values(id=self.id, beat_at=time.time()))
        await self.worker.start()

    async def at_work(self, seconds: float = 2.0) -> None:
        """Wait until it delivers, unless nothing is left for it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while len(self.worker._busy) < 3:  # noqa: ASYNC110 - the worker tells nobody
                    await asyncio.sleep(0.002)

    async def crash(self) -> None:
        """Cut off whatever is under way."""
        await self.worker.close(grace=0)
        await self.engine.dispose()


class Cluster:
    """Replicas on one database."""

    def __init__(self, url: str, admin: AsyncEngine) -> None:
        self.url, self.admin = url, admin
        self.dice = random.Random(7)  # noqa: S311 - chance that can be repeated
        self.slack = SlowSlack(self.dice)
        self.alive: list[Replica] = []

    async def add(self, replica_id: str, *, may_act: Callable[[], bool] = lambda: True) -> Replica:
        replica = Replica(replica_id, self.url, self.slack, may_act=may_act)
        await replica.start()
        self.alive.append(replica)
        return replica

    async def declared_dead(self, replica: Replica) -> None:
        async with self.admin.begin() as connection:
            await connection.execute(sa.delete(replicas).where(replicas.c.id == replica.id))

    async def open_rows(self) -> int:
        async with self.admin.connect() as connection:
            query = sa.select(sa.func.count()).where(outbox.c.state == "waiting")
            return int(await connection.scalar(query) or 0)

    async def settled(self) -> None:
        async def nothing_open() -> bool:
            return await self.open_rows() == 0

        await eventually(nothing_open, 30)


@asynccontextmanager
async def opened() -> AsyncIterator[Cluster]:
    async with postgres_database() as url:
        admin = create_engine(url)
        await migrate(admin)
        cluster = Cluster(url, admin)
        try:
            yield cluster
        finally:
            for replica in cluster.alive:
                await replica.crash()
            await admin.dispose()


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    async with opened() as made:
        yield made


async def test_two_replicas_deliver_each_row_once_and_in_order_while_one_keeps_crashing(cluster: Cluster) -> None:
    cluster.slack.answers.clear()  # so that the first crash surely falls into a call
    rows = [notice(f"row {number:03}", lane=f"lane {number % LANES}") for number in range(ROWS)]
    doomed = await cluster.add("doomed 0")
    for begin in range(0, ROWS, 50):
        async with doomed.store.write() as tx:
            await tx.outbox.add(*rows[begin : begin + 50])
    await cluster.slack.called.wait()
    await cluster.add("steady")
    for crash in range(CRASHES):
        await doomed.at_work()
        await asyncio.sleep(cluster.dice.uniform(0.005, 0.05))
        cluster.alive.remove(doomed)
        await doomed.crash()
        cluster.slack.answers.set()
        await cluster.declared_dead(doomed)
        doomed = await cluster.add(f"doomed {crash + 1}")
    await cluster.settled()
    delivered = cluster.slack.delivered
    assert sorted(delivered) == [row.key for row in rows]
    lanes = defaultdict(list)
    for key in delivered:
        lanes[int(key.split()[1]) % LANES].append(key)
    assert all(keys == sorted(keys) for keys in lanes.values())
    assert cluster.slack.searched, "no crash fell into a call: the test shows nothing"


async def test_a_call_under_way_in_a_living_replica_is_left_to_it(cluster: Cluster) -> None:
    gate = cluster.slack.hold("a")
    first = await cluster.add("first")
    async with first.store.write() as tx:
        await tx.outbox.add(notice("a"), notice("b"))
    await cluster.slack.until(lambda: cluster.slack.attempted == ["a"])
    await cluster.add("second")
    await asyncio.sleep(0.3)
    assert (cluster.slack.attempted, cluster.slack.searched) == (["a"], [])
    gate.set()
    await cluster.settled()
    assert cluster.slack.delivered == ["a", "b"]


async def test_what_a_dead_replica_had_begun_is_looked_for_before_it_is_sent_again(cluster: Cluster) -> None:
    cluster.slack.hold("a")
    first = await cluster.add("first")
    async with first.store.write() as tx:
        await tx.outbox.add(notice("a"), notice("b"))
    await cluster.slack.until(lambda: cluster.slack.attempted == ["a"])
    cluster.alive.remove(first)
    await first.crash()
    cluster.slack.release("a")
    second = await cluster.add("second")
    second.store.listen(effects=second.worker.wake)
    await asyncio.sleep(0.2)
    assert cluster.slack.searched == [], "nobody has declared it dead yet"
    await cluster.declared_dead(first)
    await cluster.settled()
    assert (cluster.slack.searched, cluster.slack.delivered) == (["a"], ["a", "b"])


async def test_a_replica_that_may_not_act_leaves_everything_to_others(cluster: Cluster) -> None:
    fresh = True
    frozen = await cluster.add("frozen", may_act=lambda: fresh)
    fresh = False
    async with frozen.store.write() as tx:
        await tx.outbox.add(notice("a"))
    frozen.worker.wake()
    await asyncio.sleep(0.2)
    assert cluster.slack.attempted == []
    await cluster.add("other")
    await cluster.settled()
    assert cluster.slack.delivered == ["a"]
