"""Reports of the money desk: everything for the asker, one conversation, the Home tab."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.agent.profile import Profiles
from bot.desk.budgets import conversation_limit
from bot.desk.people import People
from bot.desk.signs import place_of
from bot.domain.bot_pause import EVERYWHERE, BotPause
from bot.domain.budget import Limit, Period, Scope, with_grants
from bot.domain.conversation import Conversation, Standing, Surface, ThreadKey
from bot.domain.effects import Place
from bot.domain.money import show_share, show_usd
from bot.domain.reports import (
    Asker,
    BudgetCommand,
    BudgetReport,
    DayCost,
    Gauge,
    HomePage,
    OwnConversation,
    TalkState,
    TraceReport,
)
from bot.ports.clock import Clock
from bot.ports.slack import Directory
from bot.ports.store import Store, Transaction

DEAREST = 5
"""Conversations in a report."""
CHANGES = 5
"""Changes of limits, and pauses, in a report."""
TREND_DAYS = 14
OWN = 10
"""Conversations in a Home tab."""
_ALWAYS = (Period.DAY, Period.MONTH)
"""Periods that are shown without a limit, too."""
_PERIODS = (Period.DAY, Period.WEEK, Period.MONTH)
PAUSED, RESUMED = "bot.pause", "bot.resume"
"""The audit's actions about pausing."""


