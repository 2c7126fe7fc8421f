"""A scripted model: says what the test wrote, remembers what it was asked."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from bot.domain.errors import ModelBusyError, ModelDownError
from bot.domain.exchange import Citation, ModelReply, ModelRequest, Purpose, StopReason, Text, ToolUse, Usage

Line = ModelReply | Exception | Callable[[ModelRequest], ModelReply]
USAGE = Usage(input=1_000, output=100)
GOOD_VERDICT = {"grounded": True, "promises_kept": True, "confidence": 0.9, "reason": "fine"}


def says(text: str, *citations: Citation, stop: StopReason = StopReason.END_TURN, usage: Usage = USAGE) -> ModelReply:
    """A reply of text."""
    return ModelReply(
        "scripted", stop, usage, (Text(text, citations),), verbatim=json.dumps([{"type": "text", "text": text}])
    )


def wants(*uses: tuple[str, dict[str, object]], stop: StopReason = StopReason.TOOL_USE) -> ModelReply:
    """A reply that asks for tools."""
    tools = tuple(ToolUse(f"tu_{i}_{name}", name, json.dumps(args)) for i, (name, args) in enumerate(uses))
    return ModelReply("scripted", stop, USAGE, (), tools, verbatim="[]")


def busy(*, billed: bool = False, retry_after: float | None = 0.0) -> ModelBusyError:
    """A failure that may pass."""
    return ModelBusyError("busy", kind="overloaded", retry_after=retry_after, maybe_billed=billed)


def down() -> ModelDownError:
    """A failure that will not pass."""
    return ModelDownError("down", kind="auth")


@dataclass
class ScriptedModel:
    """Implements `ports.model.Model`; agent calls follow the script, judge and summary have their own answers."""

    script: list[Line] = field(default_factory=list)
    verdict: dict[str, object] | Exception = field(default_factory=lambda: dict(GOOD_VERDICT))
    summary: str | Exception = "The customer wants help."
    recap: str | Exception = "They talked about guests."
    asked: list[ModelRequest] = field(default_factory=list)
    counted: int | None = None

    async def answer(self, request: ModelRequest) -> ModelReply:
        self.asked.append(request)
        match request.purpose:
            case Purpose.JUDGE:
                reply: Line = self.verdict if isinstance(self.verdict, Exception) else says(json.dumps(self.verdict))
            case Purpose.SUMMARY:
                reply = self.summary if isinstance(self.summary, Exception) else says(self.summary)
            case Purpose.RECAP:
                reply = self.recap if isinstance(self.recap, Exception) else says(self.recap)
            case Purpose.AGENT:
                reply = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(reply, Exception):
            raise reply
        if callable(reply):
            reply = reply(request)
        return replace(reply, model=request.model)

    async def count(self, request: ModelRequest) -> int | None:
        return self.counted

    async def close(self) -> None:
        """Nothing to give back."""

    def agent_calls(self) -> Sequence[ModelRequest]:
        return [request for request in self.asked if request.purpose is Purpose.AGENT]


@dataclass(frozen=True)
class FlatPrices:
    """Implements `ports.model.Prices`: one price for every token of every model."""

    per_token: Decimal = Decimal("0.00001")

    def cost(self, model: str, usage: Usage) -> Decimal:
        return self.per_token * usage.total

    def worst_case(self, model: str, *, prompt_tokens: int, max_tokens: int) -> Decimal:
        return self.per_token * (prompt_tokens + max_tokens)
