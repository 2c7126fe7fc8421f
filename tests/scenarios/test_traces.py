"""P9 as people see it: whatever happened in a conversation is on record, in order, and a run can be done again."""

import argparse
from pathlib import Path

import pytest

from bot.cli import traces_replay, traces_show
from bot.config import Settings
from tests.fakes.desk import Desk
from tests.fakes.desk_claude import answer_from_source, escalate, search
from tests.fakes.desk_people import Thread
from tests.fakes.messages_api import text, tool
from tests.fakes.messages_script import stopped


def settings_of(desk: Desk) -> Settings:
    return Settings.model_validate(desk.bot.settings, context=desk.bot.settings)


Kind = tuple[str, str, int, bool]
OWN, HELPER = "claude-sonnet-5-5", "claude-haiku-5-5"


def kinds(desk: Desk) -> list[Kind]:
    """(action, name, epoch, ok) of all rows, in order."""
    rows = desk.rows("select action, name, epoch, ok from traces order by seq")
    return [(action, name, epoch, bool(ok)) for action, name, epoch, ok in rows]


async def is_taken_over(desk: Desk, thread: Thread) -> list[Kind]:
    """What Sam's taking over leaves on record."""
    before = len(kinds(desk))
    await desk.staff().presses("Take over", await desk.card())
    await thread.says("has taken over")
    await desk.settled()
    return kinds(desk)[before:]


async def is_stopped(desk: Desk) -> list[Kind]:
    """What a press of Stop in the middle of a call leaves on record."""
    before = len(kinds(desk))
    desk.claude.hold()
    thread = await desk.customer().asks("What do guests cost?")
    sign = await thread.is_worked_on()
    await desk.claude.is_asked(5)
    await desk.customer().presses("Stop", sign)
    await thread.says("Stopped.")
    desk.claude.let_go()
    await desk.settled()
    return kinds(desk)[before:]


async def fails(desk: Desk) -> list[Kind]:
    """What a run that cannot be ended leaves on record."""
    before = len(kinds(desk))
    desk.claude.forget()
    desk.claude.will(stopped("model_context_window_exceeded"))
    await (await desk.customer().asks("Can you sum up everything?")).answer()
    await desk.settled()
    return kinds(desk)[before:]


async def test_p9_every_kind_of_step_is_on_record_in_order_with_the_epoch_it_was_made_under(desk: Desk) -> None:
    desk.claude.will(search(), tool("read_minds", {"whose": "ana"}), escalate(), text("I have asked a colleague."))
    thread = await desk.customer().asks("I want somebody to look at my invoice")
    await thread.answer()
    await desk.settled()
    rows = kinds(desk)
    beside = [("delivery", "live", 0, True), ("delivery", "card", 0, True)]
    assert {*beside} <= {*rows}
    assert [row for row in rows if row not in beside] == [
        ("llm_call", OWN, 0, True), ("tool_call", "search_knowledge_base", 0, True),
        ("tool_result", "search_knowledge_base", 0, True),
        ("llm_call", OWN, 0, True), ("tool_call", "read_minds", 0, False), ("tool_result", "read_minds", 0, False),
        ("llm_call", OWN, 0, True), ("escalation", "tool", 0, True), ("tool_call", "escalate_to_human", 0, True),
        ("tool_result", "escalate_to_human", 0, True),
        ("llm_call", OWN, 0, True), ("llm_call", HELPER, 0, True), ("decision", "escalated", 0, True),
        ("delivery", "answer", 0, True),
    ]  # fmt: skip
    assert {("decision", "take_over", 1, True), ("delivery", "notice", 1, True)} <= {*await is_taken_over(desk, thread)}
    wanted = {("decision", "stop", 0, True), ("llm_call", OWN, 0, False), ("decision", "stopped", 0, True)}
    assert wanted <= {*await is_stopped(desk)}
    assert {("error", "broken_off", 0, False), ("escalation", "failure", 0, True)} <= {*await fails(desk)}
    await desk.settled()  # a card that is still drawn anew is a row before it is a line
    whose = desk.rows("select distinct team_id, profile, channel_id from traces")
    assert whose == [("T0FERNWAY", "support", "C0SUPPORT")]
    assert_told(desk)


def assert_told(desk: Desk) -> None:
    """One line of the log for each row, with its numbers and none of its words."""
    told = [line for line in desk.log_lines() if line["event"] == "trace.step"]
    rows = desk.rows("select action, epoch, ok, duration_ms, error, ref from traces")
    lines = [(t["action"], t["epoch"], int(t["ok"]), t["duration_ms"], t["error"], t["ref"]) for t in told]
    assert sorted(map(str, lines)) == sorted(map(str, rows))
    assert "read_minds" not in str(told), "a tool that there is not is the model's word"
    assert next(t["arguments"] for t in told if t["name"] == "search_knowledge_base") == ["query", "category"]


async def test_a_run_is_shown_and_done_again_without_touching_the_conversation(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.claude.will(search("invite a guest"), answer_from_source("Press Invite in the member list."))
    thread = await desk.customer().asks("How do I invite a guest?")
    await thread.answer()
    await desk.settled()
    (run_id,) = desk.rows("select id from runs")[0]
    shown = len(thread.ours())
    rows = kinds(desk)

    assert await traces_show.show(settings_of(desk), run_id, as_json=False) == 0
    told = capsys.readouterr().out
    for words in ("█", "llm_call", "tool_result", "search_knowledge_base", "prompt ", "epoch 0", "events · "):
        assert words in told, words

    prompt = tmp_path / "other.md"
    prompt.write_text("You help, and you are very short.")
    desk.claude.forget()
    desk.claude.will(
        search("invite a guest"), search("invite guests to a board"), tool("lookup_customer", {"email": "b@c.example"}),
        text("Press Invite in the sidebar."),
    )  # fmt: skip
    wishes = argparse.Namespace(
        id=run_id, prompt=str(prompt), profile=None, model="", max_usd="0.50", steps=True, json=False
    )
    assert await traces_replay.run(settings_of(desk), wishes) == 0
    told = capsys.readouterr().out
    for words in (
        "answered", "Press Invite in the [-member list.-] {+sidebar.+}", "+ lookup_customer", "+ search_knowledge_base",
        "(same)", "(other arguments)", "(not in the record)", "other arguments than the record's: 1",
        "not in the record: 1",
    ):  # fmt: skip
        assert words in told, words
    assert "very short" in str(desk.claude.asked[0].body["system"])
    assert (len(thread.ours()), kinds(desk)) == (shown, rows), "the conversation knows nothing of it"

    wishes.max_usd = "0.000001"
    assert await traces_replay.run(settings_of(desk), wishes) == 0
    assert "stopped by --max-usd" in capsys.readouterr().out
    wishes.id, wishes.max_usd = "run-unknown", "1"
    assert await traces_replay.run(settings_of(desk), wishes) == 1
    assert "There is no run run-unknown" in capsys.readouterr().err
