"""The money desk: `/agent-budget`, its forms, and the switch that pauses the bot. Only admins change anything.

Whatever is changed is written down twice in the same transaction: in the history people read (limits, pauses) and in
the audit log. A pause holds from that transaction on, in every replica: it is looked up before each step.
"""

from decimal import Decimal

from bot.desk.budget_words import (
    REASON_CHARS,
    UNCHANGED,
    USAGE,
    SetLimit,
    Switch,
    parse_amount,
    parse_link,
    parse_set,
    parse_switch,
)
from bot.desk.going_on import GoingOn
from bot.desk.money_report import PAUSED, RESUMED, MoneyReports
from bot.desk.ownership import By
from bot.desk.people import People, StaffRoom
from bot.domain.audit import AuditEntry
from bot.domain.bot_pause import EVERYWHERE, BotPause
from bot.domain.budget import EVERY, BudgetChange, Limit, Period, Scope
from bot.domain.effects import Outgoing, Place, Receipt, ShowHome, Whisper
from bot.domain.incoming import MessageReceived
from bot.domain.money import show_usd
from bot.domain.reports import Asker, BudgetCommand, BudgetReply, Field, FilledIn, FormAnswer, HomePage, TraceReport
from bot.ports.clock import Clock, NewId
from bot.ports.store import Queued, Store, Transaction

ONLY_ADMINS_SET = f"Only admins can set budgets (they are named in `ADMIN_USERS`). {UNCHANGED}"
ONLY_ADMINS_PAUSE = f"Only admins can pause or resume me (they are named in `ADMIN_USERS`). {UNCHANGED}"
UNKNOWN = "I take no part in that conversation, so there is nothing to limit."


