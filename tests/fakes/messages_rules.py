"""What the current Claude models refuse with 400, so that a test fails where production would."""

import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.messages_cache import as_blocks, flattened, plain, positions

Json = dict[str, Any]

_KNOWN = {
    "model", "max_tokens", "messages", "system", "tools", "tool_choice", "metadata", "output_config", "cache_control",
    "stop_sequences", "thinking", "service_tier", "inference_geo", "container", "diagnostics", "stream",
}  # fmt: skip
_SAMPLING = ("temperature", "top_p", "top_k")
_USER_BLOCKS = ("text", "image", "document", "tool_result", "search_result")
_ASSISTANT_BLOCKS = ("text", "thinking", "redacted_thinking", "tool_use", "hologram")
_MAY_NOT_THINK = ("claude-haiku-5-5",)
_MOST_STRICT_TOOLS = 20
_UNSUPPORTED = ("minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems", "multipleOf")


class RefusedError(Exception):
    """The sentence of a 400."""


def require(condition: object, sentence: str) -> None:
    if not condition:
        raise RefusedError(sentence)


@dataclass
class Signatures:
    """Issues signatures of thinking blocks and knows what each is bound to."""

    secret: bytes = b"fake"
    thinking_of: dict[str, list[str]] = field(default_factory=dict)
    """Signatures that belong to the reply with this tool use."""
    paused: set[str] = field(default_factory=set)
    """Last blocks of replies that stopped for `pause_turn`: what may end a request."""

    def sign(self, body: Json, before: list[Json], thinking: str) -> str:
        """Signature of a thinking block that follows the request and the blocks `before` it."""
        sides = [*flattened(body["messages"]), *(("assistant", block) for block in before)]
        return f"{body['model']}.{self._mac(body, sides, thinking)}"

    def issued(self, blocks: list[Json], stop_reason: str | None) -> None:
        """Remember a reply that was sent."""
        signatures = [b["signature"] for b in blocks if b["type"] == "thinking"]
        self.thinking_of.update({b["id"]: signatures for b in blocks if b["type"] == "tool_use"})
        if stop_reason == "pause_turn" and blocks:
            self.paused.add(plain(blocks[-1]))

    def check(self, body: Json) -> None:
        """Every thinking block stands where it was made, unmodified; an open tool turn still has all of its own."""
        sides = list(flattened(body["messages"]))
        for i, (_, block) in enumerate(sides):
            if block["type"] == "thinking":
                self._check_block(body, sides[:i], block)
        for message in open_tool_turn(body["messages"]):
            self._check_complete(body, message)

    def _check_block(self, body: Json, before: list[tuple[str, Json]], block: Json) -> None:
        model, _, mac = block.get("signature", "").rpartition(".")
        if model != body["model"]:
            return  # another model's block is dropped without an error
        expected = self._mac(body, before, block.get("thinking", ""))
        require(
            hmac.compare_digest(mac, expected),
            "Invalid `signature` in `thinking` block. The block is bound to a different conversation",
        )

    def _check_complete(self, body: Json, message: Json) -> None:
        blocks = as_blocks(message["content"])
        present = {b["signature"] for b in blocks if b["type"] == "thinking"}
        for use in (b for b in blocks if b["type"] == "tool_use"):
            missing = [s for s in self.thinking_of.get(use["id"], []) if s not in present]
            require(not missing, "Expected `thinking` before `tool_use` in an open tool turn, but it is missing")

    def _mac(self, body: Json, sides: list[tuple[str, Json]], thinking: str) -> str:
        prefix = [plain(tool) for tool in body.get("tools", [])]
        prefix += [plain(block) for block in as_blocks(body.get("system", []))]
        prefix += [role + plain(block) for role, block in sides]
        return hmac.new(self.secret, "\0".join([*prefix, thinking]).encode(), hashlib.sha256).hexdigest()


