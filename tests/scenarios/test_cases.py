"""Cases before people: the card, what can be decided on it, who may, and who was faster."""

import asyncio

from tests.fakes.desk import Desk
from tests.fakes.desk_claude import UNSURE, answer_from_source, escalate, search
from tests.fakes.desk_people import Card, Thread, words_of_view
from tests.fakes.messages_api import text

PROPOSAL = "We have refunded invoice INV-204: $81 arrive within five days."


async def a_case(desk: Desk, proposal: str = PROPOSAL, team: str = "none", user: str = "U0ANA") -> tuple[Thread, Card]:
    """A customer whose case waits for a decision."""
    desk.claude.will(escalate(proposal, team=team), text("I have asked a colleague to check this."))
    thread = await desk.customer(user).asks("You charged me twice, I want my money back")
    await thread.answer()
    return thread, await desk.card("C0BILLING" if team == "billing" else "C0STAFF")


async def test_a_case_reaches_the_team_it_concerns_with_everything_a_colleague_needs(desk: Desk) -> None:
    thread, card = await a_case(desk, team="billing")
    shown = card.shown()
    for words in (
        "<@U0ANA> (Ana Ruiz)", "disputes a charge", "Ana was charged twice in November", "asked for by the agent",
        PROPOSAL, "1 step", "Open the thread",
    ):  # fmt: skip
        assert words in shown.text
    assert thread.ts.replace(".", "") in shown.text
    assert "$0.0" in shown.text
    assert list(shown.buttons) == ["Approve", "Edit", "Deny", "Ask", "Take over", "View trace"]
    assert desk.cards("C0STAFF") == []
    assert "asked a colleague" in (await thread.answer()).text


async def test_approve_sends_exactly_the_proposal_and_closes_the_case(desk: Desk) -> None:
    thread, card = await a_case(desk)
    assert "refunded" not in thread.text()
    await desk.staff().presses("Approve", card)
    await thread.says(PROPOSAL)
    closed = await card.becomes("Approved* by <@U0SAM>")
    assert list(closed.buttons) == ["Full text", "View trace"]
    await desk.settled()
    (sent,) = thread.answers()[1:]
    assert sent.text == f"{PROPOSAL}\n{sent.footer}"


async def test_a_double_press_sends_the_proposal_once(desk: Desk) -> None:
    thread, card = await a_case(desk)
    sam, shown = desk.staff(), card.shown()
    await asyncio.gather(*(sam.presses("Approve", shown) for _ in range(4)))
    await thread.says(PROPOSAL)
    await desk.settled()
    assert thread.text().count(PROPOSAL) == 1
    assert sam.whispers() == []


async def test_of_two_colleagues_who_press_at_once_one_decides_and_the_other_reads_who_it_was(desk: Desk) -> None:
    thread, card = await a_case(desk)
    sam, grace, shown = desk.staff("U0SAM"), desk.staff("U0GRACE"), card.shown()
    await asyncio.gather(sam.presses("Approve", shown), grace.presses("Take over", shown))
    await desk.settled()
    whispers = {person.user: [m.text for m in person.whispers()] for person in (sam, grace)}
    loser = "U0SAM" if whispers["U0SAM"] else "U0GRACE"
    winner = "Grace Lee was faster: took over" if loser == "U0SAM" else "Sam Porter was faster: approved it"
    (told,) = whispers[loser]
    assert winner in told
    assert whispers["U0GRACE" if loser == "U0SAM" else "U0SAM"] == []
    assert thread.text().count(PROPOSAL) == (0 if loser == "U0SAM" else 1)


async def test_deny_wants_a_reason_and_the_agent_explains_it_kindly(desk: Desk) -> None:
    thread, card = await a_case(desk)
    sam = desk.staff()
    desk.claude.will(text("I'm sorry, but the second charge was for November's new seat."))
    await sam.presses("Deny", card)
    assert "Reason" in words_of_view(await sam.sees_form())
    refused = await sam.submits(text="no")
    assert refused["result"] == "errors"
    assert (await sam.submits(text="It was a seat added on the 12th"))["result"] == "closed"
    await thread.says("I'm sorry, but the second charge")
    assert "It was a seat added on the 12th" in (await card.becomes("Denied* by <@U0SAM>")).text
    assert "Their words: It was a seat added on the 12th" in desk.claude.asked[-1].last_text
    assert PROPOSAL not in thread.text()


async def test_approve_without_a_proposal_lets_the_agent_carry_on(desk: Desk) -> None:
    thread, card = await a_case(desk, proposal="")
    desk.claude.will(text("My colleague agrees: here is how the credit works."))
    await desk.staff().presses("Approve", card)
    await thread.says("here is how the credit works")
    assert "carry on with the customer's request" in desk.claude.asked[-1].last_text


