"""A colleague who answers in the customer's own thread has taken over: nothing has to be pressed.

Handled beside the conversation's run, not behind it: the run is stopped, and what it was about to say is never sent.
Whoever began the conversation, addresses the bot, writes a note (`//`) or talks to somebody else does not take over
(see `bot.desk.doorway`).
"""

import prompts
from bot.desk.audit import deed
from bot.desk.cases import Cases
from bot.desk.deadlines import timer_key
from bot.desk.ownership import By, Ownership
from bot.desk.people import People
from bot.desk.tracing import decided
from bot.domain.conversation import Conversation, Standing
from bot.domain.escalation import Decision, Escalation, NewEscalation, Origin, State
from bot.domain.incoming import ColleagueSpoke
from bot.ports.clock import Clock
from bot.ports.store import Queued, Store, Transaction

LAST_LINES, LINE_CHARS = 6, 300
"""Of the transcript, on the card of a case that is opened by answering."""


class SteppingIn:
    """Lets colleagues take over by answering."""

    def __init__(self, store: Store, people: People, cases: Cases, ownership: Ownership, clock: Clock) -> None:
        self._store = store
        self._people = people
        self._cases = cases
        self._ownership = ownership
        self._clock = clock
        self._sentences = prompts.sentences()

    async def handle(self, queued: Queued, spoke: ColleagueSpoke) -> None:
        """Give the conversation to whoever spoke, if they are staff and the customer is not."""
        who = await self._people.principal(spoke.user_id, author_team=spoke.author_team)
        is_answer = who.is_staff and not await self._is_among_colleagues(spoke)
        async with self._store.write() as tx:
            if is_answer:
                await self._take_over(tx, queued.id, spoke, By(who.user_id, who.name))
            await tx.inbox.mark_handled([queued.id])

    async def _is_among_colleagues(self, spoke: ColleagueSpoke) -> bool:
        async with self._store.read() as tx:
            conversation = await tx.conversations.get(spoke.thread.id)
        if conversation is None:
            return True
        opener = await self._people.principal(conversation.opened_by, author_team=conversation.key.team_id)
        return opener.is_staff

    async def _take_over(self, tx: Transaction, cause: str, spoke: ColleagueSpoke, by: By) -> None:
        run = await tx.runs.unfinished(spoke.thread.id) or await tx.runs.paused(spoke.thread.id)
        if run is not None:  # before the case: who settles the run takes hold of both in this order
            await tx.runs.hold(run.id)
        case = await tx.escalations.live(spoke.thread.id)
        conversation = await tx.conversations.get(spoke.thread.id)
        if conversation is None or conversation.standing is not Standing.BOT:
            return
        if case is None:
            case = await self._cases.open(tx, await self._case(tx, cause, conversation, by), conversation)
        claimed = await self._claimed(tx, case, by)
        if claimed is None:
            return
        await self._ownership.take_over(tx, conversation, by, claimed.id)
        await self._cases.redraw(tx, claimed)
        await self._cases.say_under_card(tx, claimed, f"hint:{claimed.id}", self._sentences["relay_hint"])
        await tx.timers.cancel(timer_key(claimed.id))
        at, how = self._clock(), self._sentences["took_over_by_answering"]
        await tx.audit.add(deed(claimed, Decision.TAKE_OVER, by.user_id, at, detail=how))
        await tx.traces.add(decided(claimed, Decision.TAKE_OVER, at, by=by.name, words=how))

    async def _claimed(self, tx: Transaction, case: Escalation, by: By) -> Escalation | None:
        """The case in this person's hands; None when somebody else was faster."""
        if case.state is not State.OPEN:
            return None
        note = self._sentences["took_over_by_answering"]
        return await tx.escalations.decide(case.id, Decision.TAKE_OVER, by=by.user_id, at=self._clock(), note=note)

    async def _case(self, tx: Transaction, cause: str, conversation: Conversation, by: By) -> NewEscalation:
        lines = await tx.conversations.lines(conversation.id, LAST_LINES)
        said = "\n".join(f"- {line.name or line.speaker.value}: {_short(line.text)}" for line in lines)
        return NewEscalation(
            f"esc-{cause}", conversation.id, Origin.ANSWERED, f"{by.name} answered the customer in the thread.",
            said or "The conversation had just begun.", requested_by=conversation.opened_by,
            requested_team=conversation.key.team_id,
        )  # fmt: skip


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LINE_CHARS else f"{line[:LINE_CHARS]}…"
