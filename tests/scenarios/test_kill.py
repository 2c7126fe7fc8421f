"""Kill -9 in the middle of the work: after the start the turn is finished, once; one ticket, one card, nothing lost."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.fakes.desk import Desk, open_killable_desk
from tests.fakes.desk_claude import Claude, escalate, ticket
from tests.fakes.desk_people import Thread
from tests.fakes.desk_program import Program
from tests.fakes.discretion import assert_discreet
from tests.fakes.messages_api import Move, Seen, text
from tests.fakes.sandbox_driver import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

DONE = "I opened a ticket and asked a colleague."


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory, template: Path) -> AsyncIterator[Desk]:
    """One workspace for all kills: starting the program takes its time."""
    async with Claude() as claude:
        async with open_killable_desk(tmp_path_factory.mktemp("killed"), claude, template) as opened:
            yield opened
        assert claude.refused == []


@pytest_asyncio.fixture(loop_scope="module")
async def desk(shared: Desk) -> AsyncIterator[Desk]:
    shared.claude.always = work_through
    yield shared
    shared.claude.let_go()
    await shared.driver.call("faults/clear")
    assert_discreet(shared)


def work_through(seen: Seen) -> Move:
    """Ticket, then case, then answer: what was done already is seen from the results."""
    results = sum(str(m["content"]).count("'tool_result'") for m in seen.messages)
    customer = seen.last_text.partition("Customer: ")[2] or str(seen.messages)
    email = "bo@northpine.example" if "Bo Lindqvist" in customer else "ana@cobalt-studio.example"
    return [ticket(email), escalate("We will fix it."), text(DONE)][min(results, 2)]


async def finished_once(desk: Desk, thread: Thread, tickets: int, cards: int) -> None:
    """What must be true whenever and however often the program was killed."""
    await thread.says(DONE, seconds=60)
    await desk.settled(60)
    assert [m.kind for m in thread.ours()] == ["answer"]
    assert thread.text().count(DONE) == 1
    assert len(desk.tickets()) == tickets + 1
    assert len(desk.cards()) == cards + 1


async def counts(desk: Desk) -> tuple[int, int]:
    return len(desk.tickets()), len(desk.cards())


@pytest.mark.parametrize("calls", [1, 2, 3], ids=["first_call", "after_the_ticket", "after_the_case"])
async def test_p1_p2_killed_during_a_model_call(desk: Desk, calls: int) -> None:
    before, asked = await counts(desk), desk.claude.under_way

    def go_on(seen: Seen) -> Move:
        if desk.claude.under_way == asked + calls - 1:
            desk.claude.hold()
        return work_through(seen)

    if calls == 1:
        desk.claude.hold()
    desk.claude.always = go_on
    thread = await desk.customer().asks("My export fails, open a ticket and ask somebody")
    await desk.claude.is_asked(asked + calls)
    await killed(desk)
    desk.claude.always = work_through
    desk.claude.let_go()
    await program(desk).start()
    await finished_once(desk, thread, *before)


@pytest.mark.parametrize("kind", ["live", "card", "answer"])
async def test_p2_killed_while_slack_is_still_taking_a_message(desk: Desk, kind: str) -> None:
    """The call takes effect after the program is dead, so nobody has its receipt."""
    before, asked = await counts(desk), desk.claude.under_way
    method = "chat.update" if kind == "answer" else "chat.postMessage"
    slow = {"method": method, "kind": "delay", "seconds": 0.7}
    if kind == "live":
        await desk.driver.call("fault", **slow)
        thread = await desk.customer().asks("My export fails, open a ticket and ask somebody")
    else:
        desk.claude.hold()
        thread = await desk.customer().asks("My export fails, open a ticket and ask somebody")
        await desk.claude.is_asked(asked + 1)
        await thread.is_worked_on()
        await asyncio.sleep(0.1)
        await desk.driver.call("fault", **slow)
        desk.claude.let_go()
    await eventually(lambda: _on_its_way(desk, kind))
    await asyncio.sleep(0.1)
    calls = len(await desk.driver.calls(method))
    await killed(desk)
    await eventually(lambda: _more_calls(desk, method, calls))
    await program(desk).start()
    await finished_once(desk, thread, *before)


@pytest.mark.parametrize("seconds", [0.1])
async def test_p1_p2_killed_at_any_moment(desk: Desk, seconds: float) -> None:
    before = await counts(desk)
    thread = await desk.customer().asks("My export fails, open a ticket and ask somebody")
    await asyncio.sleep(seconds)
    await killed(desk)
    await program(desk).start()
    await finished_once(desk, thread, *before)


async def test_p2_a_press_at_the_moment_of_death_counts_once(desk: Desk) -> None:
    thread = await desk.customer().asks("My export fails, open a ticket and ask somebody")
    await thread.says(DONE)
    card = await desk.card(number=len(desk.cards()))
    pressing = asyncio.get_running_loop().create_task(desk.staff().presses("Approve", card))
    await asyncio.sleep(0.03)
    await killed(desk)
    await program(desk).start()
    await pressing
    if "Approve" in card.shown().buttons:
        await desk.staff().presses("Approve", card)
    await thread.says("We will fix it.", seconds=60)
    await desk.settled(60)
    assert thread.text().count("We will fix it.") == 1


def program(desk: Desk) -> Program:
    assert isinstance(desk.bot, Program)
    return desk.bot


async def killed(desk: Desk) -> None:
    await program(desk).kill()


async def _on_its_way(desk: Desk, kind: str) -> bool:
    under_way = desk.rows("select kind from outbox where state = 'waiting' and intent_at is not null")
    return (kind,) in under_way


async def _more_calls(desk: Desk, method: str, calls: int) -> bool:
    return len(await desk.driver.calls(method)) > calls
