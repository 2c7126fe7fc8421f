"""Tables and queries of runs that wait for money, and of what was granted beyond a limit."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.budget import Grant, Period, Scope, Shortfall
from bot.domain.budget_ask import AskEnd, BudgetAsk
from bot.domain.money import from_micro, to_micro
from bot.store.bounds import EVERYWHERE, Bounds, team_of_conversation
from bot.store.dialect import AnyRow
from bot.store.tables import metadata

_SHORTFALL = TypeAdapter(Shortfall)

budget_asks = sa.Table(
    "budget_asks",
    metadata,
    sa.Column("case_id", sa.Text, primary_key=True),
    sa.Column("team_id", sa.Text, nullable=False),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("conversation_id", sa.Text, nullable=False),
    sa.Column("shortfall", sa.Text, nullable=False),  # JSON
    sa.Column("asked_at", sa.Double, nullable=False),
    sa.Column("held", sa.Text, nullable=False),  # JSON list of inbox ids
    sa.Column("ended", sa.Text),  # allowed | stopped | overtaken | expired; null: the run waits
    sa.Column("ended_at", sa.Double),
    sa.Index("ix_budget_asks_conversation", "conversation_id", "asked_at"),
    sa.Index("ix_budget_asks_run", "run_id", "asked_at"),
)
grants = sa.Table(
    "grants",
    metadata,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("team_id", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("period", sa.Text, nullable=False),
    sa.Column("usd", sa.BigInteger, nullable=False),  # micro-dollars
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.Index("ix_grants_subject", "team_id", "subject", "scope"),
)


class SqlBudgetAsks:
    """ports.budget_asks.BudgetAsks on one connection."""

    def __init__(self, connection: AsyncConnection, bounds: Bounds = EVERYWHERE) -> None:
        self._connection = connection
        self._bounds = bounds
        self._mine = bounds.team(budget_asks.c.team_id)

    async def open(self, ask: BudgetAsk) -> None:
        self._bounds.check_conversation(ask.conversation_id)
        values = {
            "case_id": ask.case_id,
            "team_id": team_of_conversation(ask.conversation_id),
            "run_id": ask.run_id,
            "conversation_id": ask.conversation_id,
            "shortfall": _SHORTFALL.dump_json(ask.shortfall).decode(),
            "asked_at": ask.asked_at,
            "held": json.dumps(ask.held),
        }
        await self._connection.execute(sa.insert(budget_asks).values(values))

    async def of_case(self, case_id: str) -> BudgetAsk | None:
        return await self._first(sa.select(budget_asks).where(budget_asks.c.case_id == case_id, self._mine))

    async def of_run(self, run_id: str) -> BudgetAsk | None:
        newest = sa.select(budget_asks).where(budget_asks.c.run_id == run_id, self._mine)
        return await self._first(newest.order_by(budget_asks.c.asked_at.desc(), budget_asks.c.case_id.desc()).limit(1))

    async def open_of(self, team_id: str) -> list[BudgetAsk]:
        is_open = sa.and_(budget_asks.c.team_id == team_id, budget_asks.c.ended.is_(None), self._mine)
        rows = await self._connection.execute(sa.select(budget_asks).where(is_open).order_by(budget_asks.c.case_id))
        return [ask_of(row) for row in rows]

    async def hold(self, case_id: str, inbox_ids: Sequence[str]) -> bool:
        open_ask = sa.and_(budget_asks.c.case_id == case_id, budget_asks.c.ended.is_(None), self._mine)
        held = await self._connection.scalar(sa.select(budget_asks.c.held).where(open_ask).with_for_update())
        if held is None:
            return False
        all_of_them = json.dumps([*json.loads(held), *inbox_ids])
        await self._connection.execute(sa.update(budget_asks).where(open_ask).values(held=all_of_them))
        return True

    async def end(self, case_id: str, how: AskEnd, *, at: float) -> BudgetAsk | None:
        return await self._first(
            sa.update(budget_asks)
            .where(budget_asks.c.case_id == case_id, budget_asks.c.ended.is_(None), self._mine)
            .values(ended=how.value, ended_at=at)
            .returning(budget_asks)
        )

    async def _first(self, query: sa.Executable) -> BudgetAsk | None:
        row = (await self._connection.execute(query)).first()
        return ask_of(row) if row else None


def named(subjects: Mapping[Scope, str]) -> dict[str, str]:
    """Subjects as parameters of a query, each named like its scope."""
    return {scope.value: subject for scope, subject in subjects.items()}


@cache
def _grants_of(scopes: tuple[Scope, ...]) -> sa.Select[Any]:
    """Grants to one subject (named like its scope) of each of some scopes. Built once, as in `bot.store.ledger`."""
    wanted = (sa.and_(grants.c.scope == scope.value, grants.c.subject == sa.bindparam(scope.value)) for scope in scopes)
    return sa.select(grants).where(grants.c.team_id == sa.bindparam("team"), sa.or_(*wanted))


class SqlGrants:
    """The grants part of ports.store.Ledger on one connection."""

    def __init__(self, connection: AsyncConnection, bounds: Bounds = EVERYWHERE) -> None:
        self._connection = connection
        self._bounds = bounds

    async def grant(self, grant: Grant, *, team_id: str) -> None:
        self._bounds.check(team_id)
        values = {
            "team_id": team_id,
            "scope": grant.scope.value,
            "subject": grant.subject,
            "period": grant.period.value,
            "usd": to_micro(grant.usd),
            "by": grant.by,
            "at": grant.at,
        }
        await self._connection.execute(sa.insert(grants).values(values))

    async def grants_of(self, team_id: str, subjects: Mapping[Scope, str]) -> list[Grant]:
        if not self._bounds.admits(team_id):
            return []
        rows = await self._connection.execute(_grants_of(tuple(subjects)), {"team": team_id} | named(subjects))
        return [grant_of(row) for row in rows]


def ask_of(row: AnyRow) -> BudgetAsk:
    """The question in a row."""
    return BudgetAsk(
        case_id=row.case_id,
        run_id=row.run_id,
        conversation_id=row.conversation_id,
        shortfall=_SHORTFALL.validate_json(row.shortfall),
        asked_at=row.asked_at,
        held=tuple(json.loads(row.held)),
        end=AskEnd(row.ended) if row.ended else None,
    )


def grant_of(row: AnyRow) -> Grant:
    """The grant in a row."""
    return Grant(Scope(row.scope), row.subject, Period(row.period), from_micro(row.usd), row.by, row.at)
