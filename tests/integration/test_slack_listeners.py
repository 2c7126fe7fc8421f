"""Buttons, forms, windows, the command and the shortcut over Socket Mode, as people use them."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.budget import Spend
from bot.domain.conversation import ThreadKey
from bot.domain.errors import PermanentError
from bot.domain.escalation import Decision, State
from bot.domain.exchange import Usage
from bot.domain.incoming import DecisionMade, FeedbackGiven, MessageReceived, MessagesTabOpened
from bot.domain.reports import TraceReport
from bot.domain.trace import Action, TraceEvent
from bot.slack.render.answer import feedback
from bot.slack.render.card import card
from bot.slack.socket import SocketRunner
from tests.fakes.cases import open_case, view_of
from tests.fakes.sandbox_driver import SandboxDriver, eventually, sandbox_running
from tests.fakes.slack_desk import RememberingDesk, bot_client, new_app, on_socket

STEP = TraceEvent("c", "run1", 1, Action.TOOL_CALL, "lookup_customer", 0.0, given="ana@x.example", got="plan Pro")
SPEND = Spend(Decimal("0.42"), Decimal(0), Usage(1000, 200, 5000), 3)


@pytest.fixture
async def sandbox() -> AsyncIterator[SandboxDriver]:
    async with sandbox_running() as driver:
        yield driver


@pytest.fixture
async def client(sandbox: SandboxDriver) -> AsyncIterator[AsyncWebClient]:
    async with bot_client(sandbox) as client:
        yield client


@pytest.fixture
async def desk(client: AsyncWebClient) -> AsyncIterator[RememberingDesk]:
    desk = RememberingDesk()
    desk.cases["esc1"] = view_of(open_case())
    desk.traces["esc1"] = TraceReport("c", SPEND, Decimal(2), (STEP,))
    async with on_socket(client, desk):
        yield desk


async def post_card(client: AsyncWebClient, desk: RememberingDesk) -> str:
    content = card(desk.cases["esc1"])
    answer = await client.chat_postMessage(channel="C0STAFF", text=content["text"], blocks=content["blocks"])
    return str(answer["ts"])


async def press(sandbox: SandboxDriver, ts: str, action: str, user: str = "U0SAM") -> None:
    answer = await sandbox.call("press", user=user, channel="C0STAFF", ts=ts, action_id=action)
    assert answer["acked"], answer


async def only_view(sandbox: SandboxDriver, user: str = "U0SAM") -> dict[str, Any]:
    [view] = await sandbox.views(user)
    return view


async def test_a_mention_reaches_the_desk_and_is_acknowledged(sandbox: SandboxDriver, desk: RememberingDesk) -> None:
    await sandbox.says("U0ANA", "@deskhand which plan am I on?")
    await eventually(lambda: _has(desk, 2))
    assert {m.text for m in desk.accepted if isinstance(m, MessageReceived)} == {"which plan am I on?"}
    assert all(d["acked"] for d in await sandbox.deliveries("app_mention"))


async def test_an_event_that_could_not_be_stored_comes_again(sandbox: SandboxDriver, desk: RememberingDesk) -> None:
    desk.broken = 1
    await sandbox.call("dm", user="U0ANA")
    await eventually(lambda: _has(desk, 1))
    [tab] = desk.accepted
    assert isinstance(tab, MessagesTabOpened)


async def test_approve_is_stored_before_it_is_acknowledged(
    sandbox: SandboxDriver, client: AsyncWebClient, desk: RememberingDesk
) -> None:
    await press(sandbox, await post_card(client, desk), "esc_approve")
    [got] = desk.accepted
    assert isinstance(got, DecisionMade)
    assert (got.decision, got.user_id, got.escalation_id) == (Decision.APPROVE, "U0SAM", "esc1")


async def test_a_denial_asks_for_a_reason_first(
    sandbox: SandboxDriver, client: AsyncWebClient, desk: RememberingDesk
) -> None:
    await press(sandbox, await post_card(client, desk), "esc_deny")
    assert desk.accepted == []
    view = await only_view(sandbox)
    short = await sandbox.call("view/submit", user="U0SAM", view_id=view["id"], values={"note": "no"})
    assert short["result"] == "errors"
    blank = await sandbox.call("view/submit", user="U0SAM", view_id=view["id"], values={"note": "     "})
    assert blank["result"] == "errors"
    sent = await sandbox.call("view/submit", user="U0SAM", view_id=view["id"], values={"note": "Not covered"})
    assert sent["result"] != "errors", sent
    [got] = desk.accepted
    assert isinstance(got, DecisionMade)
    assert (got.decision, got.note, got.channel_id) == (Decision.DENY, "Not covered", "C0STAFF")
    assert await sandbox.views("U0SAM") == []


async def test_a_form_that_could_not_be_stored_stays_open(
    sandbox: SandboxDriver, client: AsyncWebClient, desk: RememberingDesk
) -> None:
    await press(sandbox, await post_card(client, desk), "esc_deny")
    view = await only_view(sandbox)
    desk.broken = 1
    await sandbox.call("view/submit", user="U0SAM", view_id=view["id"], values={"note": "Not covered"})
    assert desk.accepted == []
    assert len(await sandbox.views("U0SAM")) == 1


async def test_handing_back_takes_an_optional_note(
    sandbox: SandboxDriver, client: AsyncWebClient, desk: RememberingDesk
) -> None:
    claimed = replace(open_case(), state=State.CLAIMED, decided_by="U0SAM", decided_at=1764000000.0)
    desk.cases["esc1"] = view_of(claimed)
    await press(sandbox, await post_card(client, desk), "esc_hand_back")
    view = await only_view(sandbox)
    await sandbox.call("view/submit", user="U0SAM", view_id=view["id"], values={})
    [got] = desk.accepted
    assert isinstance(got, DecisionMade)
    assert (got.decision, got.note) == (Decision.HAND_BACK, "")


async def test_those_who_may_not_decide_are_told_why_and_see_nothing(
    sandbox: SandboxDriver, client: AsyncWebClient, desk: RememberingDesk
) -> None:
    ts = await post_card(client, desk)
    for action in ("esc_deny", "esc_trace"):
        await press(sandbox, ts, action, user="U0LEO")
    assert await sandbox.views("U0LEO") == []
    texts = await sandbox.texts("C0STAFF", user="U0LEO")
    assert texts.count("Only members of #support-staff can do this.") == 2


async def test_a_form_for_a_decided_case_does_not_open(
    sandbox: SandboxDriver, client: AsyncWebClient, desk: RememberingDesk
) -> None:
    ts = await post_card(client, desk)
    denied = replace(open_case(), state=State.DENIED, decided_by="U0GRACE", decided_at=1764000000.0, note="no")
    desk.cases["esc1"] = view_of(denied)
    await press(sandbox, ts, "esc_deny")
    assert await sandbox.views("U0SAM") == []
    assert "nothing left to decide" in (await sandbox.texts("C0STAFF", user="U0SAM"))[-1]


async def test_the_trace_opens_in_a_window(
    sandbox: SandboxDriver, client: AsyncWebClient, desk: RememberingDesk
) -> None:
    await press(sandbox, await post_card(client, desk), "esc_trace")
    shown = json.dumps(await only_view(sandbox))
    assert "lookup_customer" in shown
    assert "plan Pro" in shown


async def test_the_full_text_opens_in_a_window(
    sandbox: SandboxDriver, client: AsyncWebClient, desk: RememberingDesk
) -> None:
    desk.cases["esc1"] = view_of(open_case("Dear Ana. " * 400))
    await press(sandbox, await post_card(client, desk), "esc_full")
    view = await only_view(sandbox)
    shown = " ".join(block["text"]["text"] for block in view["blocks"])
    assert shown.count("Dear Ana.") == 400


async def test_a_button_of_old_days_says_so(
    sandbox: SandboxDriver, client: AsyncWebClient, desk: RememberingDesk
) -> None:
    old = {"type": "button", "action_id": "old", "text": {"type": "plain_text", "text": "Old"}, "value": "1"}
    blocks = [{"type": "actions", "elements": [old]}]
    ts = (await client.chat_postMessage(channel="C0STAFF", text="old", blocks=blocks))["ts"]
    await press(sandbox, str(ts), "old")
    assert "This button is no longer in use." in await sandbox.texts("C0STAFF", user="U0SAM")


async def test_thumbs_are_stored(sandbox: SandboxDriver, client: AsyncWebClient, desk: RememberingDesk) -> None:
    ts = (await client.chat_postMessage(channel="C0STAFF", text="answer", blocks=[feedback("run1")]))["ts"]
    answer = await sandbox.call(
        "press", user="U0SAM", channel="C0STAFF", ts=str(ts), action_id="feedback", value="bad:run1"
    )
    assert answer["acked"], answer
    [got] = desk.accepted
    assert isinstance(got, FeedbackGiven)
    assert (got.run_id, got.positive) == ("run1", False)


async def test_the_budget_command_answers_the_caller_only(sandbox: SandboxDriver, desk: RememberingDesk) -> None:
    desk.reply = TraceReport("c", SPEND, Decimal(2), (STEP,))
    answer = await sandbox.call("command", user="U0ANA", channel="C0SUPPORT", command="/agent-budget", text="here")
    assert answer["acked"]
    shown = json.dumps(answer["response"])
    assert "$0.420 of $2.00" in shown
    assert "plan Pro" not in shown
    assert await sandbox.messages("C0SUPPORT") == []
    assert desk.asked[0].text == "here"


async def test_the_shortcut_shows_what_a_conversation_cost(
    sandbox: SandboxDriver, client: AsyncWebClient, desk: RememberingDesk
) -> None:
    ts = await sandbox.says("U0ANA", "hello")
    desk.traces[ThreadKey("T0FERNWAY", "C0SUPPORT", ts).id] = TraceReport("c", SPEND, Decimal(2), (STEP,))
    answer = await sandbox.call("shortcut", user="U0ANA", channel="C0SUPPORT", ts=ts, callback_id="conversation_cost")
    assert answer["acked"]
    shown = json.dumps(await only_view(sandbox, "U0ANA"))
    assert "$0.420 of $2.00" in shown
    assert "plan Pro" not in shown


async def test_a_wrong_app_token_is_told_at_once(client: AsyncWebClient) -> None:
    runner = SocketRunner(new_app(client, RememberingDesk()), client, "xapp-wrong")
    with pytest.raises(PermanentError, match="invalid_auth"):
        await runner.start()
    assert not await runner.is_connected()
    await runner.close()


async def test_the_socket_comes_back_after_slack_refreshes_it(sandbox: SandboxDriver, client: AsyncWebClient) -> None:
    desk = RememberingDesk()
    async with on_socket(client, desk) as runner:
        assert await runner.is_connected()
        await sandbox.call("disconnect", reason="refresh_requested")
        await sandbox.says("U0ANA", "still there?")
        await eventually(lambda: _has(desk, 1))
        await eventually(runner.is_connected)
    assert not await runner.is_connected()


async def test_nothing_a_customer_wrote_is_logged(
    sandbox: SandboxDriver, client: AsyncWebClient, desk: RememberingDesk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await sandbox.says("U0ANA", "@deskhand my password is hunter2")
    await eventually(lambda: _has(desk, 2))
    ours = [r.getMessage() for r in caplog.records if not r.name.startswith(("aiohttp", "asyncio", "bot.sandbox"))]
    assert "hunter2" not in " ".join(ours)
    assert "xoxb-" not in caplog.text


async def _has(desk: RememberingDesk, count: int) -> bool:
    await asyncio.sleep(0)
    return len(desk.accepted) >= count
