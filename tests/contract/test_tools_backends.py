"""What the default back-ends promise, and every customer directory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store.engine import create_engine
from tests.contract.store_kit import KINDS, database
from tests.fakes.tools import HeldClock, MemoryCustomers
from tools.backends import open_backends
from tools.base import ToolUnavailableError
from tools.customers.directory import Charge, CustomerDirectory, CustomerRecord, SqlCustomers
from tools.database import create_tables, metadata
from tools.tickets.desk import NewTicket, SqlTickets, tickets

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
async def directory(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[CustomerDirectory]:
    if request.param == "memory":
        yield MemoryCustomers(ANA)
        return
    async with opened(request.param, tmp_path) as engine:
        customers = SqlCustomers(engine)
        await customers.seed([ANA])
        yield customers


async def test_a_customer_is_found_by_address_in_any_letter_case(directory: CustomerDirectory) -> None:
    assert await directory.find("ANA@Cobalt-Studio.example") == ANA


@pytest.mark.parametrize("email", ["bo@northpine.example", "", "%", "ana%", "ana@cobalt-studio.example ' OR 1=1 --"])
async def test_nobody_is_found_by_any_other_address(directory: CustomerDirectory, email: str) -> None:
    assert await directory.find(email) is None


async def test_a_column_that_an_older_version_did_not_have_is_added_and_nothing_is_lost(engine: AsyncEngine) -> None:
    backends = await open_backends(engine, seed_sample=True)
    before = len(await backends.articles.urls())
    async with engine.begin() as connection:
        await connection.exec_driver_sql("ALTER TABLE kb_articles DROP COLUMN source")
    await create_tables(engine)
    async with engine.connect() as connection:
        sources = (await connection.execute(sa.text("SELECT source FROM kb_articles"))).scalars().all()
    assert (len(sources), set(sources)) == (before, {"folder"})


async def test_a_database_that_is_away_is_an_outage_and_its_address_is_not_told(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/nowhere/secret.db")
    with pytest.raises(ToolUnavailableError) as told:
        await SqlCustomers(engine).find("ana@cobalt-studio.example")
    assert "secret" not in str(told.value)
    await engine.dispose()


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
