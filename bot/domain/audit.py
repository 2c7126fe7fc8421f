"""The record of who decided or changed what. Entries are added and never changed; the database itself refuses that.

It answers later what the card no longer shows: which text or call somebody agreed to, what it said before an edit, who
raised a limit. An entry may hold words of customers (in a draft), so it never goes to a log; it is removed with all the
rest of a workspace, and never alone.

Each workspace's entries form a chain (`bot.domain.audit_chain`), so that `deskhand audit verify` finds whatever was
done to them behind the bot's back. A person who is to be forgotten is taken out of the entries without breaking it.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One deed."""

    at: float
    team_id: str
    actor: str
    """User id; empty for the bot itself."""
    action: str
    """What was done, `thing.deed`, e.g. `case.approve` or `limit.set`."""
    subject: str
    """Id of what it was done to: a case, a conversation, a channel."""
    detail: str = ""
    """In words: a reason, a note."""
    conversation_id: str = ""
    digest: str = ""
    """Of the proposal, when it is about one."""
    before: str = ""
    after: str = ""
