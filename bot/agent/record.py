"""A run as it was: what the agent was given, what it said, what its tools returned. Read from journal and traces."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from operator import add

from pydantic import TypeAdapter

from bot.agent.pinning import Pinned
from bot.domain.conversation import Conversation
from bot.domain.exchange import Message, ModelReply, ToolResult, Usage
from bot.domain.money import ZERO
from bot.domain.trace import Action, TraceEvent
from bot.ports.store import Run, Store, Transaction

MESSAGES = "messages"
"""Name in the journal of what a run was given."""
_PASSES = ("m", "d")
"""How the names of the agent's own calls begin in the journal: as every day, and when no model was to be had. Others
are the judge's, summaries and the like."""
_OWN_CALL = re.compile(rf"[{''.join(_PASSES)}]\d+")
_MESSAGES: TypeAdapter[tuple[Message, ...]] = TypeAdapter(tuple[Message, ...])
_REPLY: TypeAdapter[ModelReply] = TypeAdapter(ModelReply)
_RESULT: TypeAdapter[ToolResult] = TypeAdapter(ToolResult)


class NoRecordError(Exception):
    """A run cannot be read again; the message says why, for people."""


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """One tool call."""

    step: int
    tool: str
    arguments: str
    """Canonical JSON."""
    result: ToolResult | None
    """None when the run was broken off before there was one."""


@dataclass(frozen=True, slots=True)
class Record:
    """All there is of one run."""

    run: Run
    conversation: Conversation
    pinned: Pinned
    """Prompt and tools."""
    messages: tuple[Message, ...]
    """What the run began with."""
    replies: tuple[ModelReply, ...]
    """Of the agent's own calls, in order."""
    calls: tuple[RecordedCall, ...]
    events: tuple[TraceEvent, ...]

    @property
    def answer(self) -> str:
        """What the model wrote last; people may have read something else (a proposal, a fixed sentence)."""
        return next((reply.text.strip() for reply in reversed(self.replies) if not reply.tool_uses), "")

    @property
    def own_calls(self) -> tuple[TraceEvent, ...]:
        """Rows of the agent's own model calls, failed ones included."""
        calls = (event for event in self.events if event.action is Action.LLM_CALL)
        return tuple(event for event in calls if _OWN_CALL.fullmatch(event.ref or event.given))

    @property
    def usage(self) -> Usage:
        """Tokens of the agent's own calls."""
        return reduce(add, (event.usage for event in self.own_calls), Usage())

    @property
    def usd(self) -> Decimal:
        """Their cost."""
        return sum((event.cost for event in self.own_calls), ZERO)


async def read_record(store: Store, run_id: str) -> Record:
    """Everything of a run; NoRecordError when there is no such run, or its working papers were cleared away."""
    async with store.read() as tx:
        run = await tx.runs.get(run_id)
        conversation = await tx.conversations.get(run.conversation_id) if run else None
        if run is None or conversation is None:
            raise NoRecordError(f"There is no run {run_id}; `deskhand traces` lists those there are.")
        journal = await tx.runs.journal(run_id)
        events = tuple(await tx.traces.of_run(run_id))
        if MESSAGES not in journal:
            raise NoRecordError(_why_none(run, journal, events))
        pinned = await _pinned(tx, conversation, events)
    steps = tuple(_steps(journal))
    return Record(
        run, conversation, pinned, _MESSAGES.validate_json(journal[MESSAGES]), tuple(reply for _, reply in steps),
        tuple(_calls(steps, journal)), events,
    )  # fmt: skip


async def write_beginning(tx: Transaction, run_id: str, messages: tuple[Message, ...]) -> None:
    """Journal what a run begins with, as `read_record` reads it."""
    await tx.runs.record(run_id, MESSAGES, _MESSAGES.dump_json(messages).decode())


def canonical(arguments: str) -> str:
    """Arguments as one text whatever their order; what is no JSON stays as it is."""
    try:
        return json.dumps(json.loads(arguments or "{}"), sort_keys=True, ensure_ascii=False)
    except ValueError:
        return arguments.strip()


def _why_none(run: Run, journal: Mapping[str, str], events: tuple[TraceEvent, ...]) -> str:
    if journal or not any(event.action is Action.LLM_CALL for event in events):
        return f"Run {run.id} asked no model: there is nothing to replay."
    return (
        f"The journal of run {run.id} is gone: what the model was given is kept for KEEP_EVENTS_DAYS only. "
        f"`deskhand traces show {run.id}` still shows its steps."
    )


async def _pinned(tx: Transaction, conversation: Conversation, events: tuple[TraceEvent, ...]) -> Pinned:
    version = next((e.prompt_version for e in events if e.prompt_version), conversation.prompt_version)
    body = await tx.conversations.prompt(version)
    if body is None:
        raise NoRecordError(f"The prompt of version {version or '(unknown)'} is not kept any more.")
    return Pinned.model_validate_json(body)


def _steps(journal: Mapping[str, str]) -> Iterator[tuple[int, ModelReply]]:
    """Each of the agent's own replies with the number of its step, which begins anew with a pass."""
    for prefix in _PASSES:
        step = 1
        while (output := journal.get(f"{prefix}{step}")) is not None:
            yield step, _REPLY.validate_json(output)
            step += 1


def _calls(steps: Iterable[tuple[int, ModelReply]], journal: Mapping[str, str]) -> Iterator[RecordedCall]:
    for step, reply in steps:
        for use in reply.tool_uses:
            output = journal.get(f"t:{step}:{use.id}")
            result = _RESULT.validate_json(output) if output is not None else None
            yield RecordedCall(step, use.name, canonical(use.arguments), result)
