"""Queries of runs and their journal."""

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.answer import Outcome
from bot.domain.errors import FencedError, ForeignWorkspaceError
from bot.domain.interruption import StopWhy
from bot.ports.clock import Clock
from bot.ports.store import Run
from bot.store.bounds import EVERYWHERE, Bounds
from bot.store.dialect import AnyRow, insert_new
from bot.store.tables import conversations, journal, runs


class SqlRuns:
    """ports.store.Runs on one connection."""

    def __init__(self, connection: AsyncConnection, clock: Clock, bounds: Bounds = EVERYWHERE) -> None:
        self._connection = connection
        self._clock = clock
        self._bounds = bounds
        self._mine = bounds.conversation(runs.c.conversation_id)

    async def begin(self, run: Run) -> bool:
        self._bounds.check_conversation(run.conversation_id)
        return await insert_new(
            self._connection,
            runs,
            {
                "id": run.id,
                "conversation_id": run.conversation_id,
                "inbox_ids": json.dumps(run.inbox_ids),
                "user_id": run.user_id,
                "epoch": run.epoch,
                "live_key": run.live_key,
                "started_at": run.started_at,
                "outcome": run.outcome.value if run.outcome else None,
                "stop_requested": run.stop_requested,
                "stop_why": run.stop_why,
                "paused_at": run.paused_at,
            },
        )

    async def get(self, run_id: str) -> Run | None:
        return await self._first(sa.select(runs).where(runs.c.id == run_id, self._mine))

    async def unfinished(self, conversation_id: str) -> Run | None:
        if not self._bounds.holds(conversation_id):
            return None
        return await self._first(_open_runs(conversation_id).where(runs.c.paused_at.is_(None)))

    async def paused(self, conversation_id: str) -> Run | None:
        if not self._bounds.holds(conversation_id):
            return None
        return await self._first(_open_runs(conversation_id).where(runs.c.paused_at.is_not(None)))

    async def pause(self, run_id: str, *, at: float) -> bool:
        return await self._change(run_id, runs.c.paused_at.is_(None), paused_at=at, live_key=None)

    async def resume(self, run_id: str, *, live_key: str) -> bool:
        return await self._change(run_id, runs.c.paused_at.is_not(None), paused_at=None, live_key=live_key)

    async def hold(self, run_id: str) -> bool:
        query = sa.select(runs.c.id).where(runs.c.id == run_id, runs.c.outcome.is_(None), self._mine)
        return (await self._connection.execute(query.with_for_update())).first() is not None

    async def finish(self, run_id: str, outcome: Outcome) -> bool:
        return await self._change(run_id, sa.true(), outcome=outcome.value)

    async def _change(self, run_id: str, condition: sa.ColumnElement[bool], **values: object) -> bool:
        """Change a run that has no outcome yet."""
        open_run = sa.and_(runs.c.id == run_id, runs.c.outcome.is_(None), condition, self._mine)
        return bool((await self._connection.execute(sa.update(runs).where(open_run).values(**values))).rowcount)

    async def answering(self, conversation_id: str, inbox_id: str) -> list[Run]:
        if not self._bounds.holds(conversation_id):
            return []
        named = runs.c.inbox_ids.contains(json.dumps(inbox_id), autoescape=True)
        begun = sa.select(runs).where(runs.c.conversation_id == conversation_id, named)
        found = await self._connection.execute(begun.order_by(runs.c.started_at, runs.c.id))
        return [run for row in found if inbox_id in (run := run_of_row(row)).inbox_ids]

    async def open_in(self, team_id: str, channel_id: str) -> list[str]:
        here = runs.c.conversation_id.startswith(f"{team_id}:{channel_id}:", autoescape=True)
        query = sa.select(runs.c.conversation_id).where(runs.c.outcome.is_(None), here, self._mine).distinct()
        return list(await self._connection.scalars(query.order_by(runs.c.conversation_id)))

    async def request_stop(self, conversation_id: str, why: str = "") -> bool:
        self._bounds.check_conversation(conversation_id)
        result = await self._connection.execute(
            sa.update(runs)
            .where(runs.c.conversation_id == conversation_id, runs.c.outcome.is_(None))
            .values(stop_requested=True, stop_why=_why(why))
        )
        return bool(result.rowcount)

    async def overtaken(self, run_ids: Sequence[str]) -> frozenset[str]:
        same = sa.and_(conversations.c.id == runs.c.conversation_id, conversations.c.epoch == runs.c.epoch)
        query = (
            sa.select(runs.c.id)
            .join(conversations, same)
            .where(runs.c.id.in_(run_ids), ~runs.c.stop_requested, self._mine)
        )
        return frozenset(run_ids) - frozenset(await self._connection.scalars(query))

    async def recall(self, run_id: str, name: str) -> str | None:
        query = sa.select(journal.c.output).where(
            journal.c.run_id == run_id, journal.c.name == name, self._is_mine(run_id)
        )
        output: str | None = (await self._connection.execute(query)).scalar_one_or_none()
        return output

    async def journal(self, run_id: str) -> dict[str, str]:
        query = sa.select(journal.c.name, journal.c.output).where(journal.c.run_id == run_id, self._is_mine(run_id))
        return {row.name: row.output for row in await self._connection.execute(query.order_by(journal.c.at))}

    async def record(self, run_id: str, name: str, output: str) -> None:
        if not await self._connection.scalar(sa.select(self._is_mine(run_id))):
            raise ForeignWorkspaceError("this run belongs to another workspace")
        new = await insert_new(
            self._connection,
            journal,
            {
                "run_id": run_id,
                "name": name,
                "output": output,
                "at": self._clock(),
            },
        )
        if not new:
            raise FencedError(f"step {name} of run {run_id} is recorded already")

    def _is_mine(self, run_id: str) -> sa.ColumnElement[bool]:
        """Whether the run is not known to belong to another workspace (the journal has rows of its own, too)."""
        if self._bounds.team_id is None:
            return sa.true()
        return ~sa.exists().where(runs.c.id == run_id, ~self._mine)

    async def _first(self, query: sa.Select[tuple[object, ...]]) -> Run | None:
        row = (await self._connection.execute(query)).first()
        return run_of_row(row) if row else None


def run_of_row(row: AnyRow) -> Run:
    """A run as its row has it."""
    return Run(
        id=row.id,
        conversation_id=row.conversation_id,
        inbox_ids=tuple(json.loads(row.inbox_ids)),
        user_id=row.user_id,
        epoch=row.epoch,
        live_key=row.live_key,
        started_at=row.started_at,
        outcome=Outcome(row.outcome) if row.outcome else None,
        stop_requested=row.stop_requested,
        stop_why=row.stop_why,
        paused_at=row.paused_at,
    )


def _open_runs(conversation_id: str) -> sa.Select[Any]:
    """Runs without an outcome, the newest first."""
    query = sa.select(runs).where(runs.c.conversation_id == conversation_id, runs.c.outcome.is_(None))
    return query.order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(1)


def _why(why: str) -> str | sa.Case[str]:
    """A Stop that was pressed stays one, whatever is edited after it."""
    if why != StopWhy.EDITED:
        return why
    is_stopped = sa.and_(runs.c.stop_requested, runs.c.stop_why.in_((StopWhy.PRESSED, StopWhy.DELETED, StopWhy.MUTED)))
    return sa.case((is_stopped, runs.c.stop_why), else_=why)
