"""What a guard repeats, obeys, spares and tells; see test_tools_resilience for attempts and the breaker alone."""

import asyncio
from dataclasses import replace

import pytest

from tests.fakes.tools import HeldClock, Moody, asked_by
from tests.fakes.virtual_time import in_virtual_time
from tests.unit.test_tools_noticeboard import Paper
from tools.attempts import Attempt
from tools.base import OutcomeUnknownError, ToolContext, ToolError, ToolUnavailableError
from tools.breaker import BreakerState, Rules
from tools.guards import Guards
from tools.noticeboard import Noticeboard
from tools.resilience import STANDARD, Guard, Instruments, Policy

ANA = asked_by("ana@cobalt-studio.example")
SORRY = "It does not answer right now. Be honest about it."
DOWN, UNSURE = ToolUnavailableError("down"), OutcomeUnknownError("HTTP 500; it may have been done.")


class RefusedError(ToolUnavailableError):
    will_pass = False


def busy(seconds: float) -> ToolUnavailableError:
    return ToolUnavailableError("slow down", retry_after=seconds)


async def fails(guard: Guard, *moods: BaseException, context: ToolContext = ANA) -> Moody:
    work = Moody(*moods)
    with pytest.raises(OutcomeUnknownError, match="Be honest"):
        await guard.call(work, context, sorry=SORRY)
    return work


# --- what is repeated ---


async def test_an_unknown_outcome_is_asked_for_again_where_that_does_no_harm() -> None:
    guard = Guard("tickets", HeldClock().instruments)
    assert await guard.call(Moody(UNSURE, UNSURE), ANA, sorry=SORRY) == "done"


@pytest.mark.parametrize("failure", [DOWN, UNSURE, TimeoutError()], ids=lambda failure: type(failure).__name__)
async def test_what_a_tool_has_not_declared_safe_is_asked_once(failure: Exception) -> None:
    unsafe = replace(ANA, safe_to_repeat=False)
    work = await fails(Guard("tickets", HeldClock().instruments), failure, context=unsafe)
    assert work.calls == 1


async def test_a_call_may_declare_otherwise_than_its_tool() -> None:
    guard, unsafe = Guard("tickets", HeldClock().instruments), replace(ANA, safe_to_repeat=False)
    assert await guard.call(Moody(DOWN), unsafe, sorry=SORRY, safe_to_repeat=True) == "done"
    work = Moody(DOWN)
    with pytest.raises(ToolError):
        await guard.call(work, ANA, sorry=SORRY, safe_to_repeat=False)
    assert work.calls == 1


async def test_a_connectors_own_words_about_an_unknown_outcome_are_not_what_the_model_reads() -> None:
    with pytest.raises(OutcomeUnknownError) as told:
        await Guard("tickets", HeldClock().instruments).call(Moody(*[UNSURE] * 3), ANA, sorry=SORRY)
    assert str(told.value) == SORRY


async def test_a_refusal_is_not_repeated_and_a_poisoned_question_takes_no_tool_away_from_others() -> None:
    clock = HeldClock()
    guard = Guard("customers", clock.instruments)
    for _ in range(9):
        assert (await fails(guard, RefusedError("HTTP 400"))).calls == 1
    assert guard.state is BreakerState.CLOSED
    assert await guard.call(Moody(RefusedError("HTTP 400")), ANA, sorry=SORRY, fallback=Moody()) == "done"


# --- what a back-end asks for ---


async def test_a_wish_for_a_pause_is_obeyed() -> None:
    clock = HeldClock()
    assert await Guard("crm", clock.instruments).call(Moody(busy(3.0)), ANA, sorry=SORRY) == "done"
    assert clock.slept == [3.2], "what was asked for, and some chance"


async def test_nobody_waits_for_longer_than_the_deadline_and_others_do_not_even_ask() -> None:
    clock = HeldClock()
    guard = Guard("crm", clock.instruments)
    work = await fails(guard, busy(90.0))
    assert (work.calls, clock.slept) == (1, [])
    clock.now += 89.0
    assert (await fails(guard)).calls == 0
    clock.now += 2.0
    assert await guard.call(Moody(), ANA, sorry=SORRY) == "done"


