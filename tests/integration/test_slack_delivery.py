"""Effects become messages in a workspace that is as strict as Slack."""

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
    Receipt,
    Relay,
    Remove,
    Session,
    SetSession,
    ShowAnswer,
    ShowCard,
    ShowInStaffThread,
    ShowLive,
    ShowNotice,
    SuggestPrompts,
    Whisper,
)
from bot.domain.errors import OvertakenError, PermanentError, TransientError
from bot.domain.escalation import CardView, State
from bot.domain.money import ZERO
from bot.ports.slack import Target
from bot.slack.delivery import SlackMessenger
from bot.slack.web import SlackRefusalError
from tests.fakes.cases import open_case, view_of
from tests.fakes.sandbox_driver import FAST, SandboxDriver, sandbox_running
from tests.fakes.slack_desk import bot_client

LONG = "A paragraph of several words, to be read.\n\n" * 600


@pytest.fixture
async def sandbox() -> AsyncIterator[SandboxDriver]:
    async with sandbox_running() as driver:
        yield driver


@pytest.fixture
async def client(sandbox: SandboxDriver) -> AsyncIterator[AsyncWebClient]:
    async with bot_client(sandbox) as client:
        yield client


@pytest.fixture
def cards() -> dict[str, CardView]:
    return {"esc1": view_of(open_case())}


@pytest.fixture
def messenger(client: AsyncWebClient, cards: dict[str, CardView]) -> SlackMessenger:
    async def card_of(escalation_id: str) -> CardView:
        return cards[escalation_id]

    return SlackMessenger(client, card_of)


@pytest.fixture
async def thread(sandbox: SandboxDriver) -> Place:
    return Place("T0FERNWAY", "C0SUPPORT", await sandbox.says("U0ANA", "help please"))


async def no_card(escalation_id: str) -> CardView:
    raise KeyError(escalation_id)


def row(effect: AnyEffect, key: str = "k1") -> Outgoing:
    return Outgoing(key=key, effect=effect, lane="lane")


async def replies(sandbox: SandboxDriver, thread: Place) -> list[dict[str, Any]]:
    assert thread.thread_ts
    return (await sandbox.messages(thread.channel_id, thread_ts=thread.thread_ts))[1:]


def answer(thread: Place, text: str = "Because.") -> ShowAnswer:
    return ShowAnswer(thread, Answer(text, (), Footer(1, 25, 900, ZERO, ZERO), "run1"))


async def test_an_answer_takes_the_place_of_the_live_line(
    sandbox: SandboxDriver, messenger: SlackMessenger, thread: Place
) -> None:
    live = await messenger.deliver(row(ShowLive(thread, "Searching …"), "live"), Target())
    assert live
    await messenger.progress(live, Progress("Reading 3 articles", "step 1/25 · $0.004"))
    assert [m["text"] for m in await replies(sandbox, thread)] == ["_Reading 3 articles…_  ·  step 1/25 · $0.004"]
    receipt = await messenger.deliver(row(answer(thread), "answer"), Target(edit=live))
    [shown] = await replies(sandbox, thread)
    assert receipt == live
    assert shown["text"] == "Because."
    assert [block["type"] for block in shown["blocks"]] == ["markdown", "context", "context_actions"]


async def test_a_live_line_that_vanished_is_replaced_by_a_new_message(
    sandbox: SandboxDriver, messenger: SlackMessenger, thread: Place
) -> None:
    await messenger.deliver(row(answer(thread)), Target(edit=Receipt(thread.channel_id, "1.000001")))
    assert [m["text"] for m in await replies(sandbox, thread)] == ["Because."]


async def test_a_long_answer_comes_in_parts_and_an_interrupted_one_is_completed_once(
    sandbox: SandboxDriver, messenger: SlackMessenger, thread: Place
) -> None:
    live = await messenger.deliver(row(ShowLive(thread, "…"), "live"), Target())
    outgoing, target = row(answer(thread, LONG), "answer"), Target(edit=live)
    await sandbox.call("fault", method="chat.postMessage", kind="reset_after")
    with pytest.raises(TransientError) as failure:
        await messenger.deliver(outgoing, target)
    assert failure.value.ambiguous
    assert await messenger.find(outgoing, target, since=0) is None
    assert await messenger.deliver(outgoing, target) == live
    shown = await replies(sandbox, thread)
    whole = "".join(block["text"] for m in shown for block in m["blocks"] if block["type"] == "markdown")
    assert whole.count("A paragraph") == 600
    assert len(shown) == 5
    assert await messenger.find(outgoing, target, since=0) == live


