"""What every ticket desk and customer directory promises, asked of each one there is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store.engine import create_engine
from tests.contract.store_kit import KINDS, database
from tests.fakes.tools import HeldClock, MemoryCustomers, MemoryTickets
from tools.backends import open_backends
from tools.customers.directory import Charge, CustomerDirectory, CustomerRecord, SqlCustomers
from tools.database import create_tables, metadata
from tools.tickets.desk import RECENT, NewTicket, SqlTickets, TicketDesk, tickets

EVERYWHERE = ["memory", *KINDS]

NEW = NewTicket("Ana@Cobalt-Studio.example", "Charged twice", "Two charges in July.", "high", "billing", "T1:C1:1.0")
ANA = CustomerRecord(
    "ana@cobalt-studio.example", "Ana Ruiz", "Cobalt Studio", "Team", "active", 14, "2024-03-18", None,
    Decimal("126.00"), "Owner.",
    (
        Charge("2026-11-18", "monthly", Decimal("126.00"), "paid", "INV-2"),
        Charge("2026-10-18", "monthly", Decimal("134.71"), "paid", "INV-1"),
    ),
)  # fmt: skip


@asynccontextmanager
async def opened(kind: str, folder: Path) -> AsyncIterator[AsyncEngine]:
    async with database(kind, folder) as url:
        engine = create_engine(url)
        await create_tables(engine)
        yield engine
        await engine.dispose()


@pytest.fixture(params=KINDS)
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    async with opened(request.param, tmp_path) as engine:
        yield engine


@pytest.fixture(params=EVERYWHERE)
async def desk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[TicketDesk]:
    if request.param == "memory":
        yield MemoryTickets()
        return
    async with opened(request.param, tmp_path) as engine:
        yield SqlTickets(engine, HeldClock())


@pytest.fixture(params=EVERYWHERE)
async def directory(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[CustomerDirectory]:
    if request.param == "memory":
        yield MemoryCustomers(ANA)
        return
    async with opened(request.param, tmp_path) as engine:
        customers = SqlCustomers(engine)
        await customers.seed([ANA])
        yield customers


async def test_an_opened_ticket_can_be_found_again(desk: TicketDesk) -> None:
    ticket = await desk.open(NEW, "run:1")
    assert (ticket.customer_email, ticket.status, ticket.key) == ("ana@cobalt-studio.example", "open", "run:1")
    assert await desk.find_by_key("run:1") == ticket
    assert await desk.find_by_key("run:2") is None
    assert await desk.recent("ANA@cobalt-studio.example") == (ticket,)


async def test_one_key_opens_one_ticket(desk: TicketDesk) -> None:
    first = await desk.open(NEW, "run:1")
    assert await desk.open(NEW, "run:1") == first
    assert await desk.open(replace(NEW, subject="Something else"), "run:1") == first


async def test_one_request_in_one_conversation_opens_one_ticket(desk: TicketDesk) -> None:
    first = await desk.open(NEW, "run:1")
    assert await desk.open(replace(NEW, subject=" CHARGED  twice", body="More words."), "run:2") == first
    other_matter = await desk.open(replace(NEW, subject="Charged thrice"), "run:3")
    other_talk = await desk.open(replace(NEW, conversation_id="T1:C1:2.0"), "run:4")
    other_person = await desk.open(replace(NEW, customer_email="bo@northpine.example"), "run:5")
    assert len({t.id for t in (first, other_matter, other_talk, other_person)}) == 4


async def test_many_at_once_open_one_ticket_per_key_and_per_request(desk: TicketDesk) -> None:
    async with asyncio.TaskGroup() as group:
        same_key = [group.create_task(desk.open(NEW, "run:1")) for _ in range(6)]
        same_request = [group.create_task(desk.open(NEW, f"run:{i}")) for i in range(2, 6)]
        others = [group.create_task(desk.open(replace(NEW, subject=f"Other {i}"), f"o:{i}")) for i in range(6)]
    assert len({task.result().id for task in same_key + same_request}) == 1
    assert len({task.result().id for task in others}) == 6


async def test_recent_tickets_are_the_newest_of_that_customer(desk: TicketDesk) -> None:
    opened = [await desk.open(replace(NEW, subject=f"Matter {i}"), f"run:{i}") for i in range(RECENT + 2)]
    await desk.open(replace(NEW, customer_email="bo@northpine.example"), "run:bo")
    assert await desk.recent(NEW.customer_email) == tuple(reversed(opened[2:]))


async def test_a_customer_is_found_by_address_in_any_letter_case(directory: CustomerDirectory) -> None:
    assert await directory.find("ANA@Cobalt-Studio.example") == ANA


@pytest.mark.parametrize("email", ["bo@northpine.example", "", "%", "ana%", "ana@cobalt-studio.example ' OR 1=1 --"])
async def test_nobody_is_found_by_any_other_address(directory: CustomerDirectory, email: str) -> None:
    assert await directory.find(email) is None


async def test_numbers_go_on_where_the_sample_ends(engine: AsyncEngine) -> None:
    backends = await open_backends(engine, seed_sample=True)
    assert (await backends.tickets.open(NEW, "run:1")).id == "FW-2056"


async def test_opening_the_back_ends_again_changes_nothing(engine: AsyncEngine) -> None:
    first = await open_backends(engine, seed_sample=True)
    ticket = await first.tickets.open(NEW, "run:1")
    again = await open_backends(engine, seed_sample=True)
    assert (await again.tickets.recent(ticket.customer_email))[0] == ticket


async def test_several_processes_may_open_them_at_once(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.run_sync(metadata.drop_all)
    async with asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(open_backends(engine))
    assert (await SqlTickets(engine, HeldClock()).open(NEW, "run:1")).id == "FW-1001"


async def test_without_the_sample_everything_is_empty(engine: AsyncEngine) -> None:
    backends = await open_backends(engine)
    assert await backends.customers.find("ana@cobalt-studio.example") is None
    assert (await backends.tickets.open(NEW, "run:1")).id == "FW-1001"


async def test_a_writer_in_the_way_is_waited_for(engine: AsyncEngine) -> None:
    if engine.dialect.name != "sqlite":
        pytest.skip("only SQLite has a single writer")
    desk = SqlTickets(engine, HeldClock())
    async with asyncio.TaskGroup() as group, engine.connect() as other:
        await other.execute(sa.update(tickets).values(status="solved"))
        opening = group.create_task(desk.open(NEW, "run:1"))
        await asyncio.sleep(0.05)
        assert not opening.done()
        await other.rollback()
    assert opening.result().id == "FW-1001"
