"""What the door asks the database before it lets an event in."""

from typing import Protocol

from bot.domain.gate import BotTurn, Mute, SharedChannel


class Gates(Protocol):
    """Mutes, shared channels, and how much other bots talk."""

    async def mute(self, mute: Mute) -> None:
        """Be quiet from now on; an earlier mute of the same subject is replaced."""
        ...

    async def unmute(self, team_id: str, subject: str) -> bool:
        """Lift a mute; False when there was none."""
        ...

    async def muted(self, conversation_id: str, at: float) -> Mute | None:
        """The mute that holds for a conversation at that moment: its own, or that of its channel."""
        ...

    async def shared_channel(self, team_id: str, channel_id: str) -> SharedChannel | None:
        """What is known of a channel as a shared one; None when no event ever said that it is."""
        ...

    async def ask_about(self, channel: SharedChannel) -> bool:
        """Note a shared channel that nobody has allowed yet; False when it was noted before."""
        ...

    async def allow(self, channel: SharedChannel) -> None:
        """Let the bot speak in a shared channel, or (`is_allowed` False) no longer."""
        ...

    async def count_bot(self, conversation_id: str, bot_id: str, at: float) -> BotTurn:
        """Count one message of another bot."""
        ...
