"""The sandbox and Slack's Bolt framework over Socket Mode: what an app hears and what people see."""

import asyncio
import dataclasses
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from tests.fakes.sandbox_driver import FAST, IMPATIENT, Json, SandboxDriver, eventually, sandbox_running

BUTTON = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}, "value": "7"}
CARD = [{"type": "actions", "elements": [BUTTON]}]


def modal(**more: Any) -> Json:
    element = {"type": "plain_text_input", "action_id": "reason"}
    block = {"type": "input", "block_id": "why", "label": {"type": "plain_text", "text": "Why"}, "element": element}
    title = {"type": "plain_text", "text": "Deny"}
    return {"type": "modal", "callback_id": "deny", "title": title, "submit": title, "blocks": [block], **more}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    proxies = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
    for name in (*proxies, "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def sandbox() -> AsyncIterator[SandboxDriver]:
    async with sandbox_running() as driver:
        yield driver


@pytest.fixture
async def impatient() -> AsyncIterator[SandboxDriver]:
    async with sandbox_running(IMPATIENT) as driver:
        yield driver


@pytest.fixture
def app(sandbox: SandboxDriver) -> AsyncApp:
    return new_app(sandbox)


def new_app(sandbox: SandboxDriver) -> AsyncApp:
    return AsyncApp(client=AsyncWebClient(token="xoxb-sandbox", base_url=sandbox.server.api_url))


@asynccontextmanager
async def connected(app: AsyncApp) -> AsyncIterator[AsyncSocketModeHandler]:
    handler = AsyncSocketModeHandler(app, "xapp-sandbox")
    await handler.connect_async()  # type: ignore[no-untyped-call]  # Bolt leaves it untyped
    try:
        yield handler
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]  # Bolt leaves it untyped
        await asyncio.sleep(0.01)


def remember(app: AsyncApp, kind: str | re.Pattern[str]) -> list[Json]:
    """Collect the bodies of one event type."""
    heard: list[Json] = []

    async def listen(body: Json) -> None:
        heard.append(body)

    app.event(kind)(listen)
    return heard


async def test_a_mention_arrives_as_message_and_as_app_mention(sandbox: SandboxDriver, app: AsyncApp) -> None:
    heard = remember(app, re.compile("message|app_mention"))
    async with connected(app):
        await sandbox.says("U0ANA", "@deskhand which plan is <b>mine</b>?")
        await eventually(lambda: _settled(heard, 2))
    first, second = (body["event"] for body in heard)
    assert {first["type"], second["type"]} == {"message", "app_mention"}
    assert first["ts"] == second["ts"]
    assert first["client_msg_id"] == second["client_msg_id"]
    assert heard[0]["event_id"] != heard[1]["event_id"]
    assert first["text"] == "<@U0DESKHAND> which plan is &lt;b&gt;mine&lt;/b&gt;?"
    assert heard[0]["authorizations"][0]["user_id"] == "U0DESKHAND"


async def test_private_channels_and_dms_have_their_own_channel_type(sandbox: SandboxDriver, app: AsyncApp) -> None:
    heard = remember(app, "message")
    async with connected(app):
        dm = (await sandbox.call("dm", user="U0ANA"))["channel"]
        await sandbox.says("U0ANA", "@deskhand hi", channel=dm)
        await sandbox.says("U0SAM", "hello", channel="C0STAFF")
        await eventually(lambda: _settled(heard, 2))
    assert [body["event"]["channel_type"] for body in heard] == ["im", "group"]
    assert await sandbox.deliveries("app_mention") == []


async def test_opening_the_messages_tab_is_told(sandbox: SandboxDriver, app: AsyncApp) -> None:
    heard = remember(app, "app_home_opened")
    async with connected(app):
        await sandbox.call("dm", user="U0ANA")
        await eventually(lambda: _settled(heard, 1))
    assert (heard[0]["event"]["tab"], heard[0]["event"]["user"]) == ("messages", "U0ANA")


async def test_an_event_nobody_acknowledges_comes_again(impatient: SandboxDriver) -> None:
    app = new_app(impatient)
    retries: list[str] = []

    @app.middleware
    async def store_at_third_try(request: Any, next: Callable[[], Awaitable[Any]]) -> None:  # noqa: A002 - Bolt's name
        retries.append(request.headers.get("x-slack-retry-num", ["0"])[0])
        if len(retries) < 3:
            raise RuntimeError("The disk is full.")
        await next()

    remember(app, "message")
    async with connected(app):
        await impatient.says("U0ANA", "hello")
        await eventually(lambda: _acked(impatient, "message"))
    assert retries[:3] == ["0", "1", "2"]


