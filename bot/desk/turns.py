"""One turn of a conversation: collect what was said, let the agent work, and settle how it ended in one transaction."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import prompts
from bot.desk.budget_pauses import BudgetPauses
from bot.desk.cases import Cases
from bot.desk.changes import is_deleted, notes_of
from bot.desk.endings import Ending, Endings
from bot.desk.overtaking import overtake_call
from bot.desk.people import People
from bot.desk.questions import show_answer
from bot.desk.signs import first_sign, live_key, remove_signs, session
from bot.desk.speaking import learn_language
from bot.desk.standby import Standby
from bot.desk.work import Work
from bot.domain.answer import Outcome
from bot.domain.conversation import Conversation, Line, Speaker, Standing, Surface
from bot.domain.effects import Reader, Session
from bot.domain.escalation import State
from bot.domain.floor import LOOKED_BACK, Words, is_between_people
from bot.domain.incoming import CarryOn, MessageReceived
from bot.domain.principal import Principal
from bot.domain.trace import Action, TraceEvent
from bot.ports.clock import Clock
from bot.ports.store import Queued, Run, Store, Transaction

MOST_QUIET_ROUNDS = 5
"""A customer who keeps typing is answered after so many quiet periods at the latest."""


class Turns:
    """Answers the unanswered messages of a conversation, or stays silent while a person owns it."""

    def __init__(  # noqa: PLR0913 - the composition root names them
        self, store: Store, people: People, cases: Cases, work: Work, endings: Endings, pauses: BudgetPauses,
        clock: Clock, *, quiet: float,
    ) -> None:  # fmt: skip
        self._store = store
        self._people = people
        self._cases = cases
        self._work = work
        self._endings = endings
        self._pauses = pauses
        self._clock = clock
        self._quiet = quiet
        self._sentences = prompts.sentences()
        self._standby = Standby(cases, clock)

    async def take_all(self, conversation_id: str) -> None:
        """Take turns until nothing waits; called under the conversation's lease."""
        while await self._take_one(conversation_id):
            pass

    async def give_up(self, conversation_id: str) -> bool:
        """End a turn that failed again and again: honestly, with a case for people, without a model.

        False when there was nothing (left) to end.
        """
        run = await self._unfinished(conversation_id)
        if run is None and await self._pauses.paused(conversation_id) is None:
            batch = _of_one_author(await self._waiting(conversation_id))
            run = await self._begin(conversation_id, batch, await self._asker(batch)) if batch else None
        if run is not None:
            await self._endings.settle(run, Ending.failed("technical failures"), await self._rows(run))
        return run is not None and not await self._is_asked_anew(run)

    async def _is_asked_anew(self, run: Run) -> bool:
        """Whether the question of a run that has ended waits again, because it was edited."""
        async with self._store.read() as tx:
            ended = await tx.runs.get(run.id)
        return ended is not None and ended.outcome is Outcome.SUPERSEDED

    async def _take_one(self, conversation_id: str) -> bool:
        run = await self._unfinished(conversation_id)
        if run is None and (paused := await self._pauses.paused(conversation_id)) is not None:
            return await self._look_after(paused)
        if run is None:
            batch = await self._next_batch(conversation_id)
            if not batch:
                return False
            run = await self._begin(conversation_id, batch, await self._asker(batch))
            if run is None:
                return True
        else:  # broken off by a fault or a kill
            async with self._store.write() as tx:
                attempt = await tx.inbox.count_attempt(run.inbox_ids[0])
                resumed = TraceEvent(run.conversation_id, run.id, 0, Action.DECISION, "resumed", self._clock())
                await tx.traces.add(replace(resumed, attempt=attempt))
        rows = await self._rows(run)
        asker = await self._asker(rows)
        ending = await self._work.do(run, rows, asker)
        if not await self._pauses.begin(run, ending, rows, asker):
            await self._endings.settle(run, ending, rows, asker)
        return True

    async def _look_after(self, paused: Run) -> bool:
        """End a run whose pause is over; while it waits, put aside what is written meanwhile."""
        ending = await self._pauses.ending_of(paused)
        if ending is not None:
            rows = await self._rows(paused)
            await self._endings.settle(paused, ending, rows, await self._asker(rows))
            return True
        waiting = await self._waiting(paused.conversation_id)
        named = [(row, (await self._asker([row])).name) for row in waiting]
        return bool(named) and not await self._pauses.hold_back(paused, named)

    async def _next_batch(self, conversation_id: str) -> list[Queued]:
        """The oldest waiting messages of one author, after a quiet moment; a carry-on stands alone."""
        waiting = await self._waiting(conversation_id)
        if waiting and isinstance(waiting[0].incoming, MessageReceived):
            for _ in range(MOST_QUIET_ROUNDS):
                await asyncio.sleep(self._quiet)
                before, waiting = len(waiting), await self._waiting(conversation_id)
                if len(waiting) == before:
                    break
        return _of_one_author(waiting)

    async def _begin(self, conversation_id: str, batch: Sequence[Queued], asker: Principal) -> Run | None:
        """Open the run of a batch; None when it is for people, or was taken back: decided in the same transaction.

        An answer that waited for approval no longer fits a customer who wrote again: it is withdrawn from its card.
        """
        async with self._store.write() as tx:
            conversation = await _must(tx, conversation_id)
            waiting = {row.id: row for row in await tx.inbox.waiting(conversation_id)}
            batch = await _taken_up(tx, [waiting[row.id] for row in batch if row.id in waiting])
            if not batch:
                return None
            if conversation.standing is Standing.HUMAN or not await self._is_for_us(
                tx, conversation, asker, batch, list(waiting.values())
            ):
                await self._leave_to_people(tx, conversation, batch, asker)
                return None
            if conversation.standing is Standing.CLOSED:
                conversation = await tx.conversations.set_owner(conversation.id, Standing.BOT, None)
            conversation = await learn_language(tx, conversation, batch, asker)
            case = await tx.escalations.live(conversation.id)
            if isinstance(batch[0].incoming, MessageReceived) and case and case.state is State.OPEN:
                await self._cases.withdraw_proposal(tx, case, self._sentences["withdrawn"])
                said = [row.incoming for row in batch if isinstance(row.incoming, MessageReceived)]
                if not asker.is_staff:
                    await show_answer(tx, self._cases, case, conversation, said, asker.name, self._clock())
            pause = await tx.bot_pauses.holding(conversation.key.team_id, conversation.key.channel_id)
            if pause is not None:
                await self._standby.leave_to_people(tx, conversation, batch, asker, pause)
                return None
            run = Run(
                id=await _new_run_id(tx, conversation.id, batch[0]),
                conversation_id=conversation.id,
                inbox_ids=tuple(row.id for row in batch),
                user_id=asker.user_id,
                epoch=conversation.epoch,
                live_key=await _live_line(tx, conversation, batch, asker),
                started_at=self._clock(),
            )
            await tx.runs.begin(run)
            return run

    async def _is_for_us(
        self, tx: Transaction, conversation: Conversation, asker: Principal, batch: Sequence[Queued],
        waiting: Sequence[Queued],
    ) -> bool:  # fmt: skip
        """Whether the bot may speak: nobody has muted it, and nobody is talking to somebody else."""
        messages = [row.incoming for row in batch if isinstance(row.incoming, MessageReceived)]
        now = self._clock()
        if await tx.gates.muted(conversation.id, now) is not None:
            return False
        if not messages:
            return True
        said = Words(
            name=asker.name,
            texts=[message.text for message in messages],
            mentions_bot=any(message.mentions_bot for message in messages),
            is_colleague=asker.is_staff and asker.user_id != conversation.opened_by,
            others=_others(waiting, asker.user_id),
        )
        lines = await tx.conversations.lines(conversation.id, LOOKED_BACK)
        return not is_between_people(conversation.surface, said, lines, now)

    async def _leave_to_people(
        self, tx: Transaction, conversation: Conversation, batch: Sequence[Queued], asker: Principal
    ) -> None:
        """Record without answering, and let whoever is in charge read it."""
        speaker = Speaker.PERSON if asker.is_staff else Speaker.CUSTOMER
        messages = [row.incoming for row in batch if isinstance(row.incoming, MessageReceived)]
        at = self._clock()
        await tx.conversations.add_lines(conversation.id, *(Line(speaker, asker.name, m.text, at) for m in messages))
        await tx.conversations.add_lines(conversation.id, *notes_of(batch, at))
        if conversation.standing is Standing.HUMAN:
            await self._cases.mirror(tx, conversation, messages, asker.name)
        else:
            await self._tell_those_who_wait(tx, conversation, messages, asker)
            await self._tell_of_mute(tx, batch)
        gone = await remove_signs(tx, conversation, batch)
        await tx.inbox.mark_handled([row.id for row in batch])
        if conversation.surface is Surface.DM:
            await tx.outbox.add(session(f"session:{batch[0].id}:off", conversation, Session.ACTIVE, after=gone))

    async def _tell_those_who_wait(
        self, tx: Transaction, conversation: Conversation, messages: Sequence[MessageReceived], asker: Principal
    ) -> None:
        """Words that the bot does not answer void what waits for the one who wrote them all the same, and are their
        answer to a colleague's question."""
        case = await tx.escalations.live(conversation.id) if messages else None
        if case is None or case.state is not State.OPEN:
            return
        if case.requested_by == asker.user_id:
            await self._cases.withdraw_proposal(tx, case, self._sentences["withdrawn"])
        if not asker.is_staff and asker.user_id in (case.requested_by, conversation.opened_by):
            await show_answer(tx, self._cases, case, conversation, messages, asker.name, self._clock())

    async def _tell_of_mute(self, tx: Transaction, batch: Sequence[Queued]) -> None:
        """Whoever has decided something reads why the agent does not go on with it."""
        for row in batch:
            _, *about = row.incoming.cause.split(":") if isinstance(row.incoming, CarryOn) else ("",)
            case = await tx.escalations.get(about[0]) if about else None
            if case is not None:
                await self._cases.say_under_card(tx, case, f"muted:{row.id}", self._sentences["carry_on_muted"])

    async def _asker(self, rows: Sequence[Queued]) -> Principal:
        first = rows[0].incoming
        if isinstance(first, MessageReceived):
            return await self._people.principal(
                first.user_id, author_team=first.author_team, bot_id=first.bot_id, is_guest=first.is_guest
            )
        assert isinstance(first, CarryOn)  # noqa: S101 — only messages and carry-ons wait on a conversation
        if first.user_id:
            return await self._people.principal(first.user_id, author_team=first.author_team)
        async with self._store.read() as tx:
            conversation = await _must(tx, first.thread.id)
        return await self._people.principal(conversation.opened_by, author_team=conversation.key.team_id)

    async def _unfinished(self, conversation_id: str) -> Run | None:
        async with self._store.read() as tx:
            return await tx.runs.unfinished(conversation_id)

    async def _waiting(self, conversation_id: str) -> list[Queued]:
        async with self._store.read() as tx:
            return await tx.inbox.waiting(conversation_id)

    async def _rows(self, run: Run) -> list[Queued]:
        async with self._store.read() as tx:
            rows = [await tx.inbox.get(inbox_id) for inbox_id in run.inbox_ids]
        return [row for row in rows if row is not None]


