"""A customer played by a model: it knows what it wants and in what mood it is, and sees what a customer sees."""

import json
from collections.abc import Callable, Sequence

from pydantic import BaseModel, ConfigDict, ValidationError

import prompts
from bot.domain.errors import ModelBusyError, ModelDownError
from bot.domain.exchange import ModelRequest, Purpose, Text, UserMessage
from bot.evals.cases import Case, Turn
from bot.evals.playing import Customer, Said, Scripted
from bot.evals.simulated import StateMachine, read
from bot.ports.model import Model
from tools.base import strict_schema

OUTPUT_TOKENS = 500
_TEXT_CHARS = 4_000
"""Of one message shown to the player."""


class _Move(BaseModel):
    """What the player writes."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    is_done: bool
    says: str


class Played:
    """Implements `playing.Customer` by a model; one that does not answer leaves the conversation where it is."""

    def __init__(self, case: Case, model: Model, name: str) -> None:
        if case.simulated is None:
            raise ValueError(f"{case.id} is no simulated customer.")
        self._case, self._wanted = case, case.simulated
        self._model, self._name = model, name
        self._schema = strict_schema(_Move)

    async def next(self, said: Sequence[Said]) -> Turn | None:
        """The opening as the case has it, then whatever the player makes of the thread."""
        reading = read(self._wanted, said)
        if not reading.lines:
            return self._case.turns[0]
        if reading.lines >= self._wanted.most_turns:
            return None
        move = await self._ask(said)
        return None if move is None or move.is_done or not move.says.strip() else Turn(says=move.says.strip())

    async def _ask(self, said: Sequence[Said]) -> _Move | None:
        brief = json.dumps(self._brief(said), ensure_ascii=False)
        request = ModelRequest(
            self._name, prompts.read("eval_customer.md"), (UserMessage((Text(brief),)),),
            max_tokens=OUTPUT_TOKENS, purpose=Purpose.SUMMARY, output_schema=self._schema,
        )  # fmt: skip
        try:
            return _Move.model_validate_json((await self._model.answer(request)).text)
        except (ModelBusyError, ModelDownError, ValidationError):
            return None

    def _brief(self, said: Sequence[Said]) -> dict[str, object]:
        shown = [one for one in said if one.kind != "live"]
        return {
            "goal": self._wanted.goal,
            "mood": self._wanted.mood or self._wanted.temper.value,
            "knows": self._wanted.knows,
            "conversation": [
                {"from": "support" if one.is_bot else "you", "text": one.text[:_TEXT_CHARS]} for one in shown
            ],
        }


def customers(model: Model | None, name: str) -> Callable[[Case], Customer]:
    """Who plays the customer of a case: its script, a state machine, or the model when there is one."""

    def make(case: Case) -> Customer:
        if case.simulated is None:
            return Scripted(case.turns)
        return StateMachine(case) if model is None else Played(case, model, name)

    return make
