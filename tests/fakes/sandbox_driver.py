"""A running sandbox and the people in it, for tests: the control API as methods."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from bot.sandbox.config import SandboxConfig
from bot.sandbox.server import SandboxServer

Json = dict[str, Any]

FAST = SandboxConfig(ack_seconds=3.0, retry_delays=(0.02, 0.02, 0.02))
"""Redelivered at once: tests do not wait for Slack's minutes."""

IMPATIENT = SandboxConfig(ack_seconds=0.3, retry_delays=(0.02, 0.02, 0.02))
"""For tests in which the app does not acknowledge."""


@dataclass
class SandboxDriver:
    """Acts as the people of the workspace and looks at what they see."""

    server: SandboxServer
    http: aiohttp.ClientSession

    async def call(self, path: str, **body: Any) -> Json:
        """POST to the control API; the answer, refused or not."""
        async with self.http.post(f"{self.server.url}/control/{path}", json=body) as answer:
            result: Json = await answer.json()
            return result

    async def look(self, path: str, **query: str) -> Json:
        """GET from the control API."""
        async with self.http.get(f"{self.server.url}/control/{path}", params=query) as answer:
            result: Json = await answer.json()
            return result

    async def says(self, user: str, text: str, channel: str = "C0SUPPORT", **more: Any) -> str:
        """A person writes; returns the ts."""
        answer = await self.call("messages", user=user, channel=channel, text=text, **more)
        assert answer["ok"], answer
        return str(answer["ts"])

    async def messages(self, channel: str = "C0SUPPORT", **query: str) -> list[Json]:
        """What stands in a channel (or thread), with `user=` also that person's ephemerals."""
        answer = await self.look("messages", channel=channel, **query)
        return list(answer["messages"])

    async def texts(self, channel: str = "C0SUPPORT", **query: str) -> list[str]:
        """The texts that stand in a channel."""
        return [message["text"] for message in await self.messages(channel, **query)]

    async def views(self, user: str) -> list[Json]:
        """The modals this person has open."""
        return list((await self.look("state", user=user))["views"])

    async def calls(self, method: str) -> list[Json]:
        """The app's calls of one method."""
        return list((await self.look("calls", method=method))["calls"])

    async def deliveries(self, kind: str) -> list[Json]:
        """The events of one type and how they were delivered."""
        return [d for d in (await self.look("deliveries"))["deliveries"] if d["type"] == kind]


@asynccontextmanager
async def sandbox_running(config: SandboxConfig = FAST) -> AsyncIterator[SandboxDriver]:
    """A sandbox on a free port, put away at the end."""
    server = SandboxServer(config)
    await server.start()
    async with aiohttp.ClientSession() as http:
        try:
            yield SandboxDriver(server, http)
        finally:
            await server.close()


async def eventually(condition: Callable[[], Awaitable[Any]], seconds: float = 60.0) -> Any:
    """Ask until the answer is true and return it; fail after `seconds`."""
    until = time.monotonic() + seconds
    while True:
        answer = await condition()
        if answer:
            return answer
        assert time.monotonic() < until, "It did not happen in time."
        await asyncio.sleep(0.01)
