"""Results of evaluations, kept beside the bot's own records."""

from collections.abc import Sequence
from typing import Protocol

from bot.domain.evaluation import CaseResult, Evaluation


class Evaluations(Protocol):
    """What was evaluated, newest first. A workspace sees its own; the operator's own workspace also those of nobody."""

    async def add(self, evaluation: Evaluation, results: Sequence[CaseResult]) -> None:
        """Keep an evaluation with all its cases."""
        ...

    async def get(self, evaluation_id: str) -> Evaluation | None:
        """One of them."""
        ...

    async def recent(self, count: int, *, prompt_version: str = "", set_name: str = "") -> list[Evaluation]:
        """The last ones, of one prompt version or set when that is named."""
        ...

    async def results(self, evaluation_id: str) -> list[CaseResult]:
        """Every case of one, by family, case and epoch."""
        ...

    async def latest_by_version(self, versions: Sequence[str]) -> list[Evaluation]:
        """Of each of these prompt versions the last evaluation of each set and model."""
        ...
