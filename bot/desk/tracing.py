"""Rows of the record about what people and the desk decided; whoever decides writes one in the same transaction."""

from bot.domain.escalation import Escalation
from bot.domain.trace import Action, TraceEvent


def decided(case: Escalation, what: str, at: float, *, by: str = "", words: str = "") -> TraceEvent:
    """Something was decided about a case; `by`: a name, empty for the bot itself."""
    return TraceEvent(case.conversation_id, "", 0, Action.DECISION, what, at, given=by, got=words, ref=case.id)


def happened(conversation_id: str, what: str, at: float, *, by: str = "", about: str = "") -> TraceEvent:
    """The same without a case; `about`: whatever brought it about."""
    return TraceEvent(conversation_id, "", 0, Action.DECISION, what, at, given=by, ref=about)
