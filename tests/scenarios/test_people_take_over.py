"""A person takes over: the bot falls silent, words are carried both ways, and the bot comes back when told to."""

from tests.fakes.desk import Desk
from tests.fakes.desk_claude import escalate, search
from tests.fakes.desk_people import Card, Sight, Thread
from tests.fakes.messages_api import text


async def owned(desk: Desk) -> tuple[Thread, Card]:
    """A conversation that Sam has taken over."""
    desk.claude.will(escalate(), text("I have asked a colleague."))
    thread = await desk.customer().asks("I want to talk to a human about my invoice")
    await thread.answer()
    card = await desk.card()
    await desk.staff().presses("Take over", card)
    await thread.says("*Sam Porter* has taken over")
    await desk.settled()
    return thread, card


async def test_after_take_over_the_customer_knows_who_answers_and_the_bot_is_silent(desk: Desk) -> None:
    thread, card = await owned(desk)
    calls = len(desk.claude.asked)
    ana = desk.customer()
    await ana.says("Are you still there?", thread)
    await ana.says("@deskhand hello?", thread)
    await card.gets_reply("Are you still there?")
    await card.gets_reply("hello?")
    await desk.settled()
    assert thread.ours()[-1].text.startswith("*Sam Porter* has taken over")
    assert len(desk.claude.asked) == calls
    shown = card.shown()
    assert "A person is on it" in shown.text
    assert list(shown.buttons) == ["Hand back", "Resolve", "View trace"]


async def test_p5_taken_over_in_the_middle_of_a_run_nothing_of_the_bot_appears_afterwards(desk: Desk) -> None:
    desk.claude.will(escalate(), text("I have asked a colleague."))
    ana = desk.customer()
    thread = await ana.asks("I want to talk to a human about my invoice")
    await thread.answer()
    card = await desk.card()
    desk.claude.will(search(), text("Here is what I think."))
    desk.claude.hold()
    await ana.says("and how do I invite guests?", thread)
    await thread.is_worked_on()
    await desk.claude.is_asked(3)
    await desk.staff().presses("Take over", card)
    await thread.says("*Sam Porter* has taken over")
    desk.claude.let_go()
    await desk.settled()
    assert "Here is what I think" not in "".join(sight.text for sight in desk.timeline.of(thread))
    assert after_notice(desk, thread) == []
    assert [m.kind for m in thread.ours()] == ["answer", "taken"]


async def test_what_the_person_writes_under_the_card_reaches_the_customer_and_notes_do_not(desk: Desk) -> None:
    thread, card = await owned(desk)
    sam = desk.staff()
    assert "is sent to the customer" in (await card.gets_reply("Reply here")).text
    await sam.under(card, "Hello Ana, I am looking at invoice INV-204 now.")
    relayed = await thread.says("I am looking at invoice INV-204 now.")
    assert relayed.raw["username"] == "Sam Porter"
    assert relayed.raw["icon_url"].startswith("https://")
    await sam.under(card, "// she is right, it was booked twice")
    await desk.settled()
    assert "booked twice" not in thread.text()


async def test_only_the_owners_words_are_carried_and_others_learn_that_theirs_were_not(desk: Desk) -> None:
    thread, card = await owned(desk)
    grace = desk.staff("U0GRACE")
    await grace.under(card, "I could refund that at once.")
    await grace.hears("somebody else is in charge")
    assert "refund that at once" not in thread.text()


async def test_before_a_take_over_a_reply_under_the_card_is_not_sent_and_its_author_is_told(desk: Desk) -> None:
    desk.claude.will(escalate(), text("I have asked a colleague."))
    thread = await desk.customer().asks("I want to talk to a human")
    card = await desk.card()
    sam = desk.staff()
    await sam.under(card, "Who takes this one?")
    await sam.hears("This was not sent to the customer. Press *Take over*")
    assert "Who takes this one" not in thread.text()


async def test_a_person_may_also_answer_in_the_customers_own_thread(desk: Desk) -> None:
    thread, card = await owned(desk)
    await desk.customer("U0SAM").says("Hi Ana, it is me.", thread)
    await desk.settled()
    assert "it is me" not in "\n".join(m.text for m in card.replies())
    assert thread.ours()[-1].kind == "taken"


