"""What overtakes a proposal: until a tool call that was approved has begun, the customer's words still stop it.

Between the press and the call somebody may write, or change what they wrote. The first such event is kept in the
journal of the call, and so is its beginning; whichever stands there first counts. A call that has begun is not
begun again under other circumstances: after a crash nobody knows whether it was made, and that is what is said.
"""

from contextlib import suppress

from bot.domain.errors import FencedError
from bot.domain.incoming import CallApproved, MessageReceived
from bot.ports.store import Transaction

_BEGUN = "begun"
_OVERTAKEN = "overtaken"


def run_of(case_id: str) -> str:
    """Under which id an approved call keeps its journal; part of the key by which the tool knows it again."""
    return f"approved-{case_id}"


async def overtake_call(tx: Transaction, conversation_id: str) -> None:
    """Somebody has written, or changed what they wrote: a call that was approved before and waits is not made."""
    waiting = await tx.inbox.pending_call(conversation_id)
    if waiting is None or not isinstance(waiting.incoming, CallApproved):
        return
    run_id = run_of(waiting.incoming.escalation_id)
    if not await has_begun(tx, waiting.incoming) and await tx.runs.recall(run_id, _OVERTAKEN) is None:
        with suppress(FencedError):  # two events at once
            await tx.runs.record(run_id, _OVERTAKEN, "1")


async def is_overtaken(tx: Transaction, cause: CallApproved) -> bool:
    """Whether words came in since the approval, answered or not."""
    said = await tx.runs.recall(run_of(cause.escalation_id), _OVERTAKEN)
    return said is not None or await has_unread(tx, cause.thread.id)


async def has_unread(tx: Transaction, conversation_id: str) -> bool:
    """Whether messages wait about which no run has begun."""
    run = await tx.runs.unfinished(conversation_id)
    known = run.inbox_ids if run else ()
    waiting = await tx.inbox.waiting(conversation_id)
    return any(row.id not in known for row in waiting if isinstance(row.incoming, MessageReceived))


async def is_stopped(tx: Transaction, run_id: str) -> bool:
    """Whether a run was stopped, e.g. by an edit of its question: nothing may be proposed in its name any more.

    Holds the run, so that a Stop (and what follows from it) comes either before or after this transaction.
    """
    await tx.runs.hold(run_id)
    run = await tx.runs.get(run_id)
    return run is not None and run.stop_requested


async def has_begun(tx: Transaction, cause: CallApproved) -> bool:
    """Whether the tool was asked already, perhaps in vain."""
    return await tx.runs.recall(run_of(cause.escalation_id), _BEGUN) is not None


async def begin(tx: Transaction, cause: CallApproved) -> None:
    """From here on the call is under way, and only its result is told."""
    if await has_begun(tx, cause):
        return
    with suppress(FencedError):  # another replica has begun it just now; the tool does it once
        await tx.runs.record(run_of(cause.escalation_id), _BEGUN, "1")