async def test_a_message_whose_fate_was_unknown_is_found_by_its_mark(
    sandbox: SandboxDriver, messenger: SlackMessenger, thread: Place
) -> None:
    outgoing = row(ShowNotice(thread, "Sam is with you now."))
    await sandbox.call("fault", method="chat.postMessage", kind="reset_after")
    with pytest.raises(TransientError):
        await messenger.deliver(outgoing, Target())
    found = await messenger.find(outgoing, Target(), since=float(thread.thread_ts or 0))
    [shown] = await replies(sandbox, thread)
    assert found == Receipt("C0SUPPORT", shown["ts"])
    assert await messenger.find(row(ShowNotice(thread, "x"), "other"), Target(), since=0) is None


async def test_a_card_is_one_message_that_follows_its_case(
    sandbox: SandboxDriver, messenger: SlackMessenger, cards: dict[str, CardView]
) -> None:
    staff = Place("T0FERNWAY", "C0STAFF")
    first = await messenger.deliver(row(ShowCard(staff, "esc1"), "card1"), Target())
    assert first
    assert await messenger.find(row(ShowCard(staff, "esc1"), "card1"), Target(), since=float(first.ts)) == first
    claimed = replace(open_case(), state=State.CLAIMED, decided_by="U0SAM", decided_at=1764000000.0)
    cards["esc1"] = view_of(claimed)
    await messenger.deliver(row(ShowCard(staff, "esc1"), "card2"), Target(edit=first))
    [card] = await sandbox.messages("C0STAFF")
    assert card["text"].startswith("🙋 A person is on it: Ana Ruiz")
    reply = ShowInStaffThread(staff, "what about <me>?", "U0ANA", "Ana Ruiz")
    await messenger.deliver(row(reply, "reply"), Target(under=first))
    [_, under] = await sandbox.messages("C0STAFF", thread_ts=first.ts)
    assert under["blocks"][0]["text"]["text"] == "*Ana Ruiz:* what about &lt;me&gt;?"


async def test_a_reply_without_a_card_is_a_permanent_failure(messenger: SlackMessenger) -> None:
    reply = row(ShowInStaffThread(Place("T0FERNWAY", "C0STAFF"), "note"))
    with pytest.raises(PermanentError):
        await messenger.deliver(reply, Target())


async def test_a_persons_words_reach_the_customer_under_their_name(
    sandbox: SandboxDriver, messenger: SlackMessenger, thread: Place
) -> None:
    words = Relay(thread, "U0SAM", "Sam Porter", "I will look into it.", picture="https://x.example/sam.png")
    receipt = await messenger.deliver(row(words), Target())
    [shown] = await replies(sandbox, thread)
    assert (shown["username"], shown["icon_url"]) == ("Sam Porter", "https://x.example/sam.png")
    assert shown["blocks"][0]["text"]["text"] == "I will look into it."
    await messenger.deliver(row(replace(words, text="I have looked."), "later"), Target(edit=receipt))
    [shown] = await replies(sandbox, thread)
    assert (shown["username"], shown["blocks"][0]["text"]["text"]) == ("Sam Porter", "I have looked.")


async def test_without_the_scope_the_name_stands_in_front_of_the_words() -> None:
    poor = replace(FAST, scopes=FAST.scopes - {"chat:write.customize"})
    async with sandbox_running(poor) as sandbox, bot_client(sandbox) as client:
        messenger = SlackMessenger(client, no_card)
        place = Place("T0FERNWAY", "C0SUPPORT", await sandbox.says("U0ANA", "help please"))
        await messenger.deliver(row(Relay(place, "U0SAM", "Sam Porter", "I will look into it.")), Target())
        [shown] = await replies(sandbox, place)
    assert "username" not in shown
    assert shown["blocks"][0]["text"]["text"] == "*Sam Porter* (support): I will look into it."


async def test_a_long_effect_stops_where_somebody_takes_over(
    sandbox: SandboxDriver, messenger: SlackMessenger, thread: Place
) -> None:
    asked = iter([True, False])

    async def still_ours() -> bool:
        return next(asked)

    with pytest.raises(OvertakenError):
        await messenger.deliver(row(ShowNotice(thread, "word " * 3000)), Target(still_ours=still_ours))
    assert len(await replies(sandbox, thread)) == 1


