"""What a conversation left behind, as an evaluation (or a person who looks into it) wants to know it."""

from dataclasses import dataclass
from decimal import Decimal

from bot.domain.exchange import Usage
from bot.domain.money import ZERO
from bot.domain.trace import TraceEvent


@dataclass(frozen=True, slots=True)
class LeftCase:
    """A case that was opened."""

    id: str
    origin: str
    reason: str
    summary: str
    team: str
    """Empty: none in particular."""
    staff_channel: str
    state: str


@dataclass(frozen=True, slots=True)
class LeftTicket:
    """A ticket that was opened."""

    number: int
    email: str
    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class LeftRefund:
    """Money that was given back."""

    email: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Aftermath:
    """Everything of one conversation that nobody has to read its messages for."""

    runs: tuple[tuple[str, str], ...] = ()
    """(id, outcome), oldest first; the outcome is empty while it goes on."""
    cases: tuple[LeftCase, ...] = ()
    tickets: tuple[LeftTicket, ...] = ()
    refunds: tuple[LeftRefund, ...] = ()
    trace: tuple[TraceEvent, ...] = ()
    cards: tuple[tuple[str, str], ...] = ()
    """(channel, ts) of the cards staff were shown."""
    prompt_version: str = ""
    cost: Decimal = ZERO
    usage: Usage = Usage()
    steps: int = 0
    """Model calls of the agent."""
