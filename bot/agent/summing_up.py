"""Summing up for a colleague when the money (or anything else) ends: one last, small call on money kept back for it."""

import json
from collections.abc import Sequence
from decimal import Decimal

import prompts
from bot.agent.calls import ModelCalls, ModelsExhaustedError, Purse
from bot.agent.toolbox import Evidence
from bot.domain.errors import BudgetExceededError, TokensExceededError
from bot.domain.exchange import ModelRequest, Purpose, Text, UserMessage
from bot.ports.model import Prices

PROMPT_BYTES = 8_000
"""Upper bound of the whole prompt, so that its price is known before the run begins."""
OUTPUT_TOKENS = 400
KEPT_TOKENS = PROMPT_BYTES + OUTPUT_TOKENS


class Summarist:
    """Writes the summary on an escalation card."""

    def __init__(self, calls: ModelCalls, helper_model: str) -> None:
        self._calls = calls
        self._model = helper_model

    async def sum_up(self, question: str, evidence: Sequence[Evidence], purse: Purse) -> str:
        """At most five sentences; put together without a model when there is no money or no model left."""
        try:
            return await self._ask(question, evidence, purse) or plain_summary(question, evidence)
        except (BudgetExceededError, TokensExceededError, ModelsExhaustedError):
            return plain_summary(question, evidence)

    async def _ask(self, question: str, evidence: Sequence[Evidence], purse: Purse) -> str:
        """Journaled by how much was known: a run that went on after a pause knows more when it stops again."""
        request, name = _request(self._model, question, evidence), f"summary{len(evidence)}"
        return (await self._calls.answer(name, request, purse, models=(self._model,))).text.strip()


def kept_back(prices: Prices, helper_model: str) -> Decimal:
    """USD that a summary costs at worst; every run keeps so much of its conversation's budget untouched."""
    return prices.worst_case(helper_model, prompt_tokens=PROMPT_BYTES, max_tokens=OUTPUT_TOKENS)


def plain_summary(question: str, evidence: Sequence[Evidence]) -> str:
    """What can be said without a model."""
    done = ", ".join(dict.fromkeys(e.tool for e in evidence))
    tried = f"The agent used: {done}." if done else "The agent had not used any tool yet."
    return f"The customer wrote: “{question[:600]}” {tried}"


def _request(model: str, question: str, evidence: Sequence[Evidence]) -> ModelRequest:
    system = prompts.read("wrap_up.md")
    room = PROMPT_BYTES - 800 - len(system.encode())
    case: dict[str, object] = {"customer": _bytes(question, room // 3)}
    share = room // 2 // max(1, len(evidence[-6:])) // 2
    case["tools"] = [{"tool": e.tool, "result": _bytes(e.result, share)} for e in evidence[-6:]]
    text = _bytes(json.dumps(case, ensure_ascii=False), room)
    return ModelRequest(model, system, (UserMessage((Text(text),)),), OUTPUT_TOKENS, purpose=Purpose.SUMMARY)


def _bytes(text: str, most: int) -> str:
    return text.encode()[:most].decode(errors="ignore")
