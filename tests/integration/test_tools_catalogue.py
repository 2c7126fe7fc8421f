"""The four tools as the agent calls them: JSON in, text or search results out, real tables underneath."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.domain.escalation import Team
from bot.domain.exchange import SearchResult
from bot.domain.principal import Role
from bot.store.engine import create_engine
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
)
from tools.backends import Backends, open_backends
from tools.base import AnyTool, ToolContext, ToolError, ToolUnavailableError
from tools.catalogue import Backing, build_catalogue
from tools.guards import Guards
from tools.resilience import Guard, Policy
from tools.tickets.desk import tickets
from tools.tickets.tool import CreateTicket

ANA = "ana@cobalt-studio.example"
BO = "bo@northpine.example"
SAM = asked_by("sam@fernway.example", Role.STAFF)
DOWN = ToolUnavailableError("down")
Call = Callable[..., Any]


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'tools.db'}")
    yield engine
    await engine.dispose()


@pytest.fixture
async def backends(engine: AsyncEngine) -> Backends:
    return await open_backends(engine, seed_sample=True)


@pytest.fixture
def escalations() -> NotedEscalations:
    return NotedEscalations()


@pytest.fixture
def catalogue(backends: Backends, escalations: NotedEscalations) -> tuple[AnyTool, ...]:
    return over(backends, escalations=escalations)


def over(backends: Backends, **others: Any) -> tuple[AnyTool, ...]:
    """The tools over the sample company, but for these."""
    shelf = {"knowledge": backends.knowledge, "customers": backends.customers, "tickets": backends.tickets}
    desk = {"books": backends.books, "escalations": NotedEscalations(), "own_budget": NotedBudget()}
    return build_catalogue(Backing(**{**shelf, **desk, "guards": Guards(HeldClock().instruments), **others}))


async def call(catalogue: tuple[AnyTool, ...], name: str, context: ToolContext, **arguments: object) -> Any:
    (tool,) = [tool for tool in catalogue if tool.name == name]
    return (await tool.call(json.dumps(arguments), context)).content


def a_ticket(**changes: object) -> dict[str, object]:
    given: dict[str, object] = {
        "customer_email": ANA,
        "subject": "Charged twice in July",
        "body": "Two charges of $108.00 on one card.",
        "priority": "high",
        "category": "billing",
    }
    return {**given, **changes}


async def count(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        return await connection.scalar(sa.select(sa.func.count()).select_from(tickets)) or 0


# --- search_knowledge_base ---


async def test_a_question_gets_articles_that_can_be_cited(catalogue: tuple[AnyTool, ...]) -> None:
    found = await call(
        catalogue, "search_knowledge_base", asked_by(ANA), query="How is a refund requested?", category="any"
    )
    assert 1 <= len(found) <= 5
    best: SearchResult = found[0]
    assert best.source == "https://help.fernway.example/articles/refund-policy"
    assert best.title == "Refund policy"
    assert any("30 days" in passage for passage in best.passages)


async def test_nothing_found_tells_the_model_what_to_do(catalogue: tuple[AnyTool, ...]) -> None:
    told = await call(catalogue, "search_knowledge_base", asked_by(ANA), query="capital of France", category="billing")
    assert "category any" in told
    assert "ask a human" in told


@pytest.mark.parametrize("role", [Role.CUSTOMER, Role.EXTERNAL, Role.AGENT])
@pytest.mark.parametrize("query", ["refund exceptions above $100", "VIP handling Northpine", "known bugs BUG-3187"])
async def test_internal_articles_never_reach_a_customer(catalogue: tuple[AnyTool, ...], query: str, role: Role) -> None:
    for category in ("any", "billing", "technical", "account", "product"):
        context = asked_by(ANA, role)
        found = await call(catalogue, "search_knowledge_base", context, query=query, category=category)
        assert not any(canary in str(found) for canary in ("BUG-3", "VIP", "$500.01", "Internal", "staff only"))


async def test_staff_among_themselves_find_internal_articles_marked_as_such(catalogue: tuple[AnyTool, ...]) -> None:
    sam, query = replace(SAM, among_staff=True), "refund exceptions above $100"
    found = await call(catalogue, "search_knowledge_base", sam, query=query, category="any")
    assert found[0].title.startswith("[staff only")


async def test_staff_who_ask_where_customers_read_along_find_public_articles(catalogue: tuple[AnyTool, ...]) -> None:
    found = await call(catalogue, "search_knowledge_base", SAM, query="refund exceptions above $100", category="any")
    assert not any("staff only" in result.title for result in found)


async def test_a_dead_database_is_bridged_by_what_is_in_memory() -> None:
    knowledge = FixedKnowledge(SearchResult("kb://a", "A", ("x",)))
    knowledge.mood = Moody(*[DOWN] * 6)
    catalogue = build_catalogue(
        Backing(
            knowledge=knowledge,
            customers=MemoryCustomers(),
            tickets=MemoryTickets(),
            books=MemoryBooks(),
            escalations=NotedEscalations(),
            own_budget=NotedBudget(),
            guards=Guards(HeldClock().instruments),
        )
    )
    arguments = {"query": "anything", "category": "any"}
    [found] = await call(catalogue, "search_knowledge_base", asked_by(ANA), **arguments)
    assert (found.source, found.passages) == ("kb://a", ("x",))
    knowledge.remembers = False
    with pytest.raises(ToolError, match="Do not answer from memory"):
        await call(catalogue, "search_knowledge_base", asked_by(ANA), **arguments)


# --- lookup_customer ---


async def test_customers_see_their_own_account(catalogue: tuple[AnyTool, ...]) -> None:
    account = json.loads(await call(catalogue, "lookup_customer", asked_by(ANA), email="Ana@Cobalt-Studio.EXAMPLE"))
    assert (account["plan"], account["status"], account["seats"]) == ("Team", "active", 14)
    assert account["monthly_usd"] == "126.00"
    assert account["renews_on"] == "2026-12-18"
    assert account["billing_history"][0] == {
        "date": "2026-11-18",
        "invoice": "INV-2026-15477",
        "amount_usd": "126.00",
        "status": "paid",
        "description": "Team plan, 14 seats, monthly",
    }
    assert account["recent_tickets"][0]["id"] == "FW-2041"
    assert "staff_notes" not in account


@pytest.mark.parametrize("asked", [BO, f"{ANA} OR {BO}", "bo@NORTHPINE.example", "nobody@nowhere.example", "%", ""])
async def test_customers_never_see_another_account(catalogue: tuple[AnyTool, ...], asked: str) -> None:
    with pytest.raises(ToolError) as refused:
        await call(catalogue, "lookup_customer", asked_by(ANA), email=asked)
    assert ANA in str(refused.value)
    assert not any(word in str(refused.value) for word in ("Enterprise", "Northpine", BO))


async def test_an_attackers_look_alike_address_finds_no_account(catalogue: tuple[AnyTool, ...]) -> None:
    lookalike = "\uff42o@northpine.example"
    with pytest.raises(ToolError, match="No customer is registered"):
        await call(catalogue, "lookup_customer", asked_by(lookalike), email=lookalike)


async def test_staff_see_any_account_and_its_notes_only_among_themselves(catalogue: tuple[AnyTool, ...]) -> None:
    account = json.loads(await call(catalogue, "lookup_customer", SAM, email=BO))
    assert account["plan"] == "Enterprise"
    assert "staff_notes" not in account
    private = json.loads(await call(catalogue, "lookup_customer", replace(SAM, among_staff=True), email=BO))
    assert "Contract price" in private["staff_notes"]


async def test_optional_arguments_may_be_left_out_null_or_in_capitals(catalogue: tuple[AnyTool, ...]) -> None:
    for more in ({}, {"category": None}, {"category": "Billing"}):
        found = await call(catalogue, "search_knowledge_base", asked_by(ANA), query="refund for an annual plan", **more)
        assert any(result.title == "Refund policy" for result in found)


async def test_without_a_verified_address_nothing_is_looked_up(catalogue: tuple[AnyTool, ...]) -> None:
    with pytest.raises(ToolError, match="escalate_to_human"):
        await call(catalogue, "lookup_customer", asked_by(None), email=ANA)


async def test_an_account_is_shown_even_when_the_ticket_desk_is_down(backends: Backends) -> None:
    desk = MemoryTickets()
    desk.mood = Moody(*[DOWN] * 3)
    catalogue = over(backends, tickets=desk, books=MemoryBooks())
    account = json.loads(await call(catalogue, "lookup_customer", asked_by(ANA), email=ANA))
    assert account["plan"] == "Team"
    assert account["recent_tickets"].startswith("not available right now")


async def test_a_dead_directory_is_admitted(backends: Backends) -> None:
    directory = MemoryCustomers()
    directory.mood = Moody(*[DOWN] * 3)
    catalogue = over(backends, customers=directory)
    with pytest.raises(ToolError, match="does not answer right now"):
        await call(catalogue, "lookup_customer", asked_by(ANA), email=ANA)


# --- create_ticket ---


async def test_a_ticket_gets_the_next_number_and_an_honest_sentence(catalogue: tuple[AnyTool, ...]) -> None:
    told = await call(catalogue, "create_ticket", asked_by(ANA), **a_ticket())
    assert told == "Ticket FW-2056 opened, priority high. No one has looked at it yet."


async def test_the_same_tool_use_again_opens_nothing_and_says_the_same(
    catalogue: tuple[AnyTool, ...], engine: AsyncEngine
) -> None:
    before = await count(engine)
    told = {await call(catalogue, "create_ticket", asked_by(ANA), **a_ticket()) for _ in range(3)}
    assert told == {"Ticket FW-2056 opened, priority high. No one has looked at it yet."}
    assert await count(engine) == before + 1


async def test_a_call_of_another_run_under_the_same_id_is_a_request_of_its_own(
    catalogue: tuple[AnyTool, ...], engine: AsyncEngine
) -> None:
    before, another = await count(engine), asked_by(ANA, conversation="T1:C1:2.0")
    await call(catalogue, "create_ticket", asked_by(ANA), **a_ticket())
    await call(catalogue, "create_ticket", replace(another, run_id="run_2"), **a_ticket())
    assert await count(engine) == before + 2


async def test_the_same_request_in_one_conversation_opens_one_ticket(
    catalogue: tuple[AnyTool, ...], engine: AsyncEngine
) -> None:
    before = await count(engine)
    await call(catalogue, "create_ticket", asked_by(ANA), **a_ticket())
    again = a_ticket(subject="  charged TWICE in  July ")
    told = await call(catalogue, "create_ticket", asked_by(ANA, use="toolu_2"), **again)
    assert "FW-2056 with this subject is already open" in told
    assert "nothing was added" in told
    assert await count(engine) == before + 1
    await call(catalogue, "create_ticket", asked_by(ANA, use="toolu_3", conversation="T1:C1:2.0"), **a_ticket())
    assert await count(engine) == before + 2


async def test_a_lost_answer_is_asked_for_again_without_a_second_ticket(backends: Backends) -> None:
    desk = MemoryTickets()
    desk.after = Moody(DOWN, TimeoutError())
    catalogue = over(backends, tickets=desk, books=MemoryBooks())
    assert "opened" in await call(catalogue, "create_ticket", asked_by(ANA), **a_ticket())
    assert len(desk.all) == 1


async def test_a_dead_ticket_desk_is_admitted_without_a_claim(backends: Backends) -> None:
    desk = MemoryTickets()
    desk.mood = Moody(*[DOWN] * 3)
    catalogue = over(backends, tickets=desk, books=MemoryBooks())
    with pytest.raises(ToolError, match="do not say that one was"):
        await call(catalogue, "create_ticket", asked_by(ANA), **a_ticket())


async def test_a_write_that_hangs_is_cut_off_and_leaves_nothing_behind(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'busy.db'}")
    backends = await open_backends(engine)
    hasty = Guard("tickets", policy=Policy(attempts=2, attempt_seconds=0.05, total_seconds=0.2, first_wait=0.01))
    tool = CreateTicket(backends.tickets, hasty).tool()
    async with engine.connect() as other:
        await other.execute(sa.update(tickets).values(status="solved"))
        with pytest.raises(ToolError, match="It is not known whether a ticket was opened"):
            await call((tool,), "create_ticket", asked_by(ANA), **a_ticket())
        await other.rollback()
    assert "FW-1001 opened" in await call((tool,), "create_ticket", asked_by(ANA), **a_ticket())
    assert await count(engine) == 1
    await engine.dispose()


async def test_nobody_opens_a_ticket_for_somebody_else_but_staff(
    catalogue: tuple[AnyTool, ...], engine: AsyncEngine
) -> None:
    before = await count(engine)
    with pytest.raises(ToolError, match="Only the account"):
        await call(catalogue, "create_ticket", asked_by(ANA), **a_ticket(customer_email=BO))
    assert await count(engine) == before
    assert "FW-2056" in await call(catalogue, "create_ticket", SAM, **a_ticket(customer_email=BO))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"subject": "ab"}, "subject"),
        ({"subject": "x" * 151}, "subject"),
        ({"body": "too short"}, "body"),
        ({"body": "x" * 5001}, "body"),
        ({"priority": "asap"}, "priority"),
        ({"category": "any"}, "category"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_wrong_arguments_are_named(
    catalogue: tuple[AnyTool, ...], changes: dict[str, object], named: str
) -> None:
    with pytest.raises(ToolError, match=named):
        await call(catalogue, "create_ticket", asked_by(ANA), **a_ticket(**changes))


async def test_letters_a_database_cannot_hold_are_dropped(catalogue: tuple[AnyTool, ...], backends: Backends) -> None:
    await call(catalogue, "create_ticket", asked_by(ANA), **a_ticket(subject="No\0thing \U0001f600 \u05d0"))
    assert (await backends.tickets.recent(ANA))[0].subject == "Nothing \U0001f600 \u05d0"


async def test_tools_of_one_step_run_side_by_side(catalogue: tuple[AnyTool, ...], engine: AsyncEngine) -> None:
    before = await count(engine)
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(call(catalogue, "create_ticket", asked_by(ANA, use=f"toolu_{i}"), **a_ticket()))
            for i in range(8)
        ]
    assert sum("opened, priority" in task.result() for task in tasks) == 1
    assert await count(engine) == before + 1


# --- escalate_to_human ---


async def test_a_case_reaches_the_desk_once_with_everything_in_it(
    catalogue: tuple[AnyTool, ...], escalations: NotedEscalations
) -> None:
    arguments = {
        "reason": "Disputes a charge",
        "summary": "Ana Ruiz of Cobalt Studio sees two charges for July.",
        "suggested_team": "billing",
        "proposed_reply": "",
    }
    escalations.mood = Moody(DOWN)
    assert await call(catalogue, "escalate_to_human", asked_by(ANA), **arguments) == escalations.text
    (case,) = escalations.cases.values()
    assert (case.reason, case.team, case.proposed_reply) == ("Disputes a charge", Team.BILLING, "")


async def test_no_team_is_no_team(catalogue: tuple[AnyTool, ...], escalations: NotedEscalations) -> None:
    arguments = {"reason": "Asks for a human", "summary": "Wants to talk.", "proposed_reply": "Yes!"}
    await call(catalogue, "escalate_to_human", asked_by(None), suggested_team="none", **arguments)
    (case,) = escalations.cases.values()
    assert (case.team, case.proposed_reply) == (None, "Yes!")


async def test_a_case_that_could_not_be_opened_is_admitted(
    catalogue: tuple[AnyTool, ...], escalations: NotedEscalations
) -> None:
    escalations.mood = Moody(*[DOWN] * 3)
    arguments = {"reason": "Asks for a human", "summary": "Wants to talk.", "proposed_reply": ""}
    with pytest.raises(ToolError, match="Do not say that anybody was told"):
        await call(catalogue, "escalate_to_human", asked_by(ANA), suggested_team="none", **arguments)
