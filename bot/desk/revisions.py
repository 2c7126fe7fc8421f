"""Edit: somebody of staff changes what is proposed, and perhaps approves it in the same breath.

A change makes a proposal of its own, with another digest and version; whoever agreed to the older one has to agree
again. The older one stays under the card and in the audit log.
"""

from dataclasses import replace

import prompts
from bot.agent.gated import GatedCalls, NotThatToolError
from bot.desk.audit import deed
from bot.desk.authority import Authority
from bot.desk.cases import Cases
from bot.desk.deadlines import Deadlines
from bot.desk.decisions import Decisions
from bot.desk.difference import difference
from bot.desk.overtaking import run_of
from bot.desk.ownership import By
from bot.desk.people import People
from bot.desk.tracing import decided
from bot.domain.effects import Outgoing, Place, Whisper
from bot.domain.escalation import Decision, Escalation, Proposal, State
from bot.domain.incoming import DecisionMade, ProposalEdited
from bot.domain.revision import Fault, Problem, Sheet
from bot.ports.clock import Clock
from bot.ports.store import Store, Transaction
from tools.base import ToolContext, ToolError


class Revisions:
    """Checks forms while they are open, and carries out what was sent."""

    def __init__(  # noqa: PLR0913, PLR0917 - the composition root names them
        self, store: Store, people: People, authority: Authority, cases: Cases, decisions: Decisions, calls: GatedCalls,
        deadlines: Deadlines, clock: Clock,
    ) -> None:  # fmt: skip
        self._store = store
        self._people = people
        self._authority = authority
        self._cases = cases
        self._decisions = decisions
        self._calls = calls
        self._deadlines = deadlines
        self._clock = clock
        self._sentences = prompts.sentences()

    async def sheet(self, escalation_id: str) -> Sheet:
        """The form's content; KeyError when there is no such case."""
        view = await self._cases.view(escalation_id)
        call = view.escalation.proposal.call if view.escalation.proposal else None
        try:
            return Sheet(view, self._calls.fields_of(call) if call else ())
        except NotThatToolError as error:
            return Sheet(view, (), str(error))

    async def problem(self, edit: ProposalEdited) -> Problem | None:
        """None when the form can be taken; asked while it is still open, so that nothing written is lost."""
        seen = await self._seen(edit)
        if seen is None or seen.proposal is None:
            return Problem(Fault.STALE, self._sentences["edit_stale"])
        try:
            proposal = await self._proposal(seen, seen.proposal, edit)
        except NotThatToolError as error:
            return Problem(Fault.REFUSED, str(error))
        except ToolError as error:
            return Problem(Fault.FIELD, str(error))
        refusal = await self._authority.why_not_act(edit.user_team or edit.team_id, edit.user_id)
        if refusal is not None:
            return Problem(Fault.REFUSED, refusal)
        refusal = await self._why_not_approve(edit, replace(seen, proposal=proposal))
        return Problem(Fault.APPROVAL, refusal) if refusal else None

    async def handle(self, inbox_id: str, edit: ProposalEdited) -> None:
        """Change the proposal, if it is still the one that was edited; whoever comes too late gets their words back."""
        refusal = await self._authority.why_not_act(edit.user_team or edit.team_id, edit.user_id)
        seen = await self._seen(edit)
        if refusal is None:
            try:
                refusal = await self._try(inbox_id, edit, seen)
            except ToolError as error:
                refusal = str(error)
        if refusal is not None:
            async with self._store.write() as tx:
                await tx.outbox.add(_whisper(edit, f"{refusal}\n\n{_words(edit)}"))
                await tx.inbox.mark_handled([inbox_id])

    async def _try(self, inbox_id: str, edit: ProposalEdited, seen: Escalation | None) -> str | None:
        if seen is None or seen.proposal is None:
            return self._sentences["edit_stale"]
        proposal = await self._proposal(seen, seen.proposal, edit)
        unapproved = await self._why_not_approve(edit, replace(seen, proposal=proposal))
        by = await self._authority.presser(edit.user_id)
        async with self._store.write() as tx:
            if await self._decisions.is_over(tx, seen):
                return self._sentences["expired_card"]
            now = await self._revise(tx, edit, seen, proposal, by)
            if now is None:
                return self._sentences["edit_stale"]
            if edit.approve and unapproved is None:
                if not await self._decisions.apply(tx, _approval(edit, now), now, by):
                    await tx.outbox.add(_whisper(edit, f"{self._sentences['edit_overtaken']}\n\n{_words(edit)}"))
            elif unapproved:
                await tx.outbox.add(_whisper(edit, f"{self._sentences['edit_not_approved']} {unapproved}"))
            await tx.inbox.mark_handled([inbox_id])
        return None

    async def _revise(
        self, tx: Transaction, edit: ProposalEdited, seen: Escalation, proposal: Proposal, by: By
    ) -> Escalation | None:
        """The case with the new proposal; as it is when nothing was changed, None when somebody was faster."""
        if seen.proposal is None or proposal.digest == seen.proposal.digest:
            return seen
        conversation = await tx.conversations.get(seen.conversation_id)
        expires = self._deadlines.of(conversation.profile if conversation else "", proposal)
        now = await tx.escalations.revise(seen.id, proposal, by=by.user_id, version=edit.version, expires_at=expires)
        if now is None:
            return None
        at = self._clock()
        await self._cases.watch(tx, now)
        await self._cases.redraw(tx, now)
        changed = difference(seen.proposal, proposal)
        text = f"✏️ {by.name} changed the proposal:\n\n{changed}"
        await self._cases.say_under_card(tx, now, f"edited:{now.id}:{now.version}", text)
        await self._cases.show_in_full(tx, now)
        await tx.audit.add(deed(now, "edit", by.user_id, at, before=seen.proposal))
        await tx.traces.add(decided(now, "edit", at, by=by.name, words=changed))
        return now

    async def _seen(self, edit: ProposalEdited) -> Escalation | None:
        """The case, if it is still open and as the form showed it."""
        async with self._store.read() as tx:
            case = await tx.escalations.get(edit.escalation_id)
        is_same = case is not None and (case.state, case.version) == (State.OPEN, edit.version)
        return case if is_same else None

    async def _proposal(self, case: Escalation, old: Proposal, edit: ProposalEdited) -> Proposal:
        """What the form makes of a proposal; ToolError says which arguments are wrong."""
        if old.call is None:
            if not edit.text.strip():  # nobody is to send the old text who has deleted it
                raise ToolError(self._sentences["edit_empty"])
            return replace(old, text=edit.text.strip())
        team, _, user = old.call.principal.partition(":")
        context = ToolContext(
            await self._people.principal(user, author_team=team), case.conversation_id, run_of(case.id), "", 0,
            profile=old.call.profile, is_consented=True,
        )  # fmt: skip
        return replace(old, call=await self._calls.edited(old.call, dict(edit.arguments), context))

    async def _why_not_approve(self, edit: ProposalEdited, case: Escalation) -> str | None:
        if not edit.approve:
            return None
        return await self._authority.why_not_approve(edit.user_team or edit.team_id, edit.user_id, case)


def _approval(edit: ProposalEdited, case: Escalation) -> DecisionMade:
    return DecisionMade(
        case.id, Decision.APPROVE, edit.team_id, edit.user_id, edit.channel_id, edit.thread_ts, edit.press_id,
        version=case.version, user_team=edit.user_team,
    )  # fmt: skip


def _words(edit: ProposalEdited) -> str:
    """What somebody wrote into the form."""
    return edit.text or "\n".join(f"{name}: {value}" for name, value in edit.arguments)


def _whisper(edit: ProposalEdited, text: str) -> Outgoing:
    place = Place(edit.team_id, edit.channel_id, edit.thread_ts)
    key = f"whisper:{edit.team_id}:{edit.press_id}"
    return Outgoing(key, Whisper(place, edit.user_id, text), f"whisper:{edit.team_id}:{edit.user_id}")
