"""What the desk keeps about hand-backs and ratings."""

from typing import Protocol

from bot.domain.handover import Handback, Rating


class Handbacks(Protocol):
    """Conversations that people gave back."""

    async def add(self, handback: Handback) -> None: ...

    async def of_epoch(self, conversation_id: str, epoch: int) -> Handback | None:
        """The hand-back this epoch began with; None when it began otherwise."""
        ...

    async def claim_briefing(self, conversation_id: str, epoch: int) -> bool:
        """True for the first that asks: it tells the agent what the person did."""
        ...


class Ratings(Protocol):
    """What customers thought, one rating a case."""

    async def rate(self, rating: Rating) -> Rating | None:
        """Give or change it; None when the first one is too old to be changed."""
        ...

    async def of_case(self, case_id: str) -> Rating | None: ...

    async def since(self, at: float) -> list[Rating]:
        """Those given or changed since then, newest first."""
        ...
