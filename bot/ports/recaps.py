"""What the desk keeps about long conversations."""

from typing import Protocol

from bot.domain.conversation import Line
from bot.domain.recap import Recap


class Recaps(Protocol):
    """One summary a conversation, and the lines it does not cover."""

    async def get(self, conversation_id: str) -> Recap:
        """What there is; an empty one that covers nothing when there is none."""
        ...

    async def keep(self, conversation_id: str, recap: Recap) -> bool:
        """Store it; False when what is stored covers as much already."""
        ...

    async def lines_after(self, conversation_id: str, place: int, most: int) -> list[tuple[int, Line]]:
        """The last lines behind a place with their own places, oldest first."""
        ...
