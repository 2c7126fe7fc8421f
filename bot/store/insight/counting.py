"""What one conversation adds to the figures, counted from its rows. Pure: rows in, counts out.

Measures of `figures` (money in micro-dollars):

| measure | of what | day |
| --- | --- | --- |
| conversations, resolved, escalated, involved | the conversation, 1 or nothing | on which it began |
| cost.all, cost.resolved, cost.escalated, steps.all | the same, its whole cost and all its steps | on which it began |
| spent, steps, tokens.KIND | model calls | of the call |
| run.OUTCOME | runs | on which it began |
| rated, stars | ratings after a case, and the sum of their stars | on which it was given |
| up, down | answers, by the last press on their buttons | of the press |
| sign.BUCKET, answer.BUCKET | runs, by the seconds until something was seen of them | on which it was seen |

Measures of `tool_figures`: `calls`, `failed.CLASS`, `took.BUCKET`. What the figures mean: `bot.domain.insight`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from pydantic import TypeAdapter

from bot.domain.answer import Outcome
from bot.domain.conversation import Standing, Surface
from bot.domain.escalation import Origin, State
from bot.domain.histogram import bucket_of
from bot.domain.insight import DIRECT
from bot.domain.trace import Action
from bot.store.dialect import AnyRow
from bot.store.usage import USAGE_COLUMNS

Counts = dict[str, int]
ByDay = dict[str, Counts]
"""Counts by ISO date."""
UNKNOWN_TOOL = "(no such tool)"
"""Stands for whatever the model made up."""
_DECIDED = frozenset({State.CLAIMED, State.APPROVED, State.DENIED, State.HANDED_BACK, State.RESOLVED})
_PRESSES = {"thumbs_up": "up", "thumbs_down": "down"}
_UNANSWERED = frozenset({Outcome.SUPERSEDED, Outcome.STOPPED})
"""Runs whose end nobody waited for."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run."""

    id: str
    inbox_ids: tuple[str, ...]
    started_at: float
    outcome: str | None


@dataclass(frozen=True, slots=True)
class Sources:
    """The rows of one conversation."""

    conversation: AnyRow
    runs: list[Run] = field(default_factory=list)
    """In the order in which they began."""
    cases: list[AnyRow] = field(default_factory=list)
    ratings: list[AnyRow] = field(default_factory=list)
    ledger: list[AnyRow] = field(default_factory=list)
    traces: list[AnyRow] = field(default_factory=list)
    """Tool calls, deliveries, and presses on feedback buttons."""
    received: Mapping[str, float] = field(default_factory=dict)
    """When the messages of its runs came in, by inbox id."""
    has_person: bool = False
    """Whether a colleague has said something, or handed it back."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What of one conversation is in the figures."""

    day: str
    channel_id: str
    profile: str
    prompt_version: str
    whole: Counts = field(default_factory=dict)
    by_day: ByDay = field(default_factory=dict)
    passing: ByDay = field(default_factory=dict)
    """Likewise, from rows that may be deleted before the conversation is."""
    tools: dict[str, dict[str, Counts]] = field(default_factory=dict)
    """Likewise, by day and tool."""
    opinion: str = ""
    """What was pressed last: up, down or nothing."""

    def figures(self) -> Counter[tuple[str, ...]]:
        """By (day, channel, profile, prompt version, measure)."""
        place = (self.channel_id, self.profile, self.prompt_version)
        found: Counter[tuple[str, ...]] = Counter()
        for day, counts in ((self.day, self.whole), *self.by_day.items(), *self.passing.items()):
            for measure, value in counts.items():
                found[(day, *place, measure)] += value
        return found

    def tool_figures(self) -> Counter[tuple[str, ...]]:
        """By (day, tool, measure)."""
        return Counter(
            {
                (day, tool, measure): value
                for day, tools in self.tools.items()
                for tool, counts in tools.items()
                for measure, value in counts.items()
            }
        )


COUNTED: TypeAdapter[Counted] = TypeAdapter(Counted)
"""Reads and writes the JSON that is kept of a conversation."""


def count(sources: Sources, zone: tzinfo, before: Counted | None = None, *, kept_since: float = 0.0) -> Counted:
    """Count a conversation. `kept_since`: older rows may be deleted by now; of older days what was counted stands."""
    found, opinion = _passing(sources, zone)
    tools = _tools(sources.traces, zone)
    if before is not None:
        first = _day(kept_since, zone) if kept_since > 0 else ""
        found, tools = _standing(before.passing, found, first), _standing(before.tools, tools, first)
        opinion = opinion or before.opinion
    conversation = sources.conversation
    return Counted(
        day=_day(conversation.opened_at, zone),
        channel_id=DIRECT if conversation.surface == Surface.DM else conversation.channel_id,
        profile=conversation.profile,
        prompt_version=conversation.prompt_version,
        whole=_whole(sources, opinion),
        by_day=_by_day(sources, zone),
        passing=found,
        tools=tools,
        opinion=opinion,
    )