async def test_somebody_who_is_not_staff_cannot_decide_and_reads_why(desk: Desk) -> None:
    thread, card = await a_case(desk)
    desk.driver.server.workspace.channel("C0STAFF").members.add("U0PAGER")
    desk.driver.server.workspace.channel("C0BILLING").members.add("U0ANA")
    ana = desk.staff("U0ANA")
    other = await a_case_for(desk, "U0BO", team="billing")
    for button in ("Approve", "Take over", "View trace", "Deny"):
        await ana.presses(button, other)
    await desk.settled()
    assert {m.text for m in ana.whispers()} == {"Only members of the staff channel can do that. Nothing was changed."}
    assert ana.windows() == []
    assert "Needs a person" in other.shown().text
    assert "Needs a person" in card.shown().text
    assert PROPOSAL not in thread.text()


async def test_while_membership_cannot_be_read_nobody_may_press(desk: Desk) -> None:
    fault = {"method": "conversations.members", "kind": "error", "error": "missing_scope", "times": -1}
    await desk.driver.call("fault", **fault)
    thread, card = await a_case(desk)
    grace = desk.staff("U0GRACE")
    await grace.presses("Approve", card)
    await grace.hears("nobody can do that at the moment")
    assert "Needs a person" in card.shown().text
    await desk.driver.call("faults/clear")
    await grace.presses("Approve", card)
    await thread.says(PROPOSAL)


async def test_an_unsure_answer_is_proposed_instead_of_sent(desk: Desk) -> None:
    desk.claude.verdict = UNSURE
    desk.claude.will(search(), answer_from_source("Guests cost $3 each."))
    thread = await desk.customer().asks("What do guests cost?")
    told = await thread.answer()
    assert "asked a colleague to check it" in told.text
    assert "$3" not in told.text
    shown = (await desk.card()).shown()
    for words in ("the agent was not sure enough", "30% sure", "another plan", "Guests cost $3 each."):
        assert words in shown.text
    await desk.staff().presses("Approve", await desk.card())
    approved = await thread.says("Guests cost $3 each.")
    assert "Sources: " in approved.text


async def test_p6_a_new_message_of_the_customer_takes_the_proposal_off_the_card_and_leaves_the_case(desk: Desk) -> None:
    thread, card = await a_case(desk)
    stale = card.shown()
    desk.claude.will(text("Glad to hear it!"))
    await desk.customer().says("Forget it, I found the second invoice", thread)
    await thread.says("Glad to hear it!")
    withdrawn = await card.gets_reply("The customer wrote again, so the proposed reply no longer holds.")
    assert PROPOSAL in withdrawn.text
    await desk.settled()
    assert PROPOSAL not in card.shown().text
    assert "Needs a person" in card.shown().text
    sam = desk.staff()
    assert set(stale.buttons) - set(card.shown().buttons) == {"Approve", "Edit"}
    desk.claude.will(text("Sam says hello."))
    await sam.presses("Let the agent carry on", card)
    await thread.says("Sam says hello.")
    await desk.settled()
    assert PROPOSAL not in thread.text()


async def test_a_long_proposal_can_be_read_in_full_before_it_is_approved(desk: Desk) -> None:
    long = "\n\n".join(f"Paragraph {n}: " + "every word of this matters. " * 8 for n in range(40))
    thread, card = await a_case(desk, proposal=long)
    sam = desk.staff()
    assert "Paragraph 39" not in card.shown().text
    replies = "\n".join(m.text for m in [await card.gets_reply("Paragraph 39"), *card.replies()])
    await sam.presses("Full text", card)
    window = words_of_view(await sam.sees_form())
    for n in range(40):
        assert f"Paragraph {n}:" in window
        assert f"Paragraph {n}:" in replies
    await sam.presses("Approve", card)
    await thread.says("Paragraph 39:")
    await desk.settled()
    sent = "".join(m.text.removesuffix(m.footer) for m in thread.answers() if m.kind == "approved")
    assert "".join(sent.split()) == "".join(long.split())


async def test_the_trace_shows_each_step_to_staff(desk: Desk) -> None:
    _, card = await a_case(desk)
    sam = desk.staff()
    await sam.presses("View trace", card)
    window = words_of_view(await sam.sees_form())
    for words in ("claude-sonnet-5-5", "escalate_to_human", "of $2.00", "tokens", "steps"):
        assert words in window


async def test_a_conversation_has_one_open_case_which_newer_findings_amend(desk: Desk) -> None:
    thread, card = await a_case(desk, proposal="")
    desk.claude.will(escalate("A better reply.", reason="She wants to leave."), text("I have asked again."))
    await desk.customer().says("And another thing: cancel my plan", thread)
    await thread.answer(2)
    await card.becomes("A better reply.")
    assert "She wants to leave." in card.shown().text
    assert "disputes a charge" in (await card.gets_reply("Before it said")).text
    assert len(desk.cards()) == 1
    await desk.staff().presses("Approve", card)
    await thread.says("A better reply.")


async def a_case_for(desk: Desk, user: str, team: str) -> Card:
    return (await a_case(desk, team=team, user=user))[1]
