"""How a run ends whose question changed under it: without a word, its money settled. See `bot.desk.changes`."""

from collections.abc import Sequence

from bot.desk.changes import is_deleted, notes_of
from bot.desk.signs import live_key, removal, session
from bot.domain.answer import Outcome
from bot.domain.conversation import Conversation, Line, Speaker, Surface
from bot.domain.effects import Session
from bot.domain.incoming import MessageReceived
from bot.domain.interruption import StopWhy
from bot.domain.principal import Principal
from bot.domain.trace import Action, TraceEvent
from bot.ports.store import Queued, Run, Transaction

_HARMLESS = frozenset({"search_knowledge_base", "lookup_customer"})
"""Tools that leave nothing behind."""
_DEED_CHARS = 300


async def end_interrupted(
    tx: Transaction, conversation: Conversation, run: Run, asker: Principal | None, at: float
) -> bool:
    """End a run that an edit, a deletion or a mute has stopped; False when none has.

    The caller holds the run. A change of owner goes before: then the run ends as every run does.
    """
    now = await tx.runs.get(run.id)
    why = StopWhy(now.stop_why) if now is not None else StopWhy.PRESSED
    if why is StopWhy.PRESSED or conversation.epoch != run.epoch:
        return False
    rows = [row for inbox_id in run.inbox_ids if (row := await tx.inbox.get(inbox_id)) is not None]
    left = [row for row in rows if not is_deleted(row)] if why is not StopWhy.DELETED else []
    asks_anew = why is StopWhy.EDITED and bool(left)
    outcome = Outcome.SUPERSEDED if asks_anew else Outcome.STOPPED
    await tx.runs.finish(run.id, outcome)
    await tx.ledger.charge_left_behind(run.id)
    event = TraceEvent(conversation.id, run.id, 0, Action.DECISION, outcome, at, got=f"the question was {why}")
    await tx.traces.add(event)
    await _remember_deeds(tx, conversation, run, at)
    if asks_anew:
        await _ask_anew(tx, conversation, run, left)
    else:
        await _leave(tx, conversation, run, left, asker, at)
    return True


async def _ask_anew(tx: Transaction, conversation: Conversation, run: Run, left: Sequence[Queued]) -> None:
    """The messages wait again; a live line that stays is taken over by the next run."""
    await tx.inbox.mark_handled(run.inbox_ids)
    await tx.inbox.reopen([row.id for row in left])
    if run.live_key is not None and run.live_key not in {live_key(row.id) for row in left}:
        await tx.outbox.add(removal(conversation, run.live_key))


async def _leave(
    tx: Transaction, conversation: Conversation, run: Run, left: Sequence[Queued], asker: Principal | None, at: float
) -> None:
    """Nothing is said, and no sign of work stays."""
    await tx.inbox.mark_handled(run.inbox_ids)
    name = asker.name if asker else "Customer"
    words = [row.incoming.text for row in left if isinstance(row.incoming, MessageReceived)]
    await tx.conversations.add_lines(conversation.id, *(Line(Speaker.CUSTOMER, name, text, at) for text in words))
    await tx.conversations.add_lines(conversation.id, *notes_of(left, at))
    gone = None
    if run.live_key is not None:
        line = removal(conversation, run.live_key)
        await tx.outbox.add(line)
        gone = line.key
    if conversation.surface is Surface.DM:
        await tx.outbox.add(session(f"session:{run.id}:end", conversation, Session.ACTIVE, after=gone))


async def _remember_deeds(tx: Transaction, conversation: Conversation, run: Run, at: float) -> None:
    """What the run has done already stays done: the next one must know, or it would do it again."""
    results = [e for e in await tx.traces.of_run(run.id) if e.action is Action.TOOL_RESULT]
    deeds = [e for e in results if e.ok and not e.error and e.name not in _HARMLESS]
    if deeds:
        done = "; ".join(f"{e.name}: {e.got[:_DEED_CHARS]}" for e in deeds)
        note = f"The customer changed the question while it was worked on. Done already, do not repeat it: {done}"
        await tx.conversations.add_lines(conversation.id, Line(Speaker.NOTE, "", note, at))
