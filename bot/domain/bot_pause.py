"""The bot on pause: switched off by an admin for the whole workspace or for one channel.

While a pause holds no run begins and no run takes another step; a step under way is finished, because it is paid for.
Whoever writes meanwhile is told once that the bot is paused, and the question goes before people.
"""

from dataclasses import dataclass

EVERYWHERE = ""
"""In place of a channel: the whole bot, direct conversations too."""


@dataclass(frozen=True, slots=True)
class BotPause:
    """A pause in force."""

    team_id: str
    channel_id: str
    """EVERYWHERE for the whole bot."""
    by: str
    """User id of the admin."""
    at: float
    reason: str = ""
    """For staff; customers do not read it."""

    @property
    def is_everywhere(self) -> bool:
        """Whether the whole bot is paused."""
        return self.channel_id == EVERYWHERE

    @property
    def key(self) -> str:
        """Tells this pause from earlier and later ones of the same place."""
        return f"{self.channel_id or 'all'}:{self.at:.3f}"
