"""What happens while people let a case or a customer wait: reminders, the next responder, the backup, the pager.

Each timer that goes off is checked against the row as it is by then; whoever was reminded of what is remembered by the
keys of the effects, so a timer that comes twice, late or for nothing does no harm.
"""

import logging

import prompts
from bot.desk.case_clocks import CaseClocks, backup_key, nobody_key, waits_since
from bot.desk.cases import Cases, card_key
from bot.desk.signs import place_of
from bot.domain.budget_ask import AskEnd
from bot.domain.case_due import CaseDue, Due
from bot.domain.conversation import Conversation, Line, Speaker, Standing
from bot.domain.effects import Outgoing, Place, ShowNotice
from bot.domain.errors import PermanentError, TransientError
from bot.domain.escalation import Escalation, State
from bot.domain.service import Stage, StageKind
from bot.domain.trace import Action, TraceEvent
from bot.ports.clock import Clock
from bot.ports.pager import Alert, Pager
from bot.ports.slack import Directory
from bot.ports.store import Queued, Store, Transaction

logger = logging.getLogger(__name__)

_LOOK_BACK = 50
"""Lines of the transcript in which an owner's last answer is looked for."""
_TOLD = {StageKind.REMINDER: "sla_reminder", StageKind.NEXT: "sla_next", StageKind.BACKUP: "sla_backup"}
"""Name of the sentence under the card."""
_MINUTE, _HOUR = 60.0, 3600.0


