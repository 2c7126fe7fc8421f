"""`POST /slack/events` on loopback: what Slack, and what somebody else, gets for an answer."""

import io
import json
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlencode

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.domain.incoming import MessageReceived
from bot.sandbox.http_mode import sign
from bot.slack.http import SlackEndpoint
from tests.fakes.sandbox_driver import sandbox_running
from tests.fakes.slack_desk import RememberingDesk, bot_client, new_app
from tests.fakes.slack_payloads import Json, event_callback, message, pressed

SECRET = "sandbox-signing-secret"


@dataclass
class Wire:
    """Posts to the endpoint, signed as Slack signs."""

    url: str
    http: aiohttp.ClientSession
    desk: RememberingDesk

    async def post(self, body: str | bytes, *, kind: str = "application/json", **headers: str) -> tuple[int, str]:
        now = int(time.time())
        text = body.decode("latin-1") if isinstance(body, bytes) else body
        signed = {"X-Slack-Request-Timestamp": str(now), "X-Slack-Signature": sign(SECRET, now, text)}
        async with self.http.post(self.url, data=body, headers={"Content-Type": kind, **signed, **headers}) as answer:
            return answer.status, await answer.text()

    async def post_json(self, body: object) -> tuple[int, str]:
        return await self.post(json.dumps(body))

    async def post_payload(self, payload: Json) -> tuple[int, str]:
        return await self.post(urlencode({"payload": json.dumps(payload)}), kind="application/x-www-form-urlencoded")


@pytest.fixture(autouse=True)
def stray_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "SLACK_BOT_TOKEN", "SLACK_VERIFICATION_TOKEN"):
        monkeypatch.setenv(name, "stray")


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    desk = RememberingDesk()
    async with sandbox_running() as sandbox, bot_client(sandbox) as client:
        application = web.Application()
        application.router.add_post("/slack/events", SlackEndpoint(new_app(client, desk), SECRET).handle)
        async with TestServer(application) as server, aiohttp.ClientSession() as http:
            yield Wire(str(server.make_url("/slack/events")), http, desk)


async def test_a_signed_event_is_stored_and_acknowledged(wire: Wire) -> None:
    assert await wire.post_json(event_callback(message("hello"))) == (200, "")
    [got] = wire.desk.accepted
    assert isinstance(got, MessageReceived)
    assert got.text == "hello"


async def test_slacks_question_for_the_url_is_answered(wire: Wire) -> None:
    status, body = await wire.post_json({"type": "url_verification", "challenge": "3eZb", "token": "x"})
    assert (status, json.loads(body)) == (200, {"challenge": "3eZb"})


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Slack-Signature": "v0=" + "0" * 64},
        {"X-Slack-Signature": ""},
        {"X-Slack-Request-Timestamp": "1"},
        {"X-Slack-Request-Timestamp": "soon"},
        {"X-Slack-Request-Timestamp": "²"},
        {"X-Slack-Signature": "v0=é"},
    ],
)
async def test_a_forged_signature_is_turned_away(wire: Wire, headers: dict[str, str]) -> None:
    status, _ = await wire.post(json.dumps(event_callback(message())), **headers)
    assert status == 401
    assert wire.desk.accepted == []


async def test_an_ssl_check_opens_no_back_door(wire: Wire) -> None:
    body = urlencode({"ssl_check": "1", "payload": json.dumps(pressed("esc_approve"))})
    async with wire.http.post(
        wire.url, data=body, headers={"Content-Type": "application/x-www-form-urlencoded"}
    ) as got:
        assert got.status == 401
    assert wire.desk.accepted == []


async def test_more_than_a_megabyte_is_not_read(wire: Wire) -> None:
    async with wire.http.post(wire.url, data=io.BytesIO(b"x" * 1_048_577)) as answer:
        assert answer.status == 413

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * 65_536

    async with wire.http.post(wire.url, data=endless()) as answer:
        assert answer.status == 413