async def test_whispers_are_seen_by_one_person_only(
    sandbox: SandboxDriver, messenger: SlackMessenger, thread: Place
) -> None:
    await messenger.deliver(row(Whisper(thread, "U0ANA", "Only staff may do this.")), Target())
    assert await replies(sandbox, thread) == []
    assert "Only staff may do this." in await sandbox.texts(user="U0ANA", thread_ts=str(thread.thread_ts))
    with pytest.raises(SlackRefusalError) as refusal:
        await messenger.deliver(row(Whisper(Place("T0FERNWAY", "C0STAFF"), "U0ANA", "psst")), Target())
    assert refusal.value.error == "user_not_in_channel"


async def test_removing_a_live_line_twice_is_no_failure(
    sandbox: SandboxDriver, messenger: SlackMessenger, thread: Place
) -> None:
    live = await messenger.deliver(row(ShowLive(thread, "…")), Target())
    for _ in range(2):
        await messenger.deliver(row(Remove(thread)), Target(edit=live))
    await messenger.deliver(row(Remove(thread)), Target())
    assert await replies(sandbox, thread) == []


async def test_sessions_and_prompts_in_a_direct_message(sandbox: SandboxDriver, messenger: SlackMessenger) -> None:
    channel = str((await sandbox.call("dm", user="U0ANA"))["channel"])
    root = await sandbox.says("U0ANA", "hello", channel)
    place = Place("T0FERNWAY", channel, root)
    await messenger.deliver(row(SetSession(place, Session.PROCESSING, "x" * 300)), Target())
    prompts = tuple((f"title {n}", f"message {n}") for n in range(6))
    await messenger.deliver(row(SuggestPrompts(Place("T0FERNWAY", channel), "Try", prompts)), Target())
    [status] = await sandbox.calls("agents.sessions.setStatus")
    [suggested] = await sandbox.calls("assistant.threads.setSuggestedPrompts")
    assert status["ok"]
    assert (status["args"]["status"], len(status["args"]["title"])) == ("processing", 200)
    assert suggested["ok"]
    assert "thread_ts" not in suggested["args"]


@pytest.mark.parametrize(
    ("fault", "kind", "retry_after", "ambiguous"),
    [
        ({"kind": "ratelimited", "retry_after": 7}, TransientError, 7.0, False),
        ({"kind": "http_500"}, TransientError, None, True),
        ({"kind": "reset_before"}, TransientError, None, True),
        ({"kind": "error", "error": "internal_error"}, TransientError, None, True),
        ({"kind": "error", "error": "channel_not_found"}, SlackRefusalError, None, None),
    ],
)
async def test_failures_are_told_apart(
    sandbox: SandboxDriver,
    messenger: SlackMessenger,
    thread: Place,
    fault: dict[str, Any],
    kind: type[Exception],
    retry_after: float | None,
    ambiguous: bool | None,
) -> None:
    await sandbox.call("fault", method="chat.postMessage", **fault)
    with pytest.raises(kind) as failure:
        await messenger.deliver(row(ShowNotice(thread, "hi")), Target())
    if isinstance(failure.value, TransientError):
        assert (failure.value.retry_after, failure.value.ambiguous) == (retry_after, ambiguous)
    assert len(await sandbox.calls("chat.postMessage")) == 1


async def test_progress_never_raises(sandbox: SandboxDriver, messenger: SlackMessenger) -> None:
    line, step = Receipt("C0SUPPORT", "1.000001"), Progress("Searching", "step 2/25 · $0.004")
    refused = await messenger.progress(line, step)
    await sandbox.call("fault", method="chat.update", kind="http_500")
    cut_off = await messenger.progress(line, step)
    assert (refused.is_shown, refused.is_certain) == (False, True)
    assert (cut_off.is_shown, cut_off.is_certain) == (False, False)


async def test_a_slack_that_is_not_there_is_worth_another_try(
    sandbox: SandboxDriver, messenger: SlackMessenger, thread: Place
) -> None:
    await sandbox.server.close()
    with pytest.raises(TransientError) as failure:
        await messenger.deliver(row(ShowNotice(thread, "hi")), Target())
    assert not failure.value.ambiguous


async def test_a_card_of_an_unknown_case_is_a_permanent_failure(messenger: SlackMessenger) -> None:
    with pytest.raises(PermanentError):
        await messenger.deliver(row(ShowCard(Place("T0FERNWAY", "C0STAFF"), "esc9")), Target())
