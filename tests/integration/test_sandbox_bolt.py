"""The sandbox and Slack's Bolt framework over Socket Mode: what an app hears and what people see."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp

from tests.fakes.bolt_app import (
    acked,
    attempts,
    connected,
    connections_opened,
    new_app,
    remember,
    settled,
    shown,
)
from tests.fakes.sandbox_driver import SandboxDriver, eventually


async def test_a_mention_arrives_as_message_and_as_app_mention(sandbox: SandboxDriver, app: AsyncApp) -> None:
    heard = remember(app, re.compile("message|app_mention"))
    async with connected(app):
        await sandbox.says("U0ANA", "@deskhand which plan is <b>mine</b>?")
        await eventually(lambda: settled(heard, 2))
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
        await eventually(lambda: settled(heard, 2))
    assert [body["event"]["channel_type"] for body in heard] == ["im", "group"]
    assert await sandbox.deliveries("app_mention") == []


async def test_opening_the_messages_tab_is_told(sandbox: SandboxDriver, app: AsyncApp) -> None:
    heard = remember(app, "app_home_opened")
    async with connected(app):
        await sandbox.call("dm", user="U0ANA")
        await eventually(lambda: settled(heard, 1))
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
        await eventually(lambda: acked(impatient, "message"))
    assert retries[:3] == ["0", "1", "2"]


async def test_an_event_is_given_up_after_three_redeliveries(impatient: SandboxDriver) -> None:
    async with connected(new_app(impatient)):  # no listener at all: Bolt sends no acknowledgement
        await impatient.says("U0ANA", "hello")
        await eventually(lambda: attempts(impatient, 4))
        await asyncio.sleep(0.5)
    [delivery] = await impatient.deliveries("message")
    assert (delivery["attempts"], delivery["acked"]) == (4, False)


async def test_an_event_waits_for_an_app_that_starts_later(sandbox: SandboxDriver, app: AsyncApp) -> None:
    heard = remember(app, "message")
    await sandbox.says("U0ANA", "anybody there?")
    async with connected(app):
        await eventually(lambda: settled(heard, 1))
    [delivery] = await sandbox.deliveries("message")
    assert delivery["attempts"] == 1


async def test_edits_and_deletions_are_told(sandbox: SandboxDriver, app: AsyncApp) -> None:
    heard = remember(app, "message")
    async with connected(app):
        ts = await sandbox.says("U0ANA", "one")
        await sandbox.call("messages/edit", user="U0ANA", channel="C0SUPPORT", ts=ts, text="two")
        await sandbox.call("messages/delete", user="U0ANA", channel="C0SUPPORT", ts=ts)
        await eventually(lambda: settled(heard, 3))
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
        await eventually(lambda: settled(heard, 2))
    assert {body["event"]["bot_id"] for body in heard} == {"B0PAGER"}


async def test_the_bots_own_posts_come_back_as_events(sandbox: SandboxDriver, app: AsyncApp) -> None:
    heard = remember(app, "message")
    async with connected(app):
        await app.client.chat_postMessage(channel="C0SUPPORT", text="me")
        await eventually(lambda: acked(sandbox, "message"))
    assert heard == []  # Bolt ignores the app's own messages, after they were delivered


async def test_files_and_broadcasts_have_their_subtype(sandbox: SandboxDriver, app: AsyncApp) -> None:
    heard = remember(app, "message")
    async with connected(app):
        root = await sandbox.says("U0ANA", "one")
        file = {"name": "a.txt", "mimetype": "text/plain", "content_base64": "aGk="}
        await sandbox.says("U0ANA", "", thread_ts=root, files=[file])
        await sandbox.says("U0ANA", "for all", thread_ts=root, broadcast=True)
        await eventually(lambda: settled(heard, 3))
    subtypes = [body["event"].get("subtype") for body in heard]
    assert subtypes == [None, "file_share", "thread_broadcast"]
    assert heard[1]["event"]["thread_ts"] == root
    assert heard[1]["event"]["files"][0]["url_private"].startswith(sandbox.server.url)


async def test_the_stop_button_is_told_and_stops_appends(sandbox: SandboxDriver, app: AsyncApp) -> None:
    heard = remember(app, "agent_session_stopped")
    async with connected(app):
        dm = (await sandbox.call("dm", user="U0ANA"))["channel"]
        root = await sandbox.says("U0ANA", "hello", channel=dm)
        stream = await app.client.chat_startStream(channel=dm, thread_ts=root, markdown_text="One")
        await sandbox.call("stop", user="U0ANA", channel=dm, thread_ts=root)
        await eventually(lambda: settled(heard, 1))
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
        done = await eventually(lambda: shown(sandbox, "Hello **there**"))
    assert done["thread_ts"] == root


async def test_every_payload_goes_to_one_of_several_sockets(sandbox: SandboxDriver, app: AsyncApp) -> None:
    second = new_app(sandbox)
    heard, heard_too = remember(app, "message"), remember(second, "message")
    async with connected(app), connected(second):
        for number in range(6):
            await sandbox.says("U0ANA", str(number))
        await eventually(lambda: settled([*heard, *heard_too], 6))
    assert sorted(body["event"]["text"] for body in (*heard, *heard_too)) == list("012345")
    assert heard
    assert heard_too


async def test_the_app_reconnects_when_slack_asks_for_it(sandbox: SandboxDriver, app: AsyncApp) -> None:
    heard = remember(app, "message")
    async with connected(app):
        await sandbox.call("disconnect", reason="refresh_requested")
        await eventually(lambda: connections_opened(sandbox, 2))
        await sandbox.says("U0ANA", "still there?")
        await eventually(lambda: settled(heard, 1))


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
        await eventually(lambda: settled(heard, 1))
    assert heard[0]["event_id"] == envelope["payload"]["event_id"]
