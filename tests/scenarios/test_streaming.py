"""In a DM the work is seen step by step in one message that ends as the answer; the native status ends right."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.desk import live
from tests.fakes.desk import Desk, open_desk
from tests.fakes.desk_claude import Claude, answer_from_source, escalate, lookup, search
from tests.fakes.desk_people import Thread, seen
from tests.fakes.messages_api import Move, Seen, text
from tests.fakes.sandbox_driver import FAST

QUESTION = "How do I invite a guest to a board?"


@pytest.fixture(autouse=True)
def shown_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "FIRST_AFTER", 0.05)
    monkeypatch.setattr(live, "STREAM_SECONDS", 0.05)
    monkeypatch.setattr(live, "STREAM_SECONDS_MORE", 0.0)


async def calls(desk: Desk) -> list[str]:
    """What the bot asked Slack to change."""
    made: list[dict[str, Any]] = (await desk.driver.look("calls"))["calls"]
    return [c["method"] for c in made if c["method"].startswith(("chat.", "agents."))]


def cards(thread: Thread) -> dict[str, str]:
    """Steps and their state in the last message of the bot."""
    blocks = thread.ours()[-1].raw.get("blocks", []) if thread.ours() else []
    return {task["title"]: task["status"] for block in blocks if block["type"] == "plan" for task in block["tasks"]}


async def sees_step(desk: Desk, thread: Thread, words: str) -> None:
    """Wait until a step is being done before the customer's eyes."""
    await seen(desk.driver, lambda: cards(thread).get(words) == "in_progress" or None)


async def test_the_steps_of_the_work_are_seen_and_become_the_answer(desk: Desk) -> None:
    ana = await desk.customer().in_dm()
    desk.claude.will(lookup("ana@cobalt-studio.example"), search(), answer_from_source("Press *Share*."))
    desk.claude.hold()
    thread = await ana.asks(QUESTION)
    first = await thread.is_worked_on()
    assert first.raw["streaming"]
    await thread.session_is("processing")
    await sees_step(desk, thread, "Thinking")
    desk.claude.let_go()
    answer = await thread.answer()
    await desk.settled()
    assert answer.ts == first.ts
    assert answer.text.count("Press *Share*.") == 1
    assert answer.footer.startswith("step 3/25 · ")
    assert answer.has_feedback
    assert set(cards(thread).values()) == {"complete"}
    assert list(cards(thread))[-1] == "Writing the answer"
    assert thread.session() == "active"
    made = await calls(desk)
    assert (made[0], made[-1]) == ("chat.startStream", "chat.stopStream")
    assert set(made[1:-1]) <= {"chat.appendStream"}
    # A card begins and is named; the end of one is the start of the next.
    assert len(made) <= 2 + 2 * len(cards(thread))


async def test_a_turn_that_is_done_at_once_costs_two_calls(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "FIRST_AFTER", 5.0)
    ana = await desk.customer().in_dm()
    thread = await ana.asks(QUESTION)
    await thread.answer()
    await desk.settled()
    assert await calls(desk) == ["chat.startStream", "chat.stopStream"]
    assert thread.session() == "active"


async def test_p5_after_a_take_over_nothing_is_appended_and_nothing_is_left_hanging(desk: Desk) -> None:
    ana = await desk.customer().in_dm()
    desk.claude.will(escalate(), text("I have asked a colleague."))
    thread = await ana.asks("I would like to talk to a human.")
    await thread.answer()
    card = await desk.card()
    desk.claude.hold()
    await ana.says("hello? how do I invite guests?", thread)
    await desk.claude.is_asked(3)
    await sees_step(desk, thread, "Thinking")
    await desk.staff().presses("Take over", card)
    await thread.says("has taken over")
    desk.claude.let_go()
    await desk.settled()
    sights = desk.timeline.of(thread)
    notice = next(i for i, sight in enumerate(sights) if sight.kind == "taken")
    assert [s.what for s in sights[notice + 1 :] if s.is_ours and s.what != "ephemeral"] == []
    assert [m.kind for m in thread.ours()] == ["answer", "taken"]
    assert thread.session() == "active"


async def test_a_status_that_is_still_on_its_way_is_not_the_last_word(desk: Desk) -> None:
    ana = await desk.customer().in_dm()
    await desk.driver.call("fault", method="chat.startStream", kind="error", error="not_agent_app")
    desk.claude.will(escalate(), text("I have asked a colleague."))
    thread = await ana.asks("I would like to talk to a human.")
    await thread.answer()
    await desk.settled()
    card = await desk.card()
    desk.claude.hold()
    await desk.driver.call("fault", method="agents.sessions.setStatus", kind="delay", seconds=1.0)
    await ana.says("hello? how do I invite guests?", thread)
    await desk.claude.is_asked(3)
    await desk.staff().presses("Take over", card)
    await thread.says("has taken over")
    desk.claude.let_go()
    await desk.settled()
    assert thread.session() == "active"


