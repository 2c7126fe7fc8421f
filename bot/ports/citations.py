"""What is remembered of the articles that answers rested on."""

from collections.abc import Sequence
from typing import Protocol

from bot.domain.exchange import Citation


class Citations(Protocol):
    """Which answers rested on which articles; no words of anybody."""

    async def add(self, conversation_id: str, run_id: str, cited: Sequence[Citation], *, at: float) -> None:
        """Remember what the answer of a run cites, each article once."""
        ...
