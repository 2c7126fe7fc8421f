"""Runs for people at a terminal, the newest first, with what they cost and which tools they used."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.money import ZERO, from_micro
from bot.domain.trace import Action
from bot.ports.store import Run
from bot.store.bounds import EVERYWHERE, Bounds
from bot.store.runs import run_of_row
from bot.store.tables import runs, traces


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs; what is empty or None does not matter."""

    since: float | None = None
    """Begun then or later."""
    outcome: str = ""
    """An Outcome, or `unfinished`."""
    tool: str = ""
    """Asked for it."""
    failed: bool = False
    """Some step of it failed."""


@dataclass(slots=True)
class RunLine:
    """One run in a list."""

    run: Run
    usd: Decimal = ZERO
    tokens: int = 0
    model_calls: int = 0
    """That were answered."""
    failures: int = 0
    tools: dict[str, int] = field(default_factory=dict)
    """How often each was called."""


class SqlRunList:
    """Finds runs on one connection."""

    def __init__(self, connection: AsyncConnection, bounds: Bounds = EVERYWHERE) -> None:
        self._connection = connection
        self._bounds = bounds

    async def find(self, wanted: RunFilter, count: int) -> list[RunLine]:
        """At most `count`; looks at every run, which an operator may wait for."""
        query = sa.select(runs).where(self._bounds.conversation(runs.c.conversation_id), *_conditions(wanted))
        rows = await self._connection.execute(query.order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(count))
        lines = [RunLine(run_of_row(row)) for row in rows]
        await self._add_figures({line.run.id: line for line in lines})
        return lines

    async def newest_of(self, conversation_id: str) -> str | None:
        """Id of the run of a conversation that began last."""
        here = sa.and_(runs.c.conversation_id == conversation_id, self._bounds.conversation(runs.c.conversation_id))
        query = sa.select(runs.c.id).where(here).order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(1)
        run_id: str | None = await self._connection.scalar(query)
        return run_id

    async def _add_figures(self, by_id: dict[str, RunLine]) -> None:
        conversation_ids = {line.run.conversation_id for line in by_id.values()}
        columns = (traces.c.run_id, traces.c.action, traces.c.name, traces.c.ok)
        tokens = traces.c.input + traces.c.output + traces.c.cache_read
        tokens += traces.c.cache_write_5m + traces.c.cache_write_1h
        sums = sa.func.count().label("rows"), sa.func.sum(traces.c.cost).label("cost"), sa.func.sum(tokens).label("all")
        query = sa.select(*columns, *sums).where(
            traces.c.conversation_id.in_(conversation_ids), traces.c.run_id.in_(by_id)
        )
        for row in await self._connection.execute(query.group_by(*columns)):
            line = by_id[row.run_id]
            line.usd += from_micro(int(row.cost))
            line.tokens += int(row.all)
            line.failures += 0 if row.ok or row.action == Action.TOOL_RESULT else row.rows
            if row.action == Action.LLM_CALL and row.ok:
                line.model_calls += row.rows
            if row.action == Action.TOOL_CALL:
                line.tools[row.name] = line.tools.get(row.name, 0) + row.rows


def _conditions(wanted: RunFilter) -> Iterable[sa.ColumnElement[bool]]:
    if wanted.since is not None:
        yield runs.c.started_at >= wanted.since
    if wanted.outcome:
        yield runs.c.outcome.is_(None) if wanted.outcome == "unfinished" else runs.c.outcome == wanted.outcome
    if wanted.tool:
        yield _some_row(traces.c.action == Action.TOOL_CALL.value, traces.c.name == wanted.tool)
    if wanted.failed:
        yield _some_row(~traces.c.ok)


def _some_row(*conditions: sa.ColumnElement[bool]) -> sa.Exists:
    """Whether the record of a run holds a row like this."""
    its_own = sa.and_(traces.c.conversation_id == runs.c.conversation_id, traces.c.run_id == runs.c.id)
    return sa.exists().where(its_own, *conditions)
