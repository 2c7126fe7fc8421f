"""Questions and answers: what a customer sees from asking to reading."""

import asyncio

from tests.fakes.desk import Desk
from tests.fakes.desk_claude import answer_from_source, search, ticket
from tests.fakes.messages_api import Seen, text
from tests.fakes.sandbox_driver import eventually


async def test_a_mention_is_answered_with_its_source_its_price_and_feedback_buttons(desk: Desk) -> None:
    desk.claude.will(search(), answer_from_source("Press *Share*, then *Invite guest*."))
    thread = await desk.customer().asks("How do I invite a guest to a board?")
    answer = await thread.answer()
    assert "Invite guest" in answer.text
    assert "Sources: " in answer.text
    assert answer.footer.startswith("step 2/25 · ")
    assert answer.footer.endswith("of $2.00")
    assert "tokens · $0.0" in answer.footer
    assert answer.has_feedback
    assert len(thread.ours()) == 1


async def test_the_first_sign_of_work_becomes_the_answer_itself(desk: Desk) -> None:
    desk.claude.hold()
    thread = await desk.customer().asks("How do I invite a guest to a board?")
    live = await thread.is_worked_on()
    desk.claude.let_go()
    assert (await thread.answer()).ts == live.ts


async def test_in_a_dm_prompts_are_suggested_and_the_session_status_follows_the_work(desk: Desk) -> None:
    ana = await desk.customer().in_dm()

    async def prompts() -> object:
        return (await desk.driver.look("state", user="U0ANA"))["prompts"].get(ana.channel)

    offered = await eventually(prompts)
    assert "How do I invite a guest to a board?" in [p["message"] for p in offered["prompts"]]
    desk.claude.hold()
    thread = await ana.asks("How do I invite a guest to a board?")
    await thread.session_is("processing")
    desk.claude.let_go()
    await thread.answer()
    await thread.session_is("active")


async def test_a_burst_of_three_messages_gets_one_answer_to_all_of_it(desk: Desk) -> None:
    ana = desk.customer()
    thread = await ana.asks("Hello, I have a question")
    await ana.says("it is about guests", thread)
    await ana.says("how do I invite one?", thread)
    await thread.answer()
    await desk.settled()
    assert len(thread.ours()) == 1
    (asked,) = desk.claude.asked
    for words in ("I have a question", "it is about guests", "how do I invite one?"):
        assert words in asked.last_text


async def test_a_mention_arrives_as_two_events_and_is_answered_once(desk: Desk) -> None:
    thread = await desk.customer().asks("What do guests cost?")
    await thread.answer()
    await desk.settled()
    kinds = [d["type"] for d in (await desk.driver.look("deliveries"))["deliveries"]]
    assert {"message", "app_mention"} <= set(kinds)
    assert len(thread.ours()) == len(desk.claude.asked) == 1


async def test_an_event_delivered_again_is_answered_once(desk: Desk) -> None:
    event = {
        "type": "message", "channel": "C0SUPPORT", "channel_type": "channel", "user": "U0ANA", "team": "T0FERNWAY",
        "client_msg_id": "the-same",
    }  # fmt: skip
    thread = await desk.customer().asks("What do guests cost?")
    (said,) = thread.shown()
    for _ in range(3):
        again = {**event, "ts": thread.ts, "text": said.raw["text"]}
        assert (await desk.driver.call("event", event=again))["ok"]
    await thread.answer()
    await desk.settled()
    assert len(thread.ours()) == len(desk.claude.asked) == 1


async def test_a_reply_in_the_thread_is_answered_in_the_light_of_what_was_said(desk: Desk) -> None:
    ana = desk.customer()
    desk.claude.will(text("Guests are free on the Team plan."), text("Up to 25 of them."))
    thread = await ana.asks("What do guests cost?")
    await thread.answer()
    await ana.says("And how many may I have?", thread)
    second = await thread.answer(2)
    assert "Up to 25" in second.text
    assert second.footer.startswith("step 1/25")
    roles = [(m["role"], str(m["content"])) for m in desk.claude.asked[1].messages]
    assert [role for role, _ in roles] == ["user", "assistant", "user"]
    assert "What do guests cost?" in roles[0][1]
    assert "Guests are free" in roles[1][1]
    assert "And how many may I have?" in roles[2][1]


async def test_two_conversations_go_side_by_side_without_mixing(desk: Desk) -> None:
    desk.claude.hold()
    ana, bo = desk.customer("U0ANA"), desk.customer("U0BO")
    first, second = await asyncio.gather(ana.asks("Tell me about apples"), bo.asks("Tell me about pears"))
    await desk.claude.is_asked(2)
    desk.claude.always = lambda seen: text("Pears it is." if "pears" in seen.last_text else "Apples it is.")
    desk.claude.let_go()
    assert "Apples" in (await first.answer()).text
    assert "Pears" in (await second.answer()).text
    by_person = {seen.last_text.split("<context>")[1].split("(verified)")[0].strip() for seen in desk.claude.asked}
    assert by_person == {
        "Customer: Ana Ruiz <ana@cobalt-studio.example>",
        "Customer: Bo Lindqvist <bo@northpine.example>",
    }


async def test_a_ticket_is_opened_once_and_its_number_is_told(desk: Desk) -> None:
    desk.claude.will(ticket(), lambda seen: text(f"I have opened a ticket: {_result(seen)}"))
    thread = await desk.customer().asks("Please open a ticket: the export stops half way")
    answer = await thread.answer()
    (row,) = desk.tickets()
    assert f"FW-{row[0]}" in answer.text
    assert row[1] == "ana@cobalt-studio.example"


async def test_feedback_is_taken_and_seen_in_the_trace(desk: Desk) -> None:
    ana = desk.customer()
    thread = await ana.asks("What do guests cost?")
    answer = await thread.answer()
    pressed = await ana.presses("feedback", answer, value="positive_button")
    assert pressed["acked"]
    await desk.settled()
    assert desk.rows("select count(*) from traces where name = 'thumbs_up'")[0][0] == 1


async def test_a_message_that_does_not_address_the_bot_is_left_alone(desk: Desk) -> None:
    ana = desk.customer()
    ts = await ana.says("Good morning everybody, how was your weekend?")
    await desk.settled()
    assert len(await desk.driver.messages("C0SUPPORT", thread_ts=ts)) == 1
    assert desk.claude.asked == []


def _result(seen: Seen) -> str:
    return str(seen.tool_results[0]["content"][0]["text"])
