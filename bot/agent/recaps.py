"""The older part of a long conversation, in few words, so that a turn costs as much in the fiftieth as in the fifth.

The transcript is shown again word by word until it outgrows its room. Then, once, the older lines are folded into a
stored summary and the newest stay as they are; nothing is summed up again before so much was added anew. In between
what the model is shown only grows at its end, which is what the vendor's cache needs. The helper model writes the
summary; without it, or without money, the lines are cut short instead. Notes of the desk never go into the summary,
which speaks of what was said: they stay apart, word by word, and marked as notes. To the model all of this is data.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import prompts
from bot.agent.calls import ModelCalls, ModelsExhaustedError, Purse
from bot.domain.conversation import Line, Speaker
from bot.domain.errors import BudgetExceededError, TokensExceededError
from bot.domain.exchange import ModelRequest, Purpose, StopReason, Text, UserMessage
from bot.domain.recap import Recap
from bot.ports.store import Store

MOST_LINES = 20
"""Shown again word by word; with one more, the older ones are folded."""
MOST_CHARS = 16_000
"""Of those lines together, likewise."""
KEPT_LINES = 8
"""Left as they are when the others are folded: the last few questions and answers."""
READ_LINES = 200
"""Newest lines behind the summary that are looked at at all; older ones of a very old conversation are left out."""
_NEWER = 50
"""Lines that may come while a summary is written."""
LINE_CHARS = 1_500
"""Of a line in what the helper reads."""
TEXT_CHARS = 3_000
NOTES_CHARS = 2_000
OUTPUT_TOKENS = 600
_SHORT = 160
"""Of a line that is cut short for want of a helper."""
_WHO = {Speaker.CUSTOMER: "customer", Speaker.BOT: "agent", Speaker.PERSON: "human colleague"}


@dataclass(frozen=True, slots=True)
class SoFar:
    """What was said before this turn."""

    recap: Recap
    """Of the older lines; empty while none are folded."""
    lines: list[Line]
    """The newer ones, word by word."""


class Recaps:
    """Keeps the summaries of one workspace's conversations."""

    def __init__(self, store: Store, calls: ModelCalls, helper_model: str) -> None:
        self._store = store
        self._calls = calls
        self._model = helper_model

    async def so_far(self, conversation_id: str, purse: Purse) -> SoFar:
        """The summary and the lines it does not cover; folds first when those have outgrown their room."""
        async with self._store.read() as tx:
            recap = await tx.recaps.get(conversation_id)
            placed = await tx.recaps.lines_after(conversation_id, recap.upto, READ_LINES)
        lines = [line for _, line in placed]
        old, kept = lines[:-KEPT_LINES], lines[-KEPT_LINES:]
        if not old or (len(lines) <= MOST_LINES and sum(_size(line) for line in lines) <= MOST_CHARS):
            return SoFar(recap, lines)
        upto = placed[len(old) - 1][0]
        folded = Recap(await self._text(recap, old, upto, purse), _notes(recap, old), upto)
        async with self._store.write() as tx:
            now = dict(await tx.recaps.lines_after(conversation_id, recap.upto, READ_LINES + _NEWER))
            is_same = all(now.get(place) == line for place, line in placed[: len(old)])
            if is_same and await tx.recaps.get(conversation_id) == recap:  # nothing was taken back meanwhile
                await tx.recaps.keep(conversation_id, folded)
        return SoFar(folded, kept)

    async def _text(self, recap: Recap, old: Sequence[Line], upto: int, purse: Purse) -> str:
        """What the helper makes of it; without one, the beginnings of the lines."""
        said = [line for line in old if line.speaker is not Speaker.NOTE]
        if not said:
            return recap.text
        try:
            request, name = self._request(recap, said), f"recap:{upto}:{_mark(said)}"
            reply = await self._calls.answer(name, request, purse, models=(self._model,))
        except (BudgetExceededError, TokensExceededError, ModelsExhaustedError):
            return shortened(recap, said)
        text = reply.text.strip()
        return text[:TEXT_CHARS] if text and reply.stop_reason is StopReason.END_TURN else shortened(recap, said)

    def _request(self, recap: Recap, said: Sequence[Line]) -> ModelRequest:
        lines = [{"from": _who(line), "text": line.text[:LINE_CHARS]} for line in said]
        brief = json.dumps({"summary_so_far": recap.text, "lines": lines}, ensure_ascii=False)
        message = UserMessage((Text(brief),))
        return ModelRequest(self._model, prompts.read("recap.md"), (message,), OUTPUT_TOKENS, purpose=Purpose.RECAP)


def shortened(recap: Recap, said: Sequence[Line]) -> str:
    """The summary without a model: what there was, and the beginning of each line; the oldest goes first."""
    lines = [f"{_who(line)}: {_cut(line.text)}" for line in said]
    parts = [recap.text] if recap.text else []
    return "\n".join([*parts, *lines])[-TEXT_CHARS:]


def _notes(recap: Recap, old: Sequence[Line]) -> str:
    notes = [line.text for line in old if line.speaker is Speaker.NOTE]
    return "\n".join([recap.notes, *notes] if recap.notes else notes)[-NOTES_CHARS:]


def _mark(said: Sequence[Line]) -> str:
    """Of the lines, so that a summary of words that were taken back is not found again in the run's journal."""
    return hashlib.sha256("\0".join(line.text for line in said).encode()).hexdigest()[:12]


def _who(line: Line) -> str:
    who = _WHO[line.speaker]
    return f"{who} {line.name}" if line.name and line.speaker is not Speaker.BOT else who


def _cut(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _SHORT else f"{flat[:_SHORT]} (cut)"


def _size(line: Line) -> int:
    return len(line.text)
