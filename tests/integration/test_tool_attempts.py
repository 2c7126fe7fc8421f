"""What a run's trace tells of back-ends in trouble, and what is shown instead of a customer's record."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.agent.calls import CANCELLED
from bot.agent.toolbox import Toolbox
from bot.domain.exchange import ToolUse
from bot.domain.principal import Role
from bot.domain.trace import Action, TraceEvent
from tests.fakes.agents import ANA, THREAD, bench
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
    asked_by,
    lookup_of,
)
from tools.base import AnyTool, ToolContext, ToolError, ToolUnavailableError
from tools.catalogue import Backing, build_catalogue
from tools.customers.directory import CustomerRecord
from tools.guards import Guards
from tools.remembered import Remembered
from tools.tickets.desk import NewTicket, Ticket

DOWN = ToolUnavailableError("secret: ana@cobalt-studio.example was asked for")
BO = "bo@northpine.example"
TICKET = {
    "customer_email": ANA.email, "subject": "Broken", "body": "It broke on Monday.", "priority": "low",
    "category": "technical",
}  # fmt: skip


def record(email: str, plan: str) -> CustomerRecord:
    return CustomerRecord(email, "", "", plan, "active", 3, "2024-01-01", None, Decimal(9), f"Notes on {plan}.", ())


def catalogue(customers: MemoryCustomers, tickets: MemoryTickets | None = None) -> tuple[AnyTool, ...]:
    return build_catalogue(
        Backing(
            knowledge=FixedKnowledge(),
            customers=customers,
            tickets=tickets or MemoryTickets(),
            books=MemoryBooks(),
            escalations=NotedEscalations(),
            own_budget=NotedBudget(),
            guards=Guards(HeldClock().instruments),
        )
    )


# --- the trace ---


async def traced(folder: Path, tools: tuple[AnyTool, ...], name: str, **arguments: object) -> list[TraceEvent]:
    """The rows that one call of a tool leaves."""
    async with bench(folder, ScriptedModel([])) as b:
        context = ToolContext(ANA, THREAD.id, "run-1", "", 0)
        await Toolbox(tools, b.store, lambda: 1000.0).run_all((ToolUse("tu", name, json.dumps(arguments)),), context, 4)
        async with b.store.read() as tx:
            return await tx.traces.of_conversation(THREAD.id)


async def test_p9_every_attempt_stands_in_the_trace_with_number_duration_and_class_of_error(tmp_path: Path) -> None:
    customers = MemoryCustomers(record(ANA.email or "", "Team"))
    customers.mood = Moody(DOWN, TimeoutError())
    rows = await traced(tmp_path, catalogue(customers), "lookup_customer", email=ANA.email)
    told = [(r.action, r.name, r.attempt, r.ok, r.error) for r in rows]
    assert told == [
        (Action.TOOL_CALL, "lookup_customer", 1, True, ""),
        (Action.TOOL_ATTEMPT, "customers", 1, False, "ToolUnavailableError"),
        (Action.TOOL_ATTEMPT, "customers", 2, False, "TimeoutError"),
        (Action.TOOL_ATTEMPT, "customers", 3, True, ""),
        (Action.TOOL_ATTEMPT, "billing", 1, True, ""),
        (Action.TOOL_ATTEMPT, "tickets", 1, True, ""),
        (Action.TOOL_RESULT, "lookup_customer", 1, True, ""),
    ]
    assert {(r.run_id, r.step, r.ref) for r in rows} == {("run-1", 4, "t:4:tu")}
    assert not any("secret" in f"{r.given}{r.got}{r.error}" for r in rows if r.action is Action.TOOL_ATTEMPT)


async def test_p9_a_call_that_is_broken_off_stands_in_the_trace_with_what_it_tried(tmp_path: Path) -> None:
    asked = asyncio.Event()

    class Hanging(MemoryTickets):
        async def open(self, wanted: NewTicket, key: str) -> Ticket:
            asked.set()
            return await asyncio.Future()

    use = ToolUse("tu", "create_ticket", json.dumps(TICKET))
    async with bench(tmp_path, ScriptedModel([])) as b:
        box = Toolbox(catalogue(MemoryCustomers(), Hanging()), b.store, lambda: 1000.0)
        running = asyncio.ensure_future(box.run_all((use,), ToolContext(ANA, THREAD.id, "run-1", "", 0), 4))
        await asked.wait()
        running.cancel()
        await asyncio.wait({running})
        async with b.store.read() as tx:
            call, attempt = await tx.traces.of_conversation(THREAD.id)
    assert running.cancelled()
    assert (call.action, call.ok, call.error, call.ref) == (Action.TOOL_CALL, False, CANCELLED, "t:4:tu")
    assert "Broken" in call.given
    assert (attempt.action, attempt.name, attempt.ok, attempt.error) == (
        Action.TOOL_ATTEMPT, "tickets", False, "CancelledError",
    )  # fmt: skip


async def test_a_call_is_broken_off_all_the_same_where_its_trace_cannot_be_written(tmp_path: Path) -> None:
    asked = asyncio.Event()

    class Hanging(MemoryTickets):
        async def open(self, wanted: NewTicket, key: str) -> Ticket:
            asked.set()
            return await asyncio.Future()

    use = ToolUse("tu", "create_ticket", json.dumps(TICKET))
    async with bench(tmp_path, ScriptedModel([])) as b:
        box = Toolbox(catalogue(MemoryCustomers(), Hanging()), b.store, lambda: 1000.0)
        running = asyncio.ensure_future(box.run_all((use,), ToolContext(ANA, THREAD.id, "run-1", "", 0), 4))
        await asked.wait()
        async with b.store.write() as tx:
            await tx.connection.execute(sa.text("alter table traces rename to traces_elsewhere"))
        running.cancel()
        await asyncio.wait({running})
    assert running.cancelled()


async def test_a_call_that_went_well_at_once_is_a_call_and_its_result(tmp_path: Path) -> None:
    tools = catalogue(MemoryCustomers())
    rows = await traced(tmp_path, tools, "create_ticket", **TICKET)
    call, result = rows
    assert (call.action, bool(call.given), call.got) == (Action.TOOL_CALL, True, "")
    assert (result.action, result.given, bool(result.got)) == (Action.TOOL_RESULT, "", True)


# --- what is shown while the directory is away ---


class Directory:
    """lookup_customer over a directory that can be away, with a memory that can be held still."""

    def __init__(self, memory: Remembered[CustomerRecord]) -> None:
        self.customers = MemoryCustomers(record("ana@cobalt-studio.example", "Team"), record(BO, "Enterprise"))
        self.tool = lookup_of(self.customers, Guards(HeldClock().instruments).of, memory=memory)

    async def shows(self, context: ToolContext, email: str | None = None) -> dict[str, object]:
        output = await self.tool.call(json.dumps({"email": email or context.principal.email}), context)
        shown: dict[str, object] = json.loads(str(output.content))
        return shown

    def leaves(self) -> None:
        self.customers.mood = Moody(*[DOWN] * 99)


class Wall:
    """10:42 UTC, until it is moved."""

    def __init__(self) -> None:
        self.now = 1_795_257_720.0

    def __call__(self) -> float:
        return self.now


def directory(most: int = 1000) -> tuple[Directory, Wall]:
    wall = Wall()
    return Directory(Remembered(wall, most=most)), wall


FROM_ANA, FROM_BO = asked_by("ana@cobalt-studio.example"), asked_by(BO)


async def test_a_customer_is_shown_what_was_known_and_since_when() -> None:
    company, wall = directory()
    assert "as_of" not in await company.shows(FROM_ANA)
    company.leaves()
    wall.now += 3600
    shown = await company.shows(FROM_ANA)
    assert (shown["plan"], shown["as_of"]) == ("Team", "2026-11-21 10:42 UTC")
    assert "does not answer right now" in str(shown["as_of_why"])
    assert "staff_notes" not in shown


async def test_p7_nobody_is_shown_what_was_held_for_somebody_else() -> None:
    company, _ = directory()
    await company.shows(FROM_BO)
    company.leaves()
    with pytest.raises(ToolError, match="does not answer right now"):
        await company.shows(FROM_ANA)
    with pytest.raises(ToolError, match="Only the account"):
        await company.shows(FROM_ANA, BO)
    elsewhere = replace(FROM_BO, principal=replace(FROM_BO.principal, team_id="T2"))
    with pytest.raises(ToolError, match="does not answer right now"):
        await company.shows(elsewhere)


async def test_what_staff_looked_up_among_themselves_shows_a_customer_no_notes() -> None:
    company, _ = directory()
    sam = replace(asked_by("sam@fernway.example", Role.STAFF), among_staff=True)
    assert "staff_notes" in await company.shows(sam, "ana@cobalt-studio.example")
    company.leaves()
    assert "staff_notes" not in await company.shows(FROM_ANA)


def half_a_day(company: Directory, wall: Wall) -> None:
    wall.now += 12 * 3600 + 1


def is_gone(company: Directory, wall: Wall) -> None:
    company.customers._records.clear()


@pytest.mark.parametrize("happens", [half_a_day, is_gone])
async def test_nothing_is_held_for_long_nor_of_those_who_are_gone(happens: Callable[[Directory, Wall], None]) -> None:
    company, wall = directory()
    await company.shows(FROM_ANA)
    happens(company, wall)
    if happens is is_gone:
        with pytest.raises(ToolError, match="No customer is registered"):
            await company.shows(FROM_ANA)
    company.leaves()
    with pytest.raises(ToolError, match="does not answer right now"):
        await company.shows(FROM_ANA)


async def test_only_the_newest_are_held() -> None:
    company, _ = directory(most=1)
    await company.shows(FROM_ANA)
    await company.shows(FROM_BO)
    company.leaves()
    assert (await company.shows(FROM_BO))["plan"] == "Enterprise"
    with pytest.raises(ToolError, match="does not answer right now"):
        await company.shows(FROM_ANA)
