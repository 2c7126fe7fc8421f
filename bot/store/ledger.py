"""Queries of the ledger. A row is charged its worst case while reserved, then what was really spent."""

from collections.abc import Sequence
from datetime import tzinfo
from decimal import ROUND_DOWN, Decimal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.budget import Account, Claim, Limit, Scope, Spend
from bot.domain.conversation import Standing
from bot.domain.errors import BudgetExceededError, TokensExceededError
from bot.domain.exchange import Usage
from bot.domain.money import MICRO, from_micro, to_micro
from bot.ports.clock import NewId
from bot.store.bounds import EVERYWHERE, Bounds
from bot.store.dialect import AnyRow
from bot.store.limits import SqlLimits
from bot.store.tables import conversations, ledger
from bot.store.usage import USAGE_COLUMNS, usage_columns, usage_of

_RESERVED, _SETTLED, _RELEASED = "reserved", "settled", "released"
_ASSUMED = "assumed"
"""Charged at the worst case because nobody came back to say what it was; whoever does after all is still believed."""
_SUBJECT: dict[Scope, sa.Column[str]] = {
    Scope.STEP: ledger.c.run_id,
    Scope.RUN: ledger.c.run_id,
    Scope.CONVERSATION: ledger.c.conversation_id,
    Scope.USER: ledger.c.user_id,
    Scope.CHANNEL: ledger.c.channel_id,
    Scope.WORKSPACE: ledger.c.team_id,
}
_MINE_SINCE = (ledger.c.team_id == sa.bindparam("team"), ledger.c.at >= sa.bindparam("since"))
_CHARGED = {
    scope: sa.select(sa.func.sum(ledger.c.charged)).where(column == sa.bindparam("subject"), *_MINE_SINCE)
    for scope, column in _SUBJECT.items()
}
"""Built once: each is asked before each call, and building a query takes longer than answering it."""
_IS_SPENT = ledger.c.state.in_((_SETTLED, _ASSUMED))
_IS_STEP = sa.and_(_IS_SPENT, ledger.c.name.like("m%"))
SPEND = (
    sa.func.sum(sa.case((_IS_SPENT, ledger.c.charged))).label("settled"),
    sa.func.sum(sa.case((ledger.c.state == _RESERVED, ledger.c.charged))).label("reserved"),
    sa.func.count(sa.distinct(sa.case((_IS_STEP, ledger.c.run_id + ":" + ledger.c.name)))).label("steps"),
    *(sa.func.sum(ledger.c[name]).label(name) for name in USAGE_COLUMNS),
)
"""Columns of a Spend; an attempt that failed and was charged is the same step as the one that worked."""


