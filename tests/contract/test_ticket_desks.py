"""What every ticket desk promises, asked of each one there is: our own table, and every vendor's system."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.store.engine import create_engine
from tests.contract.store_kit import KINDS, database
from tests.contract.ticket_kit import ANA, BO, NEW, SYSTEMS, TickingClock, posted
from tests.fakes.tools import MemoryTickets
from tools.database import create_tables
from tools.tickets.desk import RECENT, SqlTickets, TicketDesk

OWN = [f"own-{kind}" for kind in KINDS]


@pytest.fixture(params=["memory", *OWN, *SYSTEMS])
async def desk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    if request.param == "memory":
        yield MemoryTickets()
    elif request.param in OWN:
        async with database(request.param.removeprefix("own-"), tmp_path) as url:
            engine = create_engine(url)
            await create_tables(engine)
            yield SqlTickets(engine, TickingClock())
            await engine.dispose()
    else:
        async with posted(request.param, tmp_path) as post:
            yield post.desk()


async def test_an_opened_ticket_can_be_found_again(desk: TicketDesk) -> None:
    ticket = await desk.open(NEW, "run:1")
    assert (ticket.customer_email, ticket.status, ticket.key) == (ANA, "open", "run:1")
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
    other_person = await desk.open(replace(NEW, customer_email=BO), "run:5")
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
    await desk.open(replace(NEW, customer_email=BO), "run:bo")
    assert await desk.recent(NEW.customer_email) == tuple(reversed(opened[2:]))


async def test_tickets_of_one_workspace_are_unknown_in_the_others(desk: Any) -> None:
    if isinstance(desk, MemoryTickets):
        pytest.skip("knows one workspace only")
    ours, theirs, home = desk.of("T1"), desk.of("T11"), desk.of("T0", with_unplaced=True)
    opened = await ours.open(NEW, "run:1")
    assert [t.id for t in await ours.recent(ANA)] == [opened.id]
    for other in (theirs, home):
        assert await other.recent(ANA) == ()
        assert await other.find_by_key("run:1") is None