class MoneyReports:
    """Reads what people ask to see; changes nothing."""

    def __init__(
        self,
        store: Store,
        people: People,
        directory: Directory,
        profiles: Profiles,
        clock: Clock,
        zone: ZoneInfo,
        *,
        ceiling: Limit | None = None,
    ) -> None:
        """`ceiling`: what no admin of the workspace can raise; shown among its limits."""
        self._store = store
        self._people = people
        self._directory = directory
        self._profiles = profiles
        self._clock = clock
        self._zone = zone
        self._ceiling = ceiling

    async def sees_all(self, asker: Asker) -> bool:
        """Whether somebody may see what other people's conversations cost, and where they are."""
        is_admin = self._people.is_admin(asker.team_id, asker.user_id)
        return is_admin or await self._people.why_not_staff(asker.team_id, asker.user_id) is None

    async def report(self, team_id: str, channel_id: str, asker: Asker) -> BudgetReport:
        """The whole picture of a workspace; without a channel that of the Home tab."""
        sees_all = await self.sees_all(asker)
        subjects = {Scope.WORKSPACE: team_id, Scope.CHANNEL: channel_id, Scope.USER: asker.user_id}
        if not channel_id:
            del subjects[Scope.CHANNEL]
        async with self._store.read() as tx:
            grants = await tx.ledger.grants_of(team_id, subjects)
            own = await tx.ledger.limits_of(team_id, subjects)
            limits = with_grants(tuple(own), grants, self._clock(), self._zone)
            limits = (*limits, self._ceiling) if self._ceiling else limits
            gauges = await self._gauges(tx, team_id, subjects, limits)
            trend = await self._trend(tx, team_id)
            pauses = await tx.bot_pauses.all(team_id)
            dearest = await tx.ledger.dearest(team_id, DEAREST, opened_by="" if sees_all else asker.user_id)
            changes = await tx.ledger.changes(team_id, CHANGES) if sees_all else []
            switches = await tx.audit.recent(CHANGES, actions=(PAUSED, RESUMED)) if sees_all else []
        links = [await self._directory.permalink(_place(conversation_id)) for conversation_id, _ in dearest]
        return BudgetReport(
            gauges=gauges,
            limits=limits,
            trend=trend,
            pauses=tuple(pauses if sees_all else _bare(pauses, channel_id)),
            dearest=tuple((cid, link, spend) for (cid, spend), link in zip(dearest, links, strict=True)),
            changes=tuple(changes),
            switches=tuple(switches),
            may_change=self._people.is_admin(asker.team_id, asker.user_id),
            channel_id=channel_id,
            zone=self._zone.key,
        )

    async def one(self, command: BudgetCommand, thread: ThreadKey) -> TraceReport | str:
        """One conversation, for the one who began it and for staff."""
        async with self._store.read() as tx:
            conversation = await tx.conversations.get(thread.id)
        if conversation is None:
            return "I take no part in that conversation, so it cost nothing."
        if not await self._may_see(conversation, command.asker):
            return "Only the support team and the person who began that conversation can see its costs."
        return await self.trace_of(thread.id) or "I take no part in that conversation, so it cost nothing."

    async def trace_of(self, conversation_id: str) -> TraceReport | None:
        """One conversation step by step; None when it is unknown."""
        async with self._store.read() as tx:
            conversation = await tx.conversations.get(conversation_id)
            if conversation is None:
                return None
            spend = await tx.ledger.spend(conversation_id)
            events = await tx.traces.of_conversation(conversation_id)
            limit = await conversation_limit(tx.ledger, conversation, self._profiles.of(conversation.profile))
        link = await self._directory.permalink(place_of(conversation))
        return TraceReport(conversation_id, spend, limit, tuple(events), link)

    async def in_thread(self, conversation_id: str, asker: Asker) -> str:
        """The answer to `@bot budget` in a thread: what it has cost so far, for the one who began it and for staff."""
        async with self._store.read() as tx:
            conversation = await tx.conversations.get(conversation_id)
            if conversation is None:
                return "I take no part in this conversation, so it cost nothing."
            spend = await tx.ledger.spend(conversation.id)
            profile = self._profiles.of(conversation.profile)
            limit = await conversation_limit(tx.ledger, conversation, profile)
        if not await self._may_see(conversation, asker):
            return "Only the support team and the person who began this conversation can see its costs."
        used = spend.usd + spend.reserved
        return (
            f"*This conversation has cost {show_usd(used)} of {show_usd(limit)}*  {show_share(used, limit)}\n"
            f"{spend.steps} {'step' if spend.steps == 1 else 'steps'} (at most {profile.max_steps} for one answer) · "
            f"{spend.usage.counted:,} tokens, {spend.usage.cache_read:,} more read from the cache"
        )

    async def home(self, team_id: str, user_id: str) -> HomePage:
        """The Home tab of one person."""
        asker = Asker(team_id, user_id)
        report = await self.report(team_id, "", asker) if await self.sees_all(asker) else None
        async with self._store.read() as tx:
            paused = await tx.bot_pauses.holding(team_id, EVERYWHERE)
            begun = await tx.spending.begun_by(team_id, user_id, OWN)
            own = [await self._own(tx, conversation) for conversation in begun]
        links = [await self._directory.permalink(place_of(conversation)) for conversation in begun]
        rows = (replace(one, link=link) for one, link in zip(own, links, strict=True))
        return HomePage(tuple(rows), report, is_paused=paused is not None)

    async def _own(self, tx: Transaction, conversation: Conversation) -> OwnConversation:
        case = await tx.escalations.live(conversation.id)
        state = {Standing.HUMAN: TalkState.PERSON, Standing.CLOSED: TalkState.CLOSED}.get(
            conversation.standing, TalkState.WAITING if case else TalkState.BOT
        )
        return OwnConversation(
            channel_id=conversation.key.channel_id,
            is_direct=conversation.surface is Surface.DM,
            opened_at=conversation.opened_at,
            state=state,
            spend=await tx.ledger.spend(conversation.id),
            limit=await conversation_limit(tx.ledger, conversation, self._profiles.of(conversation.profile)),
            owner=conversation.owner or "",
        )

    async def _may_see(self, conversation: Conversation, asker: Asker) -> bool:
        return conversation.opened_by == asker.user_id or await self.sees_all(asker)

    async def _gauges(
        self, tx: Transaction, team_id: str, subjects: dict[Scope, str], limits: tuple[Limit, ...]
    ) -> tuple[Gauge, ...]:
        """Day and month of every scope, and the week where a limit holds for it."""
        starts = [period.start(self._clock(), self._zone) for period in _PERIODS]
        spent = await tx.spending.since(team_id, subjects, starts)
        by_period = {
            (limit.scope, limit.period): limit.usd
            for limit in sorted(limits, key=lambda limit: limit.usd, reverse=True)
        }
        return tuple(
            Gauge(scope, period, usd, by_period.get((scope, period)))
            for scope in subjects
            for period, usd in zip(_PERIODS, spent[scope], strict=True)
            if period in _ALWAYS or (scope, period) in by_period
        )

    async def _trend(self, tx: Transaction, team_id: str) -> tuple[DayCost, ...]:
        starts = sorted(days_back(self._clock(), TREND_DAYS, self._zone))
        sums = await tx.spending.between(team_id, starts)
        days = (datetime.fromtimestamp(at, self._zone).date() for at in starts)
        return tuple(DayCost(day, usd) for day, usd in zip(days, sums, strict=True))


def days_back(now: float, count: int, zone: ZoneInfo) -> Iterator[float]:
    """When today and the days before it began, the newest first; days may have 23 or 25 hours."""
    start = Period.DAY.start(now, zone)
    for _ in range(count):
        yield start
        start = Period.DAY.start(start - 1, zone)


def _bare(pauses: list[BotPause], channel_id: str) -> Iterator[BotPause]:
    """What customers read of pauses: that one holds where they are, not whose it is or why."""
    for pause in pauses:
        if pause.is_everywhere or pause.channel_id == channel_id:
            yield replace(pause, by="", reason="")


def _place(conversation_id: str) -> Place:
    key = ThreadKey.parse(conversation_id)
    return Place(key.team_id, key.channel_id, key.thread_ts)
