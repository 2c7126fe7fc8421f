"""A Messages API on loopback: as strict as the current Claude models, scripted, with caching, thinking and faults.

async with FakeMessagesApi() as api:
    api.script([tool("search_knowledge_base", {"query": "refund"}), text("Within 30 days.")])
    model = ClaudeModel(api_key=api.key, base_url=api.url)
    ...
assert api.refused == []
"""

import asyncio
import json
from collections.abc import Iterable
from decimal import Decimal
from types import TracebackType
from typing import Any

from aiohttp import web

from bot.domain.exchange import Usage
from bot.model.pricing import load_prices
from tests.fakes.messages_cache import InputUsage, PromptCache, count, count_output
from tests.fakes.messages_rules import RefusedError, Signatures, check_request, require
from tests.fakes.messages_script import (
    Brain,
    Cite,
    Fault,
    Json,
    Move,
    Reply,
    Seen,
    cut_body,
    dripping_body,
    dropped,
    hang,
    html,
    no_stop_reason,
    overloaded,
    paused,
    rate_limited,
    refusal,
    spend_cap,
    stalled_body,
    status,
    stopped,
    structured,
    text,
    tool,
    tools,
    truncated_json,
    unknown_block,
    usage_limit,
)

__all__ = [
    "Brain", "Cite", "FakeMessagesApi", "Fault", "Move", "Reply", "Seen", "cut_body", "dripping_body", "dropped",
    "hang", "html", "no_stop_reason", "overloaded", "paused", "rate_limited", "refusal", "spend_cap", "stalled_body",
    "status", "stopped", "structured", "text", "tool", "tools", "truncated_json", "unknown_block", "usage_limit",
]  # fmt: skip

_VERSIONS = ("2026-10-21", "2023-06-01")
_LARGEST = 32 * 1024 * 1024


