"""A model that judges by one criterion in words: passed or not, and why. Asked only where code cannot tell.

What it judges was written by customers and by a model, so it is data in JSON, whatever it says. Each criterion is a
call of its own, so that one does not colour the other. How far to believe it is measured on answers that people have
labelled (`deskhand eval judge`).
"""

import json
from dataclasses import dataclass, field
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, ValidationError

import prompts
from bot.domain.errors import ModelBusyError, ModelDownError
from bot.domain.exchange import ModelRequest, Purpose, StopReason, Text, UserMessage
from bot.domain.money import ZERO
from bot.ports.model import Model, Prices
from tools.base import strict_schema

OUTPUT_TOKENS = 1_000
_TEXT_CHARS = 6_000
"""Of one message shown to the judge."""
_ATTEMPTS = 3


class _Verdict(BaseModel):
    """What the judge writes: the reason first, so that it is thought of before the verdict."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    reason: str
    passed: bool


@dataclass(frozen=True, slots=True)
class Ruling:
    """A verdict; `passed` is None when the judge could not be asked."""

    passed: bool | None
    reason: str
    cost: Decimal = ZERO
    """USD."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What is judged: the conversation, and what the desk did besides."""

    transcript: tuple[tuple[str, str], ...]
    """(`customer`, `colleague` or `bot`, text)."""
    deeds: str = ""
    """Tools used, tickets, cases, in words."""


@dataclass
class Judge:
    """Asks the model, and adds up what that costs."""

    model: Model
    name: str
    """Model id."""
    prices: Prices
    cost: Decimal = ZERO
    """USD so far."""
    asked: int = 0
    _schema: str = field(default_factory=lambda: strict_schema(_Verdict))

    async def rule(self, criterion: str, exchange: Exchange) -> Ruling:
        """Whether a conversation meets a criterion; a judge that does not answer is asked again, at most twice."""
        request = ModelRequest(
            self.name, prompts.read("eval_judge.md"), (UserMessage((Text(_brief(criterion, exchange)),)),),
            max_tokens=OUTPUT_TOKENS, purpose=Purpose.JUDGE, output_schema=self._schema,
        )  # fmt: skip
        why, cost = "", ZERO
        for _ in range(_ATTEMPTS):
            self.asked += 1
            try:
                reply = await self.model.answer(request)
            except ModelDownError as error:
                return Ruling(None, f"The judge is not there ({error.kind}).", cost)
            except ModelBusyError as error:
                why = f"The judge is busy ({error.kind})."
                continue
            price = self.prices.cost(reply.model, reply.usage)
            cost, self.cost = cost + price, self.cost + price
            if reply.stop_reason is StopReason.END_TURN:
                try:
                    verdict = _Verdict.model_validate_json(reply.text)
                except ValidationError:
                    why = "The judge wrote no verdict."
                    continue
                return Ruling(verdict.passed, verdict.reason, cost)
            why = f"The judge stopped early ({reply.stop_reason.value})."
        return Ruling(None, why, cost)


def _brief(criterion: str, exchange: Exchange) -> str:
    said = [{"from": who, "text": text[:_TEXT_CHARS]} for who, text in exchange.transcript]
    brief = {"criterion": criterion, "conversation": said, "deeds": exchange.deeds}
    return json.dumps(brief, ensure_ascii=False)
