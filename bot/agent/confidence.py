"""Is this answer fit to be sent? A cheap, structured call to the helper model decides; without it, citations do."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field, ValidationError

import prompts
from bot.agent.calls import ModelCalls, ModelsExhaustedError, Purse
from bot.agent.loop import RunResult
from bot.domain.conversation import Line
from bot.domain.errors import BudgetExceededError, TokensExceededError
from bot.domain.exchange import ModelReply, ModelRequest, Purpose, StopReason, Text, UserMessage
from tools.base import strict_schema

OUTPUT_TOKENS = 1_000
"""Of a verdict; room for models whose thinking cannot be switched off."""
EARLIER_LINES = 8
EARLIER_CHARS = 1_500
"""Of each of the last lines of earlier turns, which an answer may rest on as well."""
EVIDENCE_CHARS = 6_000
"""Of each tool result shown to the judge."""


class Verdict(BaseModel):
    """What the judge writes."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    grounded: bool
    promises_kept: bool
    confidence: float = Field(ge=0, le=1)
    reason: str


@dataclass(frozen=True, slots=True)
class Case:
    """What an answer is weighed against, besides the tools' results."""

    question: str
    earlier: Sequence[Line] = ()
    """What was said in the conversation before."""
    recap: str = ""
    """Summary of what was said before that."""
    notes: str = ""
    """Remarks of the desk that came with the turn."""
    words: str | None = None
    """What the customer wrote in this turn, without files and remarks; None: the question is all theirs."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether to send, and why."""

    passed: bool
    confidence: float | None
    """None when no judge could be asked."""
    reason: str
    keeps_promises: bool = True
    """False when it claims a deed or a time that nothing shows."""


class Judge:
    """Weighs answers; its price counts against the same purse."""

    def __init__(self, calls: ModelCalls, helper_models: tuple[str, ...]) -> None:
        self._calls = calls
        self._models = helper_models
        self._schema = strict_schema(Verdict)

    async def weigh(
        self, case: Case, result: RunResult, purse: Purse, threshold: float, *, name: str = "judge"
    ) -> Judgement:
        """Judge an answer once per run and name; a crash finds the journaled verdict."""
        try:
            verdict = await self._verdict(case, result, purse, name)
        except (BudgetExceededError, TokensExceededError, ModelsExhaustedError):
            verdict = None
        if verdict is None:
            passed = bool(result.citations)
            return Judgement(
                passed, None, "no judge could be asked; " + ("has sources" if passed else "has no sources")
            )
        passed = verdict.grounded and verdict.promises_kept and verdict.confidence >= threshold
        return Judgement(passed, verdict.confidence, verdict.reason, verdict.promises_kept)

    async def _verdict(self, case: Case, result: RunResult, purse: Purse, name: str) -> Verdict | None:
        request = ModelRequest(
            self._models[0], prompts.read("judge.md"), (UserMessage((Text(_brief(case, result)),)),),
            max_tokens=OUTPUT_TOKENS, purpose=Purpose.JUDGE, output_schema=self._schema,
        )  # fmt: skip
        return _read(await self._calls.answer(name, request, purse, models=self._models))


def _read(reply: ModelReply) -> Verdict | None:
    if reply.stop_reason is not StopReason.END_TURN:
        return None
    try:
        return Verdict.model_validate_json(reply.text)
    except ValidationError:
        return None


def _brief(case: Case, result: RunResult) -> str:
    earlier = [
        {"from": line.speaker.value, "text": line.text[:EARLIER_CHARS]} for line in case.earlier[-EARLIER_LINES:]
    ]
    if case.recap:
        earlier.insert(0, {"from": "summary of what was said before", "text": case.recap})
    tools = [
        {"tool": e.tool, "arguments": e.arguments[:500], "result": e.result[:EVIDENCE_CHARS]}
        | ({} if e.ok else {"failed": True})
        for e in result.evidence
    ]
    brief: dict[str, object] = {
        "earlier": earlier,
        "question": case.question[:8_000],
        "tools": tools,
        "reply": result.text,
    }
    if case.notes:
        brief["notes"] = case.notes[:EARLIER_CHARS]
    return json.dumps(brief, ensure_ascii=False)
