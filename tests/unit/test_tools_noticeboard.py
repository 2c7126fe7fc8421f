"""Shared breakers when the board is slow, away or forgetful."""

import asyncio
from collections.abc import Mapping

import pytest

from tests.fakes.tools import HeldClock
from tests.fakes.virtual_time import in_virtual_time
from tools.breaker import BreakerState, Rules
from tools.noticeboard import POST_SECONDS, READ_SECONDS, Board, Mark, Noticeboard, SharedBreaker


class Paper:
    """A board in memory that can be taken away, and counts who looks."""

    def __init__(self) -> None:
        self.rows: dict[str, Mark] = {}
        self.away = False
        self.looks = 0
        self.writes = 0
        self.holds: asyncio.Event | None = None
        self.shows: asyncio.Event | None = None
        self.acknowledges: asyncio.Event | None = None
        self.time: HeldClock | None = None

    async def marks(self) -> Mapping[str, Mark]:
        self.looks += 1
        self._there()
        seen = dict(self.rows)
        if self.shows is not None:
            await self.shows.wait()
        return seen

    async def change(self, name: str, mark: Mark) -> bool:
        self.writes += 1
        if self.holds is not None:
            await self.holds.wait()
        self._there()
        if mark.term != (self.rows[name].term + 1 if name in self.rows else 1):
            return False
        self.rows[name] = mark
        if self.acknowledges is not None:
            await self.acknowledges.wait()
        return True

    async def now(self) -> float | None:
        return None if self.time is None else self.time()

    def _there(self) -> None:
        if self.away:
            raise ConnectionError("the database went away")


def breaker(clock: HeldClock, board: Board | None) -> SharedBreaker:
    shared = Noticeboard(board, clock=clock, wall=clock)
    return SharedBreaker("model:claude", shared, clock, rules=Rules(failures=2, open_seconds=30.0), trial_seconds=10.0)


async def fails(it: SharedBreaker) -> None:
    permit = await it.enter()
    assert permit is not None
    await it.failed(permit, "timeout")


async def due_for_a_trial() -> tuple[HeldClock, Paper, SharedBreaker]:
    clock, paper = HeldClock(), Paper()
    it = breaker(clock, paper)
    await fails(it)
    await fails(it)
    clock.now += 31.0
    await it.look()
    return clock, paper, it


async def test_the_board_is_read_once_a_second_and_written_on_change_alone() -> None:
    clock, paper = HeldClock(), Paper()
    it = breaker(clock, paper)
    for _ in range(100):
        permit = await it.enter()
        assert permit is not None
        await it.succeeded(permit)
        clock.now += 0.05
    assert 5 <= paper.looks <= 6
    assert paper.writes == 0


async def test_the_boards_clock_counts_also_when_ours_is_set_anew() -> None:
    clock, paper = HeldClock(), Paper()
    paper.time, error = clock, 500.0
    board = Noticeboard(paper, clock=clock, wall=lambda: clock() + error)
    for error in (500.0, -70.0, 0.0):  # noqa: B007 - read by the clock of this machine
        clock.now += 61.0
        await board.mark("crm")
        assert board.now() == clock()


async def test_many_at_once_read_it_once() -> None:
    paper = Paper()
    it = breaker(HeldClock(), paper)
    await asyncio.gather(*(it.enter() for _ in range(50)))
    assert paper.looks == 1


async def test_without_the_board_everybody_goes_by_what_he_knows() -> None:
    clock, paper = HeldClock(), Paper()
    paper.away = True
    it = breaker(clock, paper)
    await fails(it)
    await fails(it)
    assert await it.enter() is None
    clock.now += 31.0
    permit = await it.enter()
    assert permit is not None, "the trial needs nobody's leave"
    await it.succeeded(permit)
    assert await it.enter() is not None
    paper.away = False
    clock.now += 2.0
    assert await it.enter() is not None


async def test_when_the_board_was_wiped_the_breaker_begins_anew() -> None:
    clock, paper = HeldClock(), Paper()
    it = breaker(clock, paper)
    await fails(it)
    await fails(it)
    paper.rows.clear()
    clock.now += 31.0
    assert await it.enter() is not None
    assert paper.rows["model:claude"].term == 1


