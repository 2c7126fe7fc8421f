"""The steps of a run on a time axis: rows of a table, each with its place between the beginning and the end."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bot.domain.browsing import ConversationRecord, RunRow
from bot.domain.conversation import Line, Speaker
from bot.domain.money import ZERO
from bot.domain.trace import Action, TraceEvent
from bot.web.dashboard import lists

_FIRST_SIGN = 15.0
"""Seconds before a run in which something belongs to it."""
_PAUSE = 60.0
"""Seconds between two things that do not belong together."""
_LEAST = 0.6
"""Percent of the axis that a step takes at least, so that it is seen."""
_KINDS: Mapping[Action, str] = {
    Action.LLM_CALL: "model",
    Action.TOOL_CALL: "tool",
    Action.TOOL_ATTEMPT: "attempt",
    Action.DECISION: "decision",
    Action.ERROR: "error",
    Action.ESCALATION: "case",
    Action.DELIVERY: "delivery",
}

_PRESSES = frozenset({(Action.DECISION, "thumbs_up"), (Action.DECISION, "thumbs_down")})
_WORDS: Mapping[tuple[Action, str], str] = {
    (Action.DELIVERY, "live"): "first sign",
    (Action.DELIVERY, "card"): "case to the team",
    (Action.DELIVERY, "staff_reply"): "reply to the team",
    (Action.DELIVERY, "relay"): "words of a colleague",
    (Action.DELIVERY, "relay_file"): "file of a colleague",
    (Action.DELIVERY, "rating"): "question for a rating",
    (Action.DELIVERY, "session"): "status in Slack",
    (Action.DECISION, "thumbs_up"): "customer: helpful",
    (Action.DECISION, "thumbs_down"): "customer: not helpful",
    **{(Action.ESCALATION, origin.value): words for origin, words in lists.ORIGINS.items()},
    **{(Action.DECISION, outcome.value): words for outcome, words in lists.OUTCOMES.items()},
}


@dataclass(frozen=True, slots=True)
class Step:
    """One row."""

    event: TraceEvent
    kind: str
    """model, tool, attempt, decision, error, case or delivery."""
    left: float
    """Percent of the axis."""
    width: float
    offset: float
    """Seconds since the run began."""
    result: str = ""
    """What a tool gave back, as far as it is kept."""

    @property
    def title(self) -> str:
        """What was done, in words; models and tools by their names."""
        name = self.event.name
        if self.event.action in (Action.LLM_CALL, Action.TOOL_CALL, Action.TOOL_ATTEMPT):
            return name
        return _WORDS.get((self.event.action, name), name.replace("_", " "))


@dataclass(frozen=True, slots=True)
class Timeline:
    """One run, or what happened between two."""

    run: RunRow | None
    began: float
    seconds: float
    steps: tuple[Step, ...]

    @property
    def cost(self) -> Decimal:
        """USD."""
        return sum((step.event.cost for step in self.steps), ZERO)

    @property
    def tokens(self) -> int:
        """In and out, cached ones too."""
        return sum(step.event.usage.total for step in self.steps)

    @property
    def calls(self) -> int:
        """Of models."""
        return sum(1 for step in self.steps if step.event.action is Action.LLM_CALL)


@dataclass(frozen=True, slots=True)
class Message:
    """A line of the transcript, with what it cost to write it."""

    line: Line
    timeline: Timeline | None = None
    """Of the run that wrote it."""


def timelines(record: ConversationRecord) -> tuple[Timeline, ...]:
    """One for each run, oldest first; what belongs to none stands with the run it falls into, or by itself."""
    runs = {run.id: run for run in record.runs}
    events: dict[str, list[TraceEvent]] = defaultdict(list)
    for event in record.events:
        if _is_of_run(event):
            events[event.run_id].append(event)
    spans = {key: (min(map(_start, mine)), max(map(_end, mine))) for key, mine in events.items()}
    between, last = "", 0.0
    for event in sorted((one for one in record.events if not _is_of_run(one)), key=_start):
        beside = next((key for key, (began, end) in spans.items() if began - _FIRST_SIGN <= _start(event) <= end), "")
        if not beside and _start(event) - last > _PAUSE:
            between = f"from {event.seq}"
        last = last if beside else _end(event)
        events[beside or between].append(event)
    drawn = (_timeline(runs.get(key), of_key) for key, of_key in events.items())
    return tuple(sorted(drawn, key=lambda one: one.began))


def messages(record: ConversationRecord, drawn: Sequence[Timeline]) -> Iterator[Message]:
    """The transcript; each answer of the bot with the last run that had begun by then."""
    of_runs = [one for one in drawn if one.run is not None]
    shown: set[str] = set()
    for line in record.lines:
        wrote = None
        if line.speaker is Speaker.BOT:
            wrote = next((one for one in reversed(of_runs) if one.began <= line.at), None)
        if wrote is None or wrote.run is None or wrote.run.id in shown:
            yield Message(line)
        else:
            shown.add(wrote.run.id)
            yield Message(line, wrote)


def _is_of_run(event: TraceEvent) -> bool:
    """What somebody thinks of an answer is told of its run, but may come days later."""
    return bool(event.run_id) and (event.action, event.name) not in _PRESSES


def _timeline(run: RunRow | None, events: Sequence[TraceEvent]) -> Timeline:
    results = {event.ref: event.got for event in events if event.action is Action.TOOL_RESULT and event.ref}
    shown = [event for event in events if event.action is not Action.TOOL_RESULT]
    began = min([_start(event) for event in events] + ([run.started_at] if run else []))
    ended = max([_end(event) for event in shown] or [began])
    length = max(ended - began, 0.001)
    steps = sorted(
        (_step(event, began, length, results) for event in shown), key=lambda one: (one.offset, one.event.seq)
    )
    return Timeline(run, began, ended - began, tuple(steps))


def _step(event: TraceEvent, began: float, length: float, results: Mapping[str, str]) -> Step:
    offset = _start(event) - began
    width = max(_LEAST, 100 * (_end(event) - _start(event)) / length)
    left = min(100 * offset / length, 100 - _LEAST)
    return Step(
        event=event,
        kind=_KINDS.get(event.action, "decision"),
        left=round(left, 2),
        width=round(min(width, 100 - left), 2),
        offset=offset,
        result=results.get(event.ref, event.got) if event.action is Action.TOOL_CALL else event.got,
    )


def _start(event: TraceEvent) -> float:
    """Deliveries and decisions are written down when they are over; their time lies before."""
    return event.at - event.duration_ms / 1000 if event.action is Action.DELIVERY else event.at


def _end(event: TraceEvent) -> float:
    """A decision takes no time of its own: what stands beside it is the time of the run."""
    if event.action in (Action.DELIVERY, Action.DECISION):
        return event.at
    return event.at + event.duration_ms / 1000
