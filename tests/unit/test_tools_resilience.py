import asyncio
from dataclasses import replace

import pytest

from tests.fakes.tools import HeldClock, Moody, asked_by
from tools.base import ToolError, ToolUnavailableError
from tools.breaker import MOST_FAILURES, Breaker, BreakerState, Rules
from tools.resilience import Guard, Policy

CONTEXT = asked_by("ana@cobalt-studio.example")
SORRY = "It does not answer right now. Be honest about it."
DOWN = ToolUnavailableError("down")
COUNTING = Policy(breaker=Rules(failures=5, open_seconds=60.0))
"""Without the patience of the usual one, for which see test_tools_outages."""


def guard(clock: HeldClock, policy: Policy = COUNTING) -> Guard:
    return Guard("tickets", clock.instruments, policy)


def state(of: Guard | Breaker) -> BreakerState:
    """Asked through a function, since a type checker takes a property for constant."""
    return of.state


async def fails(it: Guard) -> None:
    with pytest.raises(ToolError, match="Be honest"):
        await it.call(Moody(DOWN, DOWN, DOWN), CONTEXT, sorry=SORRY)


async def test_a_short_outage_is_not_noticed() -> None:
    clock = HeldClock()
    work = Moody(DOWN, TimeoutError())
    assert await guard(clock).call(work, CONTEXT, sorry=SORRY) == "done"
    assert clock.slept == [0.2, 0.4]
    assert [(a.number, a.ok, a.error) for a in clock.attempts] == [
        (1, False, "ToolUnavailableError"),
        (2, False, "TimeoutError"),
        (3, True, ""),
    ]


async def test_the_waits_grow_differ_by_chance_and_have_a_top() -> None:
    clock = HeldClock()
    it = guard(clock, Policy(attempts=5, first_wait=1.0, longest_wait=3.0, total_seconds=60.0))
    await it.call(Moody(DOWN, DOWN, DOWN, DOWN), CONTEXT, sorry=SORRY)
    assert clock.slept == [1.0, 2.0, 3.0, 3.0]


async def test_half_of_a_wait_is_chance() -> None:
    clock = HeldClock()
    it = Guard("tickets", replace(clock.instruments, random=lambda: 0.0))
    await it.call(Moody(DOWN, DOWN), CONTEXT, sorry=SORRY)
    assert clock.slept == [0.1, 0.2]


async def test_when_all_attempts_fail_the_model_is_told_what_to_say() -> None:
    clock = HeldClock()
    await fails(guard(clock))
    assert len(clock.attempts) == 3


async def test_the_fallback_answers_when_the_back_end_does_not() -> None:
    assert await guard(HeldClock()).call(Moody(DOWN, DOWN, DOWN), CONTEXT, sorry=SORRY, fallback=Moody()) == "done"


async def test_a_fallback_that_fails_too_ends_in_the_same_words() -> None:
    with pytest.raises(ToolError, match="Be honest"):
        await guard(HeldClock()).call(Moody(DOWN, DOWN, DOWN), CONTEXT, sorry=SORRY, fallback=Moody(DOWN))


async def test_what_is_not_safe_to_repeat_is_tried_once() -> None:
    work = Moody(DOWN)
    with pytest.raises(ToolError):
        await guard(HeldClock(), Policy(safe_to_repeat=False)).call(work, CONTEXT, sorry=SORRY)
    assert work.calls == 1


async def test_the_models_own_fault_is_neither_retried_nor_held_against_the_back_end() -> None:
    clock = HeldClock()
    it = guard(clock)
    for _ in range(9):
        work = Moody(ToolError("No such customer."))
        with pytest.raises(ToolError, match="No such customer"):
            await it.call(work, CONTEXT, sorry=SORRY)
        assert work.calls == 1
    assert state(it) is BreakerState.CLOSED
    assert all(a.ok for a in clock.attempts)


async def test_a_bug_goes_through_at_once() -> None:
    work = Moody(KeyError("x"))
    with pytest.raises(KeyError):
        await guard(HeldClock()).call(work, CONTEXT, sorry=SORRY)
    assert work.calls == 1


