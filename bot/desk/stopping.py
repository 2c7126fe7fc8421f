"""Stop: Slack's own in direct messages, ours under the live line of a channel. It works on a run and on what waits for
one; whoever asked may press it, and so may staff.
"""

from dataclasses import replace

import prompts
from bot.desk.changes import drop
from bot.desk.people import People
from bot.desk.signs import session
from bot.desk.tracing import happened
from bot.desk.waking import wake_paused
from bot.domain.conversation import Conversation, Surface
from bot.domain.effects import Outgoing, Place, Session, Whisper
from bot.domain.incoming import CarryOn, MessageReceived, StopPressed
from bot.ports.clock import Clock, NewId
from bot.ports.store import Queued, Store, Transaction


class Stopping:
    """Stops runs for people."""

    def __init__(self, store: Store, people: People, clock: Clock, new_id: NewId) -> None:
        self._store = store
        self._people = people
        self._clock = clock
        self._new_id = new_id

    async def at_the_door(self, tx: Transaction, stop: StopPressed) -> bool:
        """What needs no look at Slack: the asker's own Stop takes effect at once; others' are stored and looked at."""
        conversation = await tx.conversations.get(stop.thread.id)
        if conversation is None:
            return False
        if not stop.user_team:
            return await self._native(tx, conversation, stop)
        own = [row for row in await self._rows(tx, conversation) if _asker(row, conversation) == _presser(stop)]
        if not own:
            return await tx.inbox.add(self._new_id(), stop, conversation_id=None, partition=f"stop:{conversation.id}")
        return await self._stop(tx, conversation, own, stop)

    async def by_somebody(self, queued: Queued, stop: StopPressed) -> None:
        """A press of somebody who did not ask: staff may, the others are told why not."""
        refusal = await self._people.why_not_staff(stop.user_team, stop.user_id)
        async with self._store.write() as tx:
            conversation = await tx.conversations.get(stop.thread.id)
            rows = await self._rows(tx, conversation) if conversation is not None else []
            if conversation is None or not rows:
                language = conversation.language if conversation is not None else ""
                await tx.outbox.add(_whisper(queued.id, stop, prompts.sentences(language)["stop_nothing"]))
            elif refusal is not None:
                await tx.outbox.add(
                    _whisper(queued.id, stop, prompts.sentences(conversation.language)["stop_not_yours"])
                )
            else:
                await self._stop(tx, conversation, rows, stop)
            await tx.inbox.mark_handled([queued.id])

    async def _native(self, tx: Transaction, conversation: Conversation, stop: StopPressed) -> bool:
        """Only the asker is shown Slack's own button."""
        rows = await self._rows(tx, conversation)
        if rows:
            return await self._stop(tx, conversation, rows, stop)
        if conversation.surface is Surface.DM:  # nothing is going on, whatever Slack shows
            await tx.outbox.add(session(f"session:stop:{self._new_id()}", conversation, Session.ACTIVE))
        return False

    async def _stop(self, tx: Transaction, conversation: Conversation, rows: list[Queued], stop: StopPressed) -> bool:
        """Stop the run that works on these, or drop what has not become a run yet."""
        run = await tx.runs.unfinished(conversation.id) or await tx.runs.paused(conversation.id)
        pressed = happened(conversation.id, "stop", self._clock(), by=stop.user_id)
        await tx.traces.add(replace(pressed, run_id=run.id if run is not None else ""))
        if await tx.runs.request_stop(conversation.id):
            await wake_paused(tx, conversation.id, self._new_id())
            return True
        await drop(tx, conversation, rows)
        return True

    async def _rows(self, tx: Transaction, conversation: Conversation) -> list[Queued]:
        """What the unfinished run is about; without one, what waits."""
        run = await tx.runs.unfinished(conversation.id) or await tx.runs.paused(conversation.id)
        if run is None:
            return await tx.inbox.waiting(conversation.id)
        rows = [await tx.inbox.get(inbox_id) for inbox_id in run.inbox_ids]
        return [row for row in rows if row is not None]


def _presser(stop: StopPressed) -> tuple[str, str]:
    return stop.user_team, stop.user_id


def _asker(row: Queued, conversation: Conversation) -> tuple[str, str] | None:
    """Whose request it is: (workspace, user)."""
    match row.incoming:
        case MessageReceived() as message:
            return message.author_team, message.user_id
        case CarryOn() as cause:
            return cause.author_team or conversation.key.team_id, cause.user_id or conversation.opened_by
        case _:
            return None


def _whisper(key: str, stop: StopPressed, text: str) -> Outgoing:
    thread = stop.thread
    place = Place(thread.team_id, thread.channel_id, thread.thread_ts)
    return Outgoing(f"stop:{key}", Whisper(place, stop.user_id, text), f"whisper:{thread.team_id}:{stop.user_id}")
