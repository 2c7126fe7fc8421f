"""How prompts were tried, for the page about them."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncEngine

from bot.domain.evaluation import CaseResult, Evaluation
from bot.store.bounds import Bounds
from bot.store.engine import reading_at_length
from bot.store.evaluations import SqlEvaluations


class SqlEvaluationShelf:
    """ports.browsing.EvaluationShelf."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def tried(self, team_id: str, versions: Sequence[str]) -> tuple[Evaluation, ...]:
        async with reading_at_length(self._engine) as connection:
            return tuple(await SqlEvaluations(connection, Bounds(team_id)).latest_by_version(versions))

    async def failed(self, team_id: str, evaluation: Evaluation, most: int) -> tuple[CaseResult, ...]:
        if evaluation.passed == evaluation.cases:
            return ()
        async with reading_at_length(self._engine) as connection:
            results = await SqlEvaluations(connection, Bounds(team_id)).results(evaluation.id)
        return tuple(one for one in results if not one.passed)[:most]
