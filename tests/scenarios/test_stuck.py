"""What fails again and again: people are told, nothing else is held up, and operators can move it."""

import asyncio
import json
import os
import sys
from typing import Any

import pytest

from bot.agent.loop import Agent
from bot.desk.decisions import Decisions
from bot.desk.endings import Endings
from bot.desk.staffroom import StaffRoomTalk
from bot.runtime import retries
from tests.architecture.tree import ROOT
from tests.fakes.desk import Desk
from tests.fakes.desk_claude import escalate
from tests.fakes.messages_api import text
from tests.fakes.sandbox_driver import eventually

PROPOSAL = "We have refunded invoice INV-204."
SORRY = "technical problem on our side"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "_LONGEST_PAUSE", 0.01)


class Bug:
    """A method that fails until it is mended."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> None:
        self.mended = False
        working = getattr(owner, name)
        bug = self

        async def method(self: Any, *arguments: Any, **named: Any) -> Any:
            if bug.mended:
                return await working(self, *arguments, **named)
            raise ZeroDivisionError(" ".join(("My", "export", "fails")))  # an error that quotes a customer

        monkeypatch.setattr(owner, name, method)


async def deskhand(desk: Desk, *arguments: str) -> tuple[int, str]:
    """The command line, beside the running bot."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "DATABASE_URL": desk.bot.settings["DATABASE_URL"]},
    )  # fmt: skip
    shown, _ = await process.communicate()
    return process.returncode or 0, shown.decode()


async def the_stuck_one(desk: Desk) -> dict[str, Any]:
    async def there() -> bool:
        return bool(desk.rows("select 1 from inbox where parked_at is not null"))

    await eventually(there)
    code, shown = await deskhand(desk, "stuck", "list", "--json")
    assert code == 0
    [one] = json.loads(shown)
    return dict(one)


async def test_a_turn_that_always_fails_goes_to_people_and_can_be_tried_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.expects_errors = True
    bug = Bug(monkeypatch, Agent, "run")
    thread = await desk.customer().asks("My export fails")
    assert SORRY in (await thread.answer()).text
    assert "failed: technical failures" in (await desk.card()).shown().text
    one = await the_stuck_one(desk)
    assert (one["what"], one["last_error"], one["ended"]) == ("message", "ZeroDivisionError", True)

    code, shown = await deskhand(desk, "stuck", "show", one["id"])
    assert code == 0
    assert "told, case open" in shown
    assert f"deskhand traces {one['conversation_id']}" in shown
    assert "export" not in shown

    bug.mended = True
    desk.claude.will(text("The export works again."))
    assert (await deskhand(desk, "stuck", "retry", one["id"]))[0] == 0
    await thread.says("The export works again.")
    assert (await deskhand(desk, "stuck", "list"))[1] == "Nothing is stuck.\n"
    assert (await deskhand(desk, "stuck", "retry", one["id"]))[0] == 1


async def test_even_when_the_honest_ending_fails_the_customer_is_told_and_the_thread_goes_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.expects_errors = True
    bug = Bug(monkeypatch, Endings, "settle")
    ana = desk.customer()
    thread = await ana.asks("My export fails")
    await thread.says(SORRY)
    card = (await desk.card()).shown()
    assert "broke off again and again" in card.text
    assert "My export fails" in card.text
    one = await the_stuck_one(desk)
    assert one["ended"]
    await desk.settled()
    assert [m.kind for m in thread.ours()] == ["parked"], "and no sign of work is left behind"
    ends = desk.rows("select r.outcome, t.ok from runs r join traces t on t.run_id = r.id and t.name = r.outcome")
    assert ends == [("failed", 0)], "the end of the run is on record, too"

    bug.mended = True
    desk.claude.always = text("Here is what to do.")
    await ana.says("Is anybody there? @deskhand", thread)
    await thread.says("Here is what to do.")
    assert "My export fails" in str(desk.claude.asked[-1].messages)


async def test_a_turn_in_a_dm_that_was_given_up_leaves_no_working_status(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.expects_errors = True
    Bug(monkeypatch, Agent, "run")
    Bug(monkeypatch, Endings, "settle")
    ana = await desk.customer().in_dm()
    await desk.driver.call("fault", method="chat.stopStream", kind="delay", seconds=0.5)
    thread = await ana.asks("My export fails")
    await thread.says(SORRY)
    await desk.settled()
    assert thread.session() == "suspended"


async def test_a_press_that_always_fails_is_told_to_whoever_pressed_and_can_be_tried_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.expects_errors = True
    desk.claude.will(escalate(PROPOSAL), text("I have asked a colleague."))
    thread = await desk.customer().asks("You charged me twice")
    await thread.answer()
    card, sam = await desk.card(), desk.staff()
    bug = Bug(monkeypatch, Decisions, "decide")
    await sam.presses("Approve", card)
    await sam.hears("Something went wrong on our side, so this was not done")
    one = await the_stuck_one(desk)
    assert (one["what"], one["ended"]) == ("decision", False)
    assert PROPOSAL not in thread.text()

    bug.mended = True
    assert (await deskhand(desk, "stuck", "retry", "--all"))[0] == 0
    await thread.says(PROPOSAL)
    await card.becomes("Approved* by <@U0SAM>")


async def test_a_typed_command_that_always_fails_is_told_and_can_be_dropped(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.expects_errors = True
    ana = desk.customer()
    thread = await ana.asks("My export fails")
    await thread.answer()
    Bug(monkeypatch, StaffRoomTalk, "handle")
    await ana.says("@deskhand handoff billing", thread)
    await ana.hears("Something went wrong on our side, so this was not done")
    one = await the_stuck_one(desk)
    assert (await deskhand(desk, "stuck", "drop", one["id"]))[0] == 0
    await desk.settled()
    assert (await deskhand(desk, "stuck", "list"))[1] == "Nothing is stuck.\n"