async def test_a_short_pause_that_is_wished_for_is_also_that_of_the_breaker() -> None:
    clock = HeldClock()
    guard = Guard("crm", clock.instruments, Policy(attempts=1, breaker=Rules(failures=1, open_seconds=60.0)))
    await fails(guard, busy(7.0))
    assert (guard.state, guard.breaker.seconds_left) == (BreakerState.OPEN, 7.0)


async def test_a_pause_of_a_day_is_not_believed_for_more_than_ten_minutes() -> None:
    clock = HeldClock()
    guard = Guard("crm", clock.instruments)
    await fails(guard, busy(86_400.0))
    clock.now += 601.0
    assert await guard.call(Moody(), ANA, sorry=SORRY) == "done"


# --- fallbacks ---


async def test_fallbacks_are_tried_in_order_and_told() -> None:
    noted: list[Attempt] = []
    guard, context = Guard("customers", HeldClock().instruments), replace(ANA, note_attempt=noted.append)
    second, third = Moody(DOWN), Moody()
    assert await guard.call(Moody(*[DOWN] * 3), context, sorry=SORRY, fallback=(second, third)) == "done"
    assert [(a.name, a.number, a.ok, a.error) for a in noted] == [
        ("customers", 1, False, "ToolUnavailableError"),
        ("customers", 2, False, "ToolUnavailableError"),
        ("customers", 3, False, "ToolUnavailableError"),
        ("customers (fallback)", 4, False, "ToolUnavailableError"),
        ("customers (fallback)", 5, True, ""),
    ]


def test_a_fallback_that_hangs_has_the_time_of_one_attempt() -> None:
    async def answered() -> tuple[str, float]:
        guard = Guard("crm", policy=Policy(attempts=1, attempt_seconds=5.0))
        hangs = lambda: asyncio.sleep(3600, "never")  # noqa: E731 - one line of work
        told = await guard.call(Moody(DOWN), ANA, sorry=SORRY, fallback=(hangs, Moody()))
        return told, asyncio.get_running_loop().time()

    assert in_virtual_time(answered()) == ("done", 5.0)


async def test_a_bug_in_a_fallback_is_not_hidden() -> None:
    with pytest.raises(KeyError):
        await Guard("crm", HeldClock().instruments).call(
            Moody(*[DOWN] * 3), ANA, sorry=SORRY, fallback=(Moody(KeyError("x")), Moody())
        )


# --- settings ---


async def test_a_call_tries_as_hard_as_its_profile_wants() -> None:
    clock = HeldClock()

    def adapt(context: ToolContext, policy: Policy) -> Policy:
        return replace(policy, attempts=1) if (context.profile, context.tool) == ("triage", "create_ticket") else policy

    guard = Guard("tickets", replace(clock.instruments, adapt=adapt))
    hasty = replace(ANA, profile="triage", tool="create_ticket")
    assert (await fails(guard, *[DOWN] * 3, context=hasty)).calls == 1
    assert (await fails(guard, *[DOWN] * 3)).calls == 3


async def test_failures_of_all_profiles_are_counted_together_each_with_its_own_number() -> None:
    clock = HeldClock()

    def adapt(context: ToolContext, policy: Policy) -> Policy:
        number = 2 if context.profile == "triage" else 20
        return replace(policy, attempts=1, breaker=Rules(failures=number, open_seconds=10.0))

    guard = Guard("tickets", replace(clock.instruments, adapt=adapt))
    await fails(guard, DOWN)
    await fails(guard, DOWN)
    assert guard.state is BreakerState.CLOSED
    await fails(guard, DOWN, context=replace(ANA, profile="triage"))
    assert (await fails(guard, DOWN)).calls == 0


