"""A small Bolt app on the sandbox, and what a test waits for."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.sandbox_driver import Json, SandboxDriver

BUTTON = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}, "value": "7"}
CARD = [{"type": "actions", "elements": [BUTTON]}]


def modal(**more: Any) -> Json:
    element = {"type": "plain_text_input", "action_id": "reason"}
    block = {"type": "input", "block_id": "why", "label": {"type": "plain_text", "text": "Why"}, "element": element}
    title = {"type": "plain_text", "text": "Deny"}
    return {"type": "modal", "callback_id": "deny", "title": title, "submit": title, "blocks": [block], **more}


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


async def settled(items: list[Any], count: int) -> bool:
    return len(items) >= count


async def acked(sandbox: SandboxDriver, kind: str) -> list[Json]:
    return [delivery for delivery in await sandbox.deliveries(kind) if delivery["acked"]]


async def attempts(sandbox: SandboxDriver, count: int) -> bool:
    return any(delivery["attempts"] >= count for delivery in await sandbox.deliveries("message"))


async def shown(sandbox: SandboxDriver, text: str) -> Json | None:
    found = [message for message in await sandbox.messages() if message["text"] == text]
    return found[0] if found and not found[0].get("streaming") else None


async def connections_opened(sandbox: SandboxDriver, count: int) -> bool:
    return len(await sandbox.calls("apps.connections.open")) >= count and sandbox.server.app_connected
