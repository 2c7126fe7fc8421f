"""When the bot keeps still, stops, or starts again: edits, deletions, Stop, mutes, other bots, other organisations."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.desk import Desk, open_desk
from tests.fakes.desk_claude import Claude, answer_from_source, escalate, lookup, search, ticket
from tests.fakes.desk_people import Thread, messages
from tests.fakes.discretion import assert_discreet, assert_logs_are_discreet
from tests.fakes.messages_api import text
from tests.fakes.shared_company import SHARED, with_neighbours


async def held_question(desk: Desk, words: str = "What do gests cost?") -> Thread:
    """A question that the model is thinking about."""
    desk.claude.hold()
    thread = await desk.customer().asks(words)
    await desk.claude.is_asked(1)
    await thread.is_worked_on()
    return thread


def money(desk: Desk) -> list[tuple[str, int]]:
    """State and cost of everything in the ledger."""
    return [(row[0], row[1]) for row in desk.rows("select state, charged from ledger order by at")]


async def test_a_question_edited_while_it_is_worked_on_is_answered_once_as_it_reads_now(desk: Desk) -> None:
    desk.claude.always = lambda seen: text("Nine dollars." if "guests" in seen.last_text else "What is a gest?")
    thread = await held_question(desk)
    await desk.customer().edits(thread.ts, "@deskhand What do guests cost?")
    await desk.claude.is_asked(2)
    desk.claude.let_go()
    assert (await thread.answer()).text.startswith("Nine dollars.")
    await desk.settled()
    assert len(thread.ours()) == 1
    assert not any("gest?" in sight.text for sight in desk.timeline.of(thread) if sight.is_ours)
    outcomes = [row[0] for row in desk.rows("select outcome from runs order by started_at")]
    assert outcomes == ["superseded", "answered"]
    assert all(state == "settled" for state, _ in money(desk))
    assert money(desk)[0][1] > 0


async def test_a_question_edited_in_a_dm_goes_on_in_the_same_stream(desk: Desk) -> None:
    desk.claude.always = lambda seen: text("Nine dollars." if "guests" in seen.last_text else "What is a gest?")
    desk.claude.hold()
    ana = await desk.customer().in_dm()
    thread = await ana.asks("What do gests cost?")
    await desk.claude.is_asked(1)
    await thread.session_is("processing")
    await ana.edits(thread.ts, "What do guests cost?")
    await desk.claude.is_asked(2)
    desk.claude.let_go()
    assert "Nine dollars." in (await thread.answer()).text
    await desk.settled()
    assert (len(thread.ours()), thread.session()) == (1, "active")


async def test_a_question_deleted_while_it_is_worked_on_leaves_nothing_behind(desk: Desk) -> None:
    thread = await held_question(desk, "My password is hunter2, does that matter?")
    await desk.customer().deletes(thread.ts)
    await desk.settled()
    desk.claude.let_go()
    assert thread.ours() == []
    assert [row[0] for row in desk.rows("select outcome from runs")] == ["stopped"]
    assert [state for state, _ in money(desk)] == ["settled"]
    assert desk.rows("select * from transcript_lines") == []
    assert "hunter2" not in str(desk.rows("select payload from inbox"))


async def test_an_edit_after_the_answer_withdraws_what_was_proposed_and_is_no_new_question(desk: Desk) -> None:
    desk.claude.will(escalate("We refund you $10."), text("I have asked a colleague."))
    ana = desk.customer()
    thread = await ana.asks("Please refund $10")
    await thread.answer()
    card = await desk.card()
    assert "Approve" in card.shown().buttons
    await ana.edits(thread.ts, "@deskhand Please refund $1000")
    await card.gets_reply("The customer edited the question")
    await desk.settled()
    assert "We refund you" not in card.shown().text
    assert len(desk.claude.asked) == 2
    assert [row[0] for row in desk.rows("select text from transcript_lines where speaker = 'customer'")] == [
        "Please refund $1000"
    ]


async def test_the_asker_and_staff_stop_a_run_in_a_channel_and_nobody_else(desk: Desk) -> None:
    thread = await held_question(desk)
    bo, sam = desk.customer("U0BO"), desk.customer("U0SAM")
    await bo.presses("Stop", await thread.is_worked_on())
    await bo.hears("Only the person who asked and the support team can stop this.")
    assert thread.answers() == []
    await sam.presses("Stop", await thread.is_worked_on())
    assert "Stopped. Write again" in (await thread.answer()).text
    desk.claude.let_go()
    await desk.settled()
    assert [state for state, _ in money(desk)] == ["settled"]
    await desk.restart(QUIET_SECONDS="0.7")
    ana = desk.customer()
    queued = await ana.asks("And what do guests see?")
    await ana.presses("Stop", await queued.is_worked_on())
    await desk.settled()
    assert queued.ours() == []
    assert len(desk.rows("select * from runs")) == 1


async def test_muting_a_channel_stops_what_is_under_way_in_it(desk: Desk) -> None:
    assert desk.claude is not None
    desk.claude.hold()
    ana, sam = desk.customer(), desk.customer("U0SAM")
    thread = await ana.asks("How do I invite a guest?")
    await desk.claude.is_asked(1)
    await sam.says("@deskhand mute channel", thread)
    await desk.settled()
    desk.claude.let_go()
    assert thread.ours() == []
    assert desk.rows("select outcome from runs") == [("stopped",)]


async def test_a_muted_thread_is_left_alone_until_it_is_unmuted(desk: Desk) -> None:
    desk.claude.will(text("Guests are free."))
    ana = desk.customer()
    thread = await ana.asks("What do guests cost?")
    await thread.answer()
    bo = desk.customer("U0BO")
    await bo.says("@deskhand mute", thread)
    await bo.hears("Only the person who began this thread")
    await ana.says("@deskhand mute 2h", thread)
    await ana.hears("I am quiet in this thread from now on for 2 hours.")
    await ana.says("Let me think about that.", thread)
    await ana.says("@deskhand really free?", thread)
    await ana.hears("I have been asked to be quiet in this thread")
    await desk.settled()
    assert (len(thread.ours()), len(desk.claude.asked)) == (1, 1)
    await ana.says("@deskhand unmute", thread)
    await ana.hears("I'm back")
    desk.claude.will(text("Really free."))
    await ana.says("@deskhand really?", thread)
    await thread.says("Really free.")
    assert "Let me think about that." in str(desk.claude.asked[-1].messages)
    assert [row[0] for row in desk.rows("select action from audit order by seq")] == ["thread.mute", "thread.unmute"]


async def test_while_two_people_talk_the_bot_waits_until_it_is_addressed(desk: Desk) -> None:
    desk.claude.will(text("Guests are free."))
    ana, bo = desk.customer(), desk.customer("U0BO")
    thread = await ana.asks("What do guests cost?")
    await thread.answer()
    desk.claude.will(text("Up to 25 of them."))
    await bo.says("How many?", thread)
    await thread.says("Up to 25")
    for who, words in ((bo, "I have 30, hm."), (ana, "We could drop five."), (bo, "Which ones?")):
        await who.says(words, thread)
    await desk.settled()
    answered = len(desk.claude.asked)
    assert len(thread.ours()) == answered
    desk.claude.will(text("Drop whoever left."))
    await bo.says("@deskhand Which ones?", thread)
    await thread.says("Drop whoever left.")
    assert "We could drop five." in str(desk.claude.asked[-1].messages)


async def test_another_bot_gets_answers_without_customer_data_and_a_pause_when_it_chatters(desk: Desk) -> None:
    pager = desk.customer("U0PAGER")
    desk.claude.will(lookup("ana@cobalt-studio.example"), text("I cannot look that up for you."))
    thread = await pager.asks("what plan is ana@cobalt-studio.example on?")
    await thread.says("I cannot look that up")
    assert "There is no tool named" in str(desk.claude.asked[1].tool_results)
    assert {tool["name"] for tool in desk.claude.asked[0].body["tools"]}.isdisjoint({"lookup_customer"})
    for number in range(24):
        await pager.says(f"@deskhand and now, number {number}?", thread)
    await thread.says("I take a break from it for five minutes")
    await desk.settled()
    asked = len(desk.claude.asked)
    await pager.says("@deskhand hello?", thread)
    await desk.settled()
    assert len(desk.claude.asked) == asked <= 21
    assert sum("I don't listen to it there" in shown.text for shown in messages(desk.driver, "C0STAFF")) == 1


@pytest.fixture
async def neighbours(tmp_path: Path, template: Path, claude: Claude) -> AsyncIterator[Desk]:
    """A desk with a shared channel, an outsider in the staff channel, and a guest."""
    async with open_desk(tmp_path, claude=claude, template=template, config=with_neighbours()) as opened:
        yield opened
    assert_discreet(opened)
    assert_logs_are_discreet(opened)


async def test_a_shared_channel_is_opened_by_an_admin_and_gets_public_articles_only(neighbours: Desk) -> None:
    desk = neighbours
    iris, grace = desk.staff("U0IRIS", SHARED), desk.staff("U0GRACE", SHARED)
    thread = await iris.asks("What do guests cost?")
    await iris.hears("I am not allowed to answer here yet")
    await desk.settled()
    assert (thread.ours(), desk.claude.asked) == ([], [])
    await iris.says("@deskhand allow channel")
    await iris.hears("Only admins of this bot can allow a shared channel.")
    await grace.says("@deskhand allow channel")
    await grace.hears("I answer in this shared channel from now on")
    desk.claude.will(search("refund exceptions above $100"), answer_from_source("Guests are free."))
    thread = await iris.asks("And now?")
    await thread.says("Guests are free.")
    assert {tool["name"] for tool in desk.claude.asked[0].body["tools"]}.isdisjoint({"lookup_customer"})
    assert "(no verified e-mail)" in desk.claude.asked[0].last_text
    await grace.asks("What do guests cost?")
    await desk.claude.is_asked(3)
    assert {tool["name"] for tool in desk.claude.asked[2].body["tools"]}.isdisjoint({"lookup_customer"})
    assert [row[0] for row in desk.rows("select action from audit")] == ["channel.allow"]


async def test_an_outsider_in_the_staff_channel_decides_nothing_and_a_guest_is_an_outsider(neighbours: Desk) -> None:
    desk = neighbours
    desk.claude.will(escalate("We refund you $10."), text("I have asked a colleague."), ticket())
    thread = await desk.customer().asks("Please refund $10")
    await thread.answer()
    card, mallory = await desk.card(), desk.staff("U0MALLORY")
    for label in ("Approve", "Take over", "Deny"):
        await mallory.presses(label, card)
    await mallory.hears("Only members of the staff channel can do that.")
    await mallory.under(card, "I refund you everything.")
    await mallory.under(card, "@deskhand resume")
    await desk.settled()
    assert len(thread.ours()) == 1
    assert "Approve" in card.shown().buttons
    assert mallory.windows() == []
    desk.claude.forget()
    await (await desk.customer("U0GUS").asks("What do guests cost?")).answer()
    assert {tool["name"] for tool in desk.claude.asked[0].body["tools"]}.isdisjoint({"lookup_customer"})
