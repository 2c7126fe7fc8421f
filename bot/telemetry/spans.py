"""Rows of the record of steps → spans of the turn they belong to. What a row means is said in `bot.domain.trace`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from bot.domain.answer import Outcome
from bot.domain.exchange import StopReason
from bot.domain.trace import Action, TraceEvent
from bot.telemetry import names
from bot.telemetry.ids import received_at, run_named_in
from bot.telemetry.steps import Steps

TURN, RUN = "turn", "run"
"""Parts that others name as their parent before they are written."""
Value = str | int | float | bool | tuple[str, ...]
_OUTCOMES = frozenset(Outcome)
_STOPS = frozenset(StopReason)


class Kind(StrEnum):
    """OpenTelemetry's kinds, as far as there are any here."""

    INTERNAL = "internal"
    CLIENT = "client"
    CONSUMER = "consumer"
    PRODUCER = "producer"


@dataclass(frozen=True, slots=True)
class Span:
    """Something that is over."""

    run_id: str
    part: str
    """Names it within its run; its id is made of both."""
    parent: str
    """A part; empty for the root."""
    name: str
    start: float
    end: float
    attributes: Mapping[str, Value] = field(default_factory=dict)
    kind: Kind = Kind.INTERNAL
    failed: bool = False


class TurnSpans:
    """Makes them; remembers nothing but the steps that are under way."""

    def __init__(self, *, content: bool = False) -> None:
        """`content`: with the summaries of what tools were given and gave, as `deskhand traces` shows them to staff."""
        self._content = content
        self._steps = Steps()

    def of(self, events: Sequence[TraceEvent]) -> Iterator[Span]:
        """The spans that rows, written in one transaction, bring to their end."""
        results = {event.ref: event.got for event in events if event.action is Action.TOOL_RESULT}
        for event in events:
            run_id = event.run_id or run_named_in(event.ref)
            if run_id:
                yield from self._of(run_id, event, results)

    def _of(self, run_id: str, event: TraceEvent, results: Mapping[str, str]) -> Iterator[Span]:
        match event.action:
            case Action.LLM_CALL:
                yield from self._step_before(run_id, event)
                yield _chat(run_id, event, self._step_of(run_id, event))
            case Action.TOOL_CALL:
                yield self._tool(run_id, event, results)
            case Action.TOOL_ATTEMPT:
                yield _attempt(run_id, event)
            case Action.DECISION if event.run_id and event.name in _OUTCOMES:
                yield from self._step_before(run_id, None)
                yield from _turn(run_id, event)
            case Action.DELIVERY:
                yield _delivery(run_id, event)
            case Action.DECISION | Action.ESCALATION | Action.ERROR:
                yield _moment(run_id, event)
            case _:
                pass

    def _step_before(self, run_id: str, event: TraceEvent | None) -> Iterator[Span]:
        """The step that is over because another one begins, or the run ends."""
        call = event.ref if event is not None and event.step else ""
        for one, step in self._steps.over(run_id, call, is_end=event is None):
            about: dict[str, Value] = {names.STEP: step.number, names.CALL: names.plain(step.call)}
            yield Span(one, f"step:{step.call}", RUN, "step", step.start, step.end, about)

    def _step_of(self, run_id: str, event: TraceEvent) -> str:
        """The part a row of a step hangs on; rows outside of the loop hang on the run."""
        if not event.step:
            return RUN
        call = event.ref if event.action is Action.LLM_CALL else ""
        return f"step:{self._steps.note(run_id, call, event)}"

    def _tool(self, run_id: str, event: TraceEvent, results: Mapping[str, str]) -> Span:
        tool = "unknown" if event.error == "unknown_tool" else names.plain(event.name)
        about: dict[str, Value] = {
            names.OPERATION: names.EXECUTE_TOOL,
            names.TOOL: tool,
            names.TOOL_TYPE: "function",
            names.TOOL_CALL_ID: names.plain(event.ref.rpartition(":")[2]),
            names.CONVERSATION: event.conversation_id,
            names.PENDING: event.ok and bool(event.error),
            names.STEP: event.step,
        }
        if self._content:
            about |= {names.TOOL_ARGUMENTS: event.given, names.TOOL_RESULT: results.get(event.ref, event.got)}
        name, parent = f"{names.EXECUTE_TOOL} {tool}", self._step_of(run_id, event)
        return _lasting(run_id, event, f"tool:{event.ref or event.at}", parent, name, about)


