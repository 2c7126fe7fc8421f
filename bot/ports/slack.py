"""What the desk and the runtime need of Slack."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from bot.domain.effects import Outgoing, Place, Progress, Receipt
from bot.domain.escalation import CardView
from bot.domain.incoming import File
from bot.domain.reports import HomePage


@dataclass(frozen=True, slots=True)
class Person:
    """A Slack profile."""

    user_id: str
    team_id: str
    name: str
    email: str | None
    """Lower case; None when Slack does not tell."""
    is_bot: bool
    is_guest: bool = False
    """Of a single or a few channels, or somebody this workspace does not know."""
    picture: str = ""
    """URL; empty when Slack does not tell."""
    language: str = ""
    """In which they use Slack, ISO 639-1; empty when Slack does not tell."""


class Directory(Protocol):
    """Who people are and where they belong; answers are cached for a short time."""

    async def person(self, user_id: str) -> Person:
        """The profile; TransientError when Slack cannot be asked."""
        ...

    async def is_member(self, channel_id: str, user_id: str) -> bool:
        """Whether the user is in the channel; MembershipUnknownError when Slack does not tell."""
        ...

    async def in_group(self, group_id: str, user_id: str) -> bool:
        """Whether the user is in the user group; MembershipUnknownError when Slack does not tell."""
        ...

    async def permalink(self, place: Place) -> str:
        """Link to the thread; empty when Slack does not tell."""
        ...


class Files(Protocol):
    """Bytes of files people attached."""

    async def download(self, file: File, *, limit: int) -> bytes:
        """At most `limit` bytes; PermanentError when larger or gone."""
        ...


CardSource = Callable[[str], Awaitable[CardView]]
"""Gives the view of an escalation's card by its id, as it is now."""


HomeSource = Callable[[str], Awaitable[HomePage]]
"""Gives what somebody's Home tab shows, by their user id, as it is now."""


StillOurs = Callable[[], Awaitable[bool]]
"""Whether a conversation still is in the hands something was written for."""


@dataclass(frozen=True, slots=True)
class Target:
    """What the outbox found out about the messages an effect refers to."""

    edit: Receipt | None = None
    """The message to replace."""
    under: Receipt | None = None
    """The message to reply under."""
    is_repeat: bool = False
    """An earlier attempt may have left a part of the effect in `edit`."""
    still_ours: StillOurs | None = field(default=None, compare=False)
    """To be asked immediately before each call that shows words; OvertakenError when the answer is no."""


@dataclass(frozen=True, slots=True)
class LiveState:
    """A live line after an attempt to change it."""

    receipt: Receipt
    """A stream that came to its end is a plain message from then on."""
    is_shown: bool = True
    is_certain: bool = True
    """False when nobody knows whether Slack may still carry the change out and overwrite what comes later."""


class Messenger(Protocol):
    """Carries one effect to Slack; no retries."""

    async def deliver(self, outgoing: Outgoing, target: Target) -> Receipt | None:
        """Make the effect visible; the receipt of the (first) message, if there is one.

        Raises TransientError (with `retry_after`, `ambiguous`) or PermanentError.
        """
        ...

    async def find(self, outgoing: Outgoing, target: Target, *, since: float) -> Receipt | None:
        """Look for a message that an earlier, interrupted attempt left behind (by our metadata key)."""
        ...

    async def progress(self, receipt: Receipt, progress: Progress, still_ours: StillOurs | None = None) -> LiveState:
        """Change a live line while it is ours; may be dropped, never raises for Slack's faults."""
        ...
