"""Is this answer fit to be sent? A cheap, structured call to the helper model decides; without it, citations do."""

import json
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

import prompts
from bot.agent.calls import ModelCalls, ModelsExhaustedError, Purse
from bot.agent.loop import RunResult
from bot.agent.toolbox import Evidence
from bot.domain.errors import BudgetExceededError, TokensExceededError
from bot.domain.exchange import ModelReply, ModelRequest, Purpose, StopReason, Text, UserMessage
from bot.ports.store import Store
from tools.base import strict_schema

OUTPUT_TOKENS = 1_000
"""Of a verdict; room for models whose thinking cannot be switched off."""
EVIDENCE_CHARS = 6_000
"""Of each tool result shown to the judge."""
_REPLY: TypeAdapter[ModelReply] = TypeAdapter(ModelReply)


class Verdict(BaseModel):
    """What the judge writes."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    grounded: bool
    promises_kept: bool
    confidence: float = Field(ge=0, le=1)
    reason: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether to send, and why."""

    passed: bool
    confidence: float | None
    """None when no judge could be asked."""
    reason: str


class Judge:
    """Weighs answers; its price counts against the same purse."""

    def __init__(self, calls: ModelCalls, store: Store, helper_models: tuple[str, ...]) -> None:
        self._calls = calls
        self._store = store
        self._models = helper_models

    async def weigh(self, question: str, result: RunResult, purse: Purse, threshold: float) -> Judgement:
        """Judge an answer once per run; a crash finds the journaled verdict."""
        try:
            verdict = await self._verdict(question, result, purse)
        except (BudgetExceededError, TokensExceededError, ModelsExhaustedError):
            verdict = None
        if verdict is None:
            passed = bool(result.citations)
            return Judgement(
                passed, None, "no judge could be asked; " + ("has sources" if passed else "has no sources")
            )
        passed = verdict.grounded and verdict.promises_kept and verdict.confidence >= threshold
        return Judgement(passed, verdict.confidence, verdict.reason)

    async def _verdict(self, question: str, result: RunResult, purse: Purse) -> Verdict | None:
        run_id = purse.account.run_id
        async with self._store.read() as tx:
            journaled = await tx.runs.recall(run_id, "judge")
        if journaled is not None:
            return _read(_REPLY.validate_json(journaled))
        request = ModelRequest(
            self._models[0], prompts.read("judge.md"), (UserMessage((Text(_case(question, result)),)),),
            max_tokens=OUTPUT_TOKENS, purpose=Purpose.JUDGE, output_schema=strict_schema(Verdict),
        )  # fmt: skip
        reply = await self._calls.answer("judge", request, purse, models=self._models)
        async with self._store.write() as tx:
            await tx.runs.record(run_id, "judge", _REPLY.dump_json(reply).decode())
        return _read(reply)


def _read(reply: ModelReply) -> Verdict | None:
    if reply.stop_reason is not StopReason.END_TURN:
        return None
    try:
        return Verdict.model_validate_json(reply.text)
    except ValidationError:
        return None


def _case(question: str, result: RunResult) -> str:
    def show(e: Evidence) -> dict[str, str]:
        return {"tool": e.tool, "arguments": e.arguments[:500], "result": e.result[:EVIDENCE_CHARS]}

    case = {"question": question[:8_000], "tools": [show(e) for e in result.evidence], "reply": result.text}
    return json.dumps(case, ensure_ascii=False)