@pytest.mark.parametrize(
    "body",
    [
        "{",
        '{"type": "event_callback", "event": ',
        "[1, 2]",
        "",
        '"text"',
        "null",
        '{"event": null}',
        '{"event": "text", "type": "event_callback"}',
        '{"event": {"type": 5}, "type": "event_callback"}',
        '{"type": "event_callback", "event": {"type": "message"}, "authorizations": ["x"]}',
        '{"type": "event_callback", "event": {"type": "message", "message": "x"}, "team": 3}',
        "[" * 100_000,
        b"\xff\xfe{",
    ],
)
async def test_malformed_json_never_breaks_the_server(wire: Wire, body: str | bytes) -> None:
    status, _ = await wire.post(body)
    assert 400 <= status < 500 or (status == 200 and '"event": {' in str(body))
    assert wire.desk.accepted == []


async def test_a_malformed_payload_in_a_form_is_a_bad_request(wire: Wire) -> None:
    status, _ = await wire.post("payload=%7Bnope", kind="application/x-www-form-urlencoded")
    assert status == 400


async def test_what_could_not_be_stored_is_not_acknowledged_and_not_logged(
    wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wire.desk.broken = 1
    status, body = await wire.post_json(event_callback(message("my secret")))
    assert (status, body) == (500, "")
    assert "secret" not in caplog.text
    assert "what the customer wrote" not in caplog.text
    assert (await wire.post_json(event_callback(message("my secret"))))[0] == 200
    assert len(wire.desk.accepted) == 1


@pytest.mark.parametrize(
    "body",
    [
        event_callback({"type": "reaction_added", "user": "U0ANA"}),
        event_callback({"type": "never_heard_of", "user": "U0ANA"}),
        {"type": "app_rate_limited", "team_id": "T0FERNWAY", "minute_rate_limited": 1},
    ],
)
async def test_unknown_events_are_acknowledged_and_ignored(wire: Wire, body: Json) -> None:
    assert (await wire.post_json(body))[0] == 200
    assert wire.desk.accepted == []


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "view_closed", "view": {"callback_id": "x"}, "user": {"id": "U0ANA"}, "team": {"id": "T0FERNWAY"}},
        {
            "type": "view_submission",
            "view": {"callback_id": "old", "type": "modal"},
            "user": {"id": "U0ANA"},
            "team": {"id": "T"},
        },
        {"type": "shortcut", "callback_id": "x", "user": {"id": "U0ANA"}, "team": {"id": "T"}},
        {"type": "message_action", "callback_id": "x", "user": {"id": "U0ANA"}, "team": {"id": "T"}},
        {"type": "block_suggestion", "action_id": "x", "user": {"id": "U0ANA"}, "team": {"id": "T"}},
    ],
)
async def test_interactions_nobody_knows_are_acknowledged(wire: Wire, payload: Json) -> None:
    assert (await wire.post_payload(payload))[0] == 200


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "block_actions", "actions": [], "user": {"id": "U0ANA"}, "team": {"id": "T"}},
        {"type": "block_actions", "actions": "x", "user": {"id": "U0ANA"}, "team": {"id": "T"}},
        {"type": "block_actions", "actions": [{}], "user": "U0ANA", "team": "T", "channel": 7},
        {"type": "view_submission", "view": {"callback_id": "old"}, "user": {"id": "U0ANA"}},
        {"type": "view_submission", "view": None},
        {"type": "message_action"},
    ],
)
async def test_odd_interactions_are_no_server_errors(wire: Wire, payload: Json) -> None:
    assert (await wire.post_payload(payload))[0] < 500
    assert wire.desk.accepted == []


async def test_a_press_and_a_command_come_the_same_way(wire: Wire) -> None:
    assert (await wire.post_payload(pressed("esc_approve")))[0] == 200
    assert len(wire.desk.accepted) == 1
    form = {"command": "/agent-budget", "text": "<https://x.example/p1>", "channel_id": "C0SUPPORT", "user_id": "U0ANA"}
    status, body = await wire.post(urlencode(form), kind="application/x-www-form-urlencoded")
    assert status == 200
    assert json.loads(body)["response_type"] == "ephemeral"
    assert "spent nothing" in body
    [asked] = wire.desk.asked
    assert (asked.team_id, asked.channel_id, asked.user_id) == ("T0FERNWAY", "C0SUPPORT", "U0ANA")
    assert asked.text == "https://x.example/p1"
