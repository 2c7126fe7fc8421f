"""Approved tool calls: carried out exactly as approved, once, and told to everybody whom it concerns.

The press only queues a cause (in the transaction of the decision); the call is made by whoever works on the
conversation's partition, and everything that the approval rests on is checked again then: the case, its digest, the
policy, the principal, who is in charge, and that nobody has written since. The tool does the work once per key, and the
key is made of case and digest, so a crash between its work and our record is mended by doing the same again; where that
is not allowed any more, people are told that it is not certain.
"""

import logging
from dataclasses import dataclass, replace

import prompts
from bot.agent.attempts import AttemptRecord
from bot.agent.gated import GatedCalls, NotThatToolError
from bot.agent.profile import Profiles
from bot.desk.cases import Cases
from bot.desk.overtaking import begin, has_begun, is_overtaken, run_of
from bot.desk.ownership import By
from bot.desk.people import People
from bot.domain.conversation import Conversation, Line, Speaker, Standing
from bot.domain.errors import TransientError
from bot.domain.escalation import Escalation, GatedCall, State
from bot.domain.incoming import CallApproved, CarryOn, Deed
from bot.domain.principal import Principal, Role
from bot.domain.trace import Action, TraceEvent
from bot.ports.clock import Clock, NewId
from bot.ports.store import Queued, Store, Transaction
from tools.base import OutcomeUnknownError, ToolContext, ToolError

logger = logging.getLogger(__name__)

PATIENCE = 3
"""Attempts to read a principal's profile before what can be read of it is taken for the truth."""
_RETRY_SECONDS = 2.0
_RANKS = {Role.EXTERNAL: 0, Role.AGENT: 0, Role.CUSTOMER: 1, Role.STAFF: 2, Role.ADMIN: 3}


@dataclass(frozen=True, slots=True)
class _Result:
    """What became of an approved call."""

    done: bool
    text: str
    """The tool's own words, or why it was not run."""
    sentence: str
    """Name of what staff read."""
    error: str = ""
    """Class, for the trace."""
    is_certain: bool = True
    """False when it may have been done all the same."""
    began: float | None = None
    """When the tool was called; None when it was not, or nobody knows."""
    record: AttemptRecord | None = None
    """What the tool tried at its back-ends."""

    @classmethod
    def void(cls, why: str, text: str) -> "_Result":
        """It was not run."""
        return cls(done=False, text=text, sentence="call_void", error=why)

    @classmethod
    def doubtful(cls, error: str, text: str) -> "_Result":
        """Nobody knows."""
        return cls(done=False, text=text, sentence="call_doubt", error=error, is_certain=False)