def _chat(run_id: str, event: TraceEvent, parent: str) -> Span:
    model, usage = names.plain(event.name), event.usage
    about: dict[str, Value] = {
        names.OPERATION: names.CHAT,
        names.PROVIDER: names.provider_of(event.name),
        names.REQUEST_MODEL: model,
        names.CONVERSATION: event.conversation_id,
        names.CALL: names.plain(event.ref),
        names.ATTEMPT: event.attempt,
    }
    if event.ok:
        stop = event.got.partition(":")[0].partition(" ")[0]
        about |= {
            names.RESPONSE_MODEL: model,
            names.FINISH_REASONS: (stop,) if stop in _STOPS else (),
            names.INPUT_TOKENS: usage.prompt,
            names.OUTPUT_TOKENS: usage.output,
            names.CACHE_READ_TOKENS: usage.cache_read,
            names.CACHE_WRITE_TOKENS: usage.cache_write_5m + usage.cache_write_1h,
            names.COST: float(event.cost),
        }
    part = f"chat:{event.ref}:{event.name}:{event.attempt}:{event.at}"
    return _lasting(run_id, event, part, parent, f"{names.CHAT} {model}", about, Kind.CLIENT)


def _attempt(run_id: str, event: TraceEvent) -> Span:
    backend = names.plain(event.name)
    about: dict[str, Value] = {names.BACKEND: backend, names.ATTEMPT: event.attempt}
    part = f"attempt:{event.ref}:{event.name}:{event.attempt}:{event.at}"
    return _lasting(run_id, event, part, f"tool:{event.ref}", f"attempt {backend}", about, Kind.CLIENT)


def _turn(run_id: str, event: TraceEvent) -> Iterator[Span]:
    """The run, and the turn from the moment its event was stored: both end with the outcome."""
    profile, end = names.plain(event.profile), event.at
    came = received_at(run_id)
    start = end - event.duration_ms / 1000 if event.duration_ms else came or end
    failed = event.name == Outcome.FAILED
    common: dict[str, Value] = {
        names.CONVERSATION: event.conversation_id,
        names.RUN: run_id,
        names.OUTCOME: event.name,
    }
    agent: dict[str, Value] = {
        names.OPERATION: names.INVOKE_AGENT,
        names.PROVIDER: "deskhand",
        names.AGENT: profile,
        names.AGENT_VERSION: event.prompt_version,
        names.STEPS: event.step,
        **({} if event.epoch is None else {names.EPOCH: event.epoch}),
    }
    name = f"{names.INVOKE_AGENT} {profile}"
    yield Span(run_id, RUN, TURN, name, start, end, {**common, **agent}, failed=failed)
    about: dict[str, Value] = {**common, names.SYSTEM: "slack", names.WORKSPACE: event.team_id}
    yield Span(run_id, TURN, "", TURN, min(came or start, start), end, about, Kind.CONSUMER, failed=failed)


def _delivery(run_id: str, event: TraceEvent) -> Span:
    """`at` is when it was visible, the duration runs from when it was written."""
    kind, ms = names.plain(event.name), event.duration_ms
    about: dict[str, Value] = {names.SYSTEM: "slack", names.EFFECT: kind, names.ATTEMPT: event.attempt}
    about |= _error(event)
    return Span(
        run_id, f"deliver:{event.ref or event.at}", TURN, f"deliver {kind}", event.at - ms / 1000, event.at, about,
        Kind.PRODUCER, failed=not event.ok,
    )  # fmt: skip


def _moment(run_id: str, event: TraceEvent) -> Span:
    what = names.plain(event.name)
    verb, key = {
        Action.DECISION: ("decide", names.DECISION),
        Action.ESCALATION: ("escalate", names.ORIGIN),
    }.get(event.action, ("error", names.ERROR_TYPE))
    part = f"{event.action}:{event.name}:{event.ref}:{event.at}"
    about: dict[str, Value] = {**_error(event), key: what}
    failed = event.action is Action.ERROR
    return Span(run_id, part, TURN, f"{verb} {what}", event.at, event.at, about, failed=failed)


def _lasting(
    run_id: str, event: TraceEvent, part: str, parent: str, name: str, about: Mapping[str, Value],
    kind: Kind = Kind.INTERNAL,
) -> Span:  # fmt: skip
    """What began at the row's time and took its duration."""
    end = event.at + event.duration_ms / 1000
    return Span(run_id, part, parent, name, event.at, end, {**about, **_error(event)}, kind, failed=not event.ok)


def _error(event: TraceEvent) -> dict[str, Value]:
    """Its class, never its words."""
    return {} if event.ok else {names.ERROR_TYPE: names.plain(event.error or "_OTHER", "_OTHER")}
