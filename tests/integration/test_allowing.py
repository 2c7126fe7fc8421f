"""Two people answer at the same moment, in two processes, whether a run may spend more: one answer counts."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.agent.profile import Profiles, load_profile
from bot.desk.budgets import limits_of
from bot.desk.case_clocks import nobody_key
from bot.desk.commands import Quiet
from bot.desk.endings import Ending
from bot.desk.going_on import GoingOn
from bot.desk.own_budget import OwnBudget
from bot.desk.quieting import Quieting
from bot.domain.answer import Outcome
from bot.domain.budget import Limit, Period, Scope, Shortfall
from bot.domain.budget_ask import AskEnd, BudgetAsk
from bot.domain.escalation import Decision, State
from bot.domain.incoming import BudgetAskExpired
from bot.ports.clock import sortable_id
from bot.ports.store import Queued, Transaction
from tests.contract.store_kit import (
    KINDS,
    NOW,
    THREAD,
    account,
    claim,
    conversation,
    database,
    message,
    notice,
    open_store,
    queued,
)
from tests.fakes.paused_run import ASKER, CASE, LIMIT, RUN, SHORT, Office, adds, press, stops
from tools.base import ToolContext, ToolError

ROUNDS = 5


@pytest.fixture(params=KINDS)
async def pair(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Office, Office]]:
    """Two processes' offices on one database."""
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(database(request.param, tmp_path))
        stores = [await stack.enter_async_context(open_store(url)) for _ in range(2)]
        await queued(stores[0])
        yield Office(stores[0]), Office(stores[1])


async def test_p4_two_presses_in_two_processes_are_one_grant(pair: tuple[Office, Office]) -> None:
    one, other = pair
    assert await one.pause()
    users = [f"U{n}" for n in range(2, 2 + ROUNDS)]
    async with asyncio.TaskGroup() as both:
        for number, user in enumerate(users):
            office = pair[number % 2]
            both.create_task(office.allowing.decide(f"p{number}", press(user, "0.50" if number % 2 else "2.00")))
    async with other.store.read() as tx:
        grants = await tx.ledger.grants_of("T1", {Scope.CONVERSATION: THREAD.id})
        run = await tx.runs.unfinished(THREAD.id)
        case = await tx.escalations.get(CASE)
        assert len(grants) == 1
        assert run is not None
        assert (run.paused_at, run.live_key) == (None, f"live:{CASE}")
        assert case is not None
        assert (case.state, case.decided_by) == (State.APPROVED, grants[0].by)
        keys = [f"whisper:T1:press-{user}" for user in users if user != grants[0].by]
        assert len(await tx.outbox.known(keys)) == len(keys), "the others read who was faster"


async def test_allow_and_stop_at_once_are_one_answer(pair: tuple[Office, Office]) -> None:
    one, other = pair
    assert await one.pause()
    async with asyncio.TaskGroup() as both:
        both.create_task(one.allowing.decide("p1", press("U2")))
        both.create_task(other.allowing.decide("p2", press("U3", None, Decision.STOP)))
        both.create_task(one.allowing.expire("p3", BudgetAskExpired(CASE, "T1")))
    async with one.store.read() as tx:
        ask = await tx.budget_asks.of_case(CASE)
        granted = await tx.ledger.grants_of("T1", {Scope.CONVERSATION: THREAD.id})
        goes_on = await tx.runs.unfinished(THREAD.id)
    assert ask is not None
    assert (ask.end is AskEnd.ALLOWED) == bool(granted) == (goes_on is not None)


@pytest.mark.parametrize("usd", ["0.75", "1000", None])
async def test_an_amount_that_was_not_offered_is_not_allowed(usd: str | None, pair: tuple[Office, Office]) -> None:
    one, _ = pair
    assert await one.pause()
    await one.allowing.decide("p1", press("U2", usd))
    async with one.store.read() as tx:
        assert await tx.runs.paused(THREAD.id) is not None
        assert await tx.ledger.grants_of("T1", {Scope.CONVERSATION: THREAD.id}) == []


async def test_what_nobody_here_can_raise_is_not_asked_about(pair: tuple[Office, Office]) -> None:
    """The operator's ceiling, and the limit of one step."""
    ceiling = Limit(Scope.WORKSPACE, "T1", Decimal(50), Period.MONTH)
    office = Office(pair[0].store, ceiling=ceiling)
    step = Limit(Scope.STEP, "run-1", Decimal("0.50"))
    for limit in (ceiling, step):
        ending = replace(SHORT, shortfall=Shortfall(limit, limit.usd, Decimal("0.01")))
        assert not await office.pause(ending)
    async with office.store.read() as tx:
        assert await tx.runs.unfinished(THREAD.id) is not None


async def test_p4_a_limit_that_is_set_anew_takes_grants_back(pair: tuple[Office, Office]) -> None:
    one, _ = pair
    assert await one.pause()
    await one.allowing.decide("p1", press("U2"))
    async with one.store.write() as tx:
        changes = await tx.ledger.changes("T1", 5)
        assert [(c.scope, c.usd, c.by) for c in changes] == [(Scope.CONVERSATION, Decimal("2.50"), "U2")]
        await tx.ledger.set_limit(replace(changes[0], usd=Decimal(1), by="U9"), team_id="T1")
        assert await tx.ledger.grants_of("T1", {Scope.CONVERSATION: THREAD.id}) == []


