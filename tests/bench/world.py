"""Everything outside the bot, in a process of its own: sandbox workspace and fake Claude, with a stopwatch on both.

`python -m tests.bench.world --request-url URL` prints one line of JSON with its addresses and serves until SIGTERM. The
first words of a question tell Claude what to do: `#17 tools=2 …` runs two tools, then answers.
"""

import argparse
import asyncio
import hashlib
import json
import re
import signal
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

import bot.sandbox.events
from bot.sandbox.config import SandboxConfig
from bot.sandbox.delivery import FIRST, Ack, PayloadKind, Retry, Transport
from bot.sandbox.server import SandboxServer
from tests.fakes.messages_api import Cite, FakeMessagesApi, Move, Seen, structured, text, tool

Json = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SURE = {"grounded": True, "promises_kept": True, "confidence": 0.95, "reason": "All of it stands in the sources."}
QUESTION = re.compile(r"#(?P<number>\w+) tools=(?P<tools>\d)")
_TOOLS: tuple[tuple[str, Json], ...] = (
    ("search_knowledge_base", {"query": "invite a guest to a board", "category": "any"}),
    ("lookup_customer", {"email": "ana@cobalt-studio.example"}),
    ("search_knowledge_base", {"query": "change the plan of a workspace", "category": "billing"}),
)


class Claude(FakeMessagesApi):
    """Runs the tools a question asks for, answers with a citation, judges every answer as sure."""

    def __init__(self, latency: float) -> None:
        super().__init__(brain=_think, clock=time.time)
        self.latency = latency
        self.calls: list[Json] = []
        self.most_at_once = 0
        self._at_once = 0

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        began = time.time()
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            response = await super()._messages(request)
        finally:
            self._at_once -= 1
        body = json.loads(await request.read())
        self.calls.append({"began": began, "ended": time.time(), **_about(body)})
        self.requests.clear()
        return response


class _WatchedTransport:
    """Carries payloads as the sandbox does, and remembers when each message of a person was sent and acknowledged."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self.sent: list[Json] = []

    @property
    def connected(self) -> bool:
        return self._inner.connected

    async def wait_until_connected(self, seconds: float) -> bool:
        return await self._inner.wait_until_connected(seconds)

    async def close(self) -> None:
        await self._inner.close()

    async def send(self, kind: PayloadKind, payload: Json, retry: Retry = FIRST) -> Ack:
        began = time.time()
        ack = await self._inner.send(kind, payload, retry)
        event = payload.get("event", {})
        if "bot_id" not in event and not event.get("hidden"):
            self.sent.append(
                {
                    "began": began,
                    "ended": time.time(),
                    "ok": ack.ok,
                    "type": event.get("type"),
                    "ts": event.get("ts"),
                    "retry": retry.attempt,
                }
            )
        return ack


class TimedSandbox(SandboxServer):
    """The sandbox, with a stopwatch on the Web API and on what it sends."""

    def __init__(self, config: SandboxConfig, claude: Claude) -> None:
        super().__init__(config)
        self._transport = self.watched = _WatchedTransport(self._transport)
        self._claude = claude
        self.calls: list[Json] = []

    def _application(self) -> web.Application:
        app = super()._application()
        app.middlewares.append(self._stopwatch)
        app.router.add_get("/bench/record", self._record)
        app.router.add_post("/bench/forget", self._forget)
        return app

    @web.middleware
    async def _stopwatch(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith("/api/"):
            return await handler(request)
        began = time.time()
        response = await handler(request)
        given = await request.json() if request.content_type == "application/json" else dict(await request.post())
        kept = {name: given.get(name) for name in ("channel", "ts", "thread_ts")}
        meta = given.get("metadata")
        key = (meta if isinstance(meta, str) else json.dumps(meta)) if meta else ""
        method = request.match_info["method"]
        self.calls.append({"began": began, "ended": time.time(), "method": method, "metadata": key, **kept})
        return response

    async def _record(self, _: web.Request) -> web.Response:
        claude = self._claude
        bills = [{"plain": b.plain, "read": b.read, "written": b.write_5m + b.write_1h} for b in claude.bills]
        return web.json_response(
            {
                "slack": self.calls,
                "claude": claude.calls,
                "events": self.watched.sent,
                "refused": claude.refused,
                "most_at_once": claude.most_at_once,
                "bills": bills,
                "usd": str(claude.cost),
            }
        )

    async def _forget(self, _: web.Request) -> web.Response:
        for kept in (self.calls, self._claude.calls, self.watched.sent, self._claude.bills):
            kept.clear()
        self._claude.most_at_once = 0
        return web.json_response({})


def _think(seen: Seen) -> Move:
    if seen.wants_json:
        return structured(SURE)
    done = 0
    for message in reversed(seen.messages):
        if message["role"] == "assistant":
            done += 1
        elif (wish := QUESTION.search(json.dumps(message["content"]))) is not None:
            if done < int(wish["tools"]):
                return tool(*_TOOLS[done % len(_TOOLS)])
            break
    found = [part for block in seen.tool_results for part in block["content"] if part["type"] == "search_result"]
    cites = [Cite(found[0]["source"], found[0]["title"], found[0]["content"][0]["text"][:200])] if found else []
    return text("Open the board, choose Share, and enter the guest's e-mail address.", *cites)


def _about(body: Json) -> Json:
    """What the benches need to know of a request."""
    said = json.dumps(body["messages"], ensure_ascii=False)
    numbers = [match["number"] for match in QUESTION.finditer(said)]
    prefix = json.dumps([body.get("tools", []), body.get("system", [])], sort_keys=True)
    return {
        "question": numbers[-1] if numbers else "",
        "is_agents": bool(body.get("tools")),
        "prefix": hashlib.sha256(prefix.encode()).hexdigest()[:12],
    }


async def _serve(given: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with Claude(given.latency) as claude:
        server = TimedSandbox(SandboxConfig(request_url=given.request_url), claude)
        await server.start()
        try:
            about = {
                "url": server.url,
                "claude_url": claude.url,
                "claude_key": claude.key,
                "api_url": server.api_url,
                "bot_token": server.config.bot_token,
                "app_token": server.config.app_token,
                "signing_secret": server.config.signing_secret,
            }
            print(json.dumps(about), flush=True)
            await stop.wait()
        finally:
            await server.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--request-url", default=None)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before Claude answers")
    bot.sandbox.events.DELIVERIES_KEPT = 200  # nobody here looks at them, and they would grow
    asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
