"""Slack refuses for good, or for a while: nobody's words are lost, and nobody is left without knowing."""

import pytest

from bot.desk import live
from tests.fakes.desk import Desk
from tests.fakes.desk_claude import escalate
from tests.fakes.messages_api import text

GONE = ("is_archived", "channel_not_found", "not_in_channel", "restricted_action")


@pytest.mark.parametrize("error", GONE)
async def test_when_the_customers_thread_cannot_be_reached_for_good_staff_read_the_answer(
    desk: Desk, error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "FIRST_AFTER", 600.0)  # the trouble is the answer's, not a progress line's
    desk.claude.will(text("Guests are free."))
    desk.claude.hold()
    thread = await desk.customer().asks("What do guests cost?")
    await thread.is_worked_on()
    await desk.driver.call("fault", method="chat.update", kind="error", error=error)
    desk.claude.let_go()
    await desk.card()
    await desk.settled()
    desk.expects_errors = True
    [card] = desk.cards()
    assert error in card.everything
    assert "Guests are free." in card.everything


async def test_a_token_that_was_revoked_and_replaced_delays_the_answer_and_loses_nothing(desk: Desk) -> None:
    desk.claude.hold()
    desk.claude.will(text("Guests are free."))
    thread = await desk.customer().asks("What do guests cost?")
    await thread.is_worked_on()
    await desk.driver.call("fault", method="chat.update", kind="error", error="token_revoked", times=2)
    desk.claude.let_go()
    assert "Guests are free." in (await thread.answer(seconds=20)).text
    await desk.settled()
    desk.expects_errors = True
    assert (len(thread.ours()), desk.cards()) == (1, [])


async def test_a_case_no_staff_channel_takes_is_put_before_an_admin(desk: Desk) -> None:
    desk.claude.hold()
    desk.claude.will(escalate("You get $81 back."), text("I have asked a colleague."))
    thread = await desk.customer().asks("I was charged twice")
    await thread.is_worked_on()
    await desk.driver.call("fault", method="chat.postMessage", kind="error", error="is_archived")
    desk.claude.let_go()
    await thread.answer()
    desk.expects_errors = True
    direct = str((await desk.driver.call("dm", user="U0GRACE"))["channel"])
    await desk.card(direct)
    await desk.settled()
    [card] = desk.cards(direct)
    assert "You get $81 back." in card.everything
