"""What the money desk needs of a database, beside the ledger itself."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from bot.domain.bot_pause import BotPause
from bot.domain.budget import Scope
from bot.domain.conversation import Conversation


class Spending(Protocol):
    """What was spent (and is set aside), summed up for people to look at."""

    async def since(
        self, team_id: str, subjects: Mapping[Scope, str], starts: Sequence[float]
    ) -> dict[Scope, tuple[Decimal, ...]]:
        """USD of each subject (workspace, channel, user) since each moment, in the order of the moments."""
        ...

    async def between(self, team_id: str, starts: Sequence[float]) -> list[Decimal]:
        """USD of a workspace from each moment to the next one (from the last one until now); moments ascend."""
        ...

    async def begun_by(self, team_id: str, user_id: str, count: int) -> list[Conversation]:
        """The newest conversations a person began."""
        ...


class BotPauses(Protocol):
    """Where the bot is paused."""

    async def holding(self, team_id: str, channel_id: str) -> BotPause | None:
        """The pause that holds in a channel: the whole bot's, else the channel's own."""
        ...

    async def all(self, team_id: str) -> list[BotPause]:
        """Every pause in force, the whole bot's first."""
        ...

    async def begin(self, pause: BotPause) -> bool:
        """Insert; False when that place is paused already."""
        ...

    async def end(self, team_id: str, channel_id: str) -> BotPause | None:
        """Lift the pause of exactly this place; None when there was none."""
        ...
