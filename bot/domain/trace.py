"""What is recorded of every step, so that a run can be re-read."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from bot.domain.exchange import Usage
from bot.domain.money import ZERO


class Action(StrEnum):
    """What a trace row is about."""

    LLM_CALL = "llm_call"
    TOOL_CALL = "tool_call"
    TOOL_ATTEMPT = "tool_attempt"
    """One try of a tool at a back-end; a tool call that went well at its first and only try has none."""
    DECISION = "decision"
    ERROR = "error"
    ESCALATION = "escalation"
    DELIVERY = "delivery"


@dataclass(frozen=True, slots=True)
class TraceEvent:
    """One row. `given` and `got` are short summaries kept for staff, never written to logs."""

    conversation_id: str
    run_id: str
    step: int
    action: Action
    name: str
    """Model id, tool name, back-end, decision or error class."""
    at: float
    given: str = ""
    got: str = ""
    usage: Usage = Usage()
    cost: Decimal = ZERO
    duration_ms: int = 0
    attempt: int = 1
    ok: bool = True
    error: str = ""
    """Class of the error, never its text with customer data."""
