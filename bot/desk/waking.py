"""Lets the turns of a conversation be looked at again, when the pause of its run is over."""

from bot.domain.budget_ask import AskEnd, BudgetAsk
from bot.domain.conversation import ThreadKey
from bot.domain.incoming import Woken
from bot.ports.store import Transaction


def timer_key(case_id: str) -> str:
    """Of the timer that ends the time to say whether a run may spend more."""
    return f"money:{case_id}"


async def wake(tx: Transaction, ask: BudgetAsk, how: AskEnd, inbox_id: str) -> None:
    """Queue the conversation once more."""
    cause = Woken(ThreadKey.parse(ask.conversation_id), f"{how}:{ask.case_id}")
    await tx.inbox.add(inbox_id, cause, conversation_id=ask.conversation_id, partition=ask.conversation_id)


async def wake_paused(tx: Transaction, conversation_id: str, inbox_id: str) -> None:
    """The same after a change of owner or a Stop; nothing when no run is paused."""
    run = await tx.runs.paused(conversation_id)
    ask = await tx.budget_asks.of_run(run.id) if run else None
    if ask is not None:
        await wake(tx, ask, AskEnd.OVERTAKEN, inbox_id)
