"""What others may learn from a person's answer: one small call of the helper model, or the words as they are."""

import re
from collections.abc import Callable, Sequence

from pydantic import BaseModel, ConfigDict, ValidationError

import prompts
from bot.agent.calls import ModelCalls, ModelsExhaustedError, Purse
from bot.agent.human_part import Words, as_json
from bot.domain.errors import BudgetExceededError, TokensExceededError
from bot.domain.exchange import ModelReply, ModelRequest, Purpose, StopReason, Text, UserMessage
from bot.domain.hidden import one_line, visible
from bot.domain.lesson import ANSWER_MAX, QUESTION_MAX, TITLE_MAX, Category, Draft
from bot.domain.redaction import Kind, Redactor
from tools.base import strict_schema

OUTPUT_TOKENS = 1_200
SHORTEST = 60
"""Characters of what the person said; less teaches nothing."""
_NAME = "lesson"
"""Of the call, in the journal."""
_EVERYTHING = Redactor(frozenset(Kind))
_CODE = re.compile(r"<([@#!])[^<>\n]*>")
_INSTEAD = {"@": "a colleague", "#": "a channel", "!": "everybody"}
"""Of Slack's codes for people, channels and groups."""
_ASKS = re.compile("[?\uff1f\u061f]")
Clean = Callable[[str], str]


class _Written(BaseModel):
    """What the helper model writes."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    worth_keeping: bool
    title: str
    question: str
    answer: str
    category: Category


class Teacher:
    """Drafts lessons; nothing private that can be recognised gets into one, and nothing that nobody sees."""

    def __init__(self, calls: ModelCalls, helper_model: str, *, is_plain: bool) -> None:
        """`is_plain`: there is no language model to ask."""
        self._calls = calls
        self._model = helper_model
        self._is_plain = is_plain
        self._schema = strict_schema(_Written)

    async def draft(self, words: Sequence[Words], purse: Purse | None) -> Draft | None:
        """None when there is nothing in it for others. Without a model, or money for it: the person's own words.

        `purse`: None when nothing may be spent now.
        """
        if sum(len(one.text) for one in words if not one.is_customer) < SHORTEST:
            return None
        if self._is_plain or purse is None:
            return plainly(words)
        request = ModelRequest(
            self._model, prompts.read("lesson.md"), (UserMessage((Text(as_json(words)),)),), OUTPUT_TOKENS,
            purpose=Purpose.SUMMARY, output_schema=self._schema,
        )  # fmt: skip
        try:
            reply = await self._calls.answer(_NAME, request, purse, models=(self._model,))
        except (BudgetExceededError, TokensExceededError, ModelsExhaustedError):
            return plainly(words)
        return _read(reply, _cleaning(words))


def plainly(words: Sequence[Words]) -> Draft | None:
    """The first question and the person's words; None when one of them is missing."""
    said = [one.text for one in words if one.is_customer and one.text.strip()]
    asked = next((text for text in said if _ASKS.search(text)), said[0] if said else "")
    told = "\n\n".join(one.text.strip() for one in words if not one.is_customer)
    return _draft(_cleaning(words), asked, asked, told)


def _read(reply: ModelReply, clean: Clean) -> Draft | None:
    if reply.stop_reason is not StopReason.END_TURN:
        return None
    try:
        written = _Written.model_validate_json(reply.text)
    except ValidationError:
        return None
    if not written.worth_keeping:
        return None
    return _draft(clean, written.title, written.question, written.answer, written.category)


def _draft(clean: Clean, title: str, question: str, answer: str, category: Category = "product") -> Draft | None:
    told = clean(answer).strip()
    if len(told) > ANSWER_MAX:
        told = f"{told[: ANSWER_MAX - 1].rstrip()}…"
    draft = Draft(one_line(clean(title), TITLE_MAX), one_line(clean(question), QUESTION_MAX), told, category)
    return draft if draft.title and draft.question and draft.answer else None


def _cleaning(words: Sequence[Words]) -> Clean:
    """Takes out what is hidden, ids, addresses and the like, and the full names of those who talked."""
    who = {one.name.lower(): "a customer" if one.is_customer else "a colleague" for one in words if " " in one.name}
    names = re.compile("|".join(map(re.escape, sorted(who, key=len, reverse=True))) or r"(?!)", re.IGNORECASE)

    def clean(text: str) -> str:
        plain = _CODE.sub(lambda code: _INSTEAD[code[1]], visible(text))
        return _EVERYTHING.redact(names.sub(lambda name: who.get(name[0].lower(), "somebody"), plain))

    return clean