async def test_an_attempt_that_hangs_is_really_cancelled() -> None:
    ended: list[str] = []

    async def hang() -> str:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        return "never"

    with pytest.raises(ToolError, match="Be honest"):
        await guard(HeldClock(), Policy(attempt_seconds=0.01)).call(hang, CONTEXT, sorry=SORRY)
    assert ended == ["cancelled"] * 3


async def test_cancellation_from_outside_passes_through_and_is_not_held_against_the_back_end() -> None:
    it = guard(HeldClock(), Policy(attempt_seconds=60.0))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await it.call(lambda: asyncio.sleep(3600, "never"), CONTEXT, sorry=SORRY)
    assert state(it) is BreakerState.CLOSED
    assert await it.call(Moody(), CONTEXT, sorry=SORRY) == "done"


async def test_five_failures_in_a_row_open_the_breaker_and_then_nobody_waits() -> None:
    clock = HeldClock()
    it = guard(clock)
    await fails(it)
    await fails(it)
    assert state(it) is BreakerState.OPEN
    assert [a.asked for a in clock.attempts] == [True] * 5, "the sixth attempt was not made"
    work = Moody()
    with pytest.raises(ToolError, match="Be honest"):
        await it.call(work, CONTEXT, sorry=SORRY)
    assert work.calls == 0


async def test_failures_in_a_moment_are_no_outage_before_they_go_on_for_a_while() -> None:
    clock = HeldClock()
    it = guard(clock, Policy(attempts=1, breaker=Rules(failures=5, grace_seconds=10.0)))
    for _ in range(9):
        await fails(it)
    clock.now += 9.9
    await fails(it)
    assert state(it) is BreakerState.CLOSED
    clock.now += 0.1
    await fails(it)
    assert state(it) is BreakerState.OPEN


async def test_so_many_failures_in_a_row_are_an_outage_however_fast_they_come() -> None:
    it = guard(HeldClock(), Policy(attempts=1, breaker=Rules(grace_seconds=10.0)))
    for _ in range(MOST_FAILURES):
        assert state(it) is BreakerState.CLOSED
        await fails(it)
    assert state(it) is BreakerState.OPEN


async def test_after_a_minute_one_good_trial_closes_the_breaker() -> None:
    clock = HeldClock()
    it = guard(clock)
    await fails(it)
    await fails(it)
    clock.now += 59
    assert state(it) is BreakerState.OPEN
    clock.now += 1.5
    assert state(it) is BreakerState.HALF_OPEN
    assert await it.call(Moody(), CONTEXT, sorry=SORRY) == "done"
    assert state(it) is BreakerState.CLOSED


async def test_the_trial_is_a_call_with_all_its_attempts_and_opens_for_another_minute_when_all_fail() -> None:
    clock = HeldClock()
    it = guard(clock)
    await fails(it)
    await fails(it)
    clock.now += 60.5
    work = Moody(DOWN, DOWN, DOWN)
    with pytest.raises(ToolError):
        await it.call(work, CONTEXT, sorry=SORRY)
    assert work.calls == 3
    clock.now += 59
    assert state(it) is BreakerState.OPEN
    clock.now += 1.5
    assert await it.call(Moody(DOWN, DOWN), CONTEXT, sorry=SORRY) == "done"
    assert state(it) is BreakerState.CLOSED, "the third attempt of the trial did it"


async def test_between_the_attempts_of_a_trial_nobody_else_is_let_through() -> None:
    clock, between, go_on = HeldClock(), asyncio.Event(), asyncio.Event()

    async def sleep(seconds: float) -> None:
        between.set()
        await go_on.wait()

    it = Guard("tickets", replace(clock.instruments, sleep=sleep), replace(COUNTING, breaker=Rules(failures=1)))
    await fails(it)
    clock.now += 60.5
    other = Moody()
    async with asyncio.TaskGroup() as group:
        trial = group.create_task(it.call(Moody(DOWN), CONTEXT, sorry=SORRY))
        await between.wait()
        await fails(it)
        with pytest.raises(ToolError, match="Be honest"):
            await it.call(other, CONTEXT, sorry=SORRY)
        go_on.set()
    assert (trial.result(), other.calls) == ("done", 0)
    assert state(it) is BreakerState.CLOSED


