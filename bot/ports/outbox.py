"""What the outbox worker needs of the database: rows due, and what became of them."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from bot.domain.effects import Outgoing, Receipt


class Referred(StrEnum):
    """What became of an effect another one refers to."""

    DELIVERED = "delivered"
    PENDING = "pending"
    GONE = "gone"
    """Voided, failed, or never written."""


@dataclass(frozen=True, slots=True)
class Reference:
    """The effect named by `edits` or `under`, as it stands."""

    state: Referred
    receipt: Receipt | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One row due for delivery."""

    outgoing: Outgoing
    attempts: int
    """Attempts begun so far."""
    created_at: float
    intent_at: float | None
    """Set when an attempt was begun whose result nobody knows."""
    edits: Reference | None
    under: Reference | None


class Intent(StrEnum):
    """Answer to the wish to send now."""

    GRANTED = "granted"
    VOIDED = "voided"
    """The conversation changed hands; the row is closed and nothing may be sent."""
    TAKEN = "taken"
    """Somebody else works on the row."""


class OutboxQueue(Protocol):
    """Rows not yet delivered. Every method is its own short transaction."""

    async def due_lanes(self, now: float, *, busy: Collection[str], limit: int) -> list[str]:
        """Lanes (not in `busy`) whose first undelivered row may be sent now, oldest first."""
        ...

    async def head(self, lane: str, now: float) -> Delivery | None:
        """The first undelivered row of a lane; None when there is none or its time has not come."""
        ...

    async def intend(self, delivery: Delivery, *, at: float) -> Intent:
        """Note that an attempt begins now, unless the row's epoch is no longer its conversation's."""
        ...

    async def delivered(self, key: str, receipt: Receipt | None, *, at: float) -> None: ...

    async def postpone(self, key: str, *, until: float, unknown: bool, error: str = "") -> None:
        """Try again later; `unknown` keeps the intent, because the last attempt may have worked."""
        ...

    async def fail(self, key: str, *, at: float, error: str) -> None:
        """Give the row up."""
        ...
