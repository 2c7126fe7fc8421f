"""What a customer reads at the end of a turn."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from bot.domain.exchange import Citation

_THOUSAND = 1000


class Outcome(StrEnum):
    """How a run ended."""

    ANSWERED = "answered"
    ESCALATED = "escalated"
    AWAITING_APPROVAL = "awaiting_approval"
    BUDGET_EXHAUSTED = "budget_exhausted"
    REFUSED = "refused"
    FAILED = "failed"
    STOPPED = "stopped"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Footer:
    """Steps, tokens and money of a conversation, shown under each answer."""

    step: int
    max_steps: int
    tokens: int
    cost: Decimal
    limit: Decimal

    @property
    def tokens_shown(self) -> str:
        """Thousands with a `k`."""
        return f"{self.tokens / _THOUSAND:.1f}k" if self.tokens >= _THOUSAND else str(self.tokens)


@dataclass(frozen=True, slots=True)
class Answer:
    """Text for the customer with its sources and its price."""

    text: str
    citations: tuple[Citation, ...] = ()
    footer: Footer | None = None
    run_id: str = ""
    """For the feedback buttons; empty on fixed sentences (which carry none)."""
    language: str = ""
    """Of whoever reads it, ISO 639-1: what stands around the text is in it."""
