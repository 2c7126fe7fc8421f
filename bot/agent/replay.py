"""Lets the agent do a run again, with another prompt or model, on the same words and the recorded results of its tools.

It is the loop of every day (`bot.agent.loop`) with its journal, budget and record, on a store of its own that is thrown
away: nothing reaches the conversation, Slack or a back-end. What is not done again is the review of the answer.

    record = await read_record(store, run_id)
    async with scratch_store(clock) as scratch:
        again = await replay(record, Variant.of(record, profile, models), calls_on(scratch), scratch, clock, max_usd)
    compare(record, again)
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from bot.agent.calls import ModelCalls, Purse
from bot.agent.loop import Agent, Assignment, RunResult
from bot.agent.pinning import Pinned
from bot.agent.profile import Profile
from bot.agent.record import NoRecordError, Record, read_record, write_beginning
from bot.agent.tape import Asked, Tape
from bot.agent.toolbox import Toolbox
from bot.domain.budget import Account, Limit, Scope
from bot.domain.exchange import ToolSpec
from bot.domain.principal import Principal, Role
from bot.ports.clock import Clock
from bot.ports.ledger import Ledger
from bot.ports.store import Store, Transaction
from tools.base import ToolContext

_TOKENS = 10_000_000
"""Of a replay; its money is what limits it."""
_VERSION = "replay"


@dataclass(frozen=True, slots=True)
class Variant:
    """What a run is done again with."""

    system: str
    specs: tuple[ToolSpec, ...]
    models: tuple[str, ...]
    """First choice, then the second model."""
    effort: str
    max_steps: int
    max_tokens: int
    """Of one reply."""

    @classmethod
    def of(cls, record: Record, profile: Profile, models: tuple[str, ...], *, system: str = "") -> "Variant":
        """With a profile's settings and those of the recorded tools that it has; `system`: another prompt."""
        specs = tuple(spec for spec in record.pinned.tools if profile.has(spec.name))
        prompt = system or record.pinned.system
        return cls(prompt, specs, models, profile.effort, profile.max_steps, profile.max_output_tokens)


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of it."""

    record: Record
    """Like that of any run."""
    result: RunResult
    asked: tuple[Asked, ...]
    """Calls of tools, and how well the record knew them."""


async def replay(
    record: Record, variant: Variant, calls: ModelCalls, store: Store, clock: Clock, max_usd: Decimal
) -> Replayed:
    """Do a run again; ends as BUDGET_EXHAUSTED before a call that could cost more than is left of `max_usd`.

    `store`: an empty one, which `calls` works on, too.
    """
    run_id = f"replay-{record.run.id}"
    async with store.write() as tx:
        await _begin(tx, record, variant, run_id, clock())
    tape = Tape(record.calls)
    result = await Agent(calls).run(_assignment(record, variant, tape, run_id, store, clock, max_usd))
    async with store.write() as tx:
        await tx.runs.finish(run_id, result.outcome)
    return Replayed(await read_record(store, run_id), result, tuple(tape.asked))


async def _begin(tx: Transaction, record: Record, variant: Variant, run_id: str, now: float) -> None:
    conversation = replace(record.conversation, prompt_version=_VERSION)
    if not await tx.conversations.open(conversation):
        raise NoRecordError("A replay needs an empty store.")
    await tx.conversations.keep_prompt(_VERSION, Pinned(system=variant.system, tools=variant.specs).model_dump_json())
    await tx.runs.begin(replace(record.run, id=run_id, live_key=None, started_at=now, outcome=None, paused_at=None))
    await write_beginning(tx, run_id, record.messages)


def _silent(_: int, __: str) -> None:
    """Nobody watches."""


def _assignment(
    record: Record, variant: Variant, tape: Tape, run_id: str, store: Store, clock: Clock, max_usd: Decimal
) -> Assignment:
    key, user_id = record.conversation.key, record.run.user_id

    async def limits(_: Ledger, __: float) -> tuple[Limit, ...]:
        return (Limit(Scope.CONVERSATION, key.id, max_usd),)

    async def ours(_: str) -> bool:
        return True

    nobody = Principal(key.team_id, user_id, Role.CUSTOMER, "", None)
    return Assignment(
        system=variant.system,
        messages=record.messages,
        specs=variant.specs,
        toolbox=Toolbox(tape.tools(variant.specs), store, clock),
        context=ToolContext(nobody, key.id, run_id, "", record.run.epoch),
        purse=Purse(Account(key.team_id, key.channel_id, user_id, key.id, run_id), limits, _TOKENS),
        models=variant.models,
        effort=variant.effort,
        max_steps=variant.max_steps,
        max_tokens=variant.max_tokens,
        user_ref="",
        still_ours=ours,
        progress=_silent,
    )
