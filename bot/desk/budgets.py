"""The money desk: `/agent-budget` in words, and which limits hold for a call."""

import re
from dataclasses import dataclass
from decimal import Decimal

from bot.agent.profile import Profile, Profiles
from bot.desk.intake import place_of
from bot.desk.people import People
from bot.domain.answer import Footer
from bot.domain.budget import EVERY, BudgetChange, Limit, Period, Scope
from bot.domain.conversation import Conversation, ThreadKey
from bot.domain.effects import Place
from bot.domain.money import show_usd
from bot.domain.reports import BudgetCommand, BudgetReply, BudgetReport, TraceReport
from bot.ports.clock import Clock
from bot.ports.slack import Directory
from bot.ports.store import Ledger, Store

DEAREST = 5
"""Conversations in a report."""
CHANGES = 5
"""Changes of limits in a report."""
HIGHEST = Decimal(100_000)
"""USD; a larger limit is a typing mistake."""

USAGE = (
    "*How to use it*\n"
    "• `/agent-budget` — money today and this month, here and by you, and the dearest open conversations\n"
    "• `/agent-budget <link to a message>` — one conversation, step by step\n"
    "• `/agent-budget set conversation|user|channel|workspace <usd> [per day|week|month]` — for admins; "
    "`off` instead of an amount removes the limit; name one user, channel or conversation before the amount"
)
_LINK = re.compile(r"https?://[^\s/<>|]+/archives/(?P<channel>[A-Z0-9]+)/p(?P<ts>\d{16})(?P<query>\?[^\s<>|]*)?")
_THREAD = re.compile(r"thread_ts=(?P<ts>\d+\.\d+)")
_SET = re.compile(
    r"^set\s+(?P<scope>conversation|user|channel|workspace)\s+(?:(?P<subject>\S+)\s+)?"
    r"(?P<amount>off|none|\$?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)(?:\s+(?:per|a|/)\s*(?P<period>day|week|month))?\s*$",
    re.IGNORECASE,
)
_MENTION = re.compile(r"^(?:<[@#])?(?P<id>[UWCDG][A-Z0-9]+)(?:\|[^>]*)?>?$")


@dataclass(frozen=True, slots=True)
class SetLimit:
    """An admin's wish."""

    scope: Scope
    subject: str | None
    usd: Decimal | None
    """None removes the limit."""
    period: Period


async def limits_of(
    ledger: Ledger, conversation: Conversation, profile: Profile, run_id: str, user_id: str
) -> tuple[Limit, ...]:
    """Every limit a call of this run must fit into."""
    key = conversation.key
    subjects = {
        Scope.CONVERSATION: conversation.id,
        Scope.USER: user_id,
        Scope.CHANNEL: key.channel_id,
        Scope.WORKSPACE: key.team_id,
    }
    own = await ledger.limits_of(key.team_id, subjects)
    fixed = [Limit(Scope.STEP, run_id, profile.max_cost_per_step)]
    if not any(limit.scope is Scope.CONVERSATION and limit.period is Period.TOTAL for limit in own):
        fixed.append(Limit(Scope.CONVERSATION, conversation.id, profile.max_cost_per_conversation))
    return (*fixed, *own)


async def conversation_limit(ledger: Ledger, conversation: Conversation, profile: Profile) -> Decimal:
    """USD a conversation may cost in total: an admin's limit, else the profile's."""
    limits = await ledger.limits(conversation.key.team_id, Scope.CONVERSATION, conversation.id)
    own = [limit.usd for limit in limits if limit.period is Period.TOTAL]
    return own[0] if own else profile.max_cost_per_conversation


async def footer_of(
    ledger: Ledger, conversation: Conversation, profiles: Profiles, *, steps: int | None = None
) -> Footer:
    """Steps, tokens and money under an answer; `steps` of its run, or of all runs when it belongs to none."""
    profile, spend = profiles.of(conversation.profile), await ledger.spend(conversation.id)
    limit = await conversation_limit(ledger, conversation, profile)
    done = spend.steps if steps is None else steps
    return Footer(done, profile.max_steps, spend.usage.counted, spend.usd, limit)


