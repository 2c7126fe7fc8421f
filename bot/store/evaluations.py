"""Results of evaluations: their tables and queries. They hold figures and reasons; transcripts stay in files.

Evaluations that name no workspace belong to the operator: they are seen by workspaces that did not install the app,
which is the operator's own.
"""

from collections.abc import Sequence
from dataclasses import fields

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.evaluation import CaseResult, Evaluation
from bot.domain.money import from_micro, to_micro
from bot.ports.keeping import Ages, Batch
from bot.store.bounds import EVERYWHERE, Bounds
from bot.store.dialect import AnyRow
from bot.store.tables import installations, metadata

evaluations = sa.Table(
    "evaluations",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("team_id", sa.Text, nullable=False),  # empty: the operator's own
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("set_name", sa.Text, nullable=False),
    sa.Column("prompt_version", sa.Text, nullable=False),
    sa.Column("prompts_digest", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("judge", sa.Text, nullable=False),
    sa.Column("epochs", sa.Integer, nullable=False),
    sa.Column("cases", sa.Integer, nullable=False),
    sa.Column("passed", sa.Integer, nullable=False),  # in every epoch
    sa.Column("flaky", sa.Integer, nullable=False),
    sa.Column("cost", sa.BigInteger, nullable=False),  # millionths of a dollar
    sa.Column("seconds", sa.Double, nullable=False),
    sa.Column("ended", sa.Text, nullable=False),
    sa.Column("folder", sa.Text, nullable=False),
    sa.Index("ix_evaluations_at", "at"),
    sa.Index("ix_evaluations_version", "prompt_version", "at"),
)
evaluation_cases = sa.Table(
    "evaluation_cases",
    metadata,
    sa.Column("evaluation_id", sa.Text, primary_key=True),
    sa.Column("case_id", sa.Text, primary_key=True),
    sa.Column("epoch", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("family", sa.Text, nullable=False),
    sa.Column("passed", sa.Boolean, nullable=False),
    sa.Column("score", sa.Double, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("cost", sa.BigInteger, nullable=False),  # millionths of a dollar
    sa.Column("tokens", sa.BigInteger, nullable=False),
    sa.Column("steps", sa.Integer, nullable=False),
    sa.Column("seconds", sa.Double, nullable=False),
    sa.Column("conversation_id", sa.Text, nullable=False),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("needs_model", sa.Boolean, nullable=False),
)
_PAGE = 500
"""Rows of one statement."""
_AT_ONCE = 20
"""Evaluations that are deleted in one transaction, each with some hundred cases."""


class SqlEvaluations:
    """ports.evaluations.Evaluations on one connection."""

    def __init__(self, connection: AsyncConnection, bounds: Bounds = EVERYWHERE) -> None:
        self._connection = connection
        self._bounds = bounds

    async def add(self, evaluation: Evaluation, results: Sequence[CaseResult]) -> None:
        self._bounds.check(evaluation.team_id)
        await self._connection.execute(sa.insert(evaluations), _row(evaluation))
        rows = [_row(result) for result in results]
        for first in range(0, len(rows), _PAGE):
            await self._connection.execute(sa.insert(evaluation_cases), rows[first : first + _PAGE])

    async def get(self, evaluation_id: str) -> Evaluation | None:
        query = sa.select(evaluations).where(evaluations.c.id == evaluation_id, self._mine())
        row = (await self._connection.execute(query)).first()
        return _evaluation(row) if row else None

    async def recent(self, count: int, *, prompt_version: str = "", set_name: str = "") -> list[Evaluation]:
        query = sa.select(evaluations).where(self._mine())
        if prompt_version:
            query = query.where(evaluations.c.prompt_version == prompt_version)
        if set_name:
            query = query.where(evaluations.c.set_name == set_name)
        newest = query.order_by(evaluations.c.at.desc(), evaluations.c.id.desc()).limit(count)
        return [_evaluation(row) for row in await self._connection.execute(newest)]

    async def results(self, evaluation_id: str) -> list[CaseResult]:
        if await self.get(evaluation_id) is None:
            return []
        table = evaluation_cases.c
        query = sa.select(evaluation_cases).where(table.evaluation_id == evaluation_id)
        rows = await self._connection.execute(query.order_by(table.family, table.case_id, table.epoch))
        return [_result(row) for row in rows]

    async def latest_by_version(self, versions: Sequence[str]) -> list[Evaluation]:
        table = evaluations.c
        place = sa.func.row_number().over(
            partition_by=(table.prompt_version, table.set_name, table.model),
            order_by=(table.at.desc(), table.id.desc()),
        )
        wanted = sa.and_(table.prompt_version.in_(versions), self._mine())
        ranked = sa.select(evaluations, place.label("place")).where(wanted).subquery()
        query = sa.select(ranked).where(ranked.c.place == 1).order_by(ranked.c.at.desc())
        return [_evaluation(row) for row in await self._connection.execute(query)]

    def _mine(self) -> sa.ColumnElement[bool]:
        team_id = self._bounds.team_id
        if team_id is None:
            return sa.true()
        is_guest = sa.exists().where(installations.c.team_id == team_id)
        return sa.or_(evaluations.c.team_id == team_id, sa.and_(evaluations.c.team_id == "", ~is_guest))


async def clear_evaluations(connection: AsyncConnection, ages: Ages, _: tuple[object, ...] | None) -> Batch:
    """Delete some that are as old as forgotten costs, with their cases."""
    old = sa.select(evaluations.c.id).where(evaluations.c.at < ages.costs).order_by(evaluations.c.at).limit(_AT_ONCE)
    ids = list(await connection.scalars(old))
    if not ids:
        return Batch(0, None)
    cases = await connection.execute(sa.delete(evaluation_cases).where(evaluation_cases.c.evaluation_id.in_(ids)))
    await connection.execute(sa.delete(evaluations).where(evaluations.c.id.in_(ids)))
    return Batch(len(ids) + max(0, cases.rowcount), (ids[-1],) if len(ids) == _AT_ONCE else None)


def evaluations_of(team_id: str) -> list[tuple[sa.Table, sa.ColumnElement[bool]]]:
    """The rows of a workspace, cases before what they belong to."""
    mine = evaluations.c.team_id == team_id
    its_own = evaluation_cases.c.evaluation_id.in_(sa.select(evaluations.c.id).where(mine))
    return [(evaluation_cases, its_own), (evaluations, mine)]


def _row(one: Evaluation | CaseResult) -> dict[str, object]:
    values = {field.name: getattr(one, field.name) for field in fields(one)}
    return {**values, "cost": to_micro(one.cost)}


def _evaluation(row: AnyRow) -> Evaluation:
    return Evaluation(**{**_values(row, Evaluation), "cost": from_micro(row.cost)})  # type: ignore[arg-type]  # columns are named as its fields


def _result(row: AnyRow) -> CaseResult:
    return CaseResult(**{**_values(row, CaseResult), "cost": from_micro(row.cost)})  # type: ignore[arg-type]  # columns are named as its fields


def _values(row: AnyRow, kind: type[Evaluation] | type[CaseResult]) -> dict[str, object]:
    return {field.name: getattr(row, field.name) for field in fields(kind)}
