"""The bot is stopped and started again: nothing is lost, nothing comes twice, cards stay usable."""

import asyncio
import socket
from pathlib import Path

import pytest

from tests.fakes.desk import Desk, open_desk
from tests.fakes.desk_claude import Claude, answer_from_source, escalate, search, ticket
from tests.fakes.messages_api import text


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop does not wait for runs."""
    monkeypatch.setattr("bot.app.DRAIN_SECONDS", 0.05)


@pytest.mark.usefixtures("hasty")
async def test_p1_p2_a_run_that_a_stop_cut_off_is_finished_once_after_the_start(desk: Desk) -> None:
    desk.claude.will(ticket(), text("Here is your ticket."))
    thread = await desk.customer().asks("Please open a ticket for my export")
    await desk.claude.is_asked(1)
    desk.claude.hold()
    await desk.claude.is_asked(2)
    await desk.bot.stop()
    desk.claude.always = text("Here is your ticket.")
    desk.claude.let_go()
    await desk.bot.start()
    assert "Here is your ticket." in (await thread.answer()).text
    await desk.settled()
    assert len(thread.ours()) == 1
    assert len(desk.tickets()) == 1
    told = desk.rows("select action, name, error from traces where name = 'resumed' or error <> '' order by seq")
    assert told == [("llm_call", "claude-sonnet-5-5", "cancelled"), ("decision", "resumed", "")]


async def test_a_stop_lets_the_run_under_way_finish(desk: Desk) -> None:
    desk.claude.hold()
    thread = await desk.customer().asks("What do guests cost?")
    await desk.claude.is_asked(1)
    stopping = asyncio.get_running_loop().create_task(desk.bot.stop())
    await asyncio.sleep(0.1)
    desk.claude.let_go()
    await stopping
    assert "Happy to help" in (await thread.answer()).text
    await desk.bot.start()
    await desk.settled()
    assert len(thread.ours()) == len(desk.claude.asked) == 1


@pytest.mark.usefixtures("hasty")
async def test_p1_what_was_written_while_the_bot_was_away_is_answered_when_it_is_back(desk: Desk) -> None:
    await desk.bot.stop()
    thread = await desk.customer().asks("Is anybody there?")
    await desk.bot.start()
    assert "Happy to help" in (await thread.answer()).text
    await desk.settled()
    assert len(thread.ours()) == 1


async def test_p2_cards_survive_a_restart_and_are_decided_once(desk: Desk) -> None:
    desk.claude.will(escalate("You get $81 back."), text("I have asked a colleague."))
    thread = await desk.customer().asks("I was charged twice")
    await thread.answer()
    card = await desk.card()
    await desk.restart()
    await desk.settled()
    assert len(desk.cards()) == 1
    assert list(card.shown().buttons) == ["Approve", "Edit", "Deny", "Ask", "Take over", "View trace"]
    await desk.staff().presses("Approve", card)
    await thread.says("You get $81 back.")
    await card.becomes("Approved")
    await desk.restart()
    await desk.settled()
    assert thread.text().count("You get $81 back.") == 1


async def test_p5_the_bot_is_still_silent_after_a_restart_and_the_person_can_hand_back(desk: Desk) -> None:
    desk.claude.will(escalate(), text("I have asked a colleague."))
    ana, sam = desk.customer(), desk.staff()
    thread = await ana.asks("I want a human")
    await thread.answer()
    card = await desk.card()
    await sam.presses("Take over", card)
    await thread.says("has taken over")
    await desk.restart()
    await ana.says("Hello Sam?", thread)
    await card.gets_reply("Hello Sam?")
    await sam.under(card, "Hello Ana!")
    await thread.says("Hello Ana!")
    await sam.presses("Hand back", card)
    await sam.submits(text="")
    await thread.says("has handed this conversation back")
    assert [m.kind for m in thread.ours()] == ["answer", "taken", "relay", "back"]


async def test_a_conversation_keeps_the_prompt_it_was_opened_with(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deploy with another profile must not change a running talk; a new talk gets the new one."""
    ana = desk.customer()
    thread = await ana.asks("What do guests cost?")
    await thread.answer()
    await desk.restart(AGENT_PROFILES="C0SUPPORT=triage")
    _change_prompt(monkeypatch)
    await desk.restart()
    await ana.says("And members?", thread)
    await thread.answer(2)
    new = await ana.asks("What do members cost?")
    await new.answer()
    first, again, other = (seen.body["system"] for seen in desk.claude.asked)
    assert first == again
    assert first != other
    assert [seen.body["model"] for seen in desk.claude.asked][2] == "claude-haiku-5-5"


async def test_the_same_story_over_signed_http(tmp_path: Path, template: Path, claude: Claude) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with open_desk(tmp_path, claude=claude, template=template, port=port) as desk:
        claude.will(search(), answer_from_source("Press Invite."), escalate("Sure."), text("I have asked a colleague."))
        ana = desk.customer()
        thread = await ana.asks("How do I invite a guest?")
        assert "Press Invite." in (await thread.answer()).text
        await ana.says("May I have one for free?", thread)
        await thread.answer(2)
        await desk.staff().presses("Approve", await desk.card())
        await thread.says("Sure.")
        assert "Workspace today" in await ana.types()
        sam = desk.staff()
        await sam.presses("View trace", await desk.card())
        await sam.sees_form()


def _change_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    import prompts  # noqa: PLC0415 — the text that a deploy would change

    read = prompts.read
    monkeypatch.setattr("prompts.read", lambda name: read(name).replace("You are Deskhand", "You are Deskhand, anew"))
