"""A person's time with a customer: stepping in by answering, carrying words and files, handing back, being rated."""

from tests.fakes.desk import Desk
from tests.fakes.desk_claude import escalate, search
from tests.fakes.desk_people import Card, Thread, attached, words_of_view
from tests.fakes.messages_api import Move, Seen, text

PDF = b"%PDF-1.4 a contract"


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


async def test_a_colleague_who_answers_in_the_thread_has_taken_over_and_the_run_is_stopped(desk: Desk) -> None:
    desk.claude.will(search(), text("Here is what I think."))
    desk.claude.hold()
    thread = await desk.customer().asks("How do I invite guests?")
    await thread.is_worked_on()
    await desk.claude.is_asked(1)
    await desk.customer("U0SAM").says("Hi Ana, I will show you in a call.", thread)
    await thread.says("*Sam Porter* has taken over")
    desk.claude.let_go()
    card = await desk.card()
    shown = await card.becomes("by answering in the customer's thread")
    assert {"Hand back", "Resolve"} <= shown.buttons.keys()
    await desk.settled()
    assert [m.kind for m in thread.ours()] == ["taken"], "the live line is gone, and no answer came"
    await desk.staff().under(card, "The call is at three.")
    await thread.says("The call is at three.")


async def test_who_began_the_talk_names_the_bot_or_writes_a_note_does_not_take_over(desk: Desk) -> None:
    desk.claude.will(text("Like this."), text("And so."))
    thread = await desk.customer().asks("How do I invite guests?")
    await thread.answer()
    sam = desk.customer("U0SAM")
    await sam.says("// she has the old plan", thread)
    await sam.says("<@U0GRACE> do you know her?", thread)
    await sam.says("@deskhand what about her plan?", thread)
    await thread.says("And so.")
    await desk.settled()
    assert "has taken over" not in thread.text()
    assert desk.cards() == []


async def test_what_sam_edits_deletes_or_marks_as_a_note_follows_to_the_customer(desk: Desk) -> None:
    thread, card = await owned(desk)
    sam = desk.staff()
    ts = await sam.under(card, "It costs 10 dollars.")
    first = await thread.says("It costs 10 dollars.")
    assert first.raw["username"] == "Sam Porter"
    await sam.edits(ts, "It costs 12 dollars.")
    assert (await thread.says("It costs 12 dollars.")).ts == first.ts, "the same message, changed"
    secret = await sam.under(card, "She is a VIP, be careful.")
    await thread.says("She is a VIP")
    await sam.reacts(secret, "lock")
    await sam.hears("this is a note now")
    await sam.deletes(ts)
    await desk.settled()
    assert [m.kind for m in thread.ours()] == ["answer", "taken"]


async def test_files_are_carried_both_ways_and_what_fails_is_told(desk: Desk) -> None:
    thread, card = await owned(desk)
    sam, ana = desk.staff(), desk.customer()
    await sam.under(card, "Please sign this.", files=attached("contract.pdf", "application/pdf", PDF))
    carried = await thread.says("*Sam Porter* sent a file")
    [file] = carried.raw["files"]
    assert (file["name"], file["size"]) == ("contract.pdf", len(PDF))
    await ana.says("Signed!", thread, files=attached("signed.pdf", "application/pdf", PDF))
    assert (await card.gets_reply("*Ana Ruiz* sent a file")).raw["files"][0]["name"] == "signed.pdf"
    desk.expects_errors = True
    await desk.driver.call("fault", method="files.getUploadURLExternal", kind="error", error="missing_scope", times=-1)
    await sam.under(card, "And this.", files=attached("annex.pdf", "application/pdf", PDF))
    await card.gets_reply("The file annex.pdf of Sam Porter could not be carried over")


async def test_what_the_customer_changes_is_seen_under_the_card(desk: Desk) -> None:
    thread, card = await owned(desk)
    ana = desk.customer()
    ts = await ana.says("My invoice is INV-204", thread)
    await card.gets_reply("My invoice is INV-204")
    await desk.settled()
    await ana.edits(ts, "My invoice is INV-240")
    await card.gets_reply("My invoice is INV-240\n(edited)")
    await desk.settled()
    await ana.deletes(ts)
    await card.gets_reply("(deleted by its author)")
    assert "INV-204" not in "\n".join(m.text for m in card.replies())


async def test_a_model_that_hands_over_each_time_cannot_give_the_old_case_back(desk: Desk) -> None:
    thread, card = await owned(desk)
    sam = desk.staff()
    await sam.under(card, "I have refunded the second charge, it takes five days. " * 20)
    await thread.says("I have refunded")
    await sam.presses("Hand back", card)
    form = words_of_view(await sam.sees_form())
    assert "What was done" in form
    assert "What the agent should do next" in form
    heard: list[str] = []

    def hostile(seen: Seen) -> Move:
        heard.append(str(seen.messages))
        return escalate(reason="Once more, with other words.") if len(heard) < 3 else text("The refund is on its way.")

    desk.claude.always = hostile
    desk.claude.summary = "Sam refunded the second charge."
    await sam.submits(text="Refunded INV-204", next="Tell her when the money arrives")
    await thread.says("The refund is on its way.")
    assert "Sam refunded the second charge." in heard[0]
    assert "Tell her when the money arrives" in heard[0]
    assert "has dealt with this and handed the conversation back" in heard[1]
    await desk.settled()
    assert len(desk.cards()) == 1


async def test_a_resolved_case_is_rated_by_its_customer_alone(desk: Desk) -> None:
    thread, card = await owned(desk)
    await desk.staff().presses("Resolve", card)
    asked = await thread.says("How did we do?")
    bo = desk.customer("U0BO")
    await bo.presses("5 · great", asked)
    await bo.hears("Only the person whose request it was can rate it")
    ana = desk.customer()
    await ana.presses("2", asked)
    rated = await thread.says("*You gave ★★☆☆☆*")
    await ana.presses("4", rated)
    again = await thread.says("*You gave ★★★★☆*")
    await ana.presses("Add a comment", again)
    await ana.submits(text="Quick, but the refund took a week")
    await thread.says("“Quick, but the refund took a week”")
    assert "★★★★☆" in (await card.becomes("“Quick, but the refund took a week”")).text
    assert desk.rows("select stars, comment from ratings") == [(4, "Quick, but the refund took a week")]
