"""What the outbox worker needs of the database: rows due, and what became of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from bot.domain.effects import Outgoing, Receipt
from bot.ports.pace import LONGEST_WAIT, Toll


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
    slot_at: float | None = None
    """When its turn to call Slack is, once a place was booked."""


class Intent(StrEnum):
    """Answer to the wish to send now."""

    GRANTED = "granted"
    VOIDED = "voided"
    """The conversation changed hands; the row is closed and nothing may be sent."""
    TAKEN = "taken"
    """Somebody else works on the row."""
    WAITS = "waits"
    """Slack's pace does not allow the call yet; a place is booked and the row postponed to it."""
    LATE = "late"
    """It would come later than it is of use; the row is closed."""


class OutboxQueue(Protocol):
    """Rows not yet delivered, as one replica sees them. Every method is its own short transaction.

    A row whose call is under way in another living replica is not touched.
    """

    async def due_lanes(self, now: float, *, busy: Collection[str], limit: int) -> list[str]:
        """Lanes (not in `busy`) whose first undelivered row may be sent now, oldest first."""
        ...

    async def head(self, lane: str, now: float) -> Delivery | None:
        """The first undelivered row of a lane; None when there is none or its time has not come."""
        ...

    async def due_at(self, lane: str) -> float | None:
        """When the time of a lane's first undelivered row comes."""
        ...

    async def intend(
        self,
        delivery: Delivery,
        *,
        at: float,
        tolls: Sequence[Toll] = (),
        most_wait: float = LONGEST_WAIT,
        droppable: bool = False,
    ) -> Intent:
        """Note that an attempt begins now, unless the row's epoch is no longer its conversation's.

        `tolls` are paid in the same transaction. When the place is up to `most_wait` seconds ahead it is booked; beyond
        that a droppable row is closed and any other asks again later.
        """
        ...

    async def is_current(self, outgoing: Outgoing) -> bool:
        """Whether the conversation still is in the hands it was written for: to be asked just before the call."""
        ...

    async def delivered(self, key: str, receipt: Receipt | None, *, at: float) -> None:
        """It is visible; true also when somebody else took the row over meanwhile."""
        ...

    async def postpone(self, delivery: Delivery, *, until: float, unknown: bool, error: str = "") -> None:
        """Try again later; `unknown` keeps the intent, because the last attempt may have worked.

        Nothing happens, here and below, when somebody else has begun an attempt since `delivery` was read.
        """
        ...

    async def drop(self, delivery: Delivery, *, at: float, error: str) -> None:
        """Close a row that is of no use any more."""
        ...

    async def fail(self, delivery: Delivery, *, at: float, error: str) -> None:
        """Give the row up."""
        ...