async def test_a_trial_that_is_cancelled_between_its_attempts_has_failed() -> None:
    clock = HeldClock()
    policy = Policy(first_wait=5.0, longest_wait=5.0, breaker=Rules(failures=1))
    it = Guard("tickets", replace(clock.instruments, sleep=asyncio.sleep), policy)
    await fails(it)
    clock.now += 60.5
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await it.call(Moody(DOWN), CONTEXT, sorry=SORRY)
    assert state(it) is BreakerState.OPEN


async def test_the_pauses_begin_short_grow_with_each_failed_trial_and_have_a_top() -> None:
    clock = HeldClock()
    rules = Rules(failures=1, open_seconds=60.0, first_seconds=2.0)
    it = guard(clock, Policy(attempts=1, breaker=rules))
    pauses = []
    for _ in range(8):
        await fails(it)
        pauses.append(it.breaker.seconds_left)
        clock.now += pauses[-1]
    assert pauses == [2.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
    assert await it.call(Moody(), CONTEXT, sorry=SORRY) == "done"
    await fails(it)
    assert it.breaker.seconds_left == 2.0, "after it was well they begin anew"


async def test_while_the_trial_is_under_way_nobody_else_is_let_through() -> None:
    clock = HeldClock()
    it = guard(clock)
    await fails(it)
    await fails(it)
    clock.now += 60.5
    release = asyncio.Event()

    async def slow() -> str:
        await release.wait()
        return "trial"

    async with asyncio.TaskGroup() as group:
        trial = group.create_task(it.call(slow, CONTEXT, sorry=SORRY))
        await asyncio.sleep(0)
        others = [Moody() for _ in range(20)]
        for other in others:
            with pytest.raises(ToolError):
                await it.call(other, CONTEXT, sorry=SORRY)
        release.set()
    assert trial.result() == "trial"
    assert sum(other.calls for other in others) == 0
    assert state(it) is BreakerState.CLOSED


async def test_a_cancelled_trial_makes_room_for_the_next_one() -> None:
    clock = HeldClock()
    it = guard(clock)
    await fails(it)
    await fails(it)
    clock.now += 60.5
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await it.call(lambda: asyncio.sleep(3600, "never"), CONTEXT, sorry=SORRY)
    assert await it.call(Moody(), CONTEXT, sorry=SORRY) == "done"
    assert state(it) is BreakerState.CLOSED


def test_a_straggler_of_an_earlier_time_neither_closes_nor_prolongs() -> None:
    clock = HeldClock()
    breaker = Breaker(clock)
    permits = [breaker.enter() for _ in range(7)]
    assert None not in permits
    for permit in permits[:5]:
        breaker.failed(permit or 0)
    assert state(breaker) is BreakerState.OPEN
    breaker.succeeded(permits[5] or 0)
    assert state(breaker) is BreakerState.OPEN
    clock.now += 30
    breaker.failed(permits[6] or 0)
    clock.now += 30
    assert state(breaker) is BreakerState.HALF_OPEN
    trial, late = breaker.enter(), permits[5] or 0
    assert trial is not None
    assert not breaker.succeeded(late), "only the trial itself closes it"
    assert not breaker.failed(late), "or has failed"
    breaker.released(late)
    assert breaker.enter() is None, "or makes room for another"
    assert breaker.succeeded(trial)


def test_a_success_in_between_starts_the_count_anew() -> None:
    breaker = Breaker(HeldClock())
    for _ in range(4):
        breaker.failed(breaker.enter() or 0)
    breaker.succeeded(breaker.enter() or 0)
    for _ in range(4):
        breaker.failed(breaker.enter() or 0)
    assert state(breaker) is BreakerState.CLOSED
