"""What is remembered of questions that an answer had no source for."""

from collections.abc import Sequence
from typing import Protocol

from bot.domain.gaps import GapCause


class Gaps(Protocol):
    """Questions that articles were found for, but no answer. Those that nothing was found for the search notes."""

    async def add(
        self, conversation_id: str, run_id: str, questions: Sequence[str], cause: GapCause, *, at: float
    ) -> None:
        """Remember them, each once for a run, without what belongs to one customer."""
        ...