def open_tool_turn(messages: list[Json]) -> Iterator[Json]:
    """Assistant messages since the user last said something that was not a tool result."""
    for message in reversed(messages):
        blocks = as_blocks(message["content"])
        if message["role"] == "user" and not any(b["type"] == "tool_result" for b in blocks):
            return
        if message["role"] == "assistant":
            yield message


def check_request(body: Json, *, paused: set[str]) -> None:
    """RefusedError with the sentence of the 400 this request would get."""
    unknown = set(body) - _KNOWN - set(_SAMPLING)
    require(not unknown, f"{', '.join(sorted(unknown))}: Extra inputs are not permitted")
    for name in _SAMPLING:
        require(name not in body, f"{name}: sampling parameters are not supported")
    require(isinstance(body.get("model"), str) and body["model"], "model: Field required")
    tokens = body.get("max_tokens")
    require(isinstance(tokens, int) and tokens > 0, "max_tokens: Field required, greater than 0")
    _check_choice(body)
    _check_tools(body.get("tools", []))
    _check_system(body.get("system"))
    _check_messages(body.get("messages"), paused)
    _check_citations(body)
    _check_cache(body)


def _check_choice(body: Json) -> None:
    choice = body.get("tool_choice", {}).get("type", "auto")
    require(choice in ("auto", "none"), f"tool_choice: forced tool use ({choice}) is not supported on this model")
    thinking = body.get("thinking", {}).get("type", "adaptive")
    may_not_think = body["model"].startswith(_MAY_NOT_THINK)
    allowed = ("adaptive", "disabled") if may_not_think else ("adaptive", "between_tools")
    require(thinking in allowed, f"thinking.type: {thinking} is not supported on this model")
    effort = body.get("output_config", {}).get("effort", "low")
    require(effort in ("low", "medium", "high", "xhigh", "max"), "output_config.effort: unknown level")
    user = body.get("metadata", {}).get("user_id", "x")
    require(user and len(user) <= 256 and "@" not in user, "metadata.user_id: must be opaque")
    output = body.get("output_config", {}).get("format")
    if output is not None:
        require(output.get("type") == "json_schema", "output_config.format.type: must be json_schema")
        _check_schema(output["schema"], "output_config.format.schema")


