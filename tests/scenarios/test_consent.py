"""Consent: a proposal is changed, asked about, agreed to by those who may, or runs out of time."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.ports.clock import DeskTime
from tests.fakes.desk import Desk, open_desk
from tests.fakes.desk_claude import Claude, escalate
from tests.fakes.desk_people import Card, Thread, words_of_view
from tests.fakes.discretion import assert_discreet, assert_logs_are_discreet
from tests.fakes.messages_api import text, tool
from tests.fakes.tools import HeldClock
from tests.fakes.waiting import HOUR, MONDAY

DRAFT = "We have refunded invoice INV-204: $81 arrive within five days."
ANA = "ana@cobalt-studio.example"
TWO_OF_FINANCE = """
[[gate]]
tool = "issue_refund"
when = [{ field = "amount_usd", op = ">", value = 100 }]
why = "Refunds of more than $100 need a person."
[roles.finance]
groups = ["S0SUPPORT"]
[roles.nobody]
users = ["U0NOBODY"]
[[limit]]
tool = "issue_refund"
field = "amount_usd"
above = 500
role = "nobody"
why = "refunds over $500: nobody"
[[limit]]
tool = "issue_refund"
role = "finance"
two_people = true
"""


async def a_draft(desk: Desk) -> tuple[Thread, Card]:
    desk.claude.will(escalate(DRAFT), text("I have asked a colleague to check this."))
    thread = await desk.customer().asks("You charged me twice, I want my money back")
    await thread.answer()
    return thread, await desk.card()


async def a_refund(desk: Desk, usd: float = 252, channel: str = "C0BILLING") -> tuple[Thread, Card]:
    call = {"customer_email": ANA, "amount_usd": usd, "reason": "INV-2026-15477 was charged twice"}
    desk.claude.will(tool("issue_refund", call), text("A colleague has to approve this refund first."))
    thread = await desk.customer().asks("You charged me twice, please refund me")
    await thread.answer()
    return thread, await desk.card(channel)


def refunded(desk: Desk) -> list[int]:
    """Dollars that were really given back."""
    return [int(row[0]) // 1_000_000 for row in desk.rows("select amount_micro from billing_refunds")]


async def test_a_gated_call_is_edited_in_a_form_with_its_fields_and_exactly_that_is_done(desk: Desk) -> None:
    thread, card = await a_refund(desk)
    leo = desk.staff("U0LEO", "C0BILLING")
    await leo.presses("Edit", card)
    form = words_of_view(await leo.sees_form())
    for words in ("Amount (USD)", "Reason", "Customer email", "Approval"):
        assert words in form
    refused = await leo.submits(**{"argument:amount_usd": "-5"})
    assert refused["result"] == "errors"
    assert "amount_usd" in str(refused["errors"])
    desk.claude.will(text("Done: RF-1001 of $126.00 was issued."))
    sent = await leo.submits(**{"argument:amount_usd": "126", "now": "yes"})
    assert sent["result"] == "closed"
    await thread.says("RF-1001 of $126.00")
    await desk.settled()
    assert refunded(desk) == [126]
    assert "amount_usd: 252.00 → *126.00*" in (await card.gets_reply("changed the proposal")).text
    assert "Approved* by <@U0LEO> (changed by <@U0LEO>)" in card.shown().text
    log = desk.rows("select action, actor, before, after from audit where action like 'case.%' order by seq")
    assert [row[:2] for row in log] == [("case.edit", "U0LEO"), ("case.approve", "U0LEO")]
    assert '"252.00"' in log[0][2]
    assert '"126.00"' in log[0][3]


async def test_a_form_that_was_overtaken_says_so_and_keeps_every_word(desk: Desk) -> None:
    thread, card = await a_draft(desk)
    sam, grace = desk.staff("U0SAM"), desk.staff("U0GRACE")
    await sam.presses("Edit", card)
    await sam.sees_form()
    await grace.presses("Edit", card)
    await grace.submits(**{"part:0": "Grace was here first."})
    await card.becomes("Changed by <@U0GRACE>")
    answer = await sam.submits(**{"part:0": "My long and careful answer."})
    assert answer["result"] == "updated"
    form = await sam.sees_form()
    assert "changed since you opened the form" in words_of_view(form)
    assert "My long and careful answer." in str(form["blocks"])
    assert (await sam.submits())["result"] == "closed"
    await card.becomes("My long and careful answer.")
    await grace.presses("Approve", card)
    await thread.says("My long and careful answer.")
    assert "Grace was here first" not in thread.text()


async def test_a_question_reaches_the_customer_and_the_answer_reaches_agent_and_card(desk: Desk) -> None:
    thread, card = await a_draft(desk)
    sam = desk.staff()
    await sam.presses("Ask", card)
    assert (await sam.submits(text="W"))["result"] == "errors"
    assert (await sam.submits(text="Which of the two invoices is it?"))["result"] == "closed"
    asked = await thread.says("Which of the two invoices is it?")
    assert "Sam Porter" in f"{asked.raw.get('username', '')}{asked.text}"
    shown = await card.becomes("asked the customer")
    assert "Needs a person" in shown.text
    assert "no answer yet" in shown.text
    assert DRAFT in shown.text
    desk.claude.will(escalate("INV-204 was refunded.", reason="It is INV-204."), text("Thank you, I pass that on."))
    await desk.customer().says("It is INV-204", thread)
    assert "Ana Ruiz" in (await card.gets_reply("It is INV-204")).text
    await thread.says("Thank you, I pass that on.")
    assert "Which of the two invoices is it?" in str(desk.claude.asked[-2].messages)
    renewed = await card.becomes("INV-204 was refunded.")
    assert "(answered" in renewed.text
    assert len(desk.cards()) == 1


async def test_in_a_muted_thread_the_answer_to_a_question_is_shown_under_the_card(desk: Desk) -> None:
    thread, card = await a_draft(desk)
    sam, ana = desk.staff(), desk.customer()
    await sam.presses("Ask", card)
    await sam.submits(text="Which of the two invoices is it?")
    await thread.says("Which of the two invoices is it?")
    await card.becomes("no answer yet")
    await ana.says("@deskhand mute", thread)
    await ana.hears("I am quiet in this thread")
    before = len(desk.claude.asked)
    await ana.says("It is INV-204", thread)
    assert "Ana Ruiz" in (await card.gets_reply("It is INV-204")).text
    shown = await card.becomes("(answered")
    assert "Needs a person" in shown.text
    await desk.settled()
    assert len(desk.claude.asked) == before


async def test_a_colleague_is_asked_under_the_card_and_answers_there(desk: Desk) -> None:
    thread, card = await a_draft(desk)
    sam, leo = desk.staff("U0SAM"), desk.staff("U0LEO")
    await sam.presses("Ask", card)
    await sam.submits(text="Leo, was INV-204 really paid twice?", whom="U0LEO")
    assert "<@U0LEO>, Sam Porter asks" in (await card.gets_reply("was INV-204 really paid twice?")).text
    await leo.under(card, "Yes, twice on the 3rd.")
    await card.becomes("(answered")
    await desk.settled()
    await card.gets_reply("stands until somebody decides")
    assert leo.whispers() == []
    assert "INV-204 really paid" not in thread.text()
    desk.claude.will(text("It was taken twice; a colleague looks into it."))
    await desk.customer().says("And?", thread)
    await thread.says("It was taken twice")
    assert "Yes, twice on the 3rd." in str(desk.claude.asked[-1].messages)
    assert "Yes, twice" not in thread.text()


async def test_a_card_of_an_older_layout_works_and_is_drawn_anew_after_a_start(desk: Desk) -> None:
    thread, card = await a_draft(desk)
    case = str(card.shown().raw["metadata"]["event_payload"]["key"]).removeprefix("card:")
    old = [
        {"type": "section", "block_id": "b1", "text": {"type": "mrkdwn", "text": "An older card"}},
        {
            "type": "actions",
            "block_id": "b2",
            "elements": [
                {"type": "button", "action_id": action, "text": {"type": "plain_text", "text": label}, "value": value}
                for action, label, value in (("esc_approve", "Send", f"{case}@1"), ("esc_deny", "Reject", case))
            ],
        },
    ]
    desk.driver.server.workspace.edit(card.channel, card.ts, {"blocks": old})
    sam = desk.staff()
    await sam.presses("Reject", card)
    assert "Reason" in words_of_view(await sam.sees_form())
    await sam.closes()
    await desk.restart()
    assert "Ask" in (await card.with_button("Edit")).buttons
    desk.driver.server.workspace.edit(card.channel, card.ts, {"blocks": old})
    await sam.presses("Send", card)
    await thread.says("We have refunded invoice INV-204")
    await card.becomes("Approved* by <@U0SAM>")


@pytest.fixture
async def strict(tmp_path: Path, template: Path, claude: Claude) -> AsyncIterator[Desk]:
    """A desk whose refunds take two people of a user group."""
    rules = tmp_path / "policy.toml"
    rules.write_text(TWO_OF_FINANCE, encoding="utf-8")
    async with open_desk(tmp_path, claude=claude, template=template, POLICY_FILE=str(rules)) as opened:
        yield opened
    assert_discreet(opened)
    assert_logs_are_discreet(opened)


async def test_p6_two_people_of_a_role_agree_and_above_the_limit_nobody_may(strict: Desk) -> None:
    thread, card = await a_refund(strict, channel="C0STAFF")
    assert "Approval takes two people of finance" in card.shown().text
    sam, grace = strict.staff("U0SAM"), strict.staff("U0GRACE")
    await sam.presses("Approve", card)
    waiting = await card.becomes("Approved by <@U0SAM>")
    await sam.presses("Approve", waiting)
    await sam.hears("a second person has to approve it")
    assert refunded(strict) == []
    await grace.presses("Edit", card)
    refused = await grace.submits(**{"argument:amount_usd": "700", "now": "yes"})
    assert refused["result"] == "errors"
    assert "refunds over $500: nobody" in str(refused["errors"])
    strict.claude.will(text("Done: RF-1001 of $252.00 was issued."))
    await grace.closes()
    await grace.presses("Approve", card)
    await thread.says("RF-1001 of $252.00")
    assert "by <@U0SAM> and <@U0GRACE>" in (await card.becomes("Approved*")).text
    await strict.settled()
    assert refunded(strict) == [252]


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock(MONDAY)


@pytest.fixture
async def timed(tmp_path: Path, template: Path, claude: Claude, clock: HeldClock) -> AsyncIterator[Desk]:
    """A desk whose clock is moved by hand."""
    time = DeskTime(clock, tick=0.02)
    async with open_desk(tmp_path, claude=claude, template=template, time=time) as opened:
        yield opened
    assert_discreet(opened)
    assert_logs_are_discreet(opened)


async def test_what_nobody_approves_expires_even_over_a_restart_and_the_customer_hears_the_truth(
    timed: Desk, clock: HeldClock
) -> None:
    thread, card = await a_draft(timed)
    assert "Can be approved until" in card.shown().text
    await timed.restart()
    clock.now += 4 * HOUR + 1
    told = await thread.says("nobody could check the answer I prepared in time")
    assert "I have not sent it" in told.text
    closed = await card.becomes("Expired, nothing was sent or done")
    assert list(closed.buttons) == ["Full text", "View trace"]
    anew = await timed.card(number=2)
    assert "Nobody approved it in time" in anew.shown().text
    assert DRAFT in anew.shown().text
    assert "Can be approved until" not in anew.shown().text
    await timed.settled()
    assert DRAFT not in thread.text()
