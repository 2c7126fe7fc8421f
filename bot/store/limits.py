"""Queries of the limits that admins set, and of the history of changes."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.budget import EVERY, BudgetChange, Limit, Period, Scope
from bot.domain.money import from_micro, to_micro
from bot.store.bounds import EVERYWHERE, Bounds
from bot.store.budget_asks import SqlGrants, grants, named
from bot.store.dialect import one_at_a_time, upsert
from bot.store.tables import limit_changes, limits


@cache
def _limits_of(scopes: tuple[Scope, ...]) -> sa.Select[Any]:
    """Limits of one subject (named like its scope) of each of some scopes. Built once, as in `bot.store.ledger`."""
    wanted = (
        sa.and_(limits.c.scope == scope.value, limits.c.subject.in_((sa.bindparam(scope.value), EVERY)))
        for scope in scopes
    )
    own_last = sa.case((limits.c.subject == EVERY, 0), else_=1)
    query = sa.select(limits.c.scope, limits.c.period, limits.c.usd)
    return query.where(limits.c.team_id == sa.bindparam("team"), sa.or_(*wanted)).order_by(own_last)


class SqlLimits(SqlGrants):
    """The limits part of ports.ledger.Ledger on one connection."""

    def __init__(self, connection: AsyncConnection, bounds: Bounds = EVERYWHERE) -> None:
        super().__init__(connection, bounds)

    async def hold(self, team_id: str) -> None:
        """Whoever changes or applies limits of a workspace does so one at a time, whatever process it is in."""
        await one_at_a_time(self._connection, f"ledger:{team_id}")

    async def limits(self, team_id: str, scope: Scope, subject: str) -> list[Limit]:
        """One limit per period: the subject's own, else the one for every subject; `subject` is filled in."""
        return await self.limits_of(team_id, {scope: subject})

    async def limits_of(self, team_id: str, subjects: Mapping[Scope, str]) -> list[Limit]:
        """The same for one subject of each of several scopes, in one query: it is asked before each model call."""
        if not self._bounds.admits(team_id):
            return []
        rows = await self._connection.execute(_limits_of(tuple(subjects)), {"team": team_id} | named(subjects))
        found = {(row.scope, row.period): from_micro(row.usd) for row in rows}
        return [
            Limit(scope, subject, found[scope, period], period)
            for scope, subject in subjects.items()
            for period in Period
            if (scope, period) in found
        ]

    async def limit_for(self, team_id: str, scope: Scope, subject: str, period: Period) -> Limit | None:
        """The limit set for exactly this subject (which may be `*`)."""
        if not self._bounds.admits(team_id):
            return None
        usd = await self._connection.scalar(
            sa.select(limits.c.usd).where(
                limits.c.team_id == team_id,
                limits.c.scope == scope.value,
                limits.c.subject == subject,
                limits.c.period == period.value,
            )
        )
        return None if usd is None else Limit(scope, subject, from_micro(usd), period)

    async def set_limit(self, change: BudgetChange, *, team_id: str) -> None:
        self._bounds.check(team_id)
        await self.hold(team_id)
        key = {
            "team_id": team_id,
            "scope": change.scope.value,
            "subject": change.subject,
            "period": change.period.value,
        }
        usd = None if change.usd is None else to_micro(change.usd)
        if usd is None:
            same = (limits.c[name] == value for name, value in key.items())
            await self._connection.execute(sa.delete(limits).where(*same))
        else:
            await self._connection.execute(upsert(self._connection, limits, {**key, "usd": usd}))
        given = [grants.c[name] == value for name, value in key.items() if name != "subject"]
        whose = sa.true() if change.subject == EVERY else grants.c.subject == change.subject
        await self._connection.execute(sa.delete(grants).where(*given, whose))
        await self.note_change(change, team_id=team_id)

    async def note_change(self, change: BudgetChange, *, team_id: str) -> None:
        self._bounds.check(team_id)
        key = {
            "team_id": team_id,
            "scope": change.scope.value,
            "subject": change.subject,
            "period": change.period.value,
        }
        usd = None if change.usd is None else to_micro(change.usd)
        await self._connection.execute(sa.insert(limit_changes).values(**key, usd=usd, by=change.by, at=change.at))

    async def changes(self, team_id: str, count: int) -> list[BudgetChange]:
        if not self._bounds.admits(team_id):
            return []
        query = sa.select(limit_changes).where(limit_changes.c.team_id == team_id)
        rows = await self._connection.execute(query.order_by(limit_changes.c.seq.desc()).limit(count))
        return [
            BudgetChange(
                scope=Scope(row.scope),
                subject=row.subject,
                period=Period(row.period),
                usd=None if row.usd is None else from_micro(row.usd),
                by=row.by,
                at=row.at,
            )
            for row in rows
        ]
