"""Rows of the record of steps → measurements. Labels are names of ours; see `instruments`."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from bot.domain.answer import Outcome
from bot.domain.trace import Action, TraceEvent
from bot.telemetry import instruments as made
from bot.telemetry import names
from bot.telemetry.ids import received_at, run_named_in
from bot.telemetry.instruments import Instrument

Labels = Mapping[str, str]
_OUTCOMES = frozenset(Outcome)
_BY_MONEY = {Outcome.BUDGET_EXHAUSTED.value: "ended", "paused": "paused"}
_SEARCH = "search_knowledge_base"


@dataclass(frozen=True, slots=True)
class Measured:
    """One value for one instrument."""

    instrument: Instrument
    value: float
    labels: Labels = field(default_factory=dict)


def measured(events: Iterable[TraceEvent], *, by_workspace: bool = False) -> Iterator[Measured]:
    """What rows that were just written add to the figures; `by_workspace`: ours are labelled with it."""
    for event in events:
        also = {"workspace": names.plain(event.team_id)} if by_workspace and event.team_id else {}
        for one in _of(event):
            is_ours = one.instrument.name.startswith("deskhand.")
            yield Measured(one.instrument, one.value, {**one.labels, **also}) if also and is_ours else one


def _of(event: TraceEvent) -> Iterator[Measured]:
    match event.action:
        case Action.LLM_CALL:
            yield from _call(event)
        case Action.TOOL_CALL:
            yield from _tool(event)
        case Action.TOOL_ATTEMPT:
            labels = {"backend": names.plain(event.name), **_result(event)}
            yield Measured(made.BACKEND_ATTEMPTS, 1, labels)
            yield from _retries(event, "backend")
        case Action.DELIVERY:
            yield from _delivery(event)
        case Action.DECISION:
            yield from _decision(event)
        case Action.ESCALATION:
            yield Measured(made.ESCALATIONS, 1, {"event": names.plain(event.name)})
        case Action.ERROR:
            yield Measured(made.ERRORS, 1, {names.ERROR_TYPE: names.plain(event.name)})
        case _:
            pass


def _call(event: TraceEvent) -> Iterator[Measured]:
    model, profile, usage = names.plain(event.name), names.plain(event.profile), event.usage
    common = {
        names.OPERATION: names.CHAT,
        names.PROVIDER: names.provider_of(event.name),
        names.REQUEST_MODEL: model,
    }
    yield Measured(made.OPERATION_DURATION, event.duration_ms / 1000, {**common, **_error(event)})
    yield from _retries(event, "model")
    if not event.ok:
        return
    for kind, count in (("input", usage.prompt), ("output", usage.output)):
        yield Measured(made.TOKEN_USAGE, count, {**common, names.TOKEN_TYPE: kind})
    kinds = {
        "input": usage.input,
        "output": usage.output,
        "cache_read": usage.cache_read,
        "cache_write_5m": usage.cache_write_5m,
        "cache_write_1h": usage.cache_write_1h,
    }
    for kind, count in kinds.items():
        if count:
            yield Measured(made.TOKENS, count, {"model": model, "kind": kind})
    yield Measured(made.COST, float(event.cost), {"model": model, "profile": profile})


def _tool(event: TraceEvent) -> Iterator[Measured]:
    """A name that no tool has is the model's own, so it is not told."""
    tool = "unknown" if event.error == "unknown_tool" else names.plain(event.name)
    seconds = event.duration_ms / 1000
    yield Measured(made.TOOL_CALLS, 1, {"tool": tool, **_result(event)})
    yield Measured(made.TOOL_DURATION, seconds, {"tool": tool})
    if tool == _SEARCH:
        yield Measured(made.SEARCH_DURATION, seconds)


def _delivery(event: TraceEvent) -> Iterator[Measured]:
    kind = names.plain(event.name)
    yield Measured(made.DELIVERIES, 1, {"kind": kind, **_result(event)})
    yield from _retries(event, "delivery")
    if not event.ok:
        return
    yield Measured(made.DELIVERY_DURATION, event.duration_ms / 1000, {"kind": kind})
    timed = {"live": made.FIRST_SIGN, "answer": made.ANSWER}.get(kind)
    came = received_at(event.run_id or run_named_in(event.ref))
    if timed is not None and came is not None:
        yield Measured(timed, max(0.0, event.at - came))


def _decision(event: TraceEvent) -> Iterator[Measured]:
    if event.run_id and event.name in _BY_MONEY:
        yield Measured(made.BUDGET_REFUSED, 1, {"effect": _BY_MONEY[event.name]})
    if not (event.run_id and event.name in _OUTCOMES):
        yield Measured(made.DECISIONS, 1, {"decision": names.plain(event.name)})
        return
    labels = {"outcome": names.plain(event.name), "profile": names.plain(event.profile)}
    yield Measured(made.RUNS, 1, labels)
    yield Measured(made.RUN_STEPS, event.step, labels)
    if event.duration_ms:
        yield Measured(made.RUN_DURATION, event.duration_ms / 1000, labels)


def _retries(event: TraceEvent, of: str) -> Iterator[Measured]:
    """A row of a call or a try is one attempt; that of a delivery stands for all of its own."""
    again = event.attempt - 1 if event.action is Action.DELIVERY else int(event.attempt > 1)
    if again > 0:
        yield Measured(made.RETRIES, again, {"of": of})


def _result(event: TraceEvent) -> dict[str, str]:
    if event.ok:
        return {"result": "pending" if event.error else "ok"}
    return {"result": "error", **_error(event)}


def _error(event: TraceEvent) -> dict[str, str]:
    """Its class, never its words."""
    return {} if event.ok else {names.ERROR_TYPE: names.plain(event.error or "_OTHER", "_OTHER")}
