"""What becomes of each table's rows when they grow old; a test fails for a table that is not named here.

Ages are those of the settings: events (KEEP_EVENTS_DAYS), traces, conversations, costs. `Kept` says why rows stay.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ports.keeping import Ages, Batch
from bot.store.dialect import insert_new, upsert
from bot.store.tables import conversations, facts
from tools.tickets.desk import tickets
from tools.tickets.keys import OPENED, OVER, ticket_keys

ROWS = 400
_NIGHT = "cleared_at"
"""The fact that tells when clearing was begun last."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Rows that do not grow old."""

    why: str


_SETTING = Kept("a setting, until somebody changes it or the workspace goes")
_ARTICLES = Kept("the help centre as it is now; a source that drops an article takes it away")
_COUNTS = Kept("sums of counts, in which nobody stands")
_RECORD = Kept("a record of the business that only it may end; goes with the workspace")
_STATE = Kept("the state of this installation: a few rows, written over")

RULES: Mapping[str, str | Kept] = {
    "inbox": "events", "outbox": "events", "journal": "events", "paces": "events",
    "traces": "traces", "kb_gaps": "traces",
    "conversations": "conversations", "transcript_lines": "conversations", "recaps": "conversations",
    "runs": "conversations", "escalations": "conversations", "handbacks": "conversations", "ratings": "conversations",
    "timers": "conversations", "budget_asks": "conversations", "bot_turns": "conversations",
    "citations": "conversations", "tickets": "conversations", "ticket_keys": "conversations",
    "lessons": "conversations", "counted": "conversations",
    "ledger": "costs", "limit_changes": "costs", "grants": "costs",
    "mcp_calls": "forty days (`tools.mcp.once`)",
    "uncounted": "seconds: until they are counted",
    "sign_ins": "minutes: until they expire, when the next one begins",
    "dashboard_sessions": "until they expire, when the next one begins",
    "dashboard_links": "until they expire, when the next one begins",
    "audit": Kept("who decided what, for as long as the workspace is there; `deskhand forget` takes a person out"),
    "audit_heads": Kept("one row for each audit log"),
    "limits": _SETTING, "mutes": _SETTING, "shared_channels": _SETTING, "bot_pauses": _SETTING,
    "workspaces": _SETTING, "mcp_pins": _SETTING,
    "installations": Kept("KEEP_LEFT_DAYS after the app was removed; the token goes at once"),
    "figures": _COUNTS, "tool_figures": _COUNTS, "figure_versions": _COUNTS,
    "evaluations": Kept("results of tests, without words of customers"),
    "evaluation_cases": Kept("as above"),
    "prompts": Kept("texts of ours that traces name by their version"),
    "breakers": _STATE, "replicas": _STATE, "facts": _STATE,
    "kb_articles": _ARTICLES, "kb_chunks": _ARTICLES, "kb_vectors": _ARTICLES, "kb_revision": _ARTICLES,
    "kb_shelves": _ARTICLES, "kb_bands": _ARTICLES, "kb_sources": _ARTICLES,
    "customers": _RECORD, "customer_charges": _RECORD, "billing_invoices": _RECORD, "billing_refunds": _RECORD,
}  # fmt: skip
"""By table. (`lessons` that were accepted, and tickets that are still open, stay longer.)"""


async def clear_tickets(connection: AsyncConnection, ages: Ages, _: object) -> Batch:
    """Tickets of ours that are done, and the book of requests, once their conversation is gone."""
    there = set(await connection.run_sync(lambda plain: sa.inspect(plain).get_table_names()))
    deleted = 0
    done = {tickets: tickets.c.status != "open", ticket_keys: ticket_keys.c.state.in_((OPENED, OVER))}
    for table, is_done in done.items():
        if table.name not in there:
            continue
        gone = ~sa.exists().where(conversations.c.id == table.c.conversation_id)
        keys = list(table.primary_key.columns)
        old = sa.select(*keys).where(
            table.c.created_at < ages.conversations, table.c.conversation_id != "", is_done, gone
        )
        found = [tuple(row) for row in await connection.execute(old.limit(ROWS))]
        if found:
            await connection.execute(sa.delete(table).where(sa.tuple_(*keys).in_(found)))
        deleted += len(found)
    return Batch(deleted, ("again",) if deleted >= ROWS else None)


async def begin_night(connection: AsyncConnection, at: float, since: float) -> bool:
    """Whether nobody has begun to clear since a moment; then it counts as begun now."""
    if not await insert_new(connection, facts, {"name": _NIGHT, "value": str(at)}):
        query = sa.select(facts.c.value).where(facts.c.name == _NIGHT).with_for_update()
        if float(await connection.scalar(query) or 0) >= since:
            return False
        await connection.execute(upsert(connection, facts, {"name": _NIGHT, "value": str(at)}))
    return True


async def forget_night(connection: AsyncConnection) -> None:
    """It came to nothing: it may be begun again."""
    await connection.execute(sa.delete(facts).where(facts.c.name == _NIGHT))