class BudgetDesk:
    """Answers `/agent-budget` and takes what its forms and buttons say."""

    def __init__(
        self, store: Store, people: People, room: StaffRoom, reports: MoneyReports, going_on: GoingOn, clock: Clock,
        new_id: NewId,
    ) -> None:  # fmt: skip
        self._store = store
        self._people = people
        self._room = room
        self._reports = reports
        self._going_on = going_on
        self._clock = clock
        self._new_id = new_id

    async def command(self, command: BudgetCommand) -> BudgetReply:
        """Carry out what was typed; a sentence when it cannot be."""
        text = command.text.strip()
        if not text:
            return await self._reports.report(command.team_id, command.channel_id, command.asker)
        if text.lower().startswith("set"):
            return await self._set(command, text)
        switch = parse_switch(text, command.channel_id)
        if isinstance(switch, Switch):
            return await self.switch(switch, command.team_id, command.asker)
        if switch is not None:
            return switch
        if (thread := parse_link(text, command.team_id)) is not None:
            return await self._reports.one(command, thread)
        return USAGE

    async def trace_of(self, conversation_id: str) -> TraceReport | None:
        """One conversation step by step; None when it is unknown."""
        return await self._reports.trace_of(conversation_id)

    async def tell(self, queued: Queued, message: MessageReceived) -> bool:
        """Answer `@bot budget`, to the asker alone; False when it is a reply under a card that does not address us."""
        thread = message.thread
        async with self._store.read() as tx:
            case = await tx.escalations.by_card(Receipt(thread.channel_id, thread.thread_ts))
        if case is not None and not message.mentions_bot:
            return False
        asker = Asker(message.author_team, message.user_id)
        told = await self._reports.in_thread(case.conversation_id if case else thread.id, asker)
        place = Place(thread.team_id, thread.channel_id, None if message.is_root else thread.thread_ts)
        async with self._store.write() as tx:
            if message.bot_id is None:  # Slack shows other bots nothing of the kind
                lane = f"whisper:{thread.team_id}:{message.user_id}"
                await tx.outbox.add(Outgoing(f"budget:{queued.id}", Whisper(place, message.user_id, told), lane))
            await tx.inbox.mark_handled([queued.id])
        return True

    async def home(self, team_id: str, user_id: str) -> HomePage:
        """The Home tab of one person."""
        return await self._reports.home(team_id, user_id)

    async def sees_all(self, asker: Asker) -> bool:
        """Whether this person may see everything that is known of the workspace."""
        return await self._reports.sees_all(asker)

    def may_change(self, asker: Asker) -> bool:
        """Whether this person may set limits and pause the bot."""
        return self._people.is_admin(asker.team_id, asker.user_id)

    async def limit_form(self, form: FilledIn) -> FormAnswer:
        """Set the limit a form asks for, or say what is wrong beside its field."""
        if not self.may_change(form.asker):
            return FormAnswer(problems={Field.AMOUNT: ONLY_ADMINS_SET.replace("`", "")})
        wish = read_limit(form)
        if not isinstance(wish, SetLimit):
            return FormAnswer(problems=wish)
        if await self._is_unknown(wish):
            return FormAnswer(problems={Field.CONVERSATION: UNKNOWN})
        subject = wish.subject or (form.team_id if wish.scope is Scope.WORKSPACE else EVERY)
        return FormAnswer(told=await self._change(wish, subject, form.team_id, form.asker))

    async def pause_form(self, form: FilledIn) -> FormAnswer:
        """Pause the bot as a form asks for."""
        reason = " ".join(form.get(Field.REASON).split())
        if not self.may_change(form.asker):
            return FormAnswer(problems={Field.REASON: ONLY_ADMINS_PAUSE.replace("`", "")})
        if len(reason) > REASON_CHARS:
            return FormAnswer(problems={Field.REASON: f"At most {REASON_CHARS} characters, please."})
        wish = Switch(pauses=True, channel_id=form.get(Field.CHANNEL) or EVERYWHERE, reason=reason)
        return FormAnswer(told=await self.switch(wish, form.team_id, form.asker))

    async def switch(self, wish: Switch, team_id: str, asker: Asker) -> str:
        """Pause the bot or let it go on; the sentence that says what is now."""
        if not self.may_change(asker):
            return ONLY_ADMINS_PAUSE
        where = "I" if wish.channel_id == EVERYWHERE else f"In <#{wish.channel_id}> I"
        async with self._store.write() as tx:
            changed = await (self._pause if wish.pauses else self._resume)(tx, wish, team_id, asker.user_id)
            others = await tx.bot_pauses.all(team_id)
            if changed:
                await self._refresh_homes(tx, team_id)
        if not changed:
            return f"{where} {'was paused already' if wish.pauses else 'was not paused'}. {UNCHANGED}{_still(others)}"
        if wish.pauses:
            return f"{where} am paused now: I begin no new answer, and runs under way end after their current step."
        return f"{where} am back at work.{_still(others)}"

    async def _pause(self, tx: Transaction, wish: Switch, team_id: str, user_id: str) -> bool:
        pause = BotPause(team_id, wish.channel_id, user_id, self._clock(), wish.reason)
        if not await tx.bot_pauses.begin(pause):
            return False
        await tx.audit.add(_entry(pause, user_id, pause.at, PAUSED))
        return True

    async def _resume(self, tx: Transaction, wish: Switch, team_id: str, user_id: str) -> bool:
        pause = await tx.bot_pauses.end(team_id, wish.channel_id)
        if pause is None:
            return False
        await tx.audit.add(_entry(pause, user_id, self._clock(), RESUMED))
        return True

    async def _set(self, command: BudgetCommand, text: str) -> str:
        if not self.may_change(command.asker):
            return ONLY_ADMINS_SET
        wish = parse_set(text, command.team_id)
        if isinstance(wish, str):
            return wish
        if await self._is_unknown(wish):
            return f"{UNKNOWN} {UNCHANGED}"
        subject = wish.subject or _usual_subject(wish.scope, command)
        return await self._change(wish, subject, command.team_id, command.asker)

    async def _is_unknown(self, wish: SetLimit) -> bool:
        """Whether a limit is for one conversation that is not there: it would limit nothing."""
        if wish.scope is not Scope.CONVERSATION or wish.subject is None:
            return False
        async with self._store.read() as tx:
            return await tx.conversations.get(wish.subject) is None

    async def _change(self, wish: SetLimit, subject: str, team_id: str, asker: Asker) -> str:
        change = BudgetChange(wish.scope, subject, wish.period, wish.usd, asker.user_id, self._clock())
        by = By(asker.user_id, await self._people.name(asker.user_id))
        async with self._store.write() as tx:
            await tx.ledger.hold(team_id)
            before = await tx.ledger.limit_for(team_id, wish.scope, subject, wish.period)
            await tx.ledger.set_limit(change, team_id=team_id)
            told = _told(change, before)
            await tx.audit.add(
                AuditEntry(
                    change.at, team_id, asker.user_id, "limit.set", f"{wish.scope}:{subject}:{wish.period}",
                    before=_shown(before.usd if before else None), after=_shown(wish.usd),
                )
            )  # fmt: skip
            woken = await self._going_on.raised(tx, team_id, change, by)
            await self._refresh_homes(tx, team_id)
        return f"{told}{_woken(woken)}"

    async def _refresh_homes(self, tx: Transaction, team_id: str) -> None:
        """Admins' Home tabs show what they can change, so they show every change."""
        occasion = self._new_id()
        for user_id in sorted(self._room.admins):
            await tx.outbox.add(show_home(team_id, user_id, occasion))


