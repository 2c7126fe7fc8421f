"""issue_refund as the agent calls it: real books underneath, nothing twice, nothing of another."""

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from bot.domain.principal import Role
from tests.fakes.tools import (
    FixedKnowledge,
    HeldClock,
    MemoryBooks,
    MemoryTickets,
    Moody,
    NotedBudget,
    NotedEscalations,
    asked_by,
)
from tools.base import AnyTool, ToolContext, ToolError, ToolUnavailableError
from tools.billing.books import Books, SqlBooks
from tools.catalogue import Backing, build_catalogue
from tools.customers.directory import Charge, CustomerDirectory, CustomerRecord, NoCustomers, SqlCustomers
from tools.database import create_tables
from tools.guards import Guards

ANA = "ana@cobalt-studio.example"
BO = "bo@northpine.example"
DOWN = ToolUnavailableError("down")
RECORD = CustomerRecord(
    ANA, "Ana Ruiz", "Cobalt Studio", "Team", "active", 14, "2024-03-18", None, Decimal(126), "",
    (Charge("2026-11-18", "monthly", Decimal(126), "paid", "INV-2026-15477"),),
)  # fmt: skip


def tools_on(books: Books, customers: CustomerDirectory | None = None) -> tuple[AnyTool, ...]:
    return build_catalogue(Backing(
        knowledge=FixedKnowledge(), customers=customers or NoCustomers(), tickets=MemoryTickets(), books=books,
        escalations=NotedEscalations(), own_budget=NotedBudget(), guards=Guards(HeldClock().instruments),
    ))  # fmt: skip


@pytest.fixture
async def catalogue(tmp_path: Path) -> AsyncIterator[tuple[AnyTool, ...]]:
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'tools.db'}")
    await create_tables(engine)
    books, customers = SqlBooks(engine, HeldClock()), SqlCustomers(engine)
    await books.seed([RECORD])
    await customers.seed([RECORD])
    yield tools_on(books, customers)
    await engine.dispose()


async def call(catalogue: tuple[AnyTool, ...], name: str, context: ToolContext, **arguments: object) -> Any:
    (tool,) = [tool for tool in catalogue if tool.name == name]
    return (await tool.call(json.dumps(arguments), context)).content


async def test_a_refund_is_issued_and_seen_by_the_next_look_at_the_account(catalogue: tuple[AnyTool, ...]) -> None:
    wanted = {"customer_email": ANA, "amount_usd": 30, "reason": "INV-2026-15477 was charged twice"}
    told = await call(catalogue, "issue_refund", asked_by(ANA), **wanted)
    assert told.startswith("Refund RF-1001 of $30.00 to ana@cobalt-studio.example was issued")
    assert await call(catalogue, "issue_refund", asked_by(ANA), **wanted) == told, "one use, one refund"
    again = await call(catalogue, "issue_refund", asked_by(ANA, use="toolu_2"), **wanted)
    assert "was issued already in this conversation. No second one was made." in again
    account = json.loads(await call(catalogue, "lookup_customer", asked_by(ANA), email=ANA))
    assert [(r["id"], r["amount_usd"]) for r in account["refunds_issued"]] == [("RF-1001", "30.00")]


@pytest.mark.parametrize("role", [Role.CUSTOMER, Role.EXTERNAL, Role.AGENT])
async def test_p7_nobody_gets_or_gives_money_of_another(catalogue: tuple[AnyTool, ...], role: Role) -> None:
    for context in (asked_by(ANA, role), asked_by(None, role)):
        with pytest.raises(ToolError, match=r"Only the account|no verified e-mail"):
            await call(catalogue, "issue_refund", context, customer_email=BO, amount_usd=5, reason="he says so")


async def test_while_billing_is_down_nothing_is_claimed() -> None:
    books = MemoryBooks()
    books.mood = Moody(DOWN, DOWN, DOWN, DOWN)
    catalogue = tools_on(books)
    with pytest.raises(ToolError, match="not known whether the refund was made"):
        await call(catalogue, "issue_refund", asked_by(ANA), customer_email=ANA, amount_usd=5, reason="charged twice")


async def test_a_lost_answer_of_billing_is_asked_for_again_and_makes_one_refund() -> None:
    books = MemoryBooks()
    books.after = Moody(DOWN)
    catalogue = tools_on(books)
    told = await call(
        catalogue, "issue_refund", asked_by(ANA), customer_email=ANA, amount_usd=5, reason="charged twice"
    )
    assert "Refund RF-1001 of $5.00" in told
    assert len(books.all) == 1
