"""The board of the circuit breakers, and several processes that share it."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.store.store import SqlStore
from tests.contract.store_kit import KINDS, database, open_store
from tests.fakes.held_board import HeldBoard
from tests.fakes.tools import HeldClock
from tools.breaker import BreakerState, Rules
from tools.noticeboard import Mark, Noticeboard, SharedBreaker

RULES = Rules(failures=3, open_seconds=30.0)


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlStore]:
    async with database(request.param, tmp_path) as url, open_store(url) as store:
        yield store


class Replica:
    """One process with a clock of its own."""

    def __init__(self, store: SqlStore, clock: HeldClock, *, wall: float = 0.0) -> None:
        board = Noticeboard(HeldBoard(store.breakers), clock=clock, wall=lambda: clock() + 1e9 + wall)
        self.breaker = SharedBreaker("model:claude", board, clock, rules=RULES, trial_seconds=10.0)

    async def fails(self, times: int = 1) -> None:
        for _ in range(times):
            permit = await self.breaker.enter()
            assert permit is not None
            await self.breaker.failed(permit, "overloaded")

    async def may(self) -> bool:
        return await self.breaker.enter() is not None


async def test_a_mark_is_valid_only_against_the_newest_term(store: SqlStore) -> None:
    board = store.breakers
    assert await board.change("a", Mark(1, 50.0, "timeout"))
    assert not await board.change("a", Mark(1, 60.0, "timeout")), "somebody else was first"
    assert await board.change("a", Mark(2, None))
    assert not await board.change("a", Mark(4, 70.0)), "a term was missed"
    assert not await board.change("b", Mark(2, 70.0)), "nothing stands there yet"
    assert await board.marks() == {"a": Mark(2, None, "")}


async def test_of_many_who_change_it_at_once_one_wins(store: SqlStore) -> None:
    for term in (1, 2, 3):
        won = await asyncio.gather(*(store.breakers.change("a", Mark(term, float(i), "x")) for i in range(8)))
        assert sum(won) == 1


async def test_what_one_finds_out_all_know_a_second_later(store: SqlStore) -> None:
    clock = HeldClock()
    one, other = Replica(store, clock), Replica(store, clock)
    assert await other.may()
    await one.fails(3)
    clock.now += 1.0
    assert not await other.may()
    assert other.breaker.reason == "overloaded"


async def test_of_all_processes_one_makes_the_trial_and_closes_it_for_all(store: SqlStore) -> None:
    clock = HeldClock()
    replicas = [Replica(store, clock) for _ in range(3)]
    await replicas[0].fails(3)
    clock.now += 31.0
    permits = await asyncio.gather(*(r.breaker.enter() for r in replicas))
    [(trying, permit)] = [(r, p) for r, p in zip(replicas, permits, strict=True) if p is not None]
    assert await trying.breaker.succeeded(permit)
    clock.now += 1.0
    assert [await r.may() for r in replicas] == [True, True, True]


async def test_a_trial_that_fails_opens_it_again_for_all(store: SqlStore) -> None:
    clock = HeldClock()
    one, other = Replica(store, clock), Replica(store, clock)
    await one.fails(3)
    clock.now += 31.0
    await one.fails()
    clock.now += 29.0
    assert [await one.may(), await other.may()] == [False, False]
    clock.now += 2.0
    assert await other.may()


async def test_when_the_one_who_tries_dies_another_tries_later(store: SqlStore) -> None:
    clock = HeldClock()
    dying, other = Replica(store, clock), Replica(store, clock)
    await dying.fails(3)
    clock.now += 31.0
    assert await dying.may()
    assert not await other.may()
    clock.now += 11.0
    assert await other.may()


async def test_a_trial_that_tells_nothing_leaves_the_next_to_others(store: SqlStore) -> None:
    clock = HeldClock()
    stopped, other = Replica(store, clock), Replica(store, clock)
    await stopped.fails(3)
    clock.now += 31.0
    permit = await stopped.breaker.enter()
    assert permit is not None
    await stopped.breaker.released(permit)
    clock.now += 1.0
    assert await other.may()


async def test_a_clock_that_is_wrong_by_a_day_keeps_nobody_out_for_a_day(store: SqlStore) -> None:
    clock = HeldClock()
    ahead, right = Replica(store, clock, wall=86_400.0), Replica(store, clock)
    await ahead.fails(3)
    clock.now += 1.0
    assert not await right.may()
    clock.now += 3_601.0
    assert await right.may()


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
@pytest.mark.parametrize("wrong", [-86_400.0, 86_400.0], ids=["a day late", "a day early"])
async def test_a_machine_whose_clock_is_wrong_sees_no_end_of_a_trial_that_goes_on(
    store: SqlStore, wrong: float
) -> None:
    def process(error: float) -> SharedBreaker:
        board = Noticeboard(store.breakers, wall=lambda: time.time() + error)
        return SharedBreaker("model:claude", board, rules=Rules(failures=1), trial_seconds=600.0)

    trying, other = process(wrong), process(0.0)
    permit = await trying.enter()
    assert permit is not None
    await trying.failed(permit, "overloaded")
    await store.breakers.make_due()
    assert await trying.enter() is not None
    assert await other.enter() is None
    assert 0.0 < other.seconds_left <= 601.0, "as long as the trial may take, and no longer"


async def test_it_is_still_open_in_the_next_process_unless_that_wants_a_trial(store: SqlStore) -> None:
    clock = HeldClock()
    await Replica(store, clock).fails(3)
    again = Replica(store, clock)
    assert not await again.may()
    assert again.breaker.state is BreakerState.OPEN
    await store.breakers.make_due()
    clock.now += 1.0
    assert await again.may()
    assert not await Replica(store, clock).may(), "one trial at a time"
