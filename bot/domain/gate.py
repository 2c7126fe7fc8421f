"""What keeps the bot out of a talk before any model is asked: mutes, shared channels nobody allowed, chattering bots.

All three are asked at the door, in the transaction that stores the event, and looked up in the database each time: what
one process was told holds for every process at once.
"""

from dataclasses import dataclass

PAIR_EVENTS = 20
"""So many messages another bot may send into one conversation within `PAIR_SECONDS`."""
PAIR_SECONDS = 60.0
PAUSE_SECONDS = 300.0
"""A bot that writes more is not listened to for so long; a loop of two bots has run dry by then."""


@dataclass(frozen=True, slots=True)
class Mute:
    """Somebody asked the bot to be quiet."""

    team_id: str
    subject: str
    """A conversation's id, or a channel's."""
    by: str
    """User id."""
    at: float
    until: float | None = None
    """Unix seconds; None: until it is lifted."""

    @property
    def is_of_channel(self) -> bool:
        """Whether the whole channel is muted."""
        return ":" not in self.subject


@dataclass(frozen=True, slots=True)
class SharedChannel:
    """A channel shared with another organisation, as an event in it said."""

    team_id: str
    channel_id: str
    is_allowed: bool
    """Whether an admin has let the bot speak there."""
    by: str = ""
    """User id of that admin."""
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class BotTurn:
    """How often another bot has written into one conversation of late, this message included."""

    count: int
    """In the window that began last."""
    paused_until: float

    @property
    def is_last_straw(self) -> bool:
        """Whether this very message brought the pause about."""
        return self.count == PAIR_EVENTS + 1
