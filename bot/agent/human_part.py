"""Summing up what a person and the customer said while the bot was silent: one small call of the helper model."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import prompts
from bot.agent.calls import ModelCalls, ModelsExhaustedError, Purse
from bot.domain.errors import BudgetExceededError, TokensExceededError
from bot.domain.exchange import ModelRequest, Purpose, Text, UserMessage

OUTPUT_TOKENS = 300
PART_BYTES = 6_000
"""Of what was said, in the prompt; the end of it counts most."""
PLAIN_CHARS = 600
"""Shorter talks are told as they are: no model could make them shorter."""
_NAME = "human_part"
"""Of the call, in the run's journal."""


@dataclass(frozen=True, slots=True)
class Words:
    """One message of the human part."""

    name: str
    text: str
    is_customer: bool


class HumanPart:
    """Sums up."""

    def __init__(self, calls: ModelCalls, helper_model: str) -> None:
        self._calls = calls
        self._model = helper_model

    async def sum_up(self, words: Sequence[Words], purse: Purse) -> str:
        """A few sentences; the last words as they are when they are few, or when no money or model is left."""
        if sum(len(one.text) for one in words) <= PLAIN_CHARS:
            return plainly(words)
        try:
            reply = await self._calls.answer(_NAME, _request(self._model, words), purse, models=(self._model,))
        except (BudgetExceededError, TokensExceededError, ModelsExhaustedError):
            return plainly(words)
        return " ".join(reply.text.split()) or plainly(words)


def plainly(words: Sequence[Words]) -> str:
    """The end of the talk, word by word."""
    told = " ".join(f"{_who(one)}: “{' '.join(one.text.split())}”" for one in words)
    return told if len(told) <= 2 * PLAIN_CHARS else f"(beginning left out) …{told[-2 * PLAIN_CHARS :]}"


def as_json(words: Sequence[Words]) -> str:
    """The end of the talk, as a helper model reads it."""
    talk: list[dict[str, str]] = []
    for one in reversed(words):
        talk.insert(0, {"who": _who(one), "words": one.text[: PART_BYTES // 4]})
        if len(json.dumps(talk, ensure_ascii=False).encode()) > PART_BYTES:
            talk.pop(0)
            break
    return json.dumps({"talk": talk}, ensure_ascii=False)


def _request(model: str, words: Sequence[Words]) -> ModelRequest:
    asked = UserMessage((Text(as_json(words)),))
    return ModelRequest(model, prompts.read("human_part.md"), (asked,), OUTPUT_TOKENS, purpose=Purpose.SUMMARY)


def _who(one: Words) -> str:
    return f"customer {one.name}" if one.is_customer else f"colleague {one.name}"