async def test_a_trial_that_takes_long_is_not_overtaken_by_another_process() -> None:
    clock, paper = HeldClock(), Paper()
    patient = Policy(attempt_seconds=120.0, total_seconds=200.0, breaker=Rules())
    board = [Noticeboard(paper, clock=clock, wall=clock) for _ in range(2)]
    one, other = (Guard("crm", replace(clock.instruments, board=b), patient) for b in board)
    await fails(one, *[DOWN] * 3)
    await fails(one, *[DOWN] * 3)
    clock.now += 61.0
    release, began = asyncio.Event(), asyncio.Event()

    async def slow() -> str:
        began.set()
        await release.wait()
        return "trial"

    async with asyncio.TaskGroup() as group:
        trial = group.create_task(one.call(slow, ANA, sorry=SORRY))
        await began.wait()
        clock.now += 190.0
        assert (await fails(other)).calls == 0, "it is still being tried"
        release.set()
    assert trial.result() == "trial"
    clock.now += 1.0
    assert await other.call(Moody(), ANA, sorry=SORRY) == "done"


# --- how many at once ---


class Slow:
    """Work that goes on until it is let go."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.inside = self.most = self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            await self.go.wait()
        finally:
            self.inside -= 1
        return "done"


async def until_still() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


async def test_so_many_calls_are_under_way_at_once_and_the_others_wait_their_turn() -> None:
    guard, work = Guard("crm", HeldClock().instruments, replace(STANDARD, at_once=3, attempt_seconds=60.0)), Slow()
    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(guard.call(work, ANA, sorry=SORRY)) for _ in range(10)]
        await until_still()
        assert (work.calls, guard.bulkhead.inside) == (3, 3)
        work.go.set()
    assert (work.most, [call.result() for call in calls]) == (3, ["done"] * 10)
    assert guard.bulkhead.inside == 0


async def test_whoever_finds_no_room_in_time_is_told_so_and_it_is_no_fault_of_the_back_end() -> None:
    clock, work = HeldClock(), Slow()
    guard = Guard("crm", clock.instruments, Policy(at_once=1, total_seconds=60.0, attempt_seconds=60.0))
    hurried = Guards(clock.instruments)  # only to show that another back-end is not touched by it
    async with asyncio.TaskGroup() as group:
        first = group.create_task(guard.call(work, ANA, sorry=SORRY))
        await until_still()
        guard._policy = Policy(at_once=1, total_seconds=0.01)
        for _ in range(6):
            assert (await fails(guard)).calls == 0
        assert await hurried.of("tickets").call(Moody(), ANA, sorry=SORRY) == "done"
        work.go.set()
    assert first.result() == "done"
    assert {a.error for a in clock.attempts if not a.asked} == {"CrowdedError"}
    assert guard.state is BreakerState.CLOSED


async def test_whoever_gives_up_waiting_takes_no_place_with_him() -> None:
    guard, work = Guard("crm", HeldClock().instruments, replace(STANDARD, at_once=1, attempt_seconds=60.0)), Slow()
    async with asyncio.TaskGroup() as group:
        first = group.create_task(guard.call(work, ANA, sorry=SORRY))
        await until_still()
        waiting = [group.create_task(guard.call(work, ANA, sorry=SORRY)) for _ in range(5)]
        await until_still()
        for task in waiting[:4]:
            task.cancel()
        work.go.set()
        first.add_done_callback(lambda _: waiting[3].cancel())
    assert waiting[4].result() == "done"
    assert guard.bulkhead.inside == 0


# --- who shares what ---


async def test_one_back_end_has_one_guard_and_another_has_its_own() -> None:
    clock = HeldClock()
    guards = Guards(clock.instruments)
    assert guards.of("tickets", Policy(breaker=Rules())) is guards.of("tickets")
    await fails(guards.of("tickets"), *[DOWN] * 3)
    await fails(guards.of("tickets"), *[DOWN] * 3)
    assert guards.states["tickets"] is BreakerState.OPEN
    assert await guards.of("billing").call(Moody(), ANA, sorry=SORRY) == "done"
    shared = Guards(replace(clock.instruments, board=Noticeboard(Paper(), clock=clock, wall=clock)))
    await fails(shared.of("tickets", Policy(attempts=1, breaker=Rules(failures=1))), DOWN)
    clock.now += 1.0
    assert await shared.of("billing").call(Moody(), ANA, sorry=SORRY) == "done", "on the board, too"
    other_process = Guards(clock.instruments)
    assert await other_process.of("tickets").call(Moody(), ANA, sorry=SORRY) == "done", "without a board each by itself"


def test_instruments_hold_no_state_that_guards_could_share_by_accident() -> None:
    assert Instruments().board is not Instruments().board
