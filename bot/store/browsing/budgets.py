"""Limits with what is used of them, and the history of limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.domain.browsing import AskRow, BudgetView, LimitUse
from bot.domain.budget import EVERY, Grant, Limit, Period, Scope
from bot.domain.gate import Mute
from bot.domain.money import from_micro
from bot.store.audit import SqlAudit
from bot.store.bot_pauses import SqlBotPauses
from bot.store.bounds import Bounds
from bot.store.budget_asks import ask_of, budget_asks, grant_of, grants
from bot.store.engine import reading_at_length
from bot.store.gates import mutes
from bot.store.limits import SqlLimits
from bot.store.tables import ledger, limits

MOST_LIMITS = 100
MOST = 50
"""Rows of each history."""
MOST_USED = 5
"""Subjects named under a limit for every one."""
SWITCHES = ("bot.pause", "bot.resume")
"""Actions of the audit log about pauses."""
_COLUMN: Mapping[Scope, sa.Column[str]] = {
    Scope.RUN: ledger.c.run_id,
    Scope.CONVERSATION: ledger.c.conversation_id,
    Scope.USER: ledger.c.user_id,
    Scope.CHANNEL: ledger.c.channel_id,
    Scope.WORKSPACE: ledger.c.team_id,
}


@dataclass(frozen=True, slots=True)
class _Now:
    """The moment whose periods count."""

    at: float
    zone: tzinfo

    def start(self, limit: Limit) -> float:
        return limit.period.start(self.at, self.zone)


class SqlBudgetShelf:
    """ports.browsing.BudgetShelf."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def budgets(self, team_id: str, *, now: float, zone: str) -> BudgetView:
        bounds, moment = Bounds(team_id), _Now(now, ZoneInfo(zone))
        muted = sa.and_(mutes.c.team_id == team_id, sa.or_(mutes.c.until.is_(None), mutes.c.until > now))
        async with reading_at_length(self._engine) as connection:
            rows = await connection.execute(
                sa.select(mutes).where(muted).order_by(mutes.c.at.desc(), mutes.c.subject).limit(MOST)
            )
            return BudgetView(
                limits=await _limits(connection, team_id, moment),
                changes=tuple(await SqlLimits(connection, bounds).changes(team_id, MOST)),
                grants=await _grants(connection, team_id),
                asks=await _asks(connection, team_id),
                pauses=tuple(await SqlBotPauses(connection, bounds).all(team_id)),
                mutes=tuple(Mute(row.team_id, row.subject, row.by, row.at, row.until) for row in rows),
                switches=tuple(await SqlAudit(connection, bounds).recent(MOST, actions=SWITCHES)),
            )


async def _limits(connection: AsyncConnection, team_id: str, now: _Now) -> tuple[LimitUse, ...]:
    mine = sa.select(limits).where(limits.c.team_id == team_id)
    order = sa.case({scope.value: place for place, scope in enumerate(reversed(Scope))}, value=limits.c.scope)
    rows = await connection.execute(mine.order_by(order, limits.c.subject, limits.c.period).limit(MOST_LIMITS))
    found = [Limit(Scope(row.scope), row.subject, from_micro(row.usd), Period(row.period)) for row in rows]
    return tuple([await _use(connection, team_id, limit, now) for limit in found])


async def _use(connection: AsyncConnection, team_id: str, limit: Limit, now: _Now) -> LimitUse:
    column = _COLUMN.get(limit.scope)
    if column is None:  # of a single step: nothing adds up
        return LimitUse(limit)
    since = now.start(limit)
    spent = sa.func.sum(ledger.c.charged)
    in_period = sa.and_(ledger.c.team_id == team_id, ledger.c.at >= since)
    if limit.subject == EVERY:
        if limit.period is Period.TOTAL:  # of every run or conversation there ever was: nobody wants to add those up
            return LimitUse(limit)
        most = sa.select(column.label("subject"), spent.label("usd")).where(in_period).group_by(column)
        rows = await connection.execute(most.order_by(spent.desc(), column).limit(MOST_USED))
        return LimitUse(limit, most={row.subject: from_micro(int(row.usd or 0)) for row in rows if row.usd})
    used = await connection.scalar(sa.select(spent).where(column == limit.subject, in_period))
    granted = await connection.scalar(sa.select(sa.func.sum(grants.c.usd)).where(*_granted(team_id, limit, since)))
    return LimitUse(limit, from_micro(int(granted or 0)), from_micro(int(used or 0)))


def _granted(team_id: str, limit: Limit, since: float) -> Sequence[sa.ColumnElement[bool]]:
    return (
        grants.c.team_id == team_id,
        grants.c.subject == limit.subject,
        grants.c.scope == limit.scope.value,
        grants.c.period == limit.period.value,
        grants.c.at >= since,
    )


async def _grants(connection: AsyncConnection, team_id: str) -> tuple[Grant, ...]:
    mine = sa.select(grants).where(grants.c.team_id == team_id)
    return tuple(grant_of(row) for row in await connection.execute(mine.order_by(grants.c.seq.desc()).limit(MOST)))


async def _asks(connection: AsyncConnection, team_id: str) -> tuple[AskRow, ...]:
    mine = sa.select(budget_asks).where(budget_asks.c.team_id == team_id)
    newest = mine.order_by(budget_asks.c.asked_at.desc(), budget_asks.c.case_id.desc()).limit(MOST)
    return tuple(AskRow(ask_of(row), row.ended_at) for row in await connection.execute(newest))
