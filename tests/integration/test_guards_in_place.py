"""What stands before a tool's back-end in a bot that runs: its profile's patience, its own breaker, a shared board."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.agent.gate import Gate
from bot.agent.policy import load_policy
from bot.agent.profile import Profile
from bot.agent.toolbox import Toolbox
from bot.config import Settings
from bot.domain.escalation import GatedCall
from bot.domain.exchange import ToolUse
from bot.workspaces.office import Offices
from bot.workspaces.plan import Plan
from tests.fakes.agents import ANA, THREAD, Bench, bench
from tests.fakes.models import ScriptedModel
from tests.fakes.tools import (
    FixedKnowledge,
    HeldClock,
    MemoryBooks,
    MemoryCustomers,
    MemoryTickets,
    Moody,
    NotedBudget,
    NotedEscalations,
)
from tools.base import Tool, ToolContext, ToolError, ToolUnavailableError
from tools.catalogue import ARGUMENTS, Backing
from tools.customers.directory import NoCustomers
from tools.guards import Guards
from tools.resilience import Guard
from tools.tickets.desk import SqlTickets
from tools.tickets.tool import TicketArguments

DOWN = ToolUnavailableError("down")
CONTEXT = ToolContext(ANA, THREAD.id, "run-1", "tu", 0, profile="support")
ARGUMENTS_OF_A_TICKET = json.dumps(
    {
        "customer_email": ANA.email, "subject": "Broken", "body": "It broke on Monday.", "priority": "low",
        "category": "technical",
    }
)  # fmt: skip


@pytest.fixture
async def a_bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path, ScriptedModel()) as opened:
        yield opened


async def test_a_running_bot_tries_as_its_profile_says_and_tells_the_other_replicas(a_bench: Bench) -> None:
    settings, nothing = Settings.model_validate({}), cast("Any", None)
    plan = Plan.check(settings)
    patience = {"create_ticket": {"attempts": 2, "breaker_failures": 2, "breaker_grace_seconds": 0}}
    support = plan.profiles["support"].model_dump() | {"resilience": patience}
    plan = replace(plan, profiles=plan.profiles | {"support": Profile.model_validate(support)})
    offices = Offices(a_bench.store, plan, a_bench.model, nothing, nothing, settings, nothing)
    work = Moody(*[DOWN] * 9)
    with pytest.raises(ToolError):
        await offices.guards.of("tickets").call(work, replace(CONTEXT, tool="create_ticket"), sorry="sorry")
    assert work.calls == 2
    [(name, mark)] = (await a_bench.store.breakers.marks()).items()
    assert (name, mark.reason) == ("tool:tickets", "ToolUnavailableError")


class Hasty:
    """A tool whose author has not thought about what may be done twice."""

    def __init__(self) -> None:
        self.work = Moody(DOWN)
        self._guard = Guard("tickets", HeldClock().instruments)

    def tool(self) -> Tool[TicketArguments]:
        async def run(arguments: TicketArguments, context: ToolContext) -> Any:
            return await self._guard.call(self.work, context, sorry="It does not answer.")

        return Tool("create_ticket", "Use it.", TicketArguments, run, "Opening")


@pytest.mark.parametrize("gate", [None, Gate(load_policy("", ARGUMENTS), cast("Any", None))], ids=["free", "gated"])
async def test_what_no_tool_has_declared_safe_is_asked_for_once_in_a_run(a_bench: Bench, gate: Gate | None) -> None:
    hasty = Hasty()
    box = Toolbox((hasty.tool(),), a_bench.store, lambda: 1000.0, gate)
    [result] = await box.run_all((ToolUse("tu", "create_ticket", ARGUMENTS_OF_A_TICKET),), CONTEXT, 1)
    assert (result.content, hasty.work.calls) == ("It does not answer.", 1)


async def test_what_no_tool_has_declared_safe_is_asked_for_once_after_consent(a_bench: Bench) -> None:
    hasty = Hasty()
    calls = Toolbox((hasty.tool(),), a_bench.store, lambda: 1000.0).gated(load_policy("", ARGUMENTS))
    call = GatedCall("create_ticket", ARGUMENTS_OF_A_TICKET, "T1:U0ANA", "support", "", "")
    with pytest.raises(ToolError, match="does not answer"):
        await calls.run(call, replace(CONTEXT, is_consented=True))
    assert hasty.work.calls == 1


def backing(customers: Any, tickets: Any, guards: Guards) -> Backing:
    return Backing(
        knowledge=FixedKnowledge(), customers=customers, tickets=tickets, books=MemoryBooks(),
        escalations=NotedEscalations(), own_budget=NotedBudget(), guards=guards,
    )  # fmt: skip


def test_a_workspace_that_sees_less_has_no_part_in_the_breakers_of_what_it_does_not_see() -> None:
    guards, engine = Guards(), cast("AsyncEngine", None)
    home = backing(MemoryCustomers(), MemoryTickets(), guards)
    guest = backing(NoCustomers(), SqlTickets(engine, lambda: 0.0, is_beside=True), guards)
    trusted = backing(MemoryCustomers(), MemoryTickets(), guards)
    assert trusted.directory_guard() is home.directory_guard()
    assert trusted.tickets_guard() is home.tickets_guard()
    assert guest.directory_guard() is not home.directory_guard()
    assert guest.tickets_guard() is not home.tickets_guard()
