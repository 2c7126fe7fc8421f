"""Entries of the audit log about cases: who did what to which proposal. A decision writes one in its transaction."""

from bot.domain.audit import AuditEntry
from bot.domain.escalation import Escalation, Proposal

MOST_CHARS = 12_000
"""Of a text in an entry; a proposal of the agent is never longer."""


def deed(
    case: Escalation, action: str, actor: str, at: float, *, detail: str = "", before: Proposal | None = None
) -> AuditEntry:
    """An entry about a case and what it proposes; `before`: what it proposed until then. Empty actor: the bot."""
    team_id = case.conversation_id.partition(":")[0]
    now = case.proposal
    return AuditEntry(
        at, team_id, actor, f"case.{action}", case.id, detail[:MOST_CHARS], case.conversation_id,
        now.digest if now else "", _words(before), _words(now),
    )  # fmt: skip


def _words(proposal: Proposal | None) -> str:
    return proposal.words[:MOST_CHARS] if proposal else ""
