"""A model that claims what it did not do: the customer never reads it, people do."""

import pytest

from tests.fakes.desk import Desk
from tests.fakes.desk_claude import escalate, search, ticket
from tests.fakes.messages_api import text

LIES = (
    "Done! I've refunded you $500.",
    "I have cancelled your subscription and deleted your account.",
    "I've opened ticket TK-4711 for you.",
    "Ich habe Ihnen den Betrag erstattet.",
)


@pytest.mark.parametrize("lie", LIES)
async def test_p11_a_claim_without_a_deed_never_reaches_the_customer(desk: Desk, lie: str) -> None:
    desk.claude.always = text(lie)
    thread = await desk.customer().asks("Please sort it out")
    told = await thread.answer()
    assert lie not in thread.text()
    assert "asked a colleague to check it" in told.text
    assert len(desk.claude.asked) == 2
    assert desk.claude.judged == []
    card = (await desk.card()).shown().text
    assert "It claims what no tool did" in card
    assert lie in card


async def test_p11_a_second_try_that_keeps_to_the_truth_is_sent(desk: Desk) -> None:
    desk.claude.will(
        search(), text("I've escalated this, and we'll e-mail you within an hour."),
        text("Guests are free; invite them under Members."),
    )  # fmt: skip
    thread = await desk.customer().asks("What do guests cost?")
    told = await thread.answer()
    assert "Guests are free" in told.text
    assert "escalated" not in thread.text()
    assert desk.cards() == []
    note = desk.claude.asked[2].last_text
    assert "asking or telling a colleague" in note
    assert "an e-mail, a message or a call" in note


async def test_p11_a_promise_that_is_then_kept_is_told(desk: Desk) -> None:
    desk.claude.will(text("I've opened a ticket for you."), ticket(), text("I've opened a ticket for you."))
    thread = await desk.customer().asks("The export fails")
    assert "opened a ticket" in (await thread.answer()).text
    assert len(desk.tickets()) == 1


async def test_p11_after_an_escalation_only_what_is_true_is_said(desk: Desk) -> None:
    desk.claude.will(escalate(), text("I've asked a colleague, and refunded you $49."), text("I refunded you $49."))
    thread = await desk.customer().asks("I was charged twice")
    told = await thread.answer()
    assert "49" not in told.text
    assert "I have asked a colleague to look at this." in told.text


async def test_p11_people_are_told_what_a_proposed_reply_would_promise(desk: Desk) -> None:
    desk.claude.will(escalate("I have refunded the second charge."), text("I have asked a colleague."))
    thread = await desk.customer().asks("I was charged twice")
    await thread.answer()
    card = await desk.card()
    told = await card.gets_reply("Before you approve")
    assert "i have refunded the second charge" in told.text