async def test_of_two_who_saw_at_once_that_a_trial_is_due_one_makes_it() -> None:
    clock, paper, one = await due_for_a_trial()
    other = breaker(clock, paper)
    clock.now += 1.0
    paper.shows = asyncio.Event()
    both = asyncio.gather(one.enter(), other.enter())
    await asyncio.sleep(0.01)  # both have seen what stood there
    paper.shows.set()
    permits = await both
    assert sum(permit is not None for permit in permits) == 1
    assert [await one.enter(), await other.enter()] == [None, None]


async def test_a_look_that_crosses_with_taking_the_trial_does_not_end_it() -> None:
    clock, paper, it = await due_for_a_trial()
    paper.holds, paper.shows = asyncio.Event(), asyncio.Event()
    taking = asyncio.ensure_future(it.enter())
    await asyncio.sleep(0.01)
    clock.now += 1.0
    looking = asyncio.ensure_future(it.look())  # would see what stood there before the trial was taken
    await asyncio.sleep(0.01)
    paper.holds.set()
    permit = await taking
    paper.shows.set()
    await looking
    assert permit is not None
    assert await it.succeeded(permit), "the trial counts"
    clock.now += 1.0
    assert await it.enter() is not None


async def test_a_look_that_crosses_with_closing_it_does_not_open_it_again() -> None:
    clock, paper, it = await due_for_a_trial()
    permit = await it.enter()
    assert permit is not None
    clock.now += 1.0
    paper.shows = asyncio.Event()
    looking = asyncio.ensure_future(it.look())
    await asyncio.sleep(0)  # it has seen the trial, but not told of it yet
    assert await it.succeeded(permit)
    paper.shows.set()
    await looking
    assert await it.enter() is not None


def test_a_board_that_hangs_is_waited_for_no_longer_than_a_moment() -> None:
    async def story() -> tuple[float, float, BreakerState]:
        loop, paper = asyncio.get_running_loop(), Paper()
        paper.holds = paper.shows = asyncio.Event()
        it = SharedBreaker("crm", Noticeboard(paper, clock=loop.time), loop.time, rules=Rules(failures=1))
        permit = await it.enter()
        entered = loop.time()
        await it.failed(permit or 0)
        return entered, loop.time() - entered, it.state

    assert in_virtual_time(story()) == (READ_SECONDS, POST_SECONDS, BreakerState.OPEN)


async def test_a_look_at_ones_own_trial_before_it_is_acknowledged_does_not_end_it() -> None:
    clock, paper, it = await due_for_a_trial()
    paper.acknowledges = asyncio.Event()
    taking = asyncio.ensure_future(it.enter())
    await asyncio.sleep(0.01)
    clock.now += 1.0
    assert await it.enter() is None
    paper.acknowledges.set()
    permit = await taking
    assert permit is not None
    assert await it.succeeded(permit), "the trial counts"
    clock.now += 1.0
    assert await it.enter() is not None


async def test_being_cancelled_while_taking_the_trial_leaves_it_to_the_next() -> None:
    clock, paper = HeldClock(), Paper()
    it = breaker(clock, paper)
    await fails(it)
    await fails(it)
    clock.now += 31.0
    paper.holds = asyncio.Event()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await it.enter()
    paper.holds = None
    assert await it.enter() is not None


async def test_a_trouble_of_ones_own_keeps_nobody_else_out() -> None:
    clock, paper = HeldClock(), Paper()
    sick, well = breaker(clock, paper), breaker(clock, paper)
    for _ in range(2):
        permit = await sick.enter()
        assert permit is not None
        await sick.failed(permit, "connection", private=True)
    clock.now += 1.0
    assert await sick.enter() is None
    assert await well.enter() is not None
    clock.now += 31.0
    permit = await sick.enter()
    assert permit is not None
    await sick.succeeded(permit)
    assert await sick.enter() is not None
    assert paper.rows == {}


