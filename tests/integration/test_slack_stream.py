"""In a DM the live line is a stream: steps are seen while they are done, and it ends as the answer, whole and once."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.answer import Answer, Footer
from bot.domain.effects import (
    AnyEffect,
    Outgoing,
    Place,
    Progress,
    Reader,
    Receipt,
    Remove,
    Session,
    SetSession,
    ShowAnswer,
    ShowLive,
    ShowNotice,
    StepCard,
    StepState,
)
from bot.domain.errors import TransientError
from bot.domain.escalation import CardView
from bot.domain.money import ZERO
from bot.ports.slack import Target
from bot.slack.delivery import SlackMessenger
from bot.slack.stream import BYTES, CARD_BYTES
from tests.fakes.sandbox_driver import FAST, SandboxDriver, sandbox_running
from tests.fakes.slack_desk import bot_client

SEARCHING, DONE = StepState.IN_PROGRESS, StepState.COMPLETE
ANA = Reader("U0ANA", "T0FERNWAY")
LONG = "".join(f"Paragraph {n} says something of its own.\n\n" for n in range(130)).strip()


async def no_card(escalation_id: str) -> CardView:
    raise KeyError(escalation_id)


@pytest.fixture
async def sandbox() -> AsyncIterator[SandboxDriver]:
    async with sandbox_running(replace(FAST, stream_bytes=10_600)) as driver:
        yield driver


@pytest.fixture
async def client(sandbox: SandboxDriver) -> AsyncIterator[AsyncWebClient]:
    async with bot_client(sandbox) as client:
        yield client


@pytest.fixture
def messenger(client: AsyncWebClient) -> SlackMessenger:
    return SlackMessenger(client, no_card)


@pytest.fixture
async def place(sandbox: SandboxDriver) -> Place:
    channel = str((await sandbox.call("dm", user="U0ANA"))["channel"])
    return Place("T0FERNWAY", channel, await sandbox.says("U0ANA", "How do I invite a guest?", channel))


def row(effect: AnyEffect, key: str) -> Outgoing:
    return Outgoing(key=key, effect=effect, lane="lane")


def live(place: Place) -> Outgoing:
    return row(ShowLive(place, "_Looking into it…_", reader=ANA), "live:1")


def answer(place: Place, text: str = "Press *Share*.") -> Outgoing:
    last = Progress("", "2 steps", (StepCard("step-2", "Writing the answer", DONE),))
    said = Answer(text, (), Footer(2, 25, 900, ZERO, ZERO), "run1")
    return row(ShowAnswer(place, said, progress=last, session=Session.SUSPENDED), "answer:1")


def progress(step: int, words: str, state: StepState = SEARCHING) -> Progress:
    return Progress(words, f"step {step}/25 · $0.004", (StepCard(f"step-{step}", words, state),))


async def begun(messenger: SlackMessenger, place: Place) -> Receipt:
    receipt = await messenger.deliver(live(place), Target())
    assert receipt
    return receipt


async def shown(sandbox: SandboxDriver, place: Place) -> list[dict[str, Any]]:
    """What stands under the question."""
    return (await sandbox.messages(place.channel_id, thread_ts=str(place.thread_ts)))[1:]


def text_of(message: dict[str, Any]) -> str:
    return "".join(block["text"] for block in message["blocks"] if block["type"] == "markdown")


def cards_of(message: dict[str, Any]) -> dict[str, str]:
    plans = [block for block in message["blocks"] if block["type"] == "plan"]
    return {task["title"]: task["status"] for plan in plans for task in plan["tasks"]}


def session(sandbox: SandboxDriver, place: Place) -> str:
    found = sandbox.server.workspace.session(place.channel_id, str(place.thread_ts))
    return str(found["status"]) if found else ""


async def methods(sandbox: SandboxDriver) -> list[str]:
    """What the app asked Slack to change."""
    calls = (await sandbox.look("calls"))["calls"]
    return [c["method"] for c in calls if c["method"].startswith(("chat.", "agents."))]


async def assert_whole(sandbox: SandboxDriver, place: Place, text: str) -> dict[str, Any]:
    """One message that is no stream any more, with all of the text, once."""
    [message] = await shown(sandbox, place)
    assert text_of(message) == text
    assert not message.get("streaming")
    assert message["metadata"]["event_payload"]["key"] == "answer:1"
    assert [b["type"] for b in message["blocks"]][-2:] == ["context", "context_actions"]
    return message


async def test_the_steps_are_seen_while_they_are_done_and_the_stream_ends_as_the_answer(
    sandbox: SandboxDriver, messenger: SlackMessenger, place: Place
) -> None:
    line = await begun(messenger, place)
    [first] = await shown(sandbox, place)
    assert line.streamed
    assert first["streaming"]
    assert cards_of(first) == {"Looking into it": "in_progress"}
    assert session(sandbox, place) == "processing"

    await messenger.progress(line, progress(1, "Looking you up", DONE))
    state = await messenger.progress(line, progress(2, "Searching the help centre"))
    assert (state.is_shown, state.is_certain, state.receipt) == (True, True, line)
    [working] = await shown(sandbox, place)
    assert cards_of(working) == {"Looking you up": "complete", "Searching the help centre": "in_progress"}
    assert working["blocks"][0]["title"] == "Step 2/25 · $0.004"

    receipt = await messenger.deliver(answer(place), Target(edit=line))
    done = await assert_whole(sandbox, place, "Press *Share*.")
    assert receipt == Receipt(line.channel_id, line.ts, session=Session.SUSPENDED)
    assert cards_of(done)["Writing the answer"] == "complete"
    assert done["blocks"][0]["title"] == "2 steps"
    assert session(sandbox, place) == "suspended"
    await messenger.deliver(row(SetSession(place, Session.SUSPENDED), "session"), Target(edit=receipt))
    assert await methods(sandbox) == [
        "chat.startStream", "chat.appendStream", "chat.appendStream", "chat.stopStream",
    ]  # fmt: skip


async def test_a_long_answer_comes_in_a_few_pieces(
    sandbox: SandboxDriver, messenger: SlackMessenger, place: Place
) -> None:
    line = await begun(messenger, place)
    await messenger.deliver(answer(place, LONG), Target(edit=line))
    await assert_whole(sandbox, place, LONG)
    assert await methods(sandbox) == ["chat.startStream", *2 * ["chat.appendStream"], "chat.stopStream"]


async def test_what_a_stream_cannot_hold_follows_in_messages(
    sandbox: SandboxDriver, messenger: SlackMessenger, place: Place
) -> None:
    line = await begun(messenger, place)
    outgoing = answer(place, LONG * 3)
    await messenger.deliver(outgoing, Target(edit=line))
    parts = await shown(sandbox, place)
    assert parts[0]["ts"] == line.ts
    assert "\n\n".join(text_of(part) for part in parts).count("Paragraph") == 3 * 130
    assert await messenger.find(outgoing, Target(edit=line), since=0) == Receipt(line.channel_id, line.ts)


@pytest.mark.parametrize("text", ["Press *Share*.", LONG])
@pytest.mark.parametrize("kind", ["reset_before", "reset_after", "http_500"])
async def test_a_kill_between_a_piece_and_the_end_leaves_the_answer_once_and_whole(
    sandbox: SandboxDriver, messenger: SlackMessenger, place: Place, text: str, kind: str
) -> None:
    line = await begun(messenger, place)
    await sandbox.call("fault", method="chat.stopStream", kind=kind)
    outgoing, target = answer(place, text), Target(edit=line)
    with pytest.raises(TransientError) as failure:
        await messenger.deliver(outgoing, target)
    assert failure.value.ambiguous
    found = await messenger.find(outgoing, target, since=time.time() - 5)
    assert bool(found) == (kind == "reset_after")
    if not found:
        await messenger.deliver(outgoing, replace(target, is_repeat=True))
    await assert_whole(sandbox, place, text)
    assert session(sandbox, place) == "suspended"


async def test_a_stream_whose_beginning_was_not_acknowledged_is_taken_over(
    sandbox: SandboxDriver, messenger: SlackMessenger, place: Place
) -> None:
    await messenger.deliver(row(ShowNotice(place, "An older message of ours."), "notice"), Target())
    await sandbox.call("fault", method="chat.startStream", kind="reset_after")
    began = time.time()
    with pytest.raises(TransientError) as failure:
        await messenger.deliver(live(place), Target())
    assert failure.value.ambiguous
    line = await messenger.find(live(place), Target(), since=began - 5)
    assert line
    assert line.streamed
    await messenger.deliver(answer(place), Target(edit=line))
    notice, done = await shown(sandbox, place)
    assert (notice["text"], text_of(done), done["ts"]) == ("An older message of ours.", "Press *Share*.", line.ts)


async def test_a_beginning_that_never_reached_slack_is_not_mistaken_for_something_else(
    sandbox: SandboxDriver, messenger: SlackMessenger, place: Place
) -> None:
    await messenger.deliver(row(ShowNotice(place, "Another message of ours."), "notice"), Target())
    assert await messenger.find(live(place), Target(), since=time.time() - 5) is None


@pytest.mark.parametrize("fault", [{"kind": "error", "error": "not_agent_app"}, {"kind": "ratelimited"}])
async def test_without_streams_there_is_a_plain_line_and_the_status(
    sandbox: SandboxDriver, messenger: SlackMessenger, place: Place, fault: dict[str, str]
) -> None:
    await sandbox.call("fault", method="chat.startStream", **fault)
    line = await begun(messenger, place)
    assert not line.streamed
    assert [m["text"] for m in await shown(sandbox, place)] == ["_Looking into it…_"]
    assert session(sandbox, place) == "processing"
    await messenger.progress(line, progress(2, "Searching the help centre"))
    assert [m["text"] for m in await shown(sandbox, place)] == ["_Searching the help centre…_  ·  step 2/25 · $0.004"]
    receipt = await messenger.deliver(answer(place), Target(edit=line))
    await assert_whole(sandbox, place, "Press *Share*.")
    await messenger.deliver(row(SetSession(place, Session.SUSPENDED), "session"), Target(edit=receipt))
    assert session(sandbox, place) == "suspended"


async def test_a_workspace_that_has_no_streams_is_not_asked_each_time(
    sandbox: SandboxDriver, messenger: SlackMessenger, place: Place
) -> None:
    await sandbox.call("fault", method="chat.startStream", kind="error", error="not_agent_app")
    for n in range(3):
        await messenger.deliver(replace(live(place), key=f"live:{n}"), Target())
    assert (await methods(sandbox)).count("chat.startStream") == 1


async def test_streams_can_be_switched_off(sandbox: SandboxDriver, client: AsyncWebClient, place: Place) -> None:
    line = await begun(SlackMessenger(client, no_card, streams=False), place)
    assert not line.streamed
    assert await methods(sandbox) == ["chat.postMessage", "agents.sessions.setStatus"]


async def test_a_stream_is_ended_before_slack_does_and_goes_on_as_a_plain_line(
    sandbox: SandboxDriver, client: AsyncWebClient, place: Place
) -> None:
    line = await begun(SlackMessenger(client, no_card), place)
    later = SlackMessenger(client, no_card, clock=lambda: time.time() + 241)
    state = await later.progress(line, progress(3, "Searching the help centre"))
    assert state.receipt == Receipt(line.channel_id, line.ts, session=Session.PROCESSING)
    [message] = await shown(sandbox, place)
    assert (message["text"], message.get("streaming")) == ("_Searching the help centre…_  ·  step 3/25 · $0.004", None)
    assert session(sandbox, place) == "processing"
    await later.deliver(answer(place), Target(edit=line))
    await assert_whole(sandbox, place, "Press *Share*.")


async def test_a_stream_that_slack_has_ended_gets_its_answer_all_the_same() -> None:
    async with sandbox_running(replace(FAST, stream_seconds=0.0)) as hasty, bot_client(hasty) as client:
        messenger = SlackMessenger(client, no_card)
        channel = str((await hasty.call("dm", user="U0ANA"))["channel"])
        there = Place("T0FERNWAY", channel, await hasty.says("U0ANA", "hello", channel))
        line = await begun(messenger, there)
        state = await messenger.progress(line, progress(1, "Searching"))
        assert not state.receipt.streamed
        assert [m["text"] for m in await shown(hasty, there)] == ["_Searching…_  ·  step 1/25 · $0.004"]
        await messenger.deliver(answer(there, LONG), Target(edit=line))
        await assert_whole(hasty, there, LONG)


@pytest.mark.parametrize(
    "error", ["message_not_in_streaming_state", "streaming_state_conflict", "msg_too_long", "invalid_blocks"]
)
async def test_a_stream_that_refuses_its_end_is_replaced_by_the_whole_answer(
    sandbox: SandboxDriver, messenger: SlackMessenger, place: Place, error: str
) -> None:
    line = await begun(messenger, place)
    await sandbox.call("fault", method="chat.stopStream", kind="error", error=error)
    await messenger.deliver(answer(place, LONG), Target(edit=line))
    await assert_whole(sandbox, place, LONG)


async def test_a_long_answer_in_many_bytes_replaces_the_stream(
    sandbox: SandboxDriver, messenger: SlackMessenger, place: Place
) -> None:
    line = await begun(messenger, place)
    text = "Нажмите кнопку «Поделиться».\n\n" * 190
    assert len(text) < 6_000 < BYTES < len(text.encode())
    await messenger.deliver(answer(place, text), Target(edit=line))
    await assert_whole(sandbox, place, text.strip())


async def test_the_steps_leave_room_for_the_answer(
    sandbox: SandboxDriver, messenger: SlackMessenger, place: Place
) -> None:
    line = await begun(messenger, place)
    states = [await messenger.progress(line, progress(n, f"Ünderstanding step {n}")) for n in range(80)]
    assert states[0].is_shown
    assert not states[-1].is_shown
    appended = await sandbox.calls("chat.appendStream")
    used = sum(len(c.get("title", "").encode()) for call in appended for c in call["args"]["chunks"])
    assert used <= CARD_BYTES
    await messenger.deliver(answer(place, LONG), Target(edit=line))
    await assert_whole(sandbox, place, LONG)
    assert not await sandbox.calls("chat.update")


async def test_a_stream_nobody_needs_any_more_is_ended_and_taken_away(
    sandbox: SandboxDriver, messenger: SlackMessenger, place: Place
) -> None:
    line = await begun(messenger, place)
    for _ in range(2):
        await messenger.deliver(row(Remove(place), "remove"), Target(edit=line))
    assert await shown(sandbox, place) == []
    assert session(sandbox, place) == "active"


async def test_a_notice_in_the_place_of_a_stream_ends_it(
    sandbox: SandboxDriver, messenger: SlackMessenger, place: Place
) -> None:
    line = await begun(messenger, place)
    await messenger.deliver(row(ShowNotice(place, "Sam is with you now."), "notice"), Target(edit=line))
    [message] = await shown(sandbox, place)
    assert (message["text"], message.get("streaming"), message["ts"]) == ("Sam is with you now.", None, line.ts)
    assert session(sandbox, place) == "active"


async def test_a_stream_whose_reader_pressed_stop_is_finished(
    sandbox: SandboxDriver, messenger: SlackMessenger, place: Place
) -> None:
    line = await begun(messenger, place)
    pressed = await sandbox.call("stop", user="U0ANA", channel=place.channel_id, thread_ts=place.thread_ts)
    assert pressed["ok"]
    state = await messenger.progress(line, progress(1, "Searching"))
    assert not state.receipt.streamed
    await messenger.deliver(answer(place, LONG), Target(edit=line))
    await assert_whole(sandbox, place, LONG)


async def test_faults_while_steps_are_shown_cost_the_step_and_nothing_else(
    sandbox: SandboxDriver, messenger: SlackMessenger, place: Place
) -> None:
    line = await begun(messenger, place)
    for kind in ("reset_before", "reset_after", "http_500", "ratelimited"):
        await sandbox.call("fault", method="chat.appendStream", kind=kind)
        state = await messenger.progress(line, progress(1, "Searching"))
        assert (state.is_shown, state.is_certain, state.receipt) == (False, True, line)
    await messenger.deliver(answer(place), Target(edit=line))
    await assert_whole(sandbox, place, "Press *Share*.")


async def test_the_stream_is_meant_for_the_reader_of_the_other_company(
    sandbox: SandboxDriver, messenger: SlackMessenger, place: Place
) -> None:
    guest = Outgoing("live:2", ShowLive(place, "_Looking…_", reader=Reader("U0EXT", "T0OTHER")), "lane")
    await messenger.deliver(guest, Target())
    [start] = await sandbox.calls("chat.startStream")
    assert (start["args"]["recipient_user_id"], start["args"]["recipient_team_id"]) == ("U0EXT", "T0OTHER")


async def test_nothing_of_a_step_can_wake_a_channel(
    sandbox: SandboxDriver, messenger: SlackMessenger, place: Place
) -> None:
    line = await begun(messenger, place)
    await messenger.progress(line, progress(1, "Asking <!channel> and @here"))
    [message] = await shown(sandbox, place)
    assert all("<!channel>" not in title and "@here" not in title for title in cards_of(message))
