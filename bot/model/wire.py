"""Our requests as arguments of Anthropic's `messages.create`. Pure; no library needed."""

import json
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from bot.domain.exchange import (
    AssistantMessage,
    Document,
    Image,
    Message,
    ModelRequest,
    Purpose,
    SearchResult,
    Text,
    ToolResult,
    ToolSpec,
    ToolUse,
    UserMessage,
)

Json = dict[str, Any]

NO_RESULTS = "No results."
EMPTY_RESULT = "(The tool returned nothing.)"
NO_TEXT = "(No text.)"
LEFT_OUT = "(Earlier messages are left out.)"

_PREFIX_CACHE = {"type": "ephemeral", "ttl": "1h"}
"""Tools and system are the same for every customer of a profile; people answer later than in five minutes."""
_TAIL_CACHE = {"type": "ephemeral", "ttl": "5m"}
_TAILS = 2
"""Marked user turns: the newest is written, the one before is surely found, however many blocks lie between."""
_WITHOUT_EFFORT = ("claude-haiku-4-5", "claude-sonnet-4-5")
"""Models that refuse `effort`."""
_MAY_NOT_THINK = ("claude-haiku-5-5",)
"""Models whose thinking can be switched off; the other current ones refuse that."""


def to_wire(request: ModelRequest) -> Json:
    """Keyword arguments of `messages.create`: no sampling, no forced tool choice, at most three cache breakpoints."""
    citable = request.output_schema is None  # citations and structured output exclude each other
    messages = _turns(request.messages, citable=citable)
    if not _is_aside(request):
        _mark_tails(messages)
    wire: Json = {"model": request.model, "max_tokens": request.max_tokens, "messages": messages}
    if request.system.strip():
        wire["system"] = [{"type": "text", "text": request.system, "cache_control": _PREFIX_CACHE}]
    if request.tools:
        wire["tools"] = [_tool(spec) for spec in request.tools]
    if _is_aside(request) and request.model.startswith(_MAY_NOT_THINK):
        wire["thinking"] = {"type": "disabled"}
    if output := _output_config(request):
        wire["output_config"] = output
    if request.user_ref:
        wire["metadata"] = {"user_id": request.user_ref}
    return wire


def tool_use_ids(messages: Iterable[Message]) -> frozenset[str]:
    """Ids of the tool calls made so far in this conversation; they must not come twice in a request."""
    return frozenset(use.id for m in messages if isinstance(m, AssistantMessage) for use in m.tool_uses)


def _is_aside(request: ModelRequest) -> bool:
    """Whether this is a verdict or a summary: one small call, whose few output tokens thinking would eat."""
    return request.purpose is not Purpose.AGENT


def _tool(spec: ToolSpec) -> Json:
    wire: Json = {"name": spec.name, "description": spec.description, "input_schema": json.loads(spec.schema)}
    return {**wire, "strict": True} if spec.strict else wire


def _output_config(request: ModelRequest) -> Json:
    config: Json = {}
    effort = request.effort or ("low" if _is_aside(request) else None)
    if effort and not request.model.startswith(_WITHOUT_EFFORT):
        config["effort"] = effort
    if request.output_schema is not None:
        config["format"] = {"type": "json_schema", "schema": json.loads(request.output_schema)}
    return config


def _turns(messages: Iterable[Message], *, citable: bool) -> list[Json]:
    """Alternating turns that begin with the user; neighbours of one role are merged, empty ones left out."""
    sides = (
        ("user", _user_blocks(m, citable=citable)) if isinstance(m, UserMessage) else ("assistant", _assistant(m))
        for m in messages
    )
    turns: list[Json] = []
    for role, group in groupby((side for side in sides if side[1]), key=lambda side: side[0]):
        blocks = [block for _, content in group for block in content]
        turns.append({"role": role, "content": _results_first(blocks) if role == "user" else blocks})
    if not turns:
        return [{"role": "user", "content": [_text(NO_TEXT)]}]
    if turns[0]["role"] == "assistant":
        turns.insert(0, {"role": "user", "content": [_text(LEFT_OUT)]})
    return turns


def _results_first(blocks: list[Json]) -> list[Json]:
    return sorted(blocks, key=lambda block: block["type"] != "tool_result")


def _assistant(message: AssistantMessage) -> list[Json]:
    """Verbatim content as it came, otherwise what can be said again: text and tool calls."""
    if message.verbatim is not None:
        return list(json.loads(message.verbatim))
    said = [_text(message.text)] if message.text.strip() else []
    return [*said, *(_tool_use(use) for use in message.tool_uses)]


def _tool_use(use: ToolUse) -> Json:
    arguments = json.loads(use.arguments)
    return {
        "type": "tool_use",
        "id": use.id,
        "name": use.name,
        "input": arguments if isinstance(arguments, dict) else {},
    }


def _user_blocks(message: UserMessage, *, citable: bool) -> list[Json]:
    blocks = [_user_block(part, citable=citable) for part in message.content]
    return [block for block in blocks if block is not None]


def _user_block(part: Text | Image | Document | ToolResult, *, citable: bool) -> Json | None:
    match part:
        case Text(text=text):
            return _text(text) if text.strip() else None
        case Image():
            return {"type": "image", "source": _base64(part.media_type, part.data)}
        case Document():
            return {
                "type": "document",
                "source": _base64("application/pdf", part.data),
                "title": part.title.strip()[:500] or "Attachment",
                "citations": {"enabled": citable},  # must be the same for every source of a request
            }
        case ToolResult():
            return _tool_result(part, citable=citable)


def _base64(media_type: str, data: str) -> Json:
    return {"type": "base64", "media_type": media_type, "data": data}


def _text(text: str) -> Json:
    """Half a surrogate pair cannot be sent as UTF-8 and becomes a question mark."""
    return {"type": "text", "text": text.encode("utf-8", "replace").decode()}


def _tool_result(result: ToolResult, *, citable: bool) -> Json:
    block: Json = {"type": "tool_result", "tool_use_id": result.tool_use_id}
    if isinstance(result.content, str):
        block["content"] = [_text(result.content if result.content.strip() else EMPTY_RESULT)]
    else:
        block["content"] = _search_results(result.content, citable=citable)
    if result.is_error:
        block["is_error"] = True
    return block


def _search_results(results: tuple[SearchResult, ...], *, citable: bool) -> list[Json]:
    """Only `search_result` blocks, or only text: the two must not be mixed."""
    found = [(r, [p for p in r.passages if p.strip()]) for r in results]
    found = [(r, passages) for r, passages in found if passages]
    if not found:
        return [_text(NO_RESULTS)]
    found = [(r, [*passages, f"[{r.about}]"] if r.about.strip() else passages) for r, passages in found]
    if not citable:
        articles = ({"title": r.title, "source": r.source, "passages": passages} for r, passages in found)
        return [_text(json.dumps(article, ensure_ascii=False)) for article in articles]
    return [
        {
            "type": "search_result",
            "source": r.source.strip() or "unknown",
            "title": r.title.strip() or "Untitled",
            "content": [_text(p) for p in passages],
            "citations": {"enabled": True},
        }
        for r, passages in found
    ]


def _mark_tails(turns: list[Json]) -> None:
    """Cache breakpoints at the end of the last user turns."""
    for turn in [turn for turn in turns if turn["role"] == "user"][-_TAILS:]:
        turn["content"][-1] = {**turn["content"][-1], "cache_control": _TAIL_CACHE}
