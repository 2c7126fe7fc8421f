"""How long a call may take at most, and what becomes of an attempt for which too little of that is left."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import pytest

from tests.fakes.tools import HeldClock, Moody, asked_by
from tests.fakes.virtual_time import in_virtual_time
from tests.unit.test_tools_noticeboard import Paper
from tools.attempts import Attempt
from tools.base import ToolError, ToolUnavailableError
from tools.breaker import BreakerState, Rules
from tools.noticeboard import Mark, Noticeboard
from tools.resilience import Guard, Instruments, Policy

CONTEXT = asked_by("ana@cobalt-studio.example")
SORRY = "It does not answer right now. Be honest about it."
DOWN = ToolUnavailableError("down")


async def fails(it: Guard) -> None:
    with pytest.raises(ToolError, match="Be honest"):
        await it.call(Moody(DOWN), CONTEXT, sorry=SORRY)


def test_all_attempts_together_have_a_deadline() -> None:
    async def patience() -> tuple[int, float]:
        noted: list[Attempt] = []
        it = Guard("tickets", policy=Policy(attempts=9, attempt_seconds=5.0, total_seconds=12.0, first_wait=0.0))
        with pytest.raises(ToolError, match="Be honest"):
            await it.call(
                lambda: asyncio.sleep(3600, "never"), replace(CONTEXT, note_attempt=noted.append), sorry=SORRY
            )
        return len(noted), asyncio.get_running_loop().time()

    assert in_virtual_time(patience()) == (3, 12.0), "two of five seconds, and what was left"


def test_nobody_waits_for_an_attempt_that_would_come_after_the_deadline() -> None:
    async def patience() -> tuple[int, float]:
        work = Moody(*[DOWN] * 9)
        it = Guard("tickets", policy=Policy(attempts=9, total_seconds=12.0, first_wait=8.0, longest_wait=8.0))
        with pytest.raises(ToolError, match="Be honest"):
            await it.call(work, CONTEXT, sorry=SORRY)
        return work.calls, asyncio.get_running_loop().time()

    calls, seconds = in_virtual_time(patience())
    assert calls in {2, 3}, "half of each wait is chance"
    assert 4.0 <= seconds < 12.0


def test_work_that_could_not_be_waited_for_any_more_is_not_begun() -> None:
    """The database, on which others say what they know, took all the time."""
    begun: list[str] = []

    class SlowPaper(Paper):
        async def marks(self) -> Mapping[str, Mark]:
            await asyncio.sleep(0.9)
            return await super().marks()

    async def work() -> None:
        begun.append("work")

    async def late() -> list[Attempt]:
        noted: list[Attempt] = []
        loop = asyncio.get_running_loop()
        board = Noticeboard(SlowPaper(), clock=loop.time, wall=loop.time)
        it = Guard("tickets", Instruments(board=board), Policy(attempt_seconds=0.5, total_seconds=0.5))
        with pytest.raises(ToolError, match="Be honest"):
            await it.call(work, replace(CONTEXT, note_attempt=noted.append), sorry=SORRY)
        return noted

    [attempt] = in_virtual_time(late())
    assert (begun, attempt.asked, attempt.error) == ([], False, "TooLateError")


def test_a_trial_for_which_no_time_was_left_is_made_by_the_next() -> None:
    async def story() -> tuple[int, str]:
        loop, paper = asyncio.get_running_loop(), Paper()
        board = Noticeboard(paper, clock=loop.time, wall=loop.time)
        policy = Policy(attempts=1, attempt_seconds=0.5, total_seconds=0.5, breaker=Rules(failures=1))
        it = Guard("tickets", Instruments(clock=loop.time, board=board), policy)
        await fails(it)
        await asyncio.sleep(61.0)
        paper.shows, late = asyncio.Event(), Moody()
        with pytest.raises(ToolError, match="Be honest"):
            await it.call(late, CONTEXT, sorry=SORRY)
        paper.shows.set()
        return late.calls, await it.call(Moody(), CONTEXT, sorry=SORRY)

    assert in_virtual_time(story()) == (0, "done")


async def test_an_attempt_is_told_before_the_others_are_and_its_time_is_its_own() -> None:
    clock = HeldClock()

    class SlowPaper(Paper):
        async def change(self, name: str, mark: Mark) -> bool:
            clock.now += 1.5
            return await super().change(name, mark)

    board = Noticeboard(SlowPaper(), clock=clock, wall=clock)
    it = Guard("tickets", replace(clock.instruments, board=board), Policy(attempts=1, breaker=Rules(failures=1)))
    await fails(it)
    assert [attempt.ms for attempt in clock.attempts] == [0]


@pytest.mark.parametrize(("failures", "becomes"), [(2, BreakerState.OPEN), (3, BreakerState.CLOSED)])
def test_an_attempt_that_is_left_no_time_for_an_answer_tells_nothing(failures: int, becomes: BreakerState) -> None:
    """Two of five seconds each, and a third with what is left of the twelve."""
    policy = Policy(attempts=3, attempt_seconds=5.0, total_seconds=12.0, breaker=Rules(failures=failures))

    async def hang() -> BreakerState:
        it = Guard("tickets", policy=policy)
        with pytest.raises(ToolError, match="Be honest"):
            await it.call(lambda: asyncio.sleep(3600, "never"), CONTEXT, sorry=SORRY)
        return it.state

    assert in_virtual_time(hang()) is becomes
