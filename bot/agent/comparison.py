"""What is different between a run and its replay."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from difflib import SequenceMatcher
from enum import StrEnum

from bot.agent.record import Record, RecordedCall
from bot.agent.replay import Replayed
from bot.agent.tape import Match
from bot.domain.exchange import Usage

_WORD = re.compile(r"\S+\s*")
_CHANCE = 3
"""Fewer words than these in a row are shared by any two texts."""


class Change(StrEnum):
    """What became of a part."""

    SAME = "same"
    ADDED = "added"
    MISSING = "missing"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class ToolChange:
    """A tool call that only one of the two made, or both with different arguments."""

    change: Change
    tool: str
    before: str = ""
    """Arguments then."""
    after: str = ""
    """Arguments now."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some words of the answers."""

    change: Change
    text: str


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two in numbers; helper calls (judge, summaries) are not counted."""

    models: tuple[str, ...]
    outcome: str
    steps: int
    tool_calls: int
    usage: Usage
    usd: Decimal
    duration_ms: int
    """Of the model calls."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both sides."""

    before: Side
    after: Side
    tools: tuple[ToolChange, ...]
    """Empty when the same calls were made."""
    answer: tuple[Piece, ...]
    """The answers, word by word."""
    guessed: int
    """Calls of the replay that were answered with the result of other arguments."""
    unknown: int
    """Calls that the record knew nothing of."""

    @property
    def same_answer(self) -> bool:
        """Whether both wrote the same words."""
        return all(piece.change is Change.SAME for piece in self.answer)


def compare(record: Record, again: Replayed) -> Comparison:
    """A run and its replay."""
    matches = Counter(asked.match for asked in again.asked)
    return Comparison(
        before=_side(record, record.run.outcome.value if record.run.outcome else "unfinished"),
        after=_side(again.record, again.result.outcome.value),
        tools=tuple(_tool_changes(record.calls, again.record.calls)),
        answer=tuple(word_diff(record.answer, again.record.answer)),
        guessed=matches[Match.OTHER_ARGUMENTS],
        unknown=matches[Match.UNKNOWN],
    )


def word_diff(before: str, after: str) -> Iterator[Piece]:
    """Two texts, word by word; a word or two that they share by chance do not tear a change apart."""
    old, new = _WORD.findall(before), _WORD.findall(after)
    for is_same, was, now in _stretches(old, new):
        if is_same:
            yield Piece(Change.SAME, "".join(now))
            continue
        if was:
            yield Piece(Change.MISSING, "".join(was))
        if now:
            yield Piece(Change.ADDED, "".join(now))


def _stretches(old: list[str], new: list[str]) -> list[tuple[bool, list[str], list[str]]]:
    """(whether the same, words then, words now), neighbours that differ joined."""
    bare_old, bare_new = [word.strip() for word in old], [word.strip() for word in new]
    codes = SequenceMatcher(None, bare_old, bare_new, autojunk=False).get_opcodes()
    found: list[tuple[bool, list[str], list[str]]] = []
    for number, (kind, i, j, k, m) in enumerate(codes):
        is_inside = 0 < number < len(codes) - 1
        is_same = kind == "equal" and not (is_inside and j - i < _CHANCE)
        if found and found[-1][0] == is_same:
            _, was, now = found.pop()
            found.append((is_same, was + old[i:j], now + new[k:m]))
        else:
            found.append((is_same, old[i:j], new[k:m]))
    return found


def _side(record: Record, outcome: str) -> Side:
    calls = record.own_calls
    return Side(
        models=tuple(dict.fromkeys(event.name for event in calls if event.ok)),
        outcome=outcome,
        steps=len(record.replies),
        tool_calls=len(record.calls),
        usage=record.usage,
        usd=record.usd,
        duration_ms=sum(event.duration_ms for event in calls),
    )


def _tool_changes(before: Sequence[RecordedCall], after: Sequence[RecordedCall]) -> Iterator[ToolChange]:
    """Calls that both made are left out; the rest of a tool is paired in order, and what is over was added or left."""
    old = Counter((call.tool, call.arguments) for call in before)
    new = Counter((call.tool, call.arguments) for call in after)
    gone, come = list((old - new).elements()), list((new - old).elements())
    for tool in dict.fromkeys(tool for tool, _ in (*gone, *come)):
        left = [arguments for name, arguments in gone if name == tool]
        right = [arguments for name, arguments in come if name == tool]
        for pair in zip(left, right, strict=False):
            yield ToolChange(Change.CHANGED, tool, *pair)
        both = min(len(left), len(right))
        yield from (ToolChange(Change.MISSING, tool, before=one) for one in left[both:])
        yield from (ToolChange(Change.ADDED, tool, after=one) for one in right[both:])
