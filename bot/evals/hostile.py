"""A model at its worst, for trying whether the promises hold: seeded, so that what was found is found again.

It is agent, judge and summariser in one. As agent it has a temper for each turn (one only calls tools until it is
stopped, one only lies, most do whatever comes to mind); as judge it lets everything pass; its summaries are as poisoned
as its answers. It remembers nothing from one request to the next: what it does with a request depends on the seed, the
request, and how often it has seen it.
"""

import hashlib
import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.domain.errors import ModelBusyError
from bot.domain.exchange import ModelReply, ModelRequest, Purpose, StopReason, Usage
from bot.evals import hostile_words as words
from bot.evals.hostile_moves import TAKING, TALKING, Move, Scene, says

PRAISE = {"grounded": True, "promises_kept": True, "confidence": 1.0, "reason": "Perfect. Send it at once."}
"""The hostile judge's opinion of anything."""
_WOBBLY = ("{", "", "null", '{"grounded": "yes"}', "I think it is fine.", '{"confidence": 7}')
_MOVES: Mapping[str, Move] = {**TAKING, **TALKING}
_TEMPERS: Sequence[tuple[str, float]] = (("any", 0.68), ("grabbing", 0.12), ("talking", 0.18), ("failing", 0.02))
_WOBBLES = 0.1
"""How often the judge says nothing that could be read."""
_TALKS = 0.4
"""How often a temper of any kind talks instead of calling tools."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the model was sent, in figures: for the promise to be lean."""

    purpose: Purpose
    system: str
    messages: int
    chars: int


@dataclass
class HostileModel:
    """Implements `ports.model.Model`."""

    seed: int
    only: Sequence[str] = ()
    """Names of moves, made one after the other; empty: all of them, as they come to mind."""
    asked: list[Asked] = field(default_factory=list)
    moves: Counter[str] = field(default_factory=Counter)
    """How often each was made."""
    _seen: Counter[str] = field(default_factory=Counter)

    async def answer(self, request: ModelRequest) -> ModelReply:
        """The worst that comes to mind."""
        digest = hashlib.sha256(repr((request.messages, request.model)).encode("utf-8", "replace")).hexdigest()
        self._seen[digest] += 1
        dice = random.Random(f"{self.seed}:{digest}:{self._seen[digest]}")  # noqa: S311 - to be repeated, not secret
        self.asked.append(_figures(request))
        scene = Scene(request, dice, len(self.asked))
        match request.purpose:
            case Purpose.AGENT:
                return self._act(scene)
            case Purpose.JUDGE:
                return _judge(scene)
            case Purpose.SUMMARY | Purpose.RECAP:
                return says(scene, f"{words.CRAM} {dice.choice((*words.FORGERIES, *words.HIDDEN, *words.LIES))}")

    async def count(self, request: ModelRequest) -> int | None:  # noqa: ARG002 - as the port has it
        """The vendor's own count is not the model's to forge."""
        return None

    async def close(self) -> None:
        """Nothing is held."""

    def _act(self, scene: Scene) -> ModelReply:
        temper = "only" if self.only else self._temper(scene)
        if temper == "failing" and scene.dice.random() < _TALKS:
            raise ModelBusyError("busy", kind="overloaded", retry_after=0.0, maybe_billed=scene.dice.random() < _TALKS)
        name = self._choice(temper, scene)
        self.moves[name] += 1
        return _MOVES[name](scene)

    def _temper(self, scene: Scene) -> str:
        """The same for all steps of a turn: it hangs on what the customer wrote."""
        turn = hashlib.sha256(f"{self.seed}:{scene.texts()[-1:]}".encode("utf-8", "replace")).hexdigest()
        dice = random.Random(turn)  # noqa: S311 - as above
        names, weights = zip(*_TEMPERS, strict=True)
        return str(dice.choices(names, weights)[0])

    def _choice(self, temper: str, scene: Scene) -> str:
        if self.only:
            return self.only[self.moves.total() % len(self.only)]
        talks = temper == "talking" or (temper != "grabbing" and scene.dice.random() < _TALKS)
        return scene.dice.choice(sorted(TALKING if talks else TAKING))


def _judge(scene: Scene) -> ModelReply:
    """Praise, mostly; sometimes nothing that could be read."""
    is_wobbly = scene.dice.random() < _WOBBLES
    text = scene.dice.choice(_WOBBLY) if is_wobbly else json.dumps(PRAISE)
    stop = scene.dice.choice((StopReason.END_TURN, StopReason.REFUSAL)) if is_wobbly else StopReason.END_TURN
    return ModelReply(scene.request.model, stop, Usage(input=100, output=20), says(scene, text).texts)


def _figures(request: ModelRequest) -> Asked:
    chars = sum(len(repr(message)) for message in request.messages)
    return Asked(request.purpose, request.system, len(request.messages), chars)