class SqlLedger(SqlLimits):
    """ports.ledger.Ledger on one connection."""

    def __init__(self, connection: AsyncConnection, new_id: NewId, bounds: Bounds = EVERYWHERE) -> None:
        super().__init__(connection, bounds)
        self._new_id = new_id
        self._mine = bounds.team(ledger.c.team_id)

    async def reserve(self, claim: Claim, *, at: float) -> str:
        self._bounds.check(claim.account.team_id)
        self._bounds.check_conversation(claim.account.conversation_id)
        await self.hold(claim.account.team_id)
        await self._assume(ledger.c.run_id == claim.account.run_id, ledger.c.name == claim.name)
        wanted = to_micro(claim.usd)
        for limit in claim.limits:
            used = 0 if limit.scope is Scope.STEP else await self._charged(claim.account, limit, at, claim.zone)
            if used + wanted > int((limit.usd * MICRO).to_integral_value(rounding=ROUND_DOWN)):
                raise BudgetExceededError(limit, used=from_micro(used), wanted=claim.usd)
        await self._check_tokens(claim)
        return await self._insert(claim, wanted, at)

    async def settle(self, reservation_id: str, *, usd: Decimal, usage: Usage, model: str) -> None:
        await self._close(
            reservation_id,
            state=_SETTLED,
            charged=to_micro(usd),
            counted=usage.counted,
            model=model,
            **usage_columns(usage),
        )

    async def charge_worst(self, reservation_id: str) -> None:
        await self._close(reservation_id, state=_SETTLED)

    async def charge_left_behind(self, run_id: str) -> None:
        await self._assume(ledger.c.run_id == run_id)

    async def charge_lost(self, *, before: float) -> int:
        return await self._assume(ledger.c.at < before)

    async def release(self, reservation_id: str) -> None:
        await self._close(reservation_id, state=_RELEASED, charged=0, counted=0)

    async def spend(self, conversation_id: str) -> Spend:
        query = sa.select(*SPEND).where(ledger.c.conversation_id == conversation_id, self._mine)
        return spend_of((await self._connection.execute(query)).one())

    async def total(self, team_id: str, *, since: float, channel_id: str = "", user_id: str = "") -> Decimal:
        query = sa.select(sa.func.sum(ledger.c.charged)).where(
            ledger.c.team_id == team_id, ledger.c.at >= since, self._mine
        )
        if channel_id:
            query = query.where(ledger.c.channel_id == channel_id)
        if user_id:
            query = query.where(ledger.c.user_id == user_id)
        return from_micro(int(await self._connection.scalar(query) or 0))

    async def dearest(self, team_id: str, count: int, *, opened_by: str = "") -> list[tuple[str, Spend]]:
        whose = conversations.c.opened_by == opened_by if opened_by else sa.true()
        query = (
            sa.select(ledger.c.conversation_id, *SPEND)
            .join(conversations, conversations.c.id == ledger.c.conversation_id)
            .where(
                conversations.c.team_id == team_id, conversations.c.standing != Standing.CLOSED.value, whose, self._mine
            )
            .group_by(ledger.c.conversation_id)
            .order_by(sa.func.sum(ledger.c.charged).desc(), ledger.c.conversation_id)
            .limit(count)
        )
        return [(row.conversation_id, spend_of(row)) for row in await self._connection.execute(query)]

    async def _assume(self, *which: sa.ColumnElement[bool]) -> int:
        """Let reservations stand as spent; how many."""
        left = sa.update(ledger).where(*which, ledger.c.state == sa.literal_column(f"'{_RESERVED}'"), self._mine)
        return max(0, (await self._connection.execute(left.values(state=_ASSUMED))).rowcount)

    async def left(self, account: Account, limit: Limit, *, at: float, zone: tzinfo) -> Decimal:
        self._bounds.check(account.team_id)
        return limit.usd - from_micro(await self._charged(account, limit, at, zone))

    async def spent(self, account: Account, limits: Sequence[Limit], *, at: float, zone: tzinfo) -> list[Decimal]:
        self._bounds.check(account.team_id)
        if not limits:
            return []
        sums = (
            sa.select(sa.func.sum(ledger.c.charged))
            .where(
                _SUBJECT[limit.scope] == account.subject(limit.scope),
                ledger.c.team_id == account.team_id,
                ledger.c.at >= limit.period.start(at, zone),
                _IS_SPENT,
            )
            .scalar_subquery()
            for limit in limits
        )
        row = (await self._connection.execute(sa.select(*sums))).one()
        return [from_micro(int(value or 0)) for value in row]

    async def _charged(self, account: Account, limit: Limit, at: float, zone: tzinfo) -> int:
        since = limit.period.start(at, zone)
        values = {"team": account.team_id, "subject": account.subject(limit.scope), "since": since}
        return int(await self._connection.scalar(_CHARGED[limit.scope], values) or 0)

    async def _check_tokens(self, claim: Claim) -> None:
        if claim.token_limit is None:
            return
        query = sa.select(sa.func.sum(ledger.c.counted)).where(
            ledger.c.conversation_id == claim.account.conversation_id
        )
        used = int(await self._connection.scalar(query) or 0)
        if used + claim.tokens > claim.token_limit:
            raise TokensExceededError(f"{used} of {claim.token_limit} tokens used or reserved, {claim.tokens} wanted")

    async def _insert(self, claim: Claim, micro: int, at: float) -> str:
        reservation_id = self._new_id()
        account = claim.account
        await self._connection.execute(
            sa.insert(ledger).values(
                id=reservation_id,
                run_id=account.run_id,
                name=claim.name,
                team_id=account.team_id,
                channel_id=account.channel_id,
                user_id=account.user_id,
                conversation_id=account.conversation_id,
                model=claim.model,
                state=_RESERVED,
                charged=micro,
                counted=claim.tokens,
                at=at,
                **usage_columns(Usage()),
            )
        )
        return reservation_id

    async def _close(self, reservation_id: str, **values: object) -> None:
        """Say what became of a reservation; a second word changes nothing."""
        is_open = ledger.c.state.in_((_RESERVED, _ASSUMED))
        await self._connection.execute(
            sa.update(ledger).where(ledger.c.id == reservation_id, is_open, self._mine).values(**values)
        )


def spend_of(row: AnyRow) -> Spend:
    """The Spend in a row of SPEND."""
    return Spend(
        usd=from_micro(int(row.settled or 0)),
        reserved=from_micro(int(row.reserved or 0)),
        usage=usage_of(row),
        steps=row.steps,
    )