async def test_a_handover_to_people_suspends_the_session_and_a_solution_closes_it(desk: Desk) -> None:
    ana = await desk.customer().in_dm()
    desk.claude.will(escalate("We refund it."), text("I have asked a colleague."))
    thread = await ana.asks("I was charged twice.")
    await thread.answer()
    await desk.settled()
    assert thread.session() == "suspended"
    card = await desk.card()
    await desk.staff().presses("Approve", card)
    await thread.says("We refund it.")
    await desk.settled()
    assert thread.session() == "active"


async def test_when_the_reader_presses_stop_the_stream_ends_with_a_sentence(desk: Desk) -> None:
    ana = await desk.customer().in_dm()
    desk.claude.hold()
    thread = await ana.asks(QUESTION)
    await sees_step(desk, thread, "Thinking")
    stopped = await desk.driver.call("stop", user="U0ANA", channel=thread.channel, thread_ts=thread.ts)
    assert stopped["ok"]
    await thread.answer()
    desk.claude.let_go()
    await desk.settled()
    [message] = thread.ours()
    assert "stopped" in message.text.lower()
    assert not message.raw.get("streaming")
    assert thread.session() == "active"


async def test_stop_where_nothing_is_going_on_ends_the_working_status(desk: Desk) -> None:
    ana = await desk.customer().in_dm()
    thread = await ana.asks(QUESTION)
    await thread.answer()
    await desk.settled()
    desk.driver.server.workspace.set_session(thread.channel, thread.ts, {"status": "processing"})
    await desk.driver.call("stop", user="U0ANA", channel=thread.channel, thread_ts=thread.ts)
    await thread.session_is("active")
    assert len(thread.ours()) == 1


async def test_a_status_that_slack_does_not_take_for_a_while_is_right_in_the_end(desk: Desk) -> None:
    ana = await desk.customer().in_dm()
    await desk.driver.call("fault", method="chat.startStream", kind="error", error="not_agent_app")
    await desk.driver.call("fault", method="agents.sessions.setStatus", kind="ratelimited", times=5)
    desk.claude.will(escalate(), text("I have asked a colleague."))
    thread = await ana.asks("I would like to talk to a human.")
    await thread.answer()
    await thread.session_is("suspended")


async def test_after_a_restart_in_the_middle_the_same_message_goes_on(desk: Desk) -> None:
    ana = await desk.customer().in_dm()
    waiting = asyncio.Event()

    def think(_: Seen) -> Move:
        waiting.set()
        return text("Press *Share*.")

    desk.claude.will(search(), think)
    desk.claude.hold()
    thread = await ana.asks(QUESTION)
    first = await thread.is_worked_on()
    await sees_step(desk, thread, "Thinking")
    stopping = asyncio.ensure_future(desk.restart())
    await asyncio.sleep(0.2)
    desk.claude.let_go()
    await stopping
    answer = await thread.answer()
    await desk.settled()
    assert waiting.is_set()
    assert [m.ts for m in thread.ours()] == [first.ts]
    assert answer.text.count("Press *Share*.") == 1
    assert thread.session() == "active"


async def test_in_a_channel_there_is_no_stream(desk: Desk) -> None:
    thread = await desk.customer().asks(QUESTION)
    await thread.answer()
    await desk.settled()
    first, *later = await calls(desk)
    assert (first, set(later)) == ("chat.postMessage", {"chat.update"})


async def test_where_slack_allows_no_more_streams_there_are_plain_lines_or_none_and_every_answer(
    tmp_path: Path, template: Path, claude: Claude
) -> None:
    limited = replace(FAST, rate_limits=True)
    async with open_desk(tmp_path, claude=claude, template=template, config=limited) as desk:
        people = [await desk.customer(user).in_dm() for user in ("U0ANA", "U0BO", "U0CHIDI", "U0DARIA")]
        threads = [await person.asks(f"{QUESTION} ({n})") for n in range(3) for person in people]
        for thread in threads:
            await thread.answer(seconds=60)
        await desk.settled(60)
        made = (await desk.driver.look("calls"))["calls"]
        assert [c["method"] for c in made if c["error"] == "ratelimited"] == []
        assert {thread.session() for thread in threads} == {"active"}
        assert all([m.kind for m in thread.ours()] == ["answer"] for thread in threads)


async def test_a_step_that_came_to_nothing_is_shown_as_such(desk: Desk) -> None:
    ana = await desk.customer().in_dm()
    desk.claude.will(lookup("somebody@else.example"), text("I cannot see that account."))
    thread = await ana.asks("What does somebody@else.example pay?")
    await thread.answer()
    assert cards(thread) == {"Looking up the account": "error", "Writing the answer": "complete"}
