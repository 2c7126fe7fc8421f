"""What the overview shows, read from sums."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.domain.budget import Limit, Period, Scope, with_grants
from bot.domain.insight import Choices, Figures, Overview, Selection, ToolDay
from bot.domain.money import from_micro
from bot.domain.reports import Gauge
from bot.ports.clock import Clock
from bot.store.dialect import AnyRow
from bot.store.engine import reading_at_length
from bot.store.insight.tables import figure_versions, figures, tool_figures, uncounted
from bot.store.limits import SqlLimits

_PERIODS = (Period.DAY, Period.WEEK, Period.MONTH)
_ALWAYS = (Period.DAY, Period.MONTH)
_CHOICE_DAYS = 90
"""What was in use in these days can be chosen."""
Zones = Callable[[str], Awaitable[tzinfo]]
"""Whose days a workspace counts by."""
Ceilings = Callable[[str], Awaitable[Limit | None]]
"""What no admin of a workspace can raise."""


async def no_ceiling(_: str) -> None:
    """Every limit can be raised."""


class SqlInsight:
    """ports.insight.Insight."""

    def __init__(self, engine: AsyncEngine, zones: Zones, clock: Clock, ceilings: Ceilings = no_ceiling) -> None:
        self._engine = engine
        self._zones = zones
        self._clock = clock
        self._ceilings = ceilings

    async def zone(self, team_id: str) -> tzinfo:
        return await self._zones(team_id)

    async def version(self, team_id: str) -> int:
        async with self._engine.connect() as connection:
            return await _version(connection, team_id)

    async def overview(self, team_id: str, selection: Selection) -> Overview:
        zone, ceiling = await self._zones(team_id), await self._ceilings(team_id)
        async with reading_at_length(self._engine) as connection:
            by_day = await _by_day(connection, team_id, selection)
            before = await _sums(connection, team_id, selection.before())
            return Overview(
                selection=selection,
                total=_added(by_day),
                before=Figures(before),
                days=tuple((day, Figures(by_day.get(day.isoformat(), {}))) for day in _days(selection)),
                gauges=await self._gauges(connection, team_id, zone, ceiling),
                choices=await self._choices(connection, team_id, zone),
                version=await _version(connection, team_id),
                waiting=int(await connection.scalar(sa.select(sa.func.count()).select_from(_first_waiting())) or 0),
            )

    async def choices(self, team_id: str) -> Choices:
        zone = await self._zones(team_id)
        async with reading_at_length(self._engine) as connection:
            return await self._choices(connection, team_id, zone)

    async def tools(self, team_id: str, first: date, last: date) -> list[ToolDay]:
        t = tool_figures.c
        query = sa.select(t.day, t.tool, t.measure, t.value).where(
            t.team_id == team_id, t.day.between(first.isoformat(), last.isoformat()), t.value != 0
        )
        found: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
        async with reading_at_length(self._engine) as connection:
            for row in await connection.execute(query):
                found[row.tool, row.day][row.measure] = row.value
        return [
            ToolDay(tool, date.fromisoformat(day), Figures(counts)) for (tool, day), counts in sorted(found.items())
        ]

    async def _gauges(
        self, connection: AsyncConnection, team_id: str, zone: tzinfo, ceiling: Limit | None
    ) -> tuple[Gauge, ...]:
        now = self._clock()
        ledger = SqlLimits(connection)
        subjects = {Scope.WORKSPACE: team_id}
        own = tuple(await ledger.limits_of(team_id, subjects))
        limits = with_grants(own, await ledger.grants_of(team_id, subjects), now, zone)
        limits = (*limits, ceiling) if ceiling else limits
        lowest = {one.period: one.usd for one in sorted(limits, key=lambda one: one.usd, reverse=True)}
        today = datetime.fromtimestamp(now, zone).date()
        gauges = []
        for period in _PERIODS:
            if period in _ALWAYS or period in lowest:
                first = datetime.fromtimestamp(period.start(now, zone), zone).date()
                spent = (await _sums(connection, team_id, Selection(first, today), "spent")).get("spent", 0)
                gauges.append(Gauge(Scope.WORKSPACE, period, from_micro(spent), lowest.get(period)))
        return tuple(gauges)

    async def _choices(self, connection: AsyncConnection, team_id: str, zone: tzinfo) -> Choices:
        since = datetime.fromtimestamp(self._clock(), zone).date() - timedelta(days=_CHOICE_DAYS)
        f = figures.c
        days = sa.func.min(f.day).label("first"), sa.func.max(f.day).label("last")
        query = (
            sa.select(f.channel_id, f.profile, f.prompt_version, *days)
            .where(f.team_id == team_id, f.day >= since.isoformat(), f.measure == "conversations", f.value > 0)
            .group_by(f.channel_id, f.profile, f.prompt_version)
        )
        rows = (await connection.execute(query)).all()
        return Choices(
            tuple(sorted({row.channel_id for row in rows})), tuple(sorted({row.profile for row in rows})), _newest(rows)
        )


def _newest(rows: Sequence[AnyRow]) -> tuple[str, ...]:
    """Prompt versions by the last day they were in use; of those of one day, the one that came later first."""
    used: dict[str, tuple[str, str]] = {}
    for row in rows:
        if row.prompt_version:
            last, first = used.get(row.prompt_version, (row.last, row.first))
            used[row.prompt_version] = max(last, row.last), min(first, row.first)
    return tuple(sorted(used, key=lambda version: (*used[version], version), reverse=True))


async def _version(connection: AsyncConnection, team_id: str) -> int:
    query = sa.select(figure_versions.c.version).where(figure_versions.c.team_id == team_id)
    return int(await connection.scalar(query) or 0)


def _first_waiting() -> sa.Subquery:
    """A thousand is as good as more."""
    return sa.select(uncounted.c.seq).limit(1_000).subquery()


async def _by_day(connection: AsyncConnection, team_id: str, selection: Selection) -> dict[str, dict[str, int]]:
    f = figures.c
    query = sa.select(f.day, f.measure, sa.func.sum(f.value).label("total")).where(*_chosen(team_id, selection))
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for row in await connection.execute(query.group_by(f.day, f.measure)):
        found[row.day][row.measure] = int(row.total)
    return found


async def _sums(
    connection: AsyncConnection, team_id: str, selection: Selection, measure: str | None = None
) -> dict[str, int]:
    f = figures.c
    query = sa.select(f.measure, sa.func.sum(f.value).label("total")).where(*_chosen(team_id, selection))
    if measure is not None:
        query = query.where(f.measure == measure)
    return {row.measure: int(row.total) for row in await connection.execute(query.group_by(f.measure))}


def _chosen(team_id: str, selection: Selection) -> list[sa.ColumnElement[bool]]:
    f = figures.c
    wanted: list[tuple[sa.Column[Any], str]] = [
        (f.channel_id, selection.channel_id), (f.profile, selection.profile),
        (f.prompt_version, selection.prompt_version),
    ]  # fmt: skip
    days = f.day.between(selection.first.isoformat(), selection.last.isoformat())
    return [f.team_id == team_id, days, *(column == value for column, value in wanted if value)]


def _added(by_day: dict[str, dict[str, int]]) -> Figures:
    total: dict[str, int] = defaultdict(int)
    for counts in by_day.values():
        for measure, value in counts.items():
            total[measure] += value
    return Figures(total)


def _days(selection: Selection) -> list[date]:
    return [selection.first + timedelta(days=number) for number in range(selection.days)]
