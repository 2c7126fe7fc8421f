"""The sandbox and a Bolt app behind a signed request URL."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.http_mode import sign
from tests.fakes.sandbox_driver import FAST, Json, SandboxDriver, eventually, sandbox_running

BUTTON = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}, "value": "7"}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    proxies = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
    for name in (*proxies, "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)


class Endpoint:
    """A web server that hands requests to a Bolt app, or answers what a test wants."""

    def __init__(self) -> None:
        self.app: AsyncApp | None = None
        self.requests: list[dict[str, str]] = []
        self.answers: list[web.Response] = []
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        self.requests.append(dict(request.headers))
        if self.answers:
            return self.answers.pop(0)
        assert self.app is not None
        return await to_aiohttp_response(await self.app.async_dispatch(await to_bolt_request(request)))


@asynccontextmanager
async def endpoint_and_sandbox() -> AsyncIterator[tuple[Endpoint, SandboxDriver]]:
    endpoint = Endpoint()
    application = web.Application()
    application.router.add_post("/slack/events", endpoint.handle)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    endpoint.url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    try:
        async with sandbox_running(dataclasses.replace(FAST, request_url=endpoint.url)) as sandbox:
            client = AsyncWebClient(token="xoxb-sandbox", base_url=sandbox.server.api_url)
            endpoint.app = AsyncApp(client=client, signing_secret="sandbox-signing-secret")
            yield endpoint, sandbox
    finally:
        await runner.cleanup()


async def test_events_interactions_and_commands_come_signed_to_one_url() -> None:
    async with endpoint_and_sandbox() as (endpoint, sandbox):
        assert endpoint.app is not None
        pressed: list[Json] = []

        @endpoint.app.event("app_mention")
        async def mentioned(event: Json, say: Any) -> None:
            await say(text="card", thread_ts=event["ts"], blocks=[{"type": "actions", "elements": [BUTTON]}])

        @endpoint.app.event("message")
        async def ignored() -> None: ...

        @endpoint.app.action("go")
        async def press(ack: Any, body: Json) -> None:
            await ack()
            pressed.append(body)

        @endpoint.app.command("/agent-budget")
        async def budget(ack: Any) -> None:
            await ack({"text": "$0.10", "response_type": "in_channel"})

        root = await sandbox.says("U0ANA", "@deskhand hi")
        card = await eventually(lambda: _reply(sandbox, root))
        answer = await sandbox.call("press", user="U0ANA", channel="C0SUPPORT", ts=card["ts"], action_id="go")
        assert answer["acked"] is True
        assert pressed[0]["message"]["text"] == "card"
        await sandbox.call("command", user="U0ANA", channel="C0SUPPORT", command="/agent-budget", text="")
        assert "$0.10" in await sandbox.texts()
        assert all("X-Slack-Signature" in headers for headers in endpoint.requests)


async def test_a_failing_endpoint_is_asked_again_with_the_reason() -> None:
    async with endpoint_and_sandbox() as (endpoint, sandbox):
        assert endpoint.app is not None
        endpoint.answers = [web.Response(status=500), web.Response(status=404)]

        @endpoint.app.event("message")
        async def listen() -> None: ...

        await sandbox.says("U0ANA", "hello")
        delivery = await eventually(lambda: _acked(sandbox))
        assert delivery["attempts"] == 3
        tries = [(h.get("X-Slack-Retry-Num"), h.get("X-Slack-Retry-Reason")) for h in endpoint.requests]
        assert tries == [(None, None), ("1", "http_error"), ("2", "http_error")]


async def test_an_endpoint_can_refuse_redelivery() -> None:
    async with endpoint_and_sandbox() as (endpoint, sandbox):
        endpoint.answers = [web.Response(status=500, headers={"x-slack-no-retry": "1"})]
        await sandbox.says("U0ANA", "hello")
        await eventually(lambda: _asked(endpoint))
        await asyncio.sleep(0.15)
        assert len(endpoint.requests) == 1


async def test_a_stranger_without_the_secret_gets_401() -> None:
    async with endpoint_and_sandbox() as (endpoint, sandbox), aiohttp.ClientSession() as stranger:
        body = '{"type":"event_callback","event":{"type":"message"}}'
        now = int(sandbox.server.config.clock())
        forged = {"X-Slack-Request-Timestamp": str(now), "X-Slack-Signature": sign("guess", now, body)}
        async with stranger.post(endpoint.url, data=body, headers=forged) as answer:
            assert answer.status == 401


async def _reply(sandbox: SandboxDriver, root: str) -> Json | None:
    thread = await sandbox.messages(thread_ts=root)
    return thread[1] if len(thread) > 1 else None


async def _acked(sandbox: SandboxDriver) -> Json | None:
    return next((delivery for delivery in await sandbox.deliveries("message") if delivery["acked"]), None)


async def _asked(endpoint: Endpoint) -> bool:
    return bool(endpoint.requests)