async def test_hand_back_returns_the_conversation_with_a_note_for_the_agent(desk: Desk) -> None:
    thread, card = await owned(desk)
    sam, ana = desk.staff(), desk.customer()
    await sam.under(card, "I have booked the money back.")
    await thread.says("booked the money back")
    await sam.presses("Hand back", card)
    assert (await sam.submits(text="Refunded INV-204 by hand"))["result"] == "closed"
    await thread.says("*Sam Porter* has handed this conversation back")
    await card.becomes("Handed back* by <@U0SAM>")
    desk.claude.will(text("You're welcome!"))
    await ana.says("thank you both", thread)
    await thread.says("You're welcome!")
    heard = str(desk.claude.asked[-1].messages)
    assert "Refunded INV-204 by hand" in heard
    assert "I have booked the money back." in heard


async def test_a_resolved_conversation_opens_again_with_the_next_message(desk: Desk) -> None:
    thread, card = await owned(desk)
    await desk.staff().presses("Resolve", card)
    await thread.says("has marked this conversation as resolved")
    assert list((await card.becomes("Resolved* by <@U0SAM>")).buttons) == ["Full text", "View trace"]
    desk.claude.will(text("Of course, what is it?"))
    await desk.customer().says("One more thing…", thread)
    await thread.says("Of course, what is it?")


async def test_in_a_dm_the_native_status_says_that_a_person_has_it(desk: Desk) -> None:
    ana = await desk.customer().in_dm()
    desk.claude.will(escalate(), text("I have asked a colleague."))
    thread = await ana.asks("I would like to talk to a human.")
    await thread.answer()
    await desk.settled()
    assert thread.session() == "suspended"
    card = await desk.card()
    await desk.staff().presses("Take over", card)
    await thread.says("has taken over")
    await desk.staff().presses("Resolve", card)
    await thread.says("resolved")
    await desk.settled()
    assert thread.session() == "closed"


async def test_whose_profile_slack_does_not_tell_cannot_take_over_and_the_customer_reads_nothing_of_it(
    desk: Desk,
) -> None:
    desk.claude.will(escalate(), text("I have asked a colleague."))
    thread = await desk.customer().asks("I want a human")
    await thread.answer()
    await nobody_has_a_name(desk)
    card = await desk.card()
    await desk.staff().presses("Take over", card)
    await desk.staff().hears("I can't check right now whether you are on the staff team")
    await desk.settled()
    assert [m.kind for m in thread.ours()] == ["answer"]


async def test_p8_when_slack_tells_no_names_after_the_take_over_the_customer_reads_no_ids(desk: Desk) -> None:
    thread, card = await owned(desk)
    await desk.restart()
    await nobody_has_a_name(desk)
    await desk.staff().under(card, "I am looking at it.")
    relayed = await thread.says("I am looking at it.")
    assert relayed.raw["username"] == "somebody"
    await desk.customer().says("Thank you!", thread)
    assert "U0ANA" not in (await card.gets_reply("Thank you!")).text
    await desk.settled()
    assert "U0SAM" not in "".join(message.everything for message in thread.ours())


async def nobody_has_a_name(desk: Desk) -> None:
    """From now on Slack tells no profiles."""
    desk.expects_errors = True
    await desk.driver.call("fault", method="users.info", kind="error", error="internal_error", times=-1)


async def test_p5_in_a_dm_a_take_over_in_the_middle_ends_the_working_status(desk: Desk) -> None:
    ana = await desk.customer().in_dm()
    desk.claude.will(escalate(), text("I have asked a colleague."))
    thread = await ana.asks("I would like to talk to a human.")
    await thread.answer()
    card = await desk.card()
    desk.claude.hold()
    await ana.says("hello? how do I invite guests?", thread)
    await desk.claude.is_asked(3)
    await thread.session_is("processing")
    await desk.staff().presses("Take over", card)
    await thread.says("has taken over")
    desk.claude.let_go()
    await desk.settled()
    assert thread.session() != "processing"
    assert after_notice(desk, thread) == []


def after_notice(desk: Desk, thread: Thread) -> list[Sight]:
    """What the bot showed in a thread after it said that a person has taken over; taking words away is not showing."""
    seen = desk.timeline.of(thread)
    notice = next(i for i, sight in enumerate(seen) if sight.kind == "taken")
    return [s for s in seen[notice + 1 :] if s.is_ours and s.what not in ("deleted", "ephemeral")]
