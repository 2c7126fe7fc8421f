"""`@deskhand handoff` and `@deskhand resume`: typed by people and by other bots, obeyed without asking a model."""

from tests.fakes.desk import Desk
from tests.fakes.desk_claude import escalate
from tests.fakes.desk_people import Thread
from tests.fakes.messages_api import text

ASKED = "I have asked a colleague to look at this."


async def a_conversation(desk: Desk) -> Thread:
    desk.claude.will(text("Guests are free."))
    thread = await desk.customer().asks("What do guests cost?")
    await thread.answer()
    return thread


async def test_a_customer_asks_for_a_person_and_no_model_is_asked(desk: Desk) -> None:
    thread = await a_conversation(desk)
    await desk.customer().says("@deskhand handoff billing I was charged for guests", thread)
    await thread.says(ASKED)
    shown = (await desk.card("C0BILLING")).shown()
    for words in ("Ana Ruiz: I was charged for guests", "asked for in the thread", "What do guests cost?"):
        assert words in shown.text
    assert len(desk.claude.asked) == 1
    assert desk.cards("C0STAFF") == []


async def test_a_handoff_may_be_the_first_thing_somebody_writes(desk: Desk) -> None:
    thread = await desk.customer().asks("handoff")
    await thread.says(ASKED)
    assert "asked for a human" in (await desk.card()).shown().text
    assert desk.claude.asked == []


async def test_a_colleague_hands_a_customers_conversation_off(desk: Desk) -> None:
    thread = await a_conversation(desk)
    await desk.customer("U0SAM").says("@deskhand handoff engineering looks like a bug to me", thread)
    await thread.says(ASKED)
    shown = (await desk.card()).shown()
    assert "Sam Porter: looks like a bug to me" in shown.text
    assert "engineering" in shown.text
    assert "<@U0ANA>" in shown.text


async def test_another_bot_on_the_list_may_hand_off(desk: Desk) -> None:
    thread = await a_conversation(desk)
    await desk.customer("U0PAGER").says("@deskhand handoff engineering alarm 4711", thread)
    await thread.says(ASKED)
    assert "Pager: alarm 4711" in (await desk.card()).shown().text


async def test_a_bot_that_is_not_on_the_list_is_ignored_whatever_it_writes(desk: Desk) -> None:
    await desk.restart(AGENT_BOTS="U0OTHER")
    thread = await a_conversation(desk)
    pager = desk.customer("U0PAGER")
    await pager.says("@deskhand handoff engineering alarm 4711", thread)
    await pager.says("@deskhand what do guests cost?", thread)
    await pager.asks("what do guests cost?")
    await desk.settled()
    assert desk.cards() == []
    assert len(desk.claude.asked) == 1


async def test_asking_twice_for_a_person_opens_one_case(desk: Desk) -> None:
    thread = await a_conversation(desk)
    ana = desk.customer()
    await ana.says("@deskhand handoff", thread)
    await thread.says(ASKED)
    await ana.says("@deskhand handoff billing now please", thread)
    await thread.says("already been asked")
    await desk.settled()
    assert len(desk.cards()) + len(desk.cards("C0BILLING")) == 1


async def test_in_a_dm_the_command_needs_no_mention(desk: Desk) -> None:
    ana = await desk.customer().in_dm()
    thread = await ana.asks("handoff billing")
    await thread.says(ASKED)
    await desk.card("C0BILLING")
    assert desk.claude.asked == []


async def test_a_typed_resume_of_staff_hands_back_and_the_bot_answers_again(desk: Desk) -> None:
    thread = await a_conversation(desk)
    ana, sam = desk.customer(), desk.customer("U0SAM")
    await ana.says("@deskhand handoff", thread)
    card = await desk.card()
    await desk.staff().presses("Take over", card)
    await thread.says("has taken over")
    await sam.says("@deskhand resume", thread)
    await thread.says("has handed this conversation back")
    await card.becomes("Handed back")
    desk.claude.will(text("Here I am again."))
    await ana.says("hello?", thread)
    await thread.says("Here I am again.")


async def test_a_customer_cannot_resume_and_reads_why(desk: Desk) -> None:
    thread = await a_conversation(desk)
    ana = desk.customer()
    await ana.says("@deskhand handoff", thread)
    await desk.staff().presses("Take over", await desk.card())
    await thread.says("has taken over")
    await ana.says("@deskhand resume", thread)
    told = await ana.hears("Only")
    assert "support team" in told.text or "staff" in told.text
    await desk.settled()
    assert "handed this conversation back" not in thread.text()


async def test_resume_where_nobody_took_over_says_so_to_whoever_typed_it(desk: Desk) -> None:
    thread = await a_conversation(desk)
    sam = desk.customer("U0SAM")
    await sam.says("@deskhand resume", thread)
    await sam.hears("nothing to hand back")
    assert len(thread.ours()) == 1


async def test_a_colleague_who_speaks_to_the_customer_in_the_thread_is_not_answered_by_the_bot(desk: Desk) -> None:
    thread = await a_conversation(desk)
    await desk.customer("U0SAM").says("Ana, I'll have a look at this myself.", thread)
    await thread.says("*Sam Porter* has taken over")
    await desk.customer().says("Thanks Sam. And the limit?", thread)
    await desk.settled()
    assert len(thread.ours()) == 2
    assert len(desk.claude.asked) == 1


async def test_a_handoff_while_the_agent_has_opened_a_case_is_not_a_second_one(desk: Desk) -> None:
    desk.claude.will(escalate(), text("I have asked a colleague."))
    thread = await desk.customer().asks("refund please")
    await thread.answer()
    await desk.customer().says("@deskhand handoff", thread)
    await thread.says("already been asked")
    assert len(desk.cards()) == 1
