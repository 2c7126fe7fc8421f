"""What `test_store_workspaces` tries with rows of another workspace: runs, their journal and their steps."""

from collections.abc import Awaitable, Callable

from bot.domain.trace import Action, TraceEvent
from bot.store.store import SqlTransaction
from tests.contract.store_kit import NOW, THREAD

EVENT = TraceEvent(THREAD.id, "R1", 1, Action.TOOL_CALL, "search", NOW)


async def _journal(tx: SqlTransaction) -> object:
    return list(await tx.runs.journal("R1"))


TRACE_TRIES: dict[str, list[Callable[[SqlTransaction, str], Awaitable[object]]]] = {
    "Runs.answering": [lambda tx, _: tx.runs.answering(THREAD.id, "i1")],
    "Runs.recall": [lambda tx, _: tx.runs.recall("R1", "m1")],
    "Runs.journal": [lambda tx, _: _journal(tx)],
    "Traces.add": [lambda tx, _: tx.traces.add(EVENT)],
    "Traces.of_conversation": [lambda tx, _: tx.traces.of_conversation(THREAD.id)],
    "Traces.of_run": [lambda tx, _: tx.traces.of_run("R1")],
}