class ApprovedCalls:
    """Queues and carries out calls that people have consented to."""

    def __init__(
        self, store: Store, people: People, cases: Cases, calls: GatedCalls, profiles: Profiles, clock: Clock,
        new_id: NewId,
    ) -> None:  # fmt: skip
        self._store = store
        self._people = people
        self._cases = cases
        self._calls = calls
        self._profiles = profiles
        self._clock = clock
        self._new_id = new_id
        self._sentences = prompts.sentences()

    async def queue(self, tx: Transaction, case: Escalation, conversation: Conversation, by: By) -> None:
        """Part of the decision: have the approved call of this case carried out after it."""
        assert case.proposal is not None  # noqa: S101 — the caller's guard, told to the type checker
        cause = CallApproved(
            conversation.key, case.id, case.proposal.digest, by.user_id, by.name, epoch=conversation.epoch
        )
        await tx.inbox.add(self._new_id(), cause, conversation_id=conversation.id, partition=conversation.id)

    async def withdraw_outdated(self) -> None:
        """After a start: calls that were proposed under other rules are taken off their cards, visibly."""
        async with self._store.read() as tx:
            outdated = [case for case in await tx.escalations.all_live() if self._is_outdated(case)]
        for seen in outdated:
            async with self._store.write() as tx:
                case = await tx.escalations.live(seen.conversation_id)
                if case is not None and self._is_outdated(case):
                    await self._cases.withdraw_proposal(tx, case, self._sentences["call_policy"])

    def _is_outdated(self, case: Escalation) -> bool:
        call = case.proposal.call if case.proposal else None
        return case.state is State.OPEN and call is not None and call.policy != self._calls.policy_version

    async def carry_out(self, queued: Queued, cause: CallApproved, *, gave_up: bool = False) -> None:
        """Make the call, or say honestly why not; safe to repeat."""
        if queued.handled:
            return None
        async with self._store.read() as tx:
            case = await tx.escalations.get(cause.escalation_id)
            conversation = await tx.conversations.get(cause.thread.id)
        if case is None or conversation is None or case.proposal is None or case.proposal.call is None:
            logger.error("call.without_case", extra={"fields": {"cause": queued.id}})
            return await self._close(queued)
        call = case.proposal.call
        if gave_up:
            result = _Result.doubtful("gave_up", self._sentences["call_unknown"])
        else:
            result = await self._make(queued, cause, case)
        await self._settle(queued, cause, case, call, result)
        return None

    async def _make(self, queued: Queued, cause: CallApproved, case: Escalation) -> _Result:
        assert case.proposal is not None  # noqa: S101 — the caller's guard, told to the type checker
        call = case.proposal.call
        assert call is not None  # noqa: S101 — as above
        principal = await self._principal(queued, call)
        async with self._store.write() as tx:
            conversation = await tx.conversations.get(case.conversation_id)
            if conversation is None:
                raise LookupError(case.conversation_id)
            is_again = await has_begun(tx, cause)
            why_not = self._why_not(cause, case, conversation, call)
            if not why_not and principal is None:
                why_not = "call_role"
            if not why_not and not is_again and await is_overtaken(tx, cause):
                why_not = "call_overtaken"
            if not why_not:
                await begin(tx, cause)
        if why_not or principal is None:
            return self._not_run(why_not, self._sentences[why_not], is_again=is_again)
        record, began = AttemptRecord(self._clock), self._clock()
        context = ToolContext(
            principal, conversation.id, run_of(case.id), case.proposal.digest[:32], conversation.epoch,
            profile=call.profile, is_consented=True, note_attempt=record.note,
        )  # fmt: skip
        result = await self._run(case, call, context, is_again=is_again)
        return replace(result, began=began, record=record)

    def _not_run(self, error: str, why: str, *, is_again: bool) -> _Result:
        """`is_again`: it was begun before, and nobody knows how far that went."""
        if is_again:
            return _Result.doubtful(error, f"{why} {self._sentences['call_unknown']}")
        return _Result.void(error, why)

    async def _run(self, case: Escalation, call: GatedCall, context: ToolContext, *, is_again: bool) -> _Result:
        try:
            output = await self._calls.run(call, context)
        except NotThatToolError as error:
            return self._not_run("another_tool", str(error), is_again=is_again)
        except OutcomeUnknownError as error:
            return _Result.doubtful("tool_error", str(error))
        except ToolError as error:
            if is_again and call.tool_version:  # our own tools know by their keys what they did
                return self._not_run("tool_error", str(error), is_again=True)
            return _Result(done=False, text=str(error), sentence="call_failed", error="tool_error")
        except Exception as error:  # as in the toolbox: a tool's bug must not leave the approver without a word
            logger.exception("tool.crashed", extra={"fields": {"tool": call.tool, "case": case.id}})
            return _Result.doubtful(type(error).__name__, self._sentences["call_unknown"])
        text = output.content if isinstance(output.content, str) else output.note
        return _Result(done=True, text=text, sentence="call_done")

    def _why_not(
        self, cause: CallApproved, case: Escalation, conversation: Conversation, call: GatedCall
    ) -> str:  # fmt: skip
        """Name of the sentence that says why the approval does not hold (any more); empty when it does."""
        if case.state is not State.APPROVED or case.proposal is None or case.proposal.digest != cause.digest:
            return "call_changed"
        if call.policy != self._calls.policy_version:
            return "call_policy"
        profile = self._profiles.of(call.profile)
        if profile.name != call.profile or not profile.has(call.tool):
            return "call_profile"
        if conversation.standing is not Standing.BOT:
            return "call_owned" if conversation.standing is Standing.HUMAN else "call_closed"
        return "" if cause.epoch in (None, conversation.epoch) else "call_hands"

    async def _principal(self, queued: Queued, call: GatedCall) -> Principal | None:
        """For whom the call is made, as they are now; None when they have become less than they were.

        TransientError while it is in doubt: Slack may just not tell.
        """
        team, _, user = call.principal.partition(":")
        now = await self._people.principal(user, author_team=team)
        is_less = bool(call.role) and _RANKS[now.role] < _RANKS[Role(call.role)]
        if (is_less or now.email is None) and queued.attempts < PATIENCE:
            async with self._store.write() as tx:
                await tx.inbox.count_attempt(queued.id)
            raise TransientError("it is not sure for whom the call is made", retry_after=_RETRY_SECONDS)
        return None if is_less else now

    async def _settle(
        self, queued: Queued, cause: CallApproved, case: Escalation, call: GatedCall, result: _Result
    ) -> None:
        """Record and tell what became of it, in one transaction: under the card, in the trace, to the agent."""
        at = self._clock()
        async with self._store.write() as tx:
            again = await tx.inbox.get(queued.id)
            conversation = await tx.conversations.get(case.conversation_id)
            if again is None or again.handled or conversation is None:
                return
            words = self._sentences[result.sentence].format(tool=call.tool, result=result.text)
            await self._cases.say_under_card(tx, case, f"call:{case.id}:{cause.digest[:16]}", words)
            row = TraceEvent(
                conversation.id, "", 0, Action.TOOL_CALL, call.tool, at if result.began is None else result.began,
                given=f"approved by {cause.by_name}: {call.arguments}", ok=result.done, error=result.error, ref=case.id,
            )  # fmt: skip
            record = result.record or AttemptRecord(self._clock)
            await tx.traces.add(*record.around(row, result.text, ended=at))
            await self._tell(tx, cause, case, conversation, call, result)
            await tx.inbox.mark_handled([queued.id])

    async def _tell(
        self, tx: Transaction, cause: CallApproved, case: Escalation, conversation: Conversation, call: GatedCall,
        result: _Result,
    ) -> None:  # fmt: skip
        """Let the agent carry on with the result; while a person is in charge it is only written down for later."""
        what = _in_words(cause, call, result)
        if conversation.standing is not Standing.BOT:
            await tx.conversations.add_lines(conversation.id, Line(Speaker.NOTE, "", what, self._clock()))
            return
        team, _, user = call.principal.partition(":")
        deed = Deed(call.tool, call.arguments, result.text) if result.done else None
        carry_on = CarryOn(conversation.key, f"called:{case.id}", what, user, team, deed=deed)
        await tx.inbox.add(self._new_id(), carry_on, conversation_id=conversation.id, partition=conversation.id)

    async def _close(self, queued: Queued) -> None:
        async with self._store.write() as tx:
            await tx.inbox.mark_handled([queued.id])


def _in_words(cause: CallApproved, call: GatedCall, result: _Result) -> str:
    """For the model; what was not done is said in one sentence, so that nothing in it reads like a deed."""
    if not result.is_certain:
        return (
            f"A colleague ({cause.by_name}) approved {call.tool}, but it is not known whether it was carried out: "
            f"{result.text} Tell the customer honestly that this is not certain, and that they can ask for a person at "
            "any time; do not call the tool again."
        )
    if not result.done:
        return (
            f"{call.tool} was NOT carried out, although a colleague ({cause.by_name}) approved it: {result.text} "
            "Tell the customer honestly that it was not done, and what is possible instead."
        )
    return (
        f"A colleague ({cause.by_name}) approved {call.tool} with {call.arguments}, and it was carried out, once. Its "
        f"result: {result.text} Tell the customer what was done, from this result only; do not call the tool again."
    )