async def test_an_event_is_given_up_after_three_redeliveries(impatient: SandboxDriver) -> None:
    async with connected(new_app(impatient)):  # no listener at all: Bolt sends no acknowledgement
        await impatient.says("U0ANA", "hello")
        await eventually(lambda: _attempts(impatient, 4))
        await asyncio.sleep(0.5)
    [delivery] = await impatient.deliveries("message")
    assert (delivery["attempts"], delivery["acked"]) == (4, False)


async def test_an_event_waits_for_an_app_that_starts_later(sandbox: SandboxDriver, app: AsyncApp) -> None:
    heard = remember(app, "message")
    await sandbox.says("U0ANA", "anybody there?")
    async with connected(app):
        await eventually(lambda: _settled(heard, 1))
    [delivery] = await sandbox.deliveries("message")
    assert delivery["attempts"] == 1


async def test_edits_and_deletions_are_told(sandbox: SandboxDriver, app: AsyncApp) -> None:
    heard = remember(app, "message")
    async with connected(app):
        ts = await sandbox.says("U0ANA", "one")
        await sandbox.call("messages/edit", user="U0ANA", channel="C0SUPPORT", ts=ts, text="two")
        await sandbox.call("messages/delete", user="U0ANA", channel="C0SUPPORT", ts=ts)
        await eventually(lambda: _settled(heard, 3))
    _, changed, deleted = (body["event"] for body in heard)
    assert (changed["subtype"], changed["message"]["text"], changed["previous_message"]["text"]) == (
        "message_changed",
        "two",
        "one",
    )
    assert (deleted["subtype"], deleted["deleted_ts"]) == ("message_deleted", ts)
    assert await sandbox.messages() == []


async def test_other_bots_have_a_bot_id(sandbox: SandboxDriver, app: AsyncApp) -> None:
    heard = remember(app, re.compile("message|app_mention"))
    async with connected(app):
        await sandbox.says("U0PAGER", "@deskhand handoff engineering", as_bot=True)
        await eventually(lambda: _settled(heard, 2))
    assert {body["event"]["bot_id"] for body in heard} == {"B0PAGER"}


async def test_the_bots_own_posts_come_back_as_events(sandbox: SandboxDriver, app: AsyncApp) -> None:
    heard = remember(app, "message")
    async with connected(app):
        await app.client.chat_postMessage(channel="C0SUPPORT", text="me")
        await eventually(lambda: _acked(sandbox, "message"))
    assert heard == []  # Bolt ignores the app's own messages, after they were delivered


async def test_files_and_broadcasts_have_their_subtype(sandbox: SandboxDriver, app: AsyncApp) -> None:
    heard = remember(app, "message")
    async with connected(app):
        root = await sandbox.says("U0ANA", "one")
        file = {"name": "a.txt", "mimetype": "text/plain", "content_base64": "aGk="}
        await sandbox.says("U0ANA", "", thread_ts=root, files=[file])
        await sandbox.says("U0ANA", "for all", thread_ts=root, broadcast=True)
        await eventually(lambda: _settled(heard, 3))
    subtypes = [body["event"].get("subtype") for body in heard]
    assert subtypes == [None, "file_share", "thread_broadcast"]
    assert heard[1]["event"]["thread_ts"] == root
    assert heard[1]["event"]["files"][0]["url_private"].startswith(sandbox.server.url)


