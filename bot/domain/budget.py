"""Limits on money and what was used of them."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from enum import StrEnum

from bot.domain.exchange import Usage
from bot.domain.money import ZERO, show_usd


class Scope(StrEnum):
    """What a limit is about."""

    STEP = "step"
    RUN = "run"
    CONVERSATION = "conversation"
    USER = "user"
    CHANNEL = "channel"
    WORKSPACE = "workspace"


class Period(StrEnum):
    """How long a limit counts before it starts anew, by the days of the workspace's time zone; TOTAL never does."""

    TOTAL = "total"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    def start(self, now: float, zone: tzinfo = UTC) -> float:
        """Unix seconds at which the running period began; a midnight that a change of clocks repeats begins it once."""
        if self is Period.TOTAL:
            return 0.0
        day = datetime.fromtimestamp(now, zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        if self is Period.WEEK:
            day -= timedelta(days=day.weekday())
        if self is Period.MONTH:
            day = day.replace(day=1)
        return day.timestamp()


EVERY = "*"
"""Subject of a limit that holds for every subject of its scope that has none of its own."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `usd` for one subject of a scope in one period."""

    scope: Scope
    subject: str
    """Run id, conversation id, user id, channel id or team id."""
    usd: Decimal
    period: Period = Period.TOTAL

    def __str__(self) -> str:
        per = "" if self.period is Period.TOTAL else f" per {self.period}"
        return f"{show_usd(self.usd)}{per} for this {self.scope}"


@dataclass(frozen=True, slots=True)
class Account:
    """Who pays for a call: every scope it counts against."""

    team_id: str
    channel_id: str
    user_id: str
    conversation_id: str
    run_id: str

    def subject(self, scope: Scope) -> str:
        """The id under which this account counts in a scope (a step counts under its run)."""
        match scope:
            case Scope.STEP | Scope.RUN:
                return self.run_id
            case Scope.CONVERSATION:
                return self.conversation_id
            case Scope.USER:
                return self.user_id
            case Scope.CHANNEL:
                return self.channel_id
            case Scope.WORKSPACE:
                return self.team_id


@dataclass(frozen=True, slots=True)
class Claim:
    """A wish to set money aside for one call; granted only if it fits every limit."""

    account: Account
    name: str
    """Name of the call inside its run, e.g. `m3` (third step) or `judge`; the ledger tells attempts apart."""
    model: str
    usd: Decimal
    """Worst case of the call."""
    tokens: int
    """Worst case of the tokens that count."""
    limits: tuple[Limit, ...]
    token_limit: int | None = None
    """Limit on counted tokens of the conversation; None for none."""
    zone: tzinfo = UTC
    """Whose days, weeks and months count."""


@dataclass(frozen=True, slots=True)
class Shortfall:
    """What kept a call from being made."""

    limit: Limit
    used: Decimal
    """USD spent or reserved of it."""
    wanted: Decimal
    """USD the call could cost at worst."""
    kept: Decimal = ZERO
    """USD of the limit that are kept back for another purpose."""

    @property
    def missing(self) -> Decimal:
        """USD by which the limit was too low."""
        return self.used + self.wanted + self.kept - self.limit.usd


@dataclass(frozen=True, slots=True)
class Grant:
    """Money that a person allowed beyond a limit, once: for one subject, in the period in which it was given."""

    scope: Scope
    subject: str
    period: Period
    usd: Decimal
    by: str
    at: float


def with_grants(limits: tuple[Limit, ...], grants: list[Grant], now: float, zone: tzinfo) -> tuple[Limit, ...]:
    """The limits, raised by what was granted in the running periods."""
    return tuple(
        replace(limit, usd=limit.usd + sum((g.usd for g in grants if _is_for(g, limit, now, zone)), ZERO))
        for limit in limits
    )


def _is_for(grant: Grant, limit: Limit, now: float, zone: tzinfo) -> bool:
    same = (grant.scope, grant.subject, grant.period) == (limit.scope, limit.subject, limit.period)
    return same and grant.at >= limit.period.start(now, zone)


@dataclass(frozen=True, slots=True)
class Spend:
    """What a conversation used so far."""

    usd: Decimal = ZERO
    """Settled USD."""
    reserved: Decimal = ZERO
    """USD set aside for calls under way."""
    usage: Usage = Usage()
    steps: int = 0
    """Agent steps (model calls of the loop) over all runs."""


@dataclass(frozen=True, slots=True)
class BudgetChange:
    """One row of the history of limits: who set what, when. `limit` None means removed."""

    scope: Scope
    subject: str
    period: Period
    usd: Decimal | None
    by: str
    at: float