async def test_a_shared_trial_that_fails_for_reasons_of_ones_own_is_given_back() -> None:
    clock, paper = HeldClock(), Paper()
    sick, well = breaker(clock, paper), breaker(clock, paper)
    await fails(sick)
    await fails(sick)
    clock.now += 31.0
    permit = await sick.enter()
    assert permit is not None
    await sick.failed(permit, "connection", private=True)
    assert paper.rows["model:claude"].reason == "connection", "others know that it is over"
    clock.now += 31.0
    assert await well.enter() is not None


async def test_what_others_found_well_is_one_s_own_trouble_until_one_succeeds_oneself() -> None:
    clock, paper = HeldClock(), Paper()
    sick, well = breaker(clock, paper), breaker(clock, paper)

    async def outage_and_trial(by: SharedBreaker) -> Mark:
        for _ in range(2):
            await fails(sick)
        clock.now += 31.0
        permit = await by.enter()
        assert permit is not None
        await by.succeeded(permit)
        clock.now += 1.0
        return paper.rows["model:claude"]

    closed = await outage_and_trial(well)
    assert await outage_and_trial(sick) == closed, "others have not heard of it"
    assert await outage_and_trial(well) != closed, "it has been well, so it may have been right"


async def test_who_only_heard_of_an_outage_is_believed_when_it_finds_the_next() -> None:
    clock, paper = HeldClock(), Paper()
    finds, hears = breaker(clock, paper), breaker(clock, paper)
    await fails(finds)
    await fails(finds)
    clock.now += 1.0
    assert await hears.enter() is None
    clock.now += 31.0
    permit = await finds.enter()
    assert permit is not None
    await finds.succeeded(permit)
    clock.now += 1.0
    await fails(hears)
    await fails(hears)
    clock.now += 1.0
    assert await finds.enter() is None


async def test_failures_long_apart_are_not_one_trouble() -> None:
    clock = HeldClock()
    it = breaker(clock, None)
    await fails(it)
    clock.now += 121.0
    await fails(it)
    assert await it.enter() is not None


async def test_a_failure_that_lasts_opens_it_at_once_and_for_as_long() -> None:
    clock = HeldClock()
    it = breaker(clock, None)
    permit = await it.enter()
    assert permit is not None
    assert await it.failed(permit, "spend_cap", at_once=900.0)
    clock.now += 899.0
    assert await it.enter() is None
    assert (it.reason, it.seconds_left) == ("spend_cap", 1.0)


@pytest.mark.parametrize("late", [True, False], ids=["succeeds late", "fails late"])
async def test_a_trial_that_outlives_its_claim_undoes_nothing_that_others_found_out_since(late: bool) -> None:
    clock, paper = HeldClock(), Paper()
    frozen, other = breaker(clock, paper), breaker(clock, paper)
    await fails(frozen)
    await fails(frozen)
    clock.now += 31.0
    held = await frozen.enter()
    assert held is not None
    clock.now += 11.0
    taken = await other.enter()
    assert taken is not None, "whoever tried is taken for dead"
    await (other.failed(taken, "timeout") if late else other.succeeded(taken))
    await (frozen.succeeded(held) if late else frozen.failed(held, "timeout"))
    clock.now += 1.0
    may = [await one.enter() is not None for one in (frozen, other)]
    assert may == [not late] * 2, "both go by the later trial"


async def test_whoever_makes_the_trial_the_pauses_grow_for_all() -> None:
    clock, paper = HeldClock(), Paper()
    rules = Rules(failures=1, open_seconds=60.0, first_seconds=2.0)
    three = [SharedBreaker("crm", Noticeboard(paper, clock=clock, wall=clock), clock, rules=rules) for _ in range(3)]
    began = clock.now
    for number in range(7):
        trying, since = three[number % 3], clock.now - began
        await fails(trying)
        pause = trying.seconds_left
        assert pause == pytest.approx(min(60.0, max(2.0, since)), abs=1.0), "one learns of it a second after another"
        clock.now += 1.0
        for one in three:
            await one.look()
        assert [one.seconds_left for one in three] == pytest.approx([pause - 1.0] * 3), "all know of the same pause"
        clock.now += pause - 1.0
    permit = await three[0].enter()
    assert permit is not None
    await three[0].succeeded(permit)
    clock.now += 1.0
    await fails(three[1])
    assert three[1].seconds_left == 2.0
