"""Tool calls that need consent, on their way to people: one card, whatever the model repeats."""

from bot.desk.cases import Cases, case_of_run
from bot.desk.overtaking import is_stopped
from bot.domain.escalation import GatedCall, NewEscalation, Origin, Proposal, State, Team
from bot.domain.incoming import MessageReceived
from bot.ports.store import Store, Transaction
from tools.base import ToolContext, ToolError

_WAITS = (
    "Not done: this needs a colleague's consent, and exactly this call was put before them. {why} Tell the person in "
    "one or two sentences that a colleague has to approve it first. Do not say that it was done, and promise neither "
    "the approval nor a time. You will be told how they decide; do not call this tool again for it."
)
_ANOTHER = (
    "Not done, and nobody was asked: another proposal in this conversation waits for a colleague already, and there "
    "can be only one at a time. Finish with what there is, and tell the person honestly that this part is still open."
)
_DECIDED = (
    "Not done: a colleague has decided on a case of this turn in the meantime, so nothing further can be asked for in "
    "it. Finish your answer without it."
)
_OURS_NO_MORE = "A person is already in charge of this conversation. Stop here."
_STOPPED = "Not done, and nobody was asked: the request was stopped, changed or taken back. Stop here."


class ConsentRequests:
    """Implements `bot.agent.gate.ConsentDesk`."""

    def __init__(self, store: Store, cases: Cases) -> None:
        self._store = store
        self._cases = cases

    async def propose(self, call: GatedCall, context: ToolContext, team: Team | None) -> str:
        """Open (or amend) the conversation's case with this call as its proposal."""
        proposal = Proposal("", (), call)
        async with self._store.write() as tx:
            conversation = await tx.conversations.get(context.conversation_id)
            if conversation is None or conversation.epoch != context.epoch:
                raise ToolError(_OURS_NO_MORE)
            if await is_stopped(tx, context.run_id):
                raise ToolError(_STOPPED)
            live = await tx.escalations.live(conversation.id)  # from here on nobody else opens or amends one
            mine = await case_of_run(tx, context.run_id)
            if any(case and case.proposal and case.proposal.digest == proposal.digest for case in (live, mine)):
                return _WAITS.format(why=call.why)
            if mine is not None and not mine.state.is_live:
                raise ToolError(_DECIDED)
            if live is not None and (
                live.state is not State.OPEN or _holds(live.proposal, by_this_run=mine is not None)
            ):
                raise ToolError(_ANOTHER)
            new = NewEscalation(
                f"esc-{context.run_id}", conversation.id, Origin.GATED, call.why,
                await _summary(tx, context), team, proposal,
                context.principal.user_id, context.principal.team_id,
            )  # fmt: skip
            await self._cases.open(tx, new, conversation, run_id="" if mine else context.run_id)
        return _WAITS.format(why=call.why)


def _holds(waiting: Proposal | None, *, by_this_run: bool) -> bool:
    """Whether a proposal must not be replaced: a call never is, a reply only by a later turn that found out more."""
    return waiting is not None and (waiting.call is not None or by_this_run)


async def _summary(tx: Transaction, context: ToolContext) -> str:
    """For somebody who has not read the thread: whose words led to this."""
    run = await tx.runs.get(context.run_id)
    rows = [await tx.inbox.get(inbox_id) for inbox_id in run.inbox_ids] if run else []
    said = [row.incoming.text for row in rows if row is not None and isinstance(row.incoming, MessageReceived)]
    words = "\n\n".join(text for text in said if text) or "(nothing new: the agent carried on by itself)"
    return f"{context.principal.name} wrote:\n\n{words}"
