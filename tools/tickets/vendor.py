"""A ticket system of another company, as much of it as `tools.tickets.outside` needs.

An adapter opens a ticket and says what became of tickets; it decides nothing about repeating. What it must tell
honestly is how its service treats a request that comes twice, because "never twice" is built on that: some services
know a request by our mark (`repeatable_seconds`), for the others we look whether a ticket with our mark is there, which
shows all that were opened only after a while (`settle_seconds`).
"""

import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from tools.http import Limits
from tools.tickets.desk import NewTicket

OPEN, PENDING, SOLVED = "open", "pending", "solved"
FOR_EVER = float("inf")
LIMITS = Limits(total_seconds=6.0)
"""Of one call: less than a request for a ticket may be held, so that it ends while it is ours."""
_LONGEST_ID = 64


@dataclass(frozen=True, slots=True)
class Order:
    """One request for a ticket, the same however often it is made."""

    mark: str
    """What the ticket is known by on their side: a UUID that tells nothing about us."""
    ticket: NewTicket
    workspace: str
    """Slack team; empty when unknown."""
    created_at: float
    """When it was first asked for, in Unix seconds."""
    age: float
    """Seconds since it was first sent; 0 the first time."""
    quiet: float = 0.0
    """Seconds since it was last sent."""


@dataclass(frozen=True, slots=True)
class Ref:
    """A ticket of ours on their side."""

    id: str
    """As people write it."""
    mark: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What became of a ticket."""

    id: str
    status: str
    """open | pending | solved"""


@dataclass(frozen=True, slots=True)
class Theirs:
    """A ticket of a customer, whoever opened it."""

    id: str
    customer_email: str
    subject: str
    body: str
    priority: str
    category: str
    status: str
    created_at: float
    workspace: str
    """Slack team whose agent opened it; empty when people did."""


class TicketVendor(Protocol):
    """A ticket system. Raises what `tools.http` raises."""

    @property
    def name(self) -> str:
        """Which one, e.g. `zendesk:acme.zendesk.com`; the same after a restart."""
        ...

    @property
    def repeatable_seconds(self) -> float:
        """How long after the first time the same order may be made again without a second ticket."""
        ...

    @property
    def settle_seconds(self) -> float:
        """After an order without an answer: how long `find` may not see its ticket yet."""
        ...

    async def create(self, order: Order) -> str:
        """Open it; its id. OutcomeUnknownError when the order went out and no clear answer came."""
        ...

    async def find(self, order: Order) -> str | None:
        """The id of the ticket that this order opened; None also where the service cannot be asked."""
        ...

    async def standings(self, tickets: Sequence[Ref]) -> Collection[Standing]:
        """What became of them, under the same ids; those that no longer exist are left out."""
        ...

    async def of_customer(self, email: str) -> Sequence[Theirs] | None:
        """Their newest tickets, of exactly this (canonical) address; None where customers are not known."""
        ...

    async def check(self) -> str:
        """A sentence about what was reached; raises a ToolUnavailableError, or ValueError with a sentence."""
        ...


def when(moment: datetime | None) -> float:
    """Unix seconds; 0 when it is not told."""
    return moment.timestamp() if moment else 0.0


def mark_of(key: str) -> str:
    """The mark of an idempotency key: a UUID of version 4, always the same one."""
    return str(UUID(bytes=hashlib.sha256(f"ticket {key}".encode()).digest()[:16], version=4))


def fenced(text: str) -> str:
    """Text of a customer as Markdown that shows it as it is: no mention, picture, link or comment of theirs works."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"


def presentable(id_: object) -> str:
    """An id from outside, as it may be shown to people; empty when it may not."""
    text = str(id_).strip() if isinstance(id_, str | int) and not isinstance(id_, bool) else ""
    is_plain = text.isascii() and text.isprintable() and not set(text) & set("<>&|`*~@!\\\"' ")
    is_plain = is_plain and text == text.strip("_")  # inside a word it is no emphasis
    return text if text and len(text) <= _LONGEST_ID and is_plain else ""
