"""Two people answer at the same moment, in two processes, whether a run may spend more: one answer counts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC
from decimal import Decimal
from pathlib import Path

import pytest

from bot.agent.approvals import ApprovalRules
from bot.agent.profile import Profiles, load_profile
from bot.desk.allowing import Allowing
from bot.desk.authority import Authority
from bot.desk.budget_pauses import BudgetPauses
from bot.desk.budgets import limits_of
from bot.desk.cases import Cases
from bot.desk.deadlines import Deadlines
from bot.desk.endings import Ending
from bot.desk.own_budget import OwnBudget
from bot.desk.people import People, StaffRoom
from bot.domain.answer import Outcome
from bot.domain.budget import Limit, Period, Scope, Shortfall
from bot.domain.budget_ask import AskEnd
from bot.domain.effects import Place
from bot.domain.escalation import Decision, State
from bot.domain.hours import ALWAYS
from bot.domain.incoming import BudgetAskExpired, DecisionMade
from bot.domain.principal import Principal, Role
from bot.ports.clock import sortable_id
from bot.ports.slack import Person
from bot.ports.store import Run
from bot.store.store import SqlStore
from tests.contract.store_kit import (
    KINDS,
    NOW,
    THREAD,
    account,
    claim,
    conversation,
    database,
    message,
    open_store,
    queued,
)
from tools.base import ToolContext, ToolError

RUN = Run("run-1", THREAD.id, ("i1",), "U1", epoch=1, live_key="live:i1", started_at=NOW)
LIMIT = Limit(Scope.CONVERSATION, THREAD.id, Decimal("0.50"))
SHORT = Ending(Outcome.BUDGET_EXHAUSTED, shortfall=Shortfall(LIMIT, Decimal("0.48"), Decimal("0.06")))
ASKER = Principal("T1", "U1", Role.CUSTOMER, "Ana", None)
CASE = "esc-run-1-1"
ROUNDS = 5


class Town:
    """Everybody is staff."""

    async def person(self, user_id: str) -> Person:
        return Person(user_id, "T1", f"Sam {user_id}", None, is_bot=False)

    async def is_member(self, channel_id: str, user_id: str) -> bool:
        return True

    async def in_group(self, group_id: str, user_id: str) -> bool:
        return False

    async def permalink(self, place: Place) -> str:
        return ""


class Office:
    """What one process decides and pauses with."""

    def __init__(self, store: SqlStore, *, ceiling: Limit | None = None) -> None:
        self.store = store
        room = StaffRoom("CSTAFF", {}, frozenset({"U9"}), frozenset())
        people, profiles = People(Town(), room, "T1"), Profiles({"support": load_profile("support")})
        cases = Cases(store, people, Town(), room, lambda: NOW)
        authority = Authority(people, Town(), room, ApprovalRules())
        deadlines = Deadlines(profiles, ALWAYS, lambda: NOW)
        self.pauses = BudgetPauses(store, cases, deadlines, profiles, lambda: NOW, ceiling=ceiling)
        self.allowing = Allowing(store, people, authority, cases, profiles, lambda: NOW, sortable_id)

    async def pause(self, ending: Ending = SHORT) -> bool:
        """A run begins, and lacks money."""
        async with self.store.write() as tx:
            await tx.conversations.open(conversation())
            await tx.inbox.add("i1", message(), conversation_id=THREAD.id, partition=THREAD.id)
            await tx.runs.begin(RUN)
            row = await tx.inbox.get("i1")
        assert row is not None
        return await self.pauses.begin(RUN, ending, [row], ASKER)


def press(user: str, usd: str | None = "0.50", decision: Decision = Decision.ALLOW) -> DecisionMade:
    return DecisionMade(CASE, decision, "T1", user, "CSTAFF", None, f"press-{user}", usd=Decimal(usd) if usd else None)


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