async def test_a_button_opens_a_form_that_is_checked_and_sent(sandbox: SandboxDriver, app: AsyncApp) -> None:
    got: list[Json] = []

    @app.action("go")
    async def pressed(ack: Any, body: Json, client: AsyncWebClient) -> None:
        await ack()
        got.append(body)
        await client.views_open(trigger_id=body["trigger_id"], view=modal(private_metadata="E1"))

    @app.view("deny")
    async def submitted(ack: Any, view: Json) -> None:
        words = view["state"]["values"]["why"]["reason"]["value"]
        await (ack() if words == "Too dear" else ack(response_action="errors", errors={"why": "Say more."}))

    async with connected(app):
        root = await sandbox.says("U0ANA", "hello")
        await app.client.chat_postMessage(channel="C0SUPPORT", text="card", blocks=CARD, thread_ts=root)
        card = (await sandbox.messages(thread_ts=root))[-1]
        pressed_answer = await sandbox.call("press", user="U0SAM", channel="C0SUPPORT", ts=card["ts"], action_id="go")
        assert pressed_answer == {"ok": True, "acked": True}
        [view] = await eventually(lambda: sandbox.views("U0SAM"))
        where = {"user": "U0SAM", "view_id": view["id"]}
        assert (await sandbox.call("view/submit", **where, values={}))["errors"] == {
            "why": "Please complete this required field."
        }
        refused = await sandbox.call("view/submit", **where, values={"reason": "no"})
        assert refused == {"ok": True, "result": "errors", "errors": {"why": "Say more."}}
        assert (await sandbox.views("U0SAM"))[0]["errors"] == {"why": "Say more."}
        assert (await sandbox.call("view/submit", **where, values={"reason": "Too dear"}))["result"] == "closed"
        assert await sandbox.views("U0SAM") == []
    [body] = got
    assert body["actions"][0]["value"] == "7"
    assert body["container"] == {
        "type": "message",
        "message_ts": card["ts"],
        "channel_id": "C0SUPPORT",
        "is_ephemeral": False,
        "thread_ts": root,
    }
    assert body["user"]["id"] == "U0SAM"


async def test_a_form_can_be_replaced_stacked_and_cleared(sandbox: SandboxDriver, app: AsyncApp) -> None:
    closed: list[Json] = []

    @app.shortcut("conversation_cost")
    async def open_form(ack: Any, body: Json, client: AsyncWebClient) -> None:
        await ack()
        assert body["message"]["thread_ts" if "thread_ts" in body["message"] else "ts"]
        await client.views_open(trigger_id=body["trigger_id"], view=modal(notify_on_close=True))

    @app.view("deny")
    async def submitted(ack: Any, view: Json) -> None:
        words = view["state"]["values"]["why"]["reason"]["value"]
        answers = {
            "more": {"response_action": "update", "view": modal()},
            "deep": {"response_action": "push", "view": modal()},
        }
        await ack(**answers.get(words, {"response_action": "clear"}))

    @app.view_closed("deny")
    async def left(ack: Any, view: Json) -> None:
        await ack()
        closed.append(view)

    async with connected(app):
        ts = await sandbox.says("U0ANA", "hello")
        await sandbox.call("shortcut", user="U0ANA", channel="C0SUPPORT", ts=ts, callback_id="conversation_cost")
        [view] = await eventually(lambda: sandbox.views("U0ANA"))
        who = {"user": "U0ANA", "view_id": view["id"]}
        assert (await sandbox.call("view/submit", **who, values={"reason": "more"}))["result"] == "updated"
        assert (await sandbox.call("view/submit", **who, values={"reason": "deep"}))["result"] == "pushed"
        stack = await sandbox.views("U0ANA")
        assert len(stack) == 2
        assert stack[1]["previous_view_id"] == view["id"]
        assert (await sandbox.call("view/submit", **who, values={"reason": "end"}))["result"] == "closed"
        assert await sandbox.views("U0ANA") == []
        await sandbox.call("shortcut", user="U0ANA", channel="C0SUPPORT", ts=ts, callback_id="conversation_cost")
        [again] = await eventually(lambda: sandbox.views("U0ANA"))
        await sandbox.call("view/close", user="U0ANA", view_id=again["id"])
        await eventually(lambda: _settled(closed, 1))


async def test_a_trigger_id_works_once_and_for_three_seconds() -> None:
    now = [1_800_000_000.0]
    async with sandbox_running(dataclasses.replace(FAST, clock=lambda: now[0])) as sandbox:
        app = new_app(sandbox)
        errors: list[str] = []

        async def open_form(trigger_id: str, client: AsyncWebClient) -> str:
            try:
                await client.views_open(trigger_id=trigger_id, view=modal())
            except SlackApiError as refusal:
                return str(refusal.response["error"])
            return "opened"

        @app.action("go")
        async def pressed(ack: Any, body: Json, client: AsyncWebClient) -> None:
            await ack()
            late = bool(errors)
            now[0] += 4 if late else 0
            errors.append(await open_form(body["trigger_id"], client))
            errors.append(await open_form(body["trigger_id"], client))

        async with connected(app):
            await app.client.chat_postMessage(channel="C0SUPPORT", text="card", blocks=CARD)
            [card] = await sandbox.messages()
            press = {"user": "U0SAM", "channel": "C0SUPPORT", "ts": card["ts"], "action_id": "go"}
            await sandbox.call("press", **press)
            await eventually(lambda: _settled(errors, 2))
            await sandbox.call("press", **press)
            await eventually(lambda: _settled(errors, 4))
        assert errors == ["opened", "exchanged_trigger_id", "expired_trigger_id", "expired_trigger_id"]