def _whole(sources: Sources, opinion: str) -> Counts:
    held = sources.conversation.standing == Standing.HUMAN
    involved = held or sources.has_person or any(case.state in _DECIDED for case in sources.cases)
    escalated = any(case.origin != Origin.ANSWERED for case in sources.cases)
    ends = [run.outcome for run in sources.runs if run.outcome not in _UNANSWERED]
    answered = bool(ends) and ends[-1] == Outcome.ANSWERED
    resolved = answered and not (involved or sources.cases or opinion == "down")
    cost = sum(row.charged for row in sources.ledger)
    counts = {"conversations": 1, "cost.all": cost, "steps.all": len(_steps(sources.ledger))}
    if involved:
        counts["involved"] = 1
    for name, is_so in (("resolved", resolved), ("escalated", escalated)):
        if is_so:
            counts |= {name: 1, f"cost.{name}": cost}
    return {name: value for name, value in counts.items() if value}


def _by_day(sources: Sources, zone: tzinfo) -> ByDay:
    found = _Days(zone)
    for row in sources.ledger:
        found.add(row.at, "spent", row.charged)
        for kind in USAGE_COLUMNS:
            found.add(row.at, f"tokens.{kind}", getattr(row, kind))
    for at in _steps(sources.ledger).values():
        found.add(at, "steps")
    for run in sources.runs:
        if run.outcome is not None:
            found.add(run.started_at, f"run.{run.outcome}")
    for rating in sources.ratings:
        found.add(rating.rated_at, "rated")
        found.add(rating.rated_at, "stars", rating.stars)
    return found.counts


def _passing(sources: Sources, zone: tzinfo) -> tuple[ByDay, str]:
    """Waiting times and presses; and the last press."""
    found = _Days(zone)
    seen: dict[str, float] = {}
    presses: dict[str, tuple[str, float]] = {}
    opinion = ""
    for row in sources.traces:
        if row.action == Action.DELIVERY and row.ok:
            seen.setdefault(row.ref, row.at)
        elif row.action == Action.DECISION and row.name in _PRESSES:  # models make up names of tools
            opinion = _PRESSES[row.name]
            presses[row.run_id] = (opinion, row.at)
    for press, at in presses.values():
        found.add(at, press)
    for run in sources.runs:
        _waits(run, sources.received, seen, found)
    return found.counts, opinion


def _waits(run: Run, received: Mapping[str, float], seen: Mapping[str, float], found: "_Days") -> None:
    """How long whoever asked waited for a run: for the first sign of it, and for its answer."""
    asked = [received[one] for one in run.inbox_ids if one in received]
    if run.outcome is None or run.outcome in _UNANSWERED or not asked:
        return
    answered = seen.get(f"answer:{run.id}")
    signs = [at for one in run.inbox_ids if (at := seen.get(f"live:{one}")) is not None]
    if answered is not None:
        found.add(answered, f"answer.{bucket_of(answered - min(asked))}")
        signs.append(answered)
    if signs:
        found.add(min(signs), f"sign.{bucket_of(min(signs) - min(asked))}")


def _tools(traces: Iterable[AnyRow], zone: tzinfo) -> dict[str, dict[str, Counts]]:
    found: dict[str, dict[str, Counts]] = {}
    for row in traces:
        if row.action != Action.TOOL_CALL:
            continue
        name = UNKNOWN_TOOL if row.error == "unknown_tool" else row.name
        counts = found.setdefault(_day(row.at, zone), {}).setdefault(name, {})
        measures = ["calls", f"took.{bucket_of(row.duration_ms / 1000)}"]
        if not row.ok:
            measures.append(f"failed.{row.error or 'error'}")
        for measure in measures:
            counts[measure] = counts.get(measure, 0) + 1
    return found


def _steps(ledger: Iterable[AnyRow]) -> dict[tuple[str, str], float]:
    """When each step of the agent began; attempts that failed and were charged are the same step."""
    found: dict[tuple[str, str], float] = {}
    for row in ledger:
        if row.name.startswith("m") and row.state in ("settled", "assumed"):
            key = (row.run_id, row.name)
            found[key] = min(row.at, found.get(key, row.at))
    return found


def _standing(before: dict[str, Any], now: dict[str, Any], first: str) -> dict[str, Any]:
    """What was counted of days before `first`, and what is counted now of the others."""
    old = {day: counts for day, counts in before.items() if day <= first}
    return old | {day: counts for day, counts in now.items() if day > first}


def _day(at: float, zone: tzinfo) -> str:
    return datetime.fromtimestamp(at, zone).date().isoformat()


class _Days:
    """Adds up by day."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self.counts: ByDay = {}

    def add(self, at: float, measure: str, value: int = 1) -> None:
        if value:
            counts = self.counts.setdefault(_day(at, self._zone), {})
            counts[measure] = counts.get(measure, 0) + value