class BudgetDesk:
    """Answers `/agent-budget`."""

    def __init__(self, store: Store, people: People, directory: Directory, profiles: Profiles, clock: Clock) -> None:
        self._store = store
        self._people = people
        self._directory = directory
        self._profiles = profiles
        self._clock = clock

    async def command(self, command: BudgetCommand) -> BudgetReply:
        """Carry out what was typed; a sentence when it cannot be."""
        text = command.text.strip()
        if not text:
            return await self._report(command)
        if text.lower().startswith("set"):
            return await self._set(command, text)
        if (thread := parse_link(text, command.team_id)) is not None:
            return await self._one(command, thread)
        return USAGE

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

    async def _report(self, command: BudgetCommand) -> BudgetReport:
        team, channel, user = command.team_id, command.channel_id, command.user_id
        day, month = Period.DAY.start(self._clock()), Period.MONTH.start(self._clock())
        sees_all = await self._sees_all(user)
        async with self._store.read() as tx:
            ledger = tx.ledger
            subjects = {Scope.WORKSPACE: team, Scope.CHANNEL: channel, Scope.USER: user}
            limits = await ledger.limits_of(team, subjects)
            sums = [
                await ledger.total(team, since=since, channel_id=c, user_id=u)
                for c, u in (("", ""), (channel, ""), ("", user))
                for since in (day, month)
            ]
            dearest = await ledger.dearest(team, DEAREST, opened_by="" if sees_all else user)
            changes = await ledger.changes(team, CHANGES)
        links = [await self._directory.permalink(_place(conversation_id)) for conversation_id, _ in dearest]
        rows = tuple((cid, link, spend) for (cid, spend), link in zip(dearest, links, strict=True))
        return BudgetReport(
            today=sums[0], month=sums[1], limits=tuple(limits), channel_today=sums[2], channel_month=sums[3],
            own_today=sums[4], own_month=sums[5], dearest=rows, changes=tuple(changes),
        )  # fmt: skip

    async def _one(self, command: BudgetCommand, thread: ThreadKey) -> BudgetReply:
        async with self._store.read() as tx:
            conversation = await tx.conversations.get(thread.id)
        if conversation is None:
            return "I take no part in that conversation, so it cost nothing."
        if conversation.opened_by != command.user_id and not await self._sees_all(command.user_id):
            return "Only the support team and the person who began that conversation can see its costs."
        return await self.trace_of(thread.id) or "I take no part in that conversation, so it cost nothing."

    async def _sees_all(self, user_id: str) -> bool:
        """Whether somebody may see what other people's conversations cost, and where they are."""
        return self._people.is_admin(user_id) or await self._people.why_not_staff(user_id) is None

    async def _set(self, command: BudgetCommand, text: str) -> str:
        if not self._people.is_admin(command.user_id):
            return "Only admins can set budgets (they are named in `ADMIN_USERS`). Nothing was changed."
        wish = parse_set(text, command.team_id)
        if isinstance(wish, str):
            return wish
        subject = wish.subject or _usual_subject(wish.scope, command)
        change = BudgetChange(wish.scope, subject, wish.period, wish.usd, command.user_id, self._clock())
        async with self._store.write() as tx:
            before = await tx.ledger.limit_for(command.team_id, wish.scope, subject, wish.period)
            await tx.ledger.set_limit(change, team_id=command.team_id)
        return _told(change, before)


def parse_link(text: str, team_id: str) -> ThreadKey | None:
    """The thread a permalink points into."""
    match = _LINK.search(text)
    if match is None:
        return None
    root = _THREAD.search(match["query"] or "")
    ts = root["ts"] if root else f"{match['ts'][:10]}.{match['ts'][10:]}"
    return ThreadKey(team_id, match["channel"], ts)


def parse_set(text: str, team_id: str) -> SetLimit | str:
    """The limit somebody wants to set, or the sentence that says how to write it."""
    match = _SET.match(text)
    if match is None:
        return f"I did not understand that. Nothing was changed.\n{USAGE}"
    scope, amount = Scope(match["scope"].lower()), match["amount"].lower()
    period = Period(match["period"].lower()) if match["period"] else Period.TOTAL
    if period is Period.TOTAL and scope is not Scope.CONVERSATION:
        period = Period.MONTH
    subject = _subject(match["subject"], team_id) if match["subject"] else None
    if match["subject"] and (subject is None or scope is Scope.WORKSPACE):
        return f"I do not know a {scope} `{match['subject']}`. Nothing was changed.\n{USAGE}"
    if amount in ("off", "none"):
        return SetLimit(scope, subject, None, period)
    usd = Decimal(amount.removeprefix("$").replace(",", ""))
    if not 0 < usd <= HIGHEST:
        return f"A budget is more than $0 and at most {show_usd(HIGHEST)}. Nothing was changed."
    return SetLimit(scope, subject, usd, period)


def _subject(word: str, team_id: str) -> str | None:
    if (mention := _MENTION.match(word)) is not None:
        return mention["id"]
    if (thread := parse_link(word, team_id)) is not None:
        return thread.id
    return None


def _usual_subject(scope: Scope, command: BudgetCommand) -> str:
    match scope:
        case Scope.WORKSPACE:
            return command.team_id
        case Scope.CHANNEL:
            return command.channel_id
        case _:
            return EVERY


def _told(change: BudgetChange, before: Limit | None) -> str:
    whom = f"every {change.scope}" if change.subject == EVERY else f"this {change.scope}"
    per = "" if change.period is Period.TOTAL else f" per {change.period}"
    was = f" (was {show_usd(before.usd)})" if before else ""
    if change.usd is None:
        return f"Removed the limit{per} for {whom}{was}."
    return f"Set: at most {show_usd(change.usd)}{per} for {whom}{was}. Recorded with your name."


def _place(conversation_id: str) -> Place:
    key = ThreadKey.parse(conversation_id)
    return Place(key.team_id, key.channel_id, key.thread_ts)