async def test_a_command_answers_ephemerally_and_escapes_names(sandbox: SandboxDriver, app: AsyncApp) -> None:
    got: list[Json] = []

    @app.command("/agent-budget")
    async def budget(ack: Any, body: Json, respond: Any) -> None:
        got.append(body)
        await ack("$0.10 today")
        await respond(text="and for all", response_type="in_channel")

    async with connected(app):
        answer = await sandbox.call(
            "command", user="U0GRACE", channel="C0SUPPORT", command="/agent-budget", text="set user @ana 5"
        )
        assert answer["response"]["text"] == "$0.10 today"
        assert answer["response"]["is_ephemeral"] is True
        await eventually(lambda: _shown(sandbox, "and for all"))
    assert got[0]["text"] == "set user <@U0ANA|ana> 5"
    assert await sandbox.texts(user="U0BO") == ["and for all"]
    unknown = await sandbox.call("command", user="U0BO", channel="C0SUPPORT", command="/nothing", text="")
    assert unknown["error"] == "no_such_command"


async def test_an_app_that_does_not_answer_is_noticed(impatient: SandboxDriver) -> None:
    url = f"{impatient.server.url}/ui/ws?user=U0ANA"
    async with connected(new_app(impatient)), impatient.http.ws_connect(url) as page:
        await page.receive_json()
        answer = await impatient.call("command", user="U0ANA", channel="C0SUPPORT", command="/agent-budget", text="")
        assert answer == {"ok": True, "acked": False}
        notice = await page.receive_json()
        assert notice["type"] == "notice"
        assert "did not respond" in notice["text"]


async def test_a_response_url_replaces_an_ephemeral_and_wears_out(sandbox: SandboxDriver, app: AsyncApp) -> None:
    urls: list[str] = []

    @app.action("go")
    async def pressed(ack: Any, body: Json) -> None:
        await ack()
        assert "message" not in body
        urls.append(body["response_url"])

    async with connected(app):
        await app.client.chat_postEphemeral(channel="C0SUPPORT", user="U0ANA", text="old", blocks=CARD)
        [shown] = await sandbox.messages(user="U0ANA")
        other = await sandbox.call("press", user="U0BO", channel="C0SUPPORT", ts=shown["ts"], action_id="go")
        assert other["error"] == "not_visible"
        await sandbox.call("press", user="U0ANA", channel="C0SUPPORT", ts=shown["ts"], action_id="go")
        await eventually(lambda: _settled(urls, 1))
        webhook = AsyncWebhookClient(urls[0])
        assert (await webhook.send(text="new", replace_original=True)).body == "ok"
        assert await sandbox.texts(user="U0ANA") == ["new"]
        assert (await webhook.send(text=" ")).status_code == 400
        for _ in range(3):
            await webhook.send(text="again")
        await webhook.send(delete_original=True)
        assert await sandbox.texts(user="U0ANA") == ["again", "again", "again"]
        assert (await webhook.send(text="sixth")).status_code == 404


async def test_unknown_buttons_and_hidden_buttons_cannot_be_pressed(sandbox: SandboxDriver, app: AsyncApp) -> None:
    only_sam = [{"type": "actions", "elements": [{**BUTTON, "visible_to_user_ids": ["U0SAM"]}]}]
    await app.client.chat_postMessage(channel="C0SUPPORT", text="card", blocks=only_sam)
    [card] = await sandbox.messages()
    where = {"channel": "C0SUPPORT", "ts": card["ts"]}
    assert (await sandbox.call("press", user="U0ANA", **where, action_id="nope"))["error"] == "no_such_action"
    assert (await sandbox.call("press", user="U0ANA", **where, action_id="go"))["error"] == "not_visible"


