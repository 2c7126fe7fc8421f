"""Anthropic's answers as ours: parsed at the edge, odd ones named instead of believed. Pure; no library needed."""

import json
import re
from collections.abc import Set
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from bot.domain.exchange import Citation, ModelReply, StopReason, Text, ToolUse, Usage
from bot.model.mending import mended

_SILENT_BLOCKS = ("thinking", "redacted_thinking")
_STOP_REASONS = {reason.value: reason for reason in StopReason if reason is not StopReason.UNKNOWN}


MOST_TOKENS = 10_000_000
"""Of one kind in one call; beyond any model's window, so more of them is nonsense and never charged."""
_Tokens = Annotated[int, Field(ge=0, le=MOST_TOKENS)]


class MalformedReplyError(Exception):
    """The body is not an answer of the Messages API; the message names the fault, never the content."""


def _list_or_nothing(value: object) -> object:
    return [] if value is None else value


class _CacheCreation(BaseModel):
    ephemeral_5m_input_tokens: _Tokens = 0
    ephemeral_1h_input_tokens: _Tokens = 0


class _Usage(BaseModel):
    input_tokens: _Tokens
    output_tokens: _Tokens
    cache_read_input_tokens: _Tokens | None = None
    cache_creation_input_tokens: _Tokens | None = None
    cache_creation: _CacheCreation | None = None

    def ours(self) -> Usage:
        """Writes whose lifetime is not told count as five-minute ones."""
        split = self.cache_creation or _CacheCreation()
        told = split.ephemeral_5m_input_tokens + split.ephemeral_1h_input_tokens
        untold = max(0, (self.cache_creation_input_tokens or 0) - told)
        return Usage(
            input=self.input_tokens,
            output=self.output_tokens,
            cache_read=self.cache_read_input_tokens or 0,
            cache_write_5m=split.ephemeral_5m_input_tokens + untold,
            cache_write_1h=split.ephemeral_1h_input_tokens,
        )


class _StopDetails(BaseModel):
    category: str | None = None


class _Citation(BaseModel):
    type: str
    source: str | None = None
    title: str | None = None
    cited_text: str | None = None


class _Block(BaseModel):
    type: str
    text: str = ""
    citations: Annotated[list[_Citation], BeforeValidator(_list_or_nothing)] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _only_the_known(cls, value: Any) -> Any:
        """Of blocks we do not know, the fields may be anything."""
        if isinstance(value, dict) and value.get("type") not in ("text", "tool_use"):
            return {"type": value.get("type")}
        return value


class _Body(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    model: str
    content: list[_Block]
    stop_reason: str | None = None
    stop_details: _StopDetails | None = None
    usage: _Usage


def from_wire(body: str, *, requested: str, request_id: str | None = None, taken: Set[str] = frozenset()) -> ModelReply:
    """The reply in a response body; MalformedReplyError when it is none. `taken`: ids of earlier tool calls."""
    try:
        raw = _loaded(body)
        parsed = _Body.model_validate(raw)
    except (ValueError, RecursionError) as error:
        raise MalformedReplyError(_fault(error)) from None
    content, oddities = mended(raw["content"], taken)
    tool_uses = tuple(
        ToolUse(block["id"], block["name"], json.dumps(block["input"], ensure_ascii=False))
        for block in content
        if block["type"] == "tool_use"
    )
    stop_reason, stop_detail = _stop(parsed, has_tools=bool(tool_uses))
    return ModelReply(
        model=_answering(requested, parsed.model),
        stop_reason=stop_reason,
        usage=parsed.usage.ours(),
        texts=tuple(Text(b.text, _citations(b)) for b in parsed.content if b.type == "text"),
        tool_uses=tool_uses,
        verbatim=json.dumps(content, ensure_ascii=False, separators=(",", ":")),
        stop_detail=stop_detail,
        request_id=request_id,
        notes=(*_notes(parsed.content), *oddities),
    )


def _loaded(body: str) -> Any:
    """The body's JSON; half a surrogate pair, which can be neither stored nor sent, becomes a question mark.

    ValueError for numbers that are none, or too large for one: they could not be sent back.
    """
    raw = json.loads(body, parse_constant=_no_number)
    whole = json.dumps(raw, ensure_ascii=False, allow_nan=False)
    sound = whole.encode("utf-8", "replace").decode()
    return raw if sound == whole else json.loads(sound)


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _fault(error: Exception) -> str:
    faults = getattr(error, "errors", None)
    if faults is None:
        return "not JSON"
    return "; ".join(f"{'.'.join(map(str, f['loc'])) or 'body'}: {f['type']}" for f in faults()[:3])


def _stop(body: _Body, *, has_tools: bool) -> tuple[StopReason, str | None]:
    raw = body.stop_reason or ""
    if raw == StopReason.TOOL_USE and not has_tools:
        return StopReason.UNKNOWN, "tool_use without a tool"
    if raw == StopReason.REFUSAL:
        return StopReason.REFUSAL, (body.stop_details and body.stop_details.category) or "uncategorised"
    if raw in _STOP_REASONS:
        return _STOP_REASONS[raw], None
    return StopReason.UNKNOWN, raw[:40] or "none"


def _answering(requested: str, answered: str) -> str:
    """The model to price: a dated snapshot of the one we asked for is the one we asked for."""
    return requested if re.sub(r"-20\d{6}$", "", answered) == requested else answered


def _citations(block: _Block) -> tuple[Citation, ...]:
    return tuple(
        Citation(c.source, c.title or c.source, c.cited_text or "")
        for c in block.citations
        if c.type == "search_result_location" and c.source
    )


def _notes(blocks: list[_Block]) -> tuple[str, ...]:
    unknown = (b.type for b in blocks if b.type not in ("text", "tool_use", *_SILENT_BLOCKS))
    return tuple(f"unknown block {name[:40]}" for name in dict.fromkeys(unknown))