async def _taken_up(tx: Transaction, batch: Sequence[Queued]) -> list[Queued]:
    """What is left of a batch; words among it overtake an approved call that was not made yet."""
    await tx.inbox.mark_handled([row.id for row in batch if is_deleted(row)])  # taken back while they were put aside
    left = [row for row in batch if not is_deleted(row)]
    if left and isinstance(left[0].incoming, MessageReceived):
        await overtake_call(tx, left[0].incoming.thread.id)
    return left


def _of_one_author(waiting: list[Queued]) -> list[Queued]:
    if not waiting or isinstance(waiting[0].incoming, CarryOn):
        return waiting[:1]
    batch: list[Queued] = []
    for row in waiting:
        if not isinstance(row.incoming, MessageReceived):
            break
        if batch and row.incoming.user_id != _author(batch[0]):
            break
        batch.append(row)
    return batch


def _author(row: Queued) -> str:
    return row.incoming.user_id if isinstance(row.incoming, MessageReceived) else ""


def _others(waiting: Sequence[Queued], user_id: str) -> set[str]:
    """Other people whose messages wait and are not for the bot."""
    messages = (row.incoming for row in waiting if isinstance(row.incoming, MessageReceived))
    return {m.user_id for m in messages if m.user_id != user_id and not m.mentions_bot and m.bot_id is None}


async def _new_run_id(tx: Transaction, conversation_id: str, first: Queued) -> str:
    """A message that was edited while it was worked on gets another run, with a journal of its own."""
    before = await tx.runs.answering(conversation_id, first.id)
    return f"run-{first.id}-{len(before) + 1}" if before else f"run-{first.id}"


async def _must(tx: Transaction, conversation_id: str) -> Conversation:
    conversation = await tx.conversations.get(conversation_id)
    if conversation is None:
        raise LookupError(f"no conversation {conversation_id}")
    return conversation


async def _live_line(tx: Transaction, conversation: Conversation, batch: Sequence[Queued], asker: Principal) -> str:
    """Key of the live line the door has put up for one of these messages; of a new one when it has not."""
    lines = await tx.outbox.known([live_key(row.id) for row in batch])
    if lines:
        return min(lines)
    await tx.outbox.add(first_sign(batch[0].id, conversation, Reader(asker.user_id, asker.team_id)))
    return live_key(batch[0].id)