async def test_p4_the_agent_makes_its_own_budget_smaller_and_never_larger(pair: tuple[Office, Office]) -> None:
    store, profiles = pair[0].store, Profiles({"support": load_profile("support")})
    budget = OwnBudget(store, profiles, lambda: NOW, UTC)
    context = ToolContext(ASKER, THREAD.id, RUN.id, "tool-1", 1)
    async with store.write() as tx:
        await tx.conversations.open(conversation())
        await tx.runs.begin(RUN)
        await tx.ledger.reserve(claim("0.4", payer=account(RUN.id)), at=NOW)
    with pytest.raises(ToolError, match=r"\$1\.60 is left"):
        await budget.tighten(Decimal("1.61"), context)
    await budget.tighten(Decimal("0.25"), context)
    with pytest.raises(ToolError, match=r"\$0\.250 is left"):
        await budget.tighten(Decimal("0.30"), context)
    async with store.read() as tx:
        payer = account(RUN.id)
        limits = await limits_of(tx.ledger, conversation(), profiles.of("support"), payer, NOW)
        assert Limit(Scope.RUN, RUN.id, Decimal("0.65")) in limits
        assert Limit(Scope.CONVERSATION, THREAD.id, Decimal(2)) in limits


async def _mutes(office: Office) -> None:
    said = message("1700000009.000100", text="mute")
    async with office.store.write() as tx:
        await tx.inbox.add("i9", said, conversation_id=None, partition="command")
    quieting = Quieting(office.store, office.people, lambda: NOW, sortable_id)
    await quieting.run(Queued("i9", said, None, 0, handled=False), said, Quiet(is_on=True), about=THREAD)


@pytest.mark.parametrize("does", [stops, _mutes])
async def test_a_stop_or_a_mute_ends_the_pause_and_what_was_put_aside_waits_again(
    pair: tuple[Office, Office], does: Callable[[Office], Awaitable[None]]
) -> None:
    one, other = pair
    assert await one.pause()
    await adds(one, "i2", "i3")
    await does(other)
    async with one.store.read() as tx:
        woken = await tx.connection.scalar(sa.text("select count(*) from inbox where kind = 'woken'"))
        paused = await tx.runs.paused(THREAD.id)
        assert await tx.inbox.waiting(THREAD.id) == []
    assert woken == 1
    assert paused is not None
    await one.allowing.decide("p1", press("U2"))
    assert await one.pauses.ending_of(paused) == Ending.stopped()
    await other.allowing.decide("p2", press("U3"))
    async with other.store.read() as tx:
        ask, case = await tx.budget_asks.of_case(CASE), await tx.escalations.get(CASE)
        assert await tx.ledger.grants_of("T1", {Scope.CONVERSATION: THREAD.id}) == [], "money for nothing"
        assert [row.id for row in await tx.inbox.waiting(THREAD.id)] == ["i2", "i3"]
    assert ask is not None
    assert ask.end is AskEnd.OVERTAKEN
    assert case is not None
    assert case.state is State.VOIDED


@pytest.mark.parametrize(
    ("told", "sentence"), [((), "budget_expired"), ((nobody_key(CASE),), "budget_expired_told")], ids=["new", "told"]
)
async def test_a_customer_who_knows_that_nobody_has_answered_does_not_read_it_again(
    pair: tuple[Office, Office], told: tuple[str, ...], sentence: str
) -> None:
    one, other = pair
    assert await one.pause()
    async with one.store.write() as tx:
        await tx.outbox.add(*(notice(key, lane=THREAD.id) for key in told))
    await other.allowing.expire("p1", BudgetAskExpired(CASE, "T1"))
    paused = await one.pauses.paused(THREAD.id)
    assert paused is not None
    ending = await one.pauses.ending_of(paused)
    assert ending is not None
    assert (ending.outcome, ending.sentence) == (Outcome.BUDGET_EXHAUSTED, sentence)


async def test_more_for_a_day_stands_in_the_history_as_the_limit_of_that_day(pair: tuple[Office, Office]) -> None:
    one, _ = pair
    limit = replace(LIMIT, usd=Decimal("0.30"), period=Period.DAY)
    assert await one.pause(replace(SHORT, shortfall=Shortfall(limit, Decimal("0.28"), Decimal("0.06"))))
    await one.allowing.decide("p1", press("U2"))
    async with one.store.read() as tx:
        [change] = await tx.ledger.changes("T1", 5)
    assert (change.period, change.usd) == (Period.DAY, Decimal("0.80"))


async def test_who_stopped_a_run_just_before_its_time_was_over_reads_that_it_was_stopped(
    pair: tuple[Office, Office],
) -> None:
    one, other = pair
    assert await one.pause()
    await stops(one)
    await other.allowing.expire("p1", BudgetAskExpired(CASE, "T1"))
    paused = await one.pauses.paused(THREAD.id)
    assert paused is not None
    assert await one.pauses.ending_of(paused) == Ending.stopped()
    async with other.store.read() as tx:
        case = await tx.escalations.get(CASE)
    assert case is not None
    assert (case.state, "Nobody decided" in case.reason) == (State.VOIDED, False)


class Interrupted(GoingOn):
    """Something happens elsewhere, between the look at what was asked and its end."""

    meanwhile: Callable[[], Awaitable[None]]

    async def held(self, tx: Transaction, case_id: str) -> BudgetAsk | None:
        ask = await super().held(tx, case_id)
        await self.meanwhile()
        return ask


async def test_p1_what_is_put_aside_at_the_moment_the_time_is_over_is_not_lost(tmp_path: Path) -> None:
    async with database("postgresql", tmp_path) as url, open_store(url) as store, open_store(url) as second:
        await queued(store)
        one, other = Office(store), Office(second, going_on=Interrupted)
        assert await one.pause()
        assert isinstance(other.going_on, Interrupted)
        other.going_on.meanwhile = partial(adds, one, "i2")
        await other.allowing.expire("p1", BudgetAskExpired(CASE, "T1"))
        async with store.read() as tx:
            assert [row.id for row in await tx.inbox.waiting(THREAD.id)] == ["i2"]