def show_home(team_id: str, user_id: str, occasion: str) -> Outgoing:
    """The Home tab of one person anew; once per occasion."""
    lane = f"home:{team_id}:{user_id}"
    return Outgoing(f"{lane}:{occasion}", ShowHome(Place(team_id, ""), user_id), lane)


def read_limit(form: FilledIn) -> SetLimit | dict[Field, str]:
    """The limit a form asks for, or what is wrong with it by field."""
    scope, period = Scope(form.get(Field.SCOPE)), Period(form.get(Field.PERIOD))
    problems: dict[Field, str] = {}
    own = {Scope.USER: Field.PERSON, Scope.CHANNEL: Field.CHANNEL, Scope.CONVERSATION: Field.CONVERSATION}
    for of, name in own.items():
        if form.get(name) and scope is not of:
            problems[name] = f"This goes with a limit for one {name}; you chose {_EACH[scope]}. Empty one of them."
    subject: str | None = form.get(own[scope]) or None if scope in own else None
    if scope is Scope.CONVERSATION and subject is not None:
        thread = parse_link(subject, form.team_id)
        subject = thread.id if thread else None
        if thread is None:
            problems.setdefault(Field.CONVERSATION, "That is no link to a message. Copy it from the message's menu.")
    if period is Period.TOTAL and scope is not Scope.CONVERSATION:
        problems[Field.PERIOD] = "Only a conversation can have a limit in all. Choose day, week or month."
    amount = parse_amount(form.get(Field.AMOUNT))
    if isinstance(amount, str):
        problems[Field.AMOUNT] = amount.replace("`", "")
        return problems
    return problems or SetLimit(scope, subject, amount if isinstance(amount, Decimal) else None, period)


_EACH = {
    Scope.WORKSPACE: "the whole workspace",
    Scope.CHANNEL: "channels",
    Scope.USER: "people",
    Scope.CONVERSATION: "conversations",
}


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


def _woken(count: int) -> str:
    """What became of runs that waited for this."""
    if not count:
        return ""
    return " A run that waited for it goes on." if count == 1 else f" {count} runs that waited for it go on."


def _shown(usd: Decimal | None) -> str:
    return "none" if usd is None else show_usd(usd)


def _still(pauses: list[BotPause]) -> str:
    """What is paused all the same."""
    if not pauses:
        return ""
    places = ", ".join("everywhere" if pause.is_everywhere else f"in <#{pause.channel_id}>" for pause in pauses)
    return f" I am paused {places}."


def _entry(pause: BotPause, actor: str, at: float, action: str) -> AuditEntry:
    return AuditEntry(at, pause.team_id, actor, action, pause.channel_id, pause.reason)
