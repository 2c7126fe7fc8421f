"""What the pins of MCP tools promise, on both databases."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.domain.principal import Principal, Role
from bot.store.engine import create_engine
from tests.contract.store_kit import KINDS, database
from tests.fakes.tools import HeldClock
from tools.base import ToolContext
from tools.database import create_tables
from tools.mcp import pins as module
from tools.mcp.definition import Definition
from tools.mcp.once import KEPT_SECONDS, CallBook
from tools.mcp.pins import Pins, PinState


def read(description: str = "Reads.", tool: str = "read", server: str = "files") -> Definition:
    return Definition.of(server, tool, description, {"type": "object"})


@pytest.fixture(params=KINDS)
async def pins(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Pins]:
    async with database(request.param, tmp_path) as url:
        engine = create_engine(url)
        await create_tables(engine)
        yield Pins(engine, HeldClock())
        await engine.dispose()


def engine_of(pins: Pins) -> AsyncEngine:
    return pins._engine


async def states(pins: Pins) -> dict[str, str]:
    return {pin.definition.description: pin.state.value for pin in await pins.all()}


async def test_what_was_never_approved_does_not_hold_and_waits_once(pins: Pins) -> None:
    assert await pins.note("files", [read(), read(tool="write")]) == [read(), read(tool="write")]
    assert await pins.note("files", [read()]) == []
    assert not await pins.holds(read())
    assert [pin.state for pin in await pins.all()] == [PinState.NEW, PinState.NEW]
    (first, _) = await pins.all()
    assert first.definition in (read(), read(tool="write")), "what was said is kept to the letter"


async def test_exactly_what_was_approved_holds(pins: Pins) -> None:
    await pins.note("files", [read()])
    assert await pins.decide(read(), PinState.APPROVED, "os:ada")
    assert await pins.holds(read())
    for other in (read("Reads!"), read(tool="write"), read(server="other")):
        assert not await pins.holds(other)
    assert not await pins.decide(read("never seen"), PinState.APPROVED, "os:ada")
    (pin,) = await pins.all()
    assert (pin.decided_by, pin.decided_at is None) == ("os:ada", False)


async def test_a_change_waits_and_approving_it_retires_what_was(pins: Pins) -> None:
    await pins.note("files", [read("1")])
    await pins.decide(read("1"), PinState.APPROVED, "x")
    assert await pins.note("files", [read("2")]) == [read("2")]
    assert await pins.note("files", [read("3")]) == [read("3")]
    assert await states(pins) == {"1": "approved", "3": "new"}, "of what waits only the newest is of use"
    await pins.decide(read("3"), PinState.APPROVED, "x")
    assert await states(pins) == {"1": "retired", "3": "approved"}
    assert not await pins.holds(read("1"))
    assert await pins.note("files", [read("1")]) == [read("1")], "going back needs consent as well"
    assert await states(pins) == {"1": "new", "3": "approved"}


async def test_what_was_rejected_stays_rejected(pins: Pins) -> None:
    await pins.note("files", [read()])
    await pins.decide(read(), PinState.REJECTED, "x")
    assert await pins.note("files", [read()]) == []
    assert await states(pins) == {"Reads.": "rejected"}
    await pins.decide(read(), PinState.APPROVED, "x")
    await pins.decide(read(), PinState.REJECTED, "x")
    assert not await pins.holds(read())


async def test_a_server_that_invents_ever_new_tools_fills_no_table(pins: Pins) -> None:
    for round_ in range(4):
        await pins.note("files", [read(tool=f"t{round_}-{n}") for n in range(module.MOST_NEW // 2)])
    assert len(await pins.all()) == module.MOST_NEW
    assert await pins.note("other", [read(server="other")]), "others have room of their own"


async def test_replicas_that_look_at_once_keep_one_row_each(pins: Pins) -> None:
    many = [read(tool=f"t{n}") for n in range(20)]
    fresh = await asyncio.gather(*(pins.note("files", many) for _ in range(6)))
    assert sorted(len(found) for found in fresh) == [0, 0, 0, 0, 0, 20]
    assert len(await pins.all()) == 20


async def test_p2_a_call_is_begun_once_whoever_asks_and_old_ones_are_forgotten(pins: Pins) -> None:
    clock = HeldClock()
    book = CallBook(engine_of(pins), clock)
    context = ToolContext(Principal("T1", "U1", Role.STAFF, "", None), "T1:C1:1.0", "run-1", "t1", 0)
    begun = await asyncio.gather(*(CallBook(engine_of(pins), clock).begin(context) for _ in range(6)))
    assert sorted(begun) == [False] * 5 + [True]
    assert await book.begin(replace(context, tool_use_id="t2"))
    assert await book.forget() == 0
    clock.now += KEPT_SECONDS + 1
    assert await book.forget() == 2
