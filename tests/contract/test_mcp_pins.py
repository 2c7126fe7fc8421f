"""What the pins of MCP tools promise, on both databases."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.cli.mcp import decide
from bot.domain.audit import AuditEntry
from bot.domain.principal import Principal, Role
from bot.store.engine import create_engine
from bot.store.store import SqlStore
from tests.contract.store_kit import KINDS, database, enqueue
from tests.fakes.mcp_hub import decided
from tests.fakes.tools import HeldClock
from tools.base import ToolContext
from tools.database import create_tables
from tools.mcp import pins as module
from tools.mcp.definition import Definition
from tools.mcp.once import KEPT_SECONDS, CallBook
from tools.mcp.pins import NameTakenError, Pins, PinState


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


def open_store(engine: AsyncEngine) -> SqlStore:
    return SqlStore(engine, enqueue, HeldClock())


async def recorded(store: SqlStore) -> list[AuditEntry]:
    """The audit log, oldest first."""
    async with store.read() as tx:
        return (await tx.audit.recent(100))[::-1]


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
    assert await decided(pins, read(), PinState.APPROVED, "os:ada")
    assert await pins.holds(read())
    for other in (read("Reads!"), read(tool="write"), read(server="other")):
        assert not await pins.holds(other)
    assert not await decided(pins, read("never seen"), PinState.APPROVED, "os:ada")
    (pin,) = await pins.all()
    assert (pin.decided_by, pin.decided_at is None) == ("os:ada", False)


async def test_a_change_waits_and_approving_it_retires_what_was(pins: Pins) -> None:
    await pins.note("files", [read("1")])
    await decided(pins, read("1"), PinState.APPROVED, "x")
    assert await pins.note("files", [read("2")]) == [read("2")]
    assert await pins.note("files", [read("3")]) == [read("3")]
    assert await states(pins) == {"1": "approved", "3": "new"}, "of what waits only the newest is of use"
    await decided(pins, read("3"), PinState.APPROVED, "x")
    assert await states(pins) == {"1": "retired", "3": "approved"}
    assert not await pins.holds(read("1"))
    assert await pins.note("files", [read("1")]) == [read("1")], "going back needs consent as well"
    assert await states(pins) == {"1": "new", "3": "approved"}


async def test_p6_of_two_tools_that_models_could_not_tell_apart_only_one_is_approved(pins: Pins) -> None:
    plain, spaced = read(tool="read_it"), read(tool="read it")
    assert plain.name == spaced.name
    await pins.note("files", [plain, spaced])
    await decided(pins, plain)
    with pytest.raises(NameTakenError):
        await decided(pins, spaced)
    assert await pins.approved() == [plain]
    await decided(pins, plain, PinState.REJECTED)
    await decided(pins, spaced)
    assert await pins.approved() == [spaced]


async def test_what_was_rejected_stays_rejected(pins: Pins) -> None:
    await pins.note("files", [read()])
    await decided(pins, read(), PinState.REJECTED, "x")
    assert await pins.note("files", [read()]) == []
    assert await states(pins) == {"Reads.": "rejected"}
    await decided(pins, read(), PinState.APPROVED, "x")
    await decided(pins, read(), PinState.REJECTED, "x")
    assert not await pins.holds(read())


async def test_a_server_that_invents_ever_new_tools_fills_no_table(pins: Pins) -> None:
    for round_ in range(4):
        await pins.note("files", [read(tool=f"t{round_}-{n}") for n in range(module.MOST_NEW // 2)])
    assert len(await pins.all()) == module.MOST_NEW
    assert await pins.note("other", [read(server="other")]), "others have room of their own"


@pytest.mark.parametrize("state", [PinState.APPROVED, PinState.REJECTED])
async def test_what_an_admin_decides_and_the_record_of_it_are_kept_together_or_not_at_all(
    state: PinState, pins: Pins
) -> None:
    await pins.note("files", [read("1")])
    engine, store = engine_of(pins), open_store(engine_of(pins))
    await decide(store, pins, read("1"), PinState.APPROVED, by="os:ada")
    await pins.note("files", [read("2")])

    def dies(_c: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("INSERT INTO audit "):
            raise SystemExit("killed")

    sa.event.listen(engine.sync_engine, "before_cursor_execute", dies)
    with pytest.raises(SystemExit):
        await decide(store, pins, read("2"), state, by="os:bo")
    sa.event.remove(engine.sync_engine, "before_cursor_execute", dies)
    assert await states(pins) == {"1": "approved", "2": "new"}
    assert [entry.actor for entry in await recorded(store)] == ["os:ada"]
    assert await decide(store, pins, read("2"), state, by="os:bo")
    assert (await states(pins))["2"] == state.value
    first, second = await recorded(store)
    assert (first.before, "  1" in first.after) == ("", True)
    assert ("  1" in second.before, "  2" in second.after, second.digest) == (True, True, read("2").digest)
    assert not (await store.audit_chain.verify("")).broken


async def test_what_was_not_decided_is_not_recorded(pins: Pins) -> None:
    store = open_store(engine_of(pins))
    assert not await decide(store, pins, read("never seen"), PinState.APPROVED, by="os:ada")
    assert await recorded(store) == []


async def test_of_many_admins_who_decide_at_once_each_is_recorded_with_what_stood_before(pins: Pins) -> None:
    store = open_store(engine_of(pins))
    await pins.note("files", [read(f"{n}", tool=f"t{n}") for n in range(3)])
    once = [decide(store, pins, read(f"{n}", tool=f"t{n}"), PinState.APPROVED, by=f"os:{n}") for n in range(3)]
    again = [decide(store, pins, read("0", tool="t0"), PinState.REJECTED, by=f"os:r{n}") for n in range(3)]
    assert all(await asyncio.gather(*once, *again))
    assert len(await recorded(store)) == 6
    assert not (await store.audit_chain.verify("")).broken


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
