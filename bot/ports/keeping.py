"""What operators and housekeeping need of the database; none of it is confined to a workspace."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Protocol

PASSING = ("whisper", "session", "prompts", "live", "home")
"""Effects that help only at once: when one fails, nothing is left to be done about it."""


class StuckKind(StrEnum):
    """What got stuck."""

    CAUSE = "cause"
    """An event or a carry-on that was given up."""
    DELIVERY = "delivery"
    """A visible effect that Slack never took."""


@dataclass(frozen=True, slots=True)
class Stuck:
    """Something only an operator can move; holds nothing that a customer wrote."""

    id: str
    """Inbox id, or key of the outbox row."""
    kind: StuckKind
    what: str
    """`message`, `decision`, … of a cause; `answer`, `card`, … of a delivery."""
    team_id: str
    conversation_id: str | None
    partition: str
    """Lane of a delivery."""
    attempts: int
    first_error: str
    """Class of the exception."""
    last_error: str
    received_at: float
    stuck_at: float
    ended: bool
    """Whether those who waited were told and a case was opened; then a retry is a new turn."""


class Dead(Protocol):
    """The dead letters."""

    async def stuck(self, *, limit: int = 500) -> list[Stuck]:
        """Oldest first."""
        ...

    async def find(self, stuck_id: str) -> Stuck | None:
        """One of them, by its id."""
        ...

    async def retry(self, one: Stuck) -> tuple[str, str] | None:
        """Let it be tried again, counted from zero.

        (inbox id, partition) of a cause whose queue entry is a finished one; None when nothing more is to be done.
        """
        ...

    async def drop(self, one: Stuck) -> None:
        """Close it for good."""
        ...


@dataclass(frozen=True, slots=True)
class Gauges:
    """How the work is going, in numbers; ages in seconds, 0 when there is nothing."""

    causes_waiting: int = 0
    oldest_cause: float = 0.0
    deliveries_waiting: int = 0
    oldest_delivery: float = 0.0
    """Of those whose time has come."""
    runs_unfinished: int = 0
    oldest_run: float = 0.0
    parked: int = 0
    deliveries_failed: int = 0
    cases_open: int = 0
    cases_claimed: int = 0
    approvals_waiting: int = 0
    """Open cases with a proposal."""
    articles: int = 0
    """Of all workspaces."""

    def numbers(self) -> dict[str, float]:
        """By name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


class Meter(Protocol):
    """Reads the gauges."""

    async def gauges(self, now: float) -> Gauges: ...


@dataclass(frozen=True, slots=True)
class Ages:
    """Unix seconds: what is older is deleted; 0 keeps everything."""

    events: float
    """Inbox, outbox and journals: the working papers of finished turns."""
    traces: float
    conversations: float
    """Transcripts, cases and conversations."""
    costs: float
    """The ledger, and the history of limits."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction deleted, and where the next one goes on."""

    deleted: int
    after: tuple[object, ...] | None
    """Position; None at the end."""


class Archive(Protocol):
    """What is old, in small batches."""

    @property
    def shelves(self) -> Sequence[str]:
        """The kinds of rows, in the order in which they are to be cleared."""
        ...

    async def clear(self, shelf: str, ages: Ages, after: tuple[object, ...] | None) -> Batch | None:
        """Delete one batch, in a transaction of its own; None when another process is at it."""
        ...

    async def begin_night(self, at: float, *, since: float) -> bool:
        """Whether nobody has begun to clear since a moment; then it counts as begun now."""
        ...

    async def forget_night(self) -> None:
        """It came to nothing: it may be begun again."""
        ...

    async def anchor(self, before: float) -> int:
        """Let the chain of the audit log hold what was written without a link until then; how many entries."""
        ...

    async def left(self, before: float) -> list[str]:
        """Workspaces that removed the app before a moment and have not installed it again."""
        ...

    async def delete_workspace(self, team_id: str) -> int:
        """Delete everything of a workspace, batch by batch; how many rows."""
        ...
