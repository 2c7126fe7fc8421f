"""Customers who react: they want something, are in a mood, read what comes back, and stop when they have it or enough.

Without a key a small state machine plays them, by the lines of their case. It asks of every answer: does it hold the
facts I wanted, was I handed over, was I asked something? With a key a model plays the same person (`simulated_model`).
How it ended is read off the thread alone, so that both are scored alike.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.evals.cases import Case, End, Mood, Simulated, Turn
from bot.evals.playing import Said

_HANDED_OVER = re.compile(
    r"colleague|kolleg|collègue|compañer|同僚|担当者|has taken over|hat diese unterhaltung übernommen", re.IGNORECASE
)
_FIXED_KINDS = frozenset(("handoff", "taken"))
_QUESTION = re.compile(r"[?？]\s*$")  # noqa: RUF001 - the Japanese question mark is meant
_THANKS = "thanks, that's what I needed"
_HUMAN = "I want to talk to a human"
PATIENCE = {
    Mood.PATIENT: 3, Mood.NON_NATIVE: 3, Mood.VAGUE: 3, Mood.LYING: 3, Mood.CHANGES_MIND: 2, Mood.TERSE: 2,
    Mood.ANGRY: 1, Mood.GIVES_UP: 1,
}  # fmt: skip
"""Answers that miss the point and are put up with."""
_POLITE = frozenset((Mood.PATIENT, Mood.NON_NATIVE, Mood.CHANGES_MIND))
"""They say thanks."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a customer makes of the thread."""

    is_answered: bool
    """Every fact they wanted stands in it."""
    is_handed_over: bool
    is_asked: bool
    """The last message of the bot ends in a question."""
    lines: int
    """How often they have written themselves."""


def read(wanted: Simulated, said: Sequence[Said]) -> Reading:
    """The thread with the customer's eyes; each fact may be given as alternatives, `1 GB|1,000 MB`."""
    bots = [one for one in said if one.is_bot and one.kind != "live"]
    text = " ".join(" ".join(one.text for one in bots).replace("*", "").split()).casefold()
    facts = ([part.strip().casefold() for part in fact.split("|")] for fact in wanted.facts)
    last = bots[-1] if bots else None
    words = "" if last is None else (last.spoken or last.text)
    return Reading(
        is_answered=bool(wanted.facts) and all(any(part in text for part in parts) for parts in facts),
        is_handed_over=last is not None and (last.kind in _FIXED_KINDS or bool(_HANDED_OVER.search(words))),
        is_asked=bool(_QUESTION.search(words.strip())),
        lines=sum(not one.is_bot for one in said),
    )


def end_of(case: Case, said: Sequence[Said], *, has_case: bool) -> End:
    """How a whole conversation ended; `has_case`: whether people have it before them."""
    wanted = case.simulated
    if wanted is None:
        return End.GAVE_UP
    reading = read(wanted, said)
    if reading.is_answered:
        return End.SATISFIED
    if has_case:
        return End.HANDED_OVER
    return End.TURN_LIMIT if reading.lines >= wanted.most_turns else End.GAVE_UP


class StateMachine:
    """Implements `playing.Customer`: says the case's lines one after the other, as long as it has to."""

    def __init__(self, case: Case) -> None:
        if case.simulated is None:
            raise ValueError(f"{case.id} is no simulated customer.")
        self._wanted = case.simulated
        self._lines = list(case.turns)
        self._patience = PATIENCE[self._wanted.temper]
        self._has_told = False
        self._has_ended = False

    async def next(self, said: Sequence[Said]) -> Turn | None:
        """The next line, thanks, a cry for a person, or nothing any more."""
        reading = read(self._wanted, said)
        if self._has_ended or reading.lines >= self._wanted.most_turns:
            return None
        if not reading.lines:
            return self._lines.pop(0)
        return self._react(reading)

    def _react(self, reading: Reading) -> Turn | None:
        if self._wanted.temper is Mood.CHANGES_MIND and self._lines:
            return self._lines.pop(0)
        if reading.is_answered:
            return self._end(_THANKS if self._wanted.temper in _POLITE else "")
        if reading.is_handed_over:
            return self._end("")
        if reading.is_asked and self._wanted.knows and not self._has_told:
            self._has_told = True
            return Turn(says=self._wanted.knows)
        self._patience -= 1
        if self._patience > 0 and self._lines:
            return self._lines.pop(0)
        return self._end("" if self._wanted.temper in (Mood.GIVES_UP, Mood.TERSE) else _HUMAN)

    def _end(self, words: str) -> Turn | None:
        self._has_ended = True
        return Turn(says=words) if words else None
