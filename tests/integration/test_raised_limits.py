"""A limit that an admin sets higher lets the runs go on; a lower one wakes nothing: on both databases."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.desk.endings import Ending
from bot.domain.budget import Limit, Period, Scope, Shortfall
from bot.domain.budget_ask import AskEnd
from bot.domain.escalation import Escalation, State
from bot.domain.reports import Asker, Field, FilledIn
from tests.contract.store_kit import (
    KINDS,
    NOW,
    THREAD,
    account,
    claim,
    database,
    open_store,
    queued,
)
from tests.fakes.paused_run import CASE, LINK, RUN, SHORT, Office, adds, press, stops


@pytest.fixture(params=KINDS)
async def pair(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Office, Office]]:
    """Two processes' offices on one database."""
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(database(request.param, tmp_path))
        stores = [await stack.enter_async_context(open_store(url)) for _ in range(2)]
        await queued(stores[0])
        yield Office(stores[0]), Office(stores[1])


async def _spent(office: Office, usd: str) -> None:
    async with office.store.write() as tx:
        await tx.ledger.reserve(claim(usd, payer=account(RUN.id)), at=NOW)


async def _went_on(office: Office) -> tuple[bool, Escalation]:
    """Whether the run goes on, and its case."""
    async with office.store.read() as tx:
        run, case = await tx.runs.unfinished(THREAD.id), await tx.escalations.get(CASE)
    assert case is not None
    return run is not None and run.live_key == f"live:{CASE}", case


@pytest.mark.parametrize(
    ("wish", "note"),
    [
        (f"set conversation {LINK} 1", "The limit was raised to $1.00 for this conversation."),
        ("set conversation 1", "The limit was raised to $1.00 for this conversation."),
        (f"set conversation {LINK} off", "The limit of $0.500 for this conversation was removed."),
    ],
)
async def test_a_limit_set_higher_by_hand_lets_the_same_run_go_on(
    wish: str, note: str, pair: tuple[Office, Office]
) -> None:
    one, other = pair
    assert await one.pause()
    await _spent(one, "0.48")
    await adds(one, "i2")
    assert "A run that waited for it goes on." in await other.types(wish)
    goes_on, case = await _went_on(one)
    assert goes_on
    assert (case.state, case.decided_by, case.note) == (State.APPROVED, "U9", note)
    async with one.store.read() as tx:
        ask = await tx.budget_asks.of_case(CASE)
        assert [row.id for row in await tx.inbox.waiting(THREAD.id)] == ["i2"]
        assert await tx.connection.scalar(sa.text("select count(*) from inbox where kind = 'woken'")) == 1
        assert await tx.ledger.grants_of("T1", {Scope.CONVERSATION: THREAD.id}) == []
        deeds = [(entry.action, entry.actor) for entry in await tx.audit.recent(2)]
    assert ask is not None
    assert ask.end is AskEnd.ALLOWED
    assert sorted(deeds) == [("case.allow", "U9"), ("limit.set", "U9")]
    await one.allowing.decide("p1", press("U2"))
    async with one.store.read() as tx:
        assert await tx.ledger.grants_of("T1", {Scope.CONVERSATION: THREAD.id}) == [], "money for nothing"


@pytest.mark.parametrize(
    "wish",
    [
        f"set conversation {LINK} 0.10",
        f"set conversation {LINK} 0.50",
        f"set conversation {LINK} 0.53",
        f"set conversation {LINK} 5 per day",
        "set user <@U1> 5 per month",
        "set workspace 5 per day",
    ],
)
async def test_a_limit_that_makes_no_room_wakes_nothing(wish: str, pair: tuple[Office, Office]) -> None:
    """Lower ones, the same one, one that is too low all the same, and others than the one in the way."""
    one, _ = pair
    assert await one.pause()
    await _spent(one, "0.48")
    assert "goes on" not in await one.types(wish)
    goes_on, case = await _went_on(one)
    assert (goes_on, case.state) == (False, State.OPEN)


async def test_lowering_wakes_nothing_although_there_would_be_room(pair: tuple[Office, Office]) -> None:
    one, _ = pair
    assert await one.pause()
    assert "goes on" not in await one.types(f"set conversation {LINK} 0.40")
    assert not (await _went_on(one))[0]


async def test_the_form_and_a_limit_for_everybody_wake_a_run_as_well(pair: tuple[Office, Office]) -> None:
    one, _ = pair
    daily = Shortfall(Limit(Scope.USER, "U1", Decimal("0.50"), Period.DAY), Decimal("0.48"), Decimal("0.06"))
    assert await one.pause(replace(SHORT, shortfall=daily))
    filled = {Field.SCOPE: "user", Field.PERSON: "", Field.AMOUNT: "3", Field.PERIOD: "day"}
    answer = await one.desk.limit_form(FilledIn("T1", Asker("T1", "U9"), filled))
    assert "at most $3.00 per day for every user" in (answer.told or "")
    goes_on, case = await _went_on(one)
    assert (goes_on, case.note) == (True, "The limit was raised to $3.00 per day for this user.")


async def test_who_is_no_admin_wakes_nothing(pair: tuple[Office, Office]) -> None:
    one, _ = pair
    assert await one.pause()
    assert "Only admins" in await one.types("set conversation 5", user="U2")
    assert not (await _went_on(one))[0]


async def test_a_limit_that_is_raised_leaves_a_stopped_run_alone(pair: tuple[Office, Office]) -> None:
    one, other = pair
    assert await one.pause()
    await stops(one)
    assert "goes on" not in await other.types("set conversation 5")
    async with one.store.read() as tx:
        paused = await tx.runs.paused(THREAD.id)
    assert paused is not None
    assert await one.pauses.ending_of(paused) == Ending.stopped()


async def test_p4_a_limit_raised_while_somebody_allows_is_one_answer(pair: tuple[Office, Office]) -> None:
    one, other = pair
    assert await one.pause()
    async with asyncio.TaskGroup() as both:
        both.create_task(one.allowing.decide("p1", press("U2")))
        both.create_task(other.types(f"set conversation {LINK} 5"))
        both.create_task(one.types(f"set conversation {LINK} 6"))
    goes_on, case = await _went_on(one)
    assert goes_on
    assert case.decided_by in ("U2", "U9")
    async with one.store.read() as tx:
        assert await tx.connection.scalar(sa.text("select count(*) from inbox where kind = 'woken'")) == 1
