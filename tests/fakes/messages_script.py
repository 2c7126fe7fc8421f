"""What a fake Messages API is told to say: replies and faults, as simple builders."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Cite:
    source: str
    title: str
    cited_text: str


@dataclass(frozen=True)
class Reply:
    """One answer; ids and signatures are filled in by the server."""

    blocks: tuple[Json, ...] = ()
    stop_reason: str | None = "end_turn"
    stop_details: Json | None = None
    thinking_tokens: int = 0
    model: str | None = None
    """Model named in the answer, when it is another than the one asked."""
    usage: Json | None = None
    """Overrides single fields of the computed usage."""
    without: tuple[str, ...] = ()
    """Top-level fields of the body to leave out."""

    def but(self, **changes: Any) -> "Reply":
        return replace(self, **changes)


@dataclass(frozen=True)
class Fault:
    """A failure; `kind` is one of those `FakeMessagesApi` knows."""

    kind: str
    status: int = 0
    error: Json = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Seen:
    """A request as it arrived."""

    path: str
    headers: dict[str, str]
    body: Json

    @property
    def messages(self) -> list[Json]:
        return list(self.body["messages"])

    @property
    def last_text(self) -> str:
        """All text of the last user message, tool results included."""
        return "\n".join(_texts(self.messages[-1]["content"]))

    @property
    def tool_results(self) -> list[Json]:
        """Tool results of the last message."""
        content = self.messages[-1]["content"]
        return [] if isinstance(content, str) else [b for b in content if b["type"] == "tool_result"]

    @property
    def wants_json(self) -> bool:
        """Whether structured output is asked for."""
        return "format" in self.body.get("output_config", {})


Move = Reply | Fault
Brain = Callable[[Seen], Move]


def text(words: str, *cites: Cite) -> Reply:
    """A final answer, resting on passages if any are given."""
    block: Json = {"type": "text", "text": words, "citations": None}
    if cites:
        block["citations"] = [
            {"type": "search_result_location", "source": c.source, "title": c.title, "cited_text": c.cited_text}
            for c in cites
        ]
    return Reply((block,))


def structured(value: Json) -> Reply:
    """JSON text, as structured output gives it."""
    import json  # noqa: PLC0415 — keeps the name free for the type above

    return text(json.dumps(value))


def tool(name: str, arguments: Json, *, thinking: str = "") -> Reply:
    """One tool call, after some thinking."""
    return tools((name, arguments), thinking=thinking)


def tools(*calls: tuple[str, Json], thinking: str = "") -> Reply:
    """Several tool calls at once."""
    uses = tuple({"type": "tool_use", "name": name, "input": arguments} for name, arguments in calls)
    return Reply(({"type": "thinking", "thinking": thinking}, *uses), "tool_use")


def refusal(category: str | None = None) -> Reply:
    details = {"type": "refusal", "category": category, "explanation": None}
    return Reply((), "refusal", stop_details=details)


def stopped(reason: str | None, words: str = "Half a sen") -> Reply:
    """A text that ends for this reason."""
    return text(words).but(stop_reason=reason)


def paused() -> Reply:
    blocks = ({"type": "thinking", "thinking": ""}, {"type": "text", "text": "Let me see.", "citations": None})
    return Reply(blocks, "pause_turn")


def unknown_block() -> Reply:
    hologram = {"type": "hologram", "text": {"depth": 3}, "citations": {"enabled": True}, "id": 7}
    return Reply((hologram, {"type": "text", "text": "Seen?", "citations": None}))


def no_stop_reason() -> Reply:
    return text("Done?").but(without=("stop_reason",))


def _error(status: int, kind: str, message: str, code: str | None = None, **headers: str) -> Fault:
    error: Json = {"type": kind, "message": message}
    if code:
        error["details"] = {"error_code": code}
    return Fault("status", status, error, {k.replace("_", "-"): v for k, v in headers.items()})


def rate_limited(retry_after: str | None = None) -> Fault:
    headers = {"retry_after": retry_after} if retry_after is not None else {}
    return _error(429, "rate_limit_error", "Number of requests has exceeded your rate limit", **headers)


def spend_cap() -> Fault:
    return _error(429, "rate_limit_error", "Spend limit reached", "enforced_spend_limit_reached")


def usage_limit() -> Fault:
    return _error(400, "invalid_request_error", "You have reached your specified API usage limits.")


def overloaded() -> Fault:
    return _error(529, "overloaded_error", "Overloaded")


def status(code: int, kind: str = "api_error", message: str = "Something") -> Fault:
    """Any other HTTP error."""
    return _error(code, kind, message)


def html() -> Fault:
    """A captive portal: 200 with a web page."""
    return Fault("html")


def cut_body() -> Fault:
    """The connection ends before the body does."""
    return Fault("cut_body")


def stalled_body() -> Fault:
    """The body begins and never ends."""
    return Fault("stalled_body")


def dripping_body() -> Fault:
    """Something arrives all the time, the end never does."""
    return Fault("dripping_body")


def hang() -> Fault:
    """Not even a status line."""
    return Fault("hang")


def truncated_json() -> Fault:
    return Fault("truncated_json")


def dropped() -> Fault:
    """The connection is closed without an answer."""
    return Fault("dropped")


def _texts(content: Any) -> list[str]:
    if isinstance(content, str):
        return [content]
    found: list[str] = []
    for block in content:
        found += _texts(block.get("content", [])) if "content" in block else [block.get("text", "")]
    return [words for words in found if words]