async def test_the_stop_button_is_told_and_stops_appends(sandbox: SandboxDriver, app: AsyncApp) -> None:
    heard = remember(app, "agent_session_stopped")
    async with connected(app):
        dm = (await sandbox.call("dm", user="U0ANA"))["channel"]
        root = await sandbox.says("U0ANA", "hello", channel=dm)
        stream = await app.client.chat_startStream(channel=dm, thread_ts=root, markdown_text="One")
        await sandbox.call("stop", user="U0ANA", channel=dm, thread_ts=root)
        await eventually(lambda: _settled(heard, 1))
        answer = await sandbox.http.post(
            sandbox.server.api_url + "chat.appendStream",
            json={"channel": dm, "ts": stream["ts"], "markdown_text": "x"},
            headers={"Authorization": "Bearer xoxb-sandbox"},
        )
        assert (await answer.json())["error"] == "stopped_by_user"
        await app.client.chat_stopStream(channel=dm, ts=stream["ts"])
    event = heard[0]["event"]
    assert (event["thread_ts"], event["streaming_message_ts"]) == (root, [stream["ts"]])


async def test_the_sdks_own_stream_helper_works(sandbox: SandboxDriver, app: AsyncApp) -> None:
    @app.event("message")
    async def answer(say_stream: Any) -> None:
        stream = await say_stream()
        await stream.append(markdown_text="Hello **there**")
        await stream.stop()

    async with connected(app):
        root = await sandbox.says("U0ANA", "hello")
        done = await eventually(lambda: _shown(sandbox, "Hello **there**"))
    assert done["thread_ts"] == root


async def test_every_payload_goes_to_one_of_several_sockets(sandbox: SandboxDriver, app: AsyncApp) -> None:
    second = new_app(sandbox)
    heard, heard_too = remember(app, "message"), remember(second, "message")
    async with connected(app), connected(second):
        for number in range(6):
            await sandbox.says("U0ANA", str(number))
        await eventually(lambda: _settled([*heard, *heard_too], 6))
    assert sorted(body["event"]["text"] for body in (*heard, *heard_too)) == list("012345")
    assert heard
    assert heard_too


async def test_the_app_reconnects_when_slack_asks_for_it(sandbox: SandboxDriver, app: AsyncApp) -> None:
    heard = remember(app, "message")
    async with connected(app):
        await sandbox.call("disconnect", reason="refresh_requested")
        await eventually(lambda: _connections_opened(sandbox, 2))
        await sandbox.says("U0ANA", "still there?")
        await eventually(lambda: _settled(heard, 1))


async def test_a_socket_url_works_once(sandbox: SandboxDriver, app: AsyncApp) -> None:
    url = (await app.client.apps_connections_open(app_token="xapp-sandbox"))["url"]
    async with sandbox.http.ws_connect(url) as socket:
        assert (await socket.receive_json())["type"] == "hello"
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await sandbox.http.ws_connect(url)


async def test_a_socket_that_dies_before_the_acknowledgement_loses_nothing(
    sandbox: SandboxDriver, app: AsyncApp
) -> None:
    heard = remember(app, "message")
    url = (await app.client.apps_connections_open(app_token="xapp-sandbox"))["url"]
    async with sandbox.http.ws_connect(url) as dying:
        await dying.receive_json()
        await sandbox.says("U0ANA", "hold on")
        envelope = await dying.receive_json()
        assert (envelope["type"], envelope["retry_attempt"]) == ("events_api", 0)
    async with connected(app):
        await eventually(lambda: _settled(heard, 1))
    assert heard[0]["event_id"] == envelope["payload"]["event_id"]


async def _settled(items: list[Any], count: int) -> bool:
    return len(items) >= count


async def _acked(sandbox: SandboxDriver, kind: str) -> list[Json]:
    return [delivery for delivery in await sandbox.deliveries(kind) if delivery["acked"]]


async def _attempts(sandbox: SandboxDriver, count: int) -> bool:
    return any(delivery["attempts"] >= count for delivery in await sandbox.deliveries("message"))


async def _shown(sandbox: SandboxDriver, text: str) -> Json | None:
    found = [message for message in await sandbox.messages() if message["text"] == text]
    return found[0] if found and not found[0].get("streaming") else None


async def _connections_opened(sandbox: SandboxDriver, count: int) -> bool:
    return len(await sandbox.calls("apps.connections.open")) >= count and sandbox.server.app_connected