class Waiting:
    """Handles the timers of cases."""

    def __init__(
        self,
        store: Store,
        cases: Cases,
        clocks: CaseClocks,
        directory: Directory,
        clock: Clock,
        pager: Pager | None = None,
    ) -> None:
        """`pager`: None when nobody outside Slack is woken."""
        self._store = store
        self._cases = cases
        self._clocks = clocks
        self._directory = directory
        self._clock = clock
        self._pager = pager
        self._sentences = prompts.sentences()

    async def handle(self, queued: Queued, due: CaseDue) -> None:
        """Do what is due, if it still is."""
        if queued.handled:
            return
        match due.what:
            case Due.ALERT | Due.ALL_CLEAR:
                await self._tell_pager(queued.id, due)
            case Due.ANSWER:
                await self._nobody_answered(queued.id, due)
            case Due.OWNER:
                await self._look_at_owner(queued.id, due)

    async def _nobody_answered(self, inbox_id: str, due: CaseDue) -> None:
        link = await self._link_to_card(due)
        async with self._store.write() as tx:
            case = await tx.escalations.get(due.escalation_id)
            if case is not None and case.state is State.OPEN:
                await self._reach(tx, case, link)
            await tx.inbox.mark_handled([inbox_id])

    async def _reach(self, tx: Transaction, case: Escalation, link: str) -> None:
        """Do what the latest stage asks for; those that were slept through are not made up for."""
        service = self._clocks.service
        reached = service.reached(case, self._clock())
        await self._clocks.next_stage(tx, case, reached)
        if not reached:  # the rules have changed since the timer was set
            return
        stage = service.stages(case.team)[reached - 1]
        text = self._sentences[_TOLD[stage.kind]].format(
            percent=round(stage.share * 100), waited=_in_words(service.hours.between(case.opened_at, self._clock()))
        )
        calls = (stage.responder,) if stage.responder else ()
        await self._cases.say_under_card(tx, case, f"sla:{case.id}:{reached}", text, calls=calls)
        await self._cases.redraw(tx, case, when=f":sla{reached}")
        if stage.kind is StageKind.BACKUP:
            await self._call_backup(tx, case, link)
        await tx.traces.add(self._event(case, f"sla_{stage.kind}", f"{stage.share:.0%}"))
        self._log("sla.reached", case, stage)

    async def _call_backup(self, tx: Transaction, case: Escalation, link: str) -> None:
        """Tell the backup channel and the pager, and the customer what is true."""
        team = case.conversation_id.split(":")[0]
        place = Place(team, self._clocks.service.backup_channel or case.staff_channel)
        what = f"<{link}|a case>" if link else "a case"
        waited = _in_words(self._clocks.service.hours.between(case.opened_at, self._clock()))
        text = self._sentences["sla_backup_channel"].format(what=what, waited=waited)
        lane = f"staff:backup:{team}"
        await tx.outbox.add(Outgoing(backup_key(case.id), ShowNotice(place, text), lane, case.conversation_id))
        if self._pager is not None:
            await self._clocks.alert(tx, case)
        conversation = await tx.conversations.get(case.conversation_id)
        if conversation is not None and conversation.standing is Standing.BOT:
            await self._say_sorry(tx, case, conversation)

    async def _say_sorry(self, tx: Transaction, case: Escalation, conversation: Conversation) -> None:
        """Tell the customer that nobody is there, unless they have read it, or the bot was asked to be quiet."""
        ask = await tx.budget_asks.of_case(case.id)
        if ask is not None and ask.end is AskEnd.EXPIRED:
            return
        if await tx.gates.muted(conversation.id, self._clock()) is not None:
            return
        sorry = prompts.sentences(conversation.language)["nobody_yet"]
        notice = ShowNotice(place_of(conversation), sorry)
        key = nobody_key(case.id)
        await tx.outbox.add(Outgoing(key, notice, conversation.id, conversation.id, conversation.epoch))
        await tx.conversations.add_lines(conversation.id, Line(Speaker.BOT, "", sorry, self._clock()))

    async def _look_at_owner(self, inbox_id: str, due: CaseDue) -> None:
        async with self._store.write() as tx:
            case = await tx.escalations.get(due.escalation_id)
            conversation = await tx.conversations.get(case.conversation_id) if case else None
            if case is not None and conversation is not None and case.state is State.CLAIMED:
                await self._check_owner(tx, case, conversation)
            await tx.inbox.mark_handled([inbox_id])

    async def _check_owner(self, tx: Transaction, case: Escalation, conversation: Conversation) -> None:
        """Nudge an owner who lets a customer wait; when that did not help, offer the case to colleagues."""
        if conversation.standing is not Standing.HUMAN or case.offered_at is not None:
            return None
        since = waits_since(case, await tx.conversations.lines(conversation.id, _LOOK_BACK))
        if since is None:
            return None
        hours, patience, now = self._clocks.service.hours, self._clocks.service.quiet_owner, self._clock()
        nudge_at, offer_at = hours.add(since, patience), hours.add(since, 2 * patience)
        waited = _in_words(hours.between(since, now))
        if now < nudge_at:
            return await self._clocks.look_at_owner(tx, case, nudge_at)
        if now < offer_at:
            await self._clocks.look_at_owner(tx, case, offer_at)
            text = self._sentences["owner_quiet"].format(waited=waited)
            key = f"nudge:{case.id}:{since:.0f}"
            return await self._cases.say_under_card(tx, case, key, text, calls=(case.decided_by,))
        offered = await tx.escalations.offer(case.id, now)
        if offered is None:
            return None
        await self._cases.redraw(tx, offered)
        await tx.traces.add(self._event(case, "offered", case.decided_by))
        text = self._sentences["offered"].format(waited=waited, person=f"<@{case.decided_by}>")
        rota = self._clocks.service.of(case.team).rota
        others = tuple(one for one in rota if one != case.decided_by)
        return await self._cases.say_under_card(tx, case, f"offer:{case.id}:{offered.version}", text, calls=others[:1])

    async def _tell_pager(self, inbox_id: str, due: CaseDue) -> None:
        """Outside any transaction: the service counts a key once, so what may have worked is repeated."""
        is_away = False
        async with self._store.read() as tx:
            case = await tx.escalations.get(due.escalation_id)
        if case is not None and self._pager is not None:
            try:
                if due.what is Due.ALL_CLEAR:
                    await self._pager.resolve(_alert_key(case))
                elif case.state is State.OPEN:
                    await self._pager.trigger(await self._alert(case, due))
            except TransientError as error:
                logger.warning("pager.away", extra={"fields": {"case": case.id, "error": str(error)}})
                is_away = True
            except PermanentError as error:
                fields = {"case": case.id, "error": str(error)}
                logger.error("pager.refused", extra={"fields": fields})  # noqa: TRY400 — the traceback says nothing more
                if due.what is Due.ALERT:
                    await self._say_refused(case)
        async with self._store.write() as tx:
            if case is not None and is_away:
                await self._clocks.tell_again(tx, case, due)
            await tx.inbox.mark_handled([inbox_id])

    async def _alert(self, case: Escalation, due: CaseDue) -> Alert:
        waited = _in_words(self._clocks.service.hours.between(case.opened_at, self._clock()))
        team = f" for {case.team.replace('_', ' ')}" if case.team else ""
        summary = f"Deskhand: a customer's case{team} has waited {waited} and nobody has answered."
        deadline = self._clocks.deadline(case)
        is_urgent = deadline is not None and deadline.is_urgent
        return Alert(_alert_key(case), summary, await self._link_to_card(due), is_urgent)

    async def _say_refused(self, case: Escalation) -> None:
        async with self._store.write() as tx:
            key = f"pager-refused:{case.id}"
            await self._cases.say_under_card(tx, case, key, self._sentences["pager_refused"])

    async def _link_to_card(self, due: CaseDue) -> str:
        """Asked before anything is changed: nothing asks Slack inside a transaction."""
        async with self._store.read() as tx:
            receipt = await tx.outbox.receipt(card_key(due.escalation_id))
        if receipt is None:
            return ""
        return await self._directory.permalink(Place(due.team_id, receipt.channel_id, receipt.ts))

    def _event(self, case: Escalation, name: str, given: str) -> TraceEvent:
        return TraceEvent(case.conversation_id, "", 0, Action.ESCALATION, name, self._clock(), given=given, ref=case.id)

    def _log(self, event: str, case: Escalation, stage: Stage) -> None:
        fields = {"case": case.id, "share": stage.share, "stage": stage.kind.value}
        logger.info(event, extra={"fields": fields})


def _alert_key(case: Escalation) -> str:
    return f"deskhand-{case.conversation_id.split(':')[0]}-{case.id}"


def _in_words(seconds: float) -> str:
    """Business time for people: `45 minutes`, `2 hours`, `1 h 30 min`."""
    minutes = max(1, round(seconds / _MINUTE))
    hours, rest = divmod(minutes, int(_HOUR / _MINUTE))
    if not hours:
        return f"{minutes} minute{'s' if minutes > 1 else ''}"
    if not rest:
        return f"{hours} hour{'s' if hours > 1 else ''}"
    return f"{hours} h {rest} min"