def _check_tools(tools: list[Json]) -> None:
    names = [tool.get("name", "") for tool in tools]
    require(len(names) == len(set(names)), "tools: Tool names must be unique")
    strict = [tool for tool in tools if tool.get("strict")]
    require(len(strict) <= _MOST_STRICT_TOOLS, "tools: too many strict tools")
    for i, tool in enumerate(tools):
        require(re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", names[i]), f"tools.{i}.name: bad name")
        require(tool.get("description", "").strip(), f"tools.{i}.description: missing")
        require(tool.get("input_schema", {}).get("type") == "object", f"tools.{i}.input_schema.type: must be object")
        if tool.get("strict"):
            _check_schema(tool["input_schema"], f"tools.{i}.input_schema")


def _check_schema(node: Any, where: str) -> None:
    if isinstance(node, list):
        for item in node:
            _check_schema(item, where)
    if not isinstance(node, dict):
        return
    if node.get("type") == "object":
        require(node.get("additionalProperties") is False, f"{where}: additionalProperties must be false")
        wanted = set(node.get("properties", {}))
        require(wanted == set(node.get("required", [])), f"{where}: every property must be required here")
    named = [k for k in _UNSUPPORTED if k in node and not isinstance(node[k], dict)]
    require(not named, f"{where}: {', '.join(named)} not supported")
    for value in node.values():
        _check_schema(value, where)


def _check_system(system: Any) -> None:
    if system is None or isinstance(system, str):
        return
    for i, block in enumerate(system):
        require(block.get("type") == "text" and block["text"].strip(), f"system.{i}: text blocks must be non-empty")


def _check_messages(messages: Any, paused: set[str]) -> None:
    require(isinstance(messages, list) and messages, "messages: at least one message is required")
    require(messages[0]["role"] == "user", "messages: first message must use the user role")
    open_uses: list[str] = []
    for i, message in enumerate(messages):
        require(set(message) == {"role", "content"}, f"messages.{i}: only role and content")
        role, blocks = message["role"], as_blocks(message["content"])
        require(role == ("user", "assistant")[i % 2], f"messages.{i}: roles must alternate")
        require(blocks, f"messages.{i}: content must be non-empty")
        if role == "user":
            _check_user(i, blocks, open_uses)
        else:
            _check_assistant(i, blocks)
        open_uses = [b["id"] for b in blocks if b["type"] == "tool_use"] if role == "assistant" else []
    require(not open_uses, "messages: tool_use ids were found without tool_result blocks immediately after")
    if messages[-1]["role"] == "assistant":
        last = plain(as_blocks(messages[-1]["content"])[-1])
        require(last in paused, "This model does not support assistant message prefill")


def _check_user(i: int, blocks: list[Json], open_uses: list[str]) -> None:
    for j, block in enumerate(blocks):
        where = f"messages.{i}.content.{j}"
        require(block["type"] in _USER_BLOCKS, f"{where}: {block['type']} is not allowed in a user message")
        _check_text(where, block)
        for part in as_blocks(block.get("content", [])):
            _check_text(where, part)
            for inner in as_blocks(part.get("content", [])):
                _check_text(where, inner)
    answered = [b["tool_use_id"] for b in blocks if b["type"] == "tool_result"]
    require(
        sorted(answered) == sorted(open_uses),
        f"messages.{i}: tool_result blocks do not answer each tool_use of the previous message exactly once",
    )
    first = [b["type"] == "tool_result" for b in blocks[: len(answered)]]
    require(all(first), f"messages.{i}: tool_result blocks must come first")


def _check_text(where: str, block: Json) -> None:
    if block["type"] == "text":
        require(block["text"].strip(), f"{where}: text content blocks must be non-empty")
        require(not block.get("citations"), f"{where}.citations: not allowed in a user message")


def _check_assistant(i: int, blocks: list[Json]) -> None:
    for j, block in enumerate(blocks):
        where = f"messages.{i}.content.{j}"
        require(block["type"] in _ASSISTANT_BLOCKS, f"{where}: {block['type']} is not allowed in an assistant message")
        if block["type"] == "text":
            require(block["text"].strip(), f"{where}: text content blocks must be non-empty")
        if block["type"] == "thinking":
            require("cache_control" not in block, f"{where}: thinking blocks cannot be cached")
        if block["type"] == "tool_use":
            require(re.fullmatch(r"[a-zA-Z0-9_-]+", block["id"]), f"{where}.id: bad id")
            require(isinstance(block["input"], dict), f"{where}.input: must be an object")


def _check_citations(body: Json) -> None:
    sources: list[Json] = []
    for _, block in flattened(body["messages"]):
        if block["type"] in ("search_result", "document"):
            sources.append(block)
        if block["type"] == "tool_result":
            inner = as_blocks(block.get("content", []))
            found = [part for part in inner if part["type"] == "search_result"]
            require(not found or len(found) == len(inner), "tool_result: search_result blocks must not be mixed")
            sources += found
    settings = {bool(block.get("citations", {}).get("enabled")) for block in sources}
    require(len(settings) <= 1, "citations: must be enabled on all or none of the sources")
    for block in sources:
        if block["type"] == "search_result":
            require(block["source"] and block["title"] and block["content"], "search_result: empty field")
    on = True in settings
    require(not (on and body.get("output_config", {}).get("format")), "output_config.format: excludes citations")


def _check_cache(body: Json) -> None:
    ttls = [place.ttl for place in positions(body) if place.ttl]
    require(len(ttls) <= 4, "cache_control: a maximum of 4 blocks may be marked")
    require(set(ttls) <= {"5m", "1h"}, "cache_control.ttl: must be 5m or 1h")
    require(ttls == sorted(ttls, key=["1h", "5m"].index), "cache_control: 1h must come before 5m")