class ManualClock:
    """Stands still until told to go on; cache lifetimes follow it."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class FakeMessagesApi:
    """Answers with the script first, then with the brain; without either, 500 and an entry in `refused`."""

    def __init__(self, *, brain: Brain | None = None, clock: Any = None, key: str = "sk-ant-fake") -> None:
        self.key = key
        self.brain = brain
        self.clock = clock or ManualClock()
        self.latency = 0.0
        """Seconds before each answer."""
        self.models: set[str] | None = None
        """Known models; None for all."""
        self.requests: list[Seen] = []
        """Every request that was accepted."""
        self.refused: list[str] = []
        """Sentences of the 400s: a healthy client causes none."""
        self.bills: list[InputUsage] = []
        self.cost = Decimal(0)
        """USD of everything answered so far."""
        self.aborted = 0
        """Faults after which the vendor would have done the work all the same."""
        self.cache = PromptCache()
        self.signatures = Signatures()
        self._moves: list[Move] = []
        self._number = 0
        self._prices = load_prices()
        self._closing = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """Base URL for a client."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def unused(self) -> int:
        """Moves of the script nobody asked for."""
        return len(self._moves)

    def script(self, moves: Iterable[Move]) -> None:
        """Say these next, in this order."""
        self._moves += moves

    async def __aenter__(self) -> "FakeMessagesApi":
        app = web.Application(client_max_size=_LARGEST * 2)
        app.router.add_post("/v1/messages", self._messages)
        app.router.add_post("/v1/messages/count_tokens", self._count_tokens)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        assert self._runner is not None
        await self._runner.cleanup()

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        began = self.clock()
        try:
            seen = await self._accept(request)
        except (RefusedError, _StatusError) as error:
            return self._refuse(error)
        if self.latency:
            await asyncio.sleep(self.latency)
        try:
            move = self._next_move(seen)
            if isinstance(move, Fault):
                return await self._fail(request, move, seen)
            body = self._answer(seen, move, began)
        except ConnectionError:  # whoever asked has gone: killed, or stopped waiting
            raise
        except Exception as error:  # noqa: BLE001 — a mistake of the script or the brain must reach the test
            return self._refuse(_StatusError(500, "api_error", f"the fake's script or brain failed: {error!r}"))
        return web.json_response(body, headers={"request-id": self._next("req")})

    def _next_move(self, seen: Seen) -> Move:
        if self._moves:
            return self._moves.pop(0)
        assert self.brain is not None, "the script is used up"
        return self.brain(seen)

    async def _count_tokens(self, request: web.Request) -> web.StreamResponse:
        try:
            body = await self._body(request)
            check_request({**body, "max_tokens": 1}, paused=self.signatures.paused)
        except (RefusedError, _StatusError) as error:
            return self._refuse(error)
        return web.json_response({"input_tokens": count(body)})

    async def _accept(self, request: web.Request) -> Seen:
        body = await self._body(request)
        check_request(body, paused=self.signatures.paused)
        self.signatures.check(body)
        if self.models is not None and body["model"] not in self.models:
            raise _StatusError(404, "not_found_error", f"model: {body['model']}")
        seen = Seen(request.path, {k.lower(): v for k, v in request.headers.items()}, body)
        self.requests.append(seen)
        return seen

    async def _body(self, request: web.Request) -> Json:
        if request.headers.get("authorization") != f"Bearer {self.key}":
            raise _StatusError(401, "authentication_error", "invalid bearer token")
        require(request.headers.get("anthropic-version") in _VERSIONS, "anthropic-version: header is required")
        require(request.content_type == "application/json", "content-type: must be application/json")
        try:
            raw = await request.read()
        except ConnectionResetError:
            raise _StatusError(499, "api_error", "whoever asked has hung up") from None
        if len(raw) > _LARGEST:
            raise _StatusError(413, "request_too_large", "Request exceeds the maximum size")
        try:
            body = json.loads(raw)
        except ValueError:
            raise RefusedError("The request body is not valid JSON") from None
        require(isinstance(body, dict), "The request body must be an object")
        return dict(body)

    def _refuse(self, error: "RefusedError | _StatusError") -> web.Response:
        self.refused.append(str(error))
        code, kind = (error.status, error.kind) if isinstance(error, _StatusError) else (400, "invalid_request_error")
        return _error_response(code, {"type": kind, "message": str(error)}, self._next("req"))

    def _answer(self, seen: Seen, reply: Reply, began: float) -> Json:
        blocks = self._complete(seen.body, reply.blocks)
        bill = self.cache.bill(seen.body, began)
        self.bills.append(bill)
        output = count_output(blocks) + reply.thinking_tokens
        self.signatures.issued(blocks, reply.stop_reason)
        self._charge(reply.model or seen.body["model"], bill, output)
        body = {
            "id": self._next("msg"),
            "type": "message",
            "role": "assistant",
            "model": reply.model or seen.body["model"],
            "content": blocks,
            "stop_reason": reply.stop_reason,
            "stop_sequence": None,
            "stop_details": reply.stop_details,
            "usage": {**_usage(bill, output, reply.thinking_tokens), **(reply.usage or {})},
        }
        return {k: v for k, v in body.items() if k not in reply.without}

    def _complete(self, body: Json, blocks: tuple[Json, ...]) -> list[Json]:
        """Blocks with ids, signatures and the indexes of citations."""
        done: list[Json] = []
        for block in blocks:
            match block["type"]:
                case "thinking" if body.get("thinking", {}).get("type") == "disabled":
                    continue
                case "thinking":
                    done.append({**block, "signature": self.signatures.sign(body, done, block["thinking"])})
                case "tool_use":
                    done.append({"type": "tool_use", "id": self._next("toolu"), **block})
                case "text" if block["citations"]:
                    done.append({**block, "citations": [_located(body, c) for c in block["citations"]]})
                case _:
                    done.append(block)
        return done

    def _charge(self, model: str, bill: InputUsage, output: int) -> None:
        if model in self._prices.models:
            usage = Usage(bill.plain, output, bill.read, bill.write_5m, bill.write_1h)
            self.cost += self._prices.cost(model, usage)

    async def _fail(self, request: web.Request, fault: Fault, seen: Seen) -> web.StreamResponse:
        headers = {"request-id": self._next("req"), **fault.headers}
        if fault.kind == "status":
            return _error_response(fault.status, fault.error, headers.pop("request-id"), headers)
        if fault.kind == "html":
            return web.Response(text="<html><body>Please sign in</body></html>", content_type="text/html")
        self.aborted += 1
        whole = json.dumps(self._answer(seen, text("This never arrives in one piece. " * 20), self.clock()))
        match fault.kind:
            case "truncated_json":
                return web.Response(text=whole[: len(whole) // 2], content_type="application/json", headers=headers)
            case "hang":
                await self._closing.wait()
                return web.Response()
            case "dropped":
                _cut(request)
                return web.Response()
        response = web.StreamResponse(headers={**headers, "content-type": "application/json"})
        response.content_length = len(whole)
        await response.prepare(request)
        await response.write(whole[: len(whole) // 2].encode())
        if fault.kind == "stalled_body":
            await self._closing.wait()
        if fault.kind == "dripping_body":
            await self._drip(response, whole[len(whole) // 2 : -1])
        _cut(request)
        return response

    async def _drip(self, response: web.StreamResponse, rest: str) -> None:
        for letter in rest:
            if self._closing.is_set():
                return
            try:
                await response.write(letter.encode())
            except ConnectionError:
                return
            await asyncio.sleep(0.02)

    def _next(self, prefix: str) -> str:
        self._number += 1
        return f"{prefix}_{self._number:04}"


class _StatusError(Exception):
    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


def _error_response(code: int, error: Json, request_id: str, headers: dict[str, str] | None = None) -> web.Response:
    body = {"type": "error", "error": error, "request_id": request_id}
    return web.json_response(body, status=code, headers={"request-id": request_id, **(headers or {})})


def _cut(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def _usage(bill: InputUsage, output: int, thinking: int) -> Json:
    return {
        "input_tokens": bill.plain,
        "output_tokens": output,
        "output_tokens_details": {"thinking_tokens": thinking},
        "cache_read_input_tokens": bill.read,
        "cache_creation_input_tokens": bill.write_5m + bill.write_1h,
        "cache_creation": {
            "ephemeral_5m_input_tokens": bill.write_5m,
            "ephemeral_1h_input_tokens": bill.write_1h,
        },
        "service_tier": "standard",
    }


def _located(body: Json, cite: Json) -> Json:
    """The citation with its place among the request's search results; 500 would be our own mistake, so it asserts."""
    results = [r for m in body["messages"] for r in _search_results(m["content"])]
    index = next((i for i, r in enumerate(results) if r["source"] == cite["source"]), None)
    assert index is not None, f"the script cites {cite['source']}, which no search result of the request has"
    return {**cite, "search_result_index": index, "start_block_index": 0, "end_block_index": 1}


def _search_results(content: Any) -> list[Json]:
    if isinstance(content, str):
        return []
    found = [block for block in content if block["type"] == "search_result"]
    for block in content:
        if block["type"] == "tool_result":
            found += _search_results(block.get("content", []))
    return found
