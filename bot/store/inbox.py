"""Queries of the inbox."""

from collections.abc import Callable, Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.case_due import CaseDue, Due
from bot.domain.conversation import ThreadKey
from bot.domain.errors import PermanentError
from bot.domain.incoming import (
    INCOMING,
    BudgetAskExpired,
    CallApproved,
    CarryOn,
    CaseResolved,
    DecisionMade,
    FeedbackGiven,
    Incoming,
    LessonChosen,
    MessageReceived,
    ProposalEdited,
    ProposalExpired,
    QuestionAsked,
    Rated,
    Woken,
    team_of,
)
from bot.ports.clock import Clock
from bot.ports.store import Queued
from bot.store.bounds import EVERYWHERE, Bounds
from bot.store.dialect import AnyRow, insert_new, one_at_a_time
from bot.store.tables import inbox

Enqueue = Callable[[sa.Connection, str, str], None]
"""Queues the cause (inbox id, partition) inside the running transaction."""


_WAITS = (
    inbox.c.conversation_id == sa.bindparam("conversation"),
    inbox.c.handled_at.is_(None),
    inbox.c.parked_at.is_(None),
    inbox.c.kind.in_(("message", "carry_on")),
)
_WAITING = sa.select(inbox).where(*_WAITS).order_by(inbox.c.order_ts, inbox.c.id)
_PENDING_CALL = (
    sa.select(inbox)
    .where(
        inbox.c.conversation_id == sa.bindparam("conversation"),
        inbox.c.handled_at.is_(None),
        inbox.c.kind == "approved_call",
    )
    .order_by(inbox.c.id.desc())
    .limit(1)
)
_IS_WAITING = sa.select(inbox.c.id).where(*_WAITS).limit(1).with_for_update(read=True)
"""The lock on the row: whoever handles it does not finish before this transaction, and then looks for more."""


class SqlInbox:
    """ports.store.Inbox on one connection."""

    def __init__(
        self,
        connection: AsyncConnection,
        enqueue: Enqueue,
        clock: Clock,
        added: list[str],
        bounds: Bounds = EVERYWHERE,
    ) -> None:
        self._connection = connection
        self._bounds = bounds
        self._enqueue = enqueue
        self._clock = clock
        self._added = added

    async def add(
        self, inbox_id: str, incoming: Incoming, *, conversation_id: str | None, partition: str, dispatch: bool = True
    ) -> bool:
        team_id = team_of(incoming)
        self._bounds.check(team_id)
        if conversation_id is not None:
            self._bounds.check_conversation(conversation_id)
        row = {
            "id": inbox_id,
            "team_id": team_id,
            **_keys(incoming),
            "kind": incoming.kind,
            "conversation_id": conversation_id,
            "partition": partition,
            "order_ts": incoming.ts if isinstance(incoming, MessageReceived) else f"{self._clock():.6f}",
            "payload": INCOMING.dump_json(incoming).decode(),
            "received_at": self._clock(),
        }
        if not await insert_new(self._connection, inbox, row):
            return False
        if dispatch:
            await self._connection.run_sync(self._enqueue, inbox_id, partition)
            self._added.append(inbox_id)
        return True

    async def get(self, inbox_id: str) -> Queued | None:
        row = (await self._connection.execute(sa.select(inbox).where(inbox.c.id == inbox_id, self._mine))).first()
        return _queued(row) if row else None

    @property
    def _mine(self) -> sa.ColumnElement[bool]:
        return self._bounds.team(inbox.c.team_id)

    async def waiting(self, conversation_id: str) -> list[Queued]:
        if not self._bounds.holds(conversation_id):
            return []
        found = await self._connection.execute(_WAITING, {"conversation": conversation_id})
        return [_queued(row) for row in found]

    async def is_waiting(self, conversation_id: str) -> bool:
        if not self._bounds.holds(conversation_id):
            return False
        await one_at_a_time(self._connection, f"arrival:{conversation_id}")
        return (await self._connection.execute(_IS_WAITING, {"conversation": conversation_id})).first() is not None

    async def pending_call(self, conversation_id: str) -> Queued | None:
        if not self._bounds.holds(conversation_id):
            return None
        found = await self._connection.execute(_PENDING_CALL, {"conversation": conversation_id})
        return _queued(row) if (row := found.first()) else None

    async def mark_handled(self, inbox_ids: Sequence[str]) -> None:
        await self._connection.execute(
            sa.update(inbox)
            .where(inbox.c.id.in_(inbox_ids), inbox.c.handled_at.is_(None), self._mine)
            .values(handled_at=self._clock())
        )

    async def reopen(self, inbox_ids: Sequence[str]) -> None:
        await self._connection.execute(
            sa.update(inbox)
            .where(inbox.c.id.in_(inbox_ids), inbox.c.parked_at.is_(None), self._mine)
            .values(handled_at=None)
        )

    async def count_attempt(self, inbox_id: str, *, error: str = "") -> int:
        first = sa.case((inbox.c.first_error == "", error), else_=inbox.c.first_error)
        errors = {"first_error": first, "last_error": error} if error else {}
        result = await self._connection.execute(
            sa.update(inbox)
            .where(inbox.c.id == inbox_id, self._mine)
            .values(attempts=inbox.c.attempts + 1, **errors)
            .returning(inbox.c.attempts)
        )
        attempts: int | None = result.scalar_one_or_none()
        if attempts is None:
            raise PermanentError(f"no inbox row {inbox_id}")
        return attempts

    async def park(self, inbox_ids: Sequence[str]) -> None:
        await self._connection.execute(
            sa.update(inbox)
            .where(inbox.c.id.in_(inbox_ids), inbox.c.parked_at.is_(None), self._mine)
            .values(parked_at=self._clock())
        )

    async def unfinished(self, *, before: float) -> list[tuple[str, str]]:
        rows = await self._connection.execute(
            sa.select(inbox.c.id, inbox.c.partition)
            .where(inbox.c.handled_at.is_(None), inbox.c.parked_at.is_(None), inbox.c.received_at <= before, self._mine)
            .order_by(inbox.c.id)
        )
        return [(row.id, row.partition) for row in rows]

    async def message(self, thread: ThreadKey, ts: str) -> Queued | None:
        if not self._bounds.admits(thread.team_id):
            return None
        key = f"{thread.team_id}:{thread.channel_id}:{ts}"
        row = (await self._connection.execute(sa.select(inbox).where(inbox.c.message_key == key))).first()
        return _queued(row) if row else None

    async def replace(self, inbox_id: str, incoming: MessageReceived, *, handled: bool = False) -> None:
        self._bounds.check(incoming.thread.team_id)
        await self._connection.execute(
            sa.update(inbox)
            .where(inbox.c.id == inbox_id, inbox.c.handled_at.is_(None) if not handled else sa.true(), self._mine)
            .values(payload=INCOMING.dump_json(incoming).decode())
        )


def _keys(incoming: Incoming) -> dict[str, str | None]:
    """What makes two deliveries the same event; any one of the keys is enough.

    Each is the workspace's own: Slack delivers a message of a shared channel once for every workspace with the app.
    """
    team = team_of(incoming)
    match incoming:
        case MessageReceived():
            channel = f"{team}:{incoming.thread.channel_id}"
            client = f"{channel}:{incoming.client_msg_id}" if incoming.client_msg_id else None
            return {
                "event_id": _of(team, incoming.event_id),
                "message_key": f"{channel}:{incoming.ts}",
                "client_key": client,
            }
        case ProposalExpired() | CaseDue() | BudgetAskExpired():
            return _only(_of(team, _timer_key(incoming)))
        case DecisionMade() | ProposalEdited() | QuestionAsked() | FeedbackGiven() | Rated() | LessonChosen():
            return _only(_of(team, f"press:{incoming.press_id}"))
        case CarryOn() | Woken():
            return _only(_of(team, f"cause:{incoming.cause}"))
        case CaseResolved():
            return _only(_of(team, f"resolved:{incoming.escalation_id}"))
        case CallApproved():
            return _only(_of(team, f"call:{incoming.escalation_id}:{incoming.digest}"))
        case _:
            return _only(_of(team, incoming.event_id))


def _timer_key(timer: ProposalExpired | CaseDue | BudgetAskExpired) -> str | None:
    match timer:
        case ProposalExpired():
            return f"expiry:{timer.escalation_id}:{timer.expires_at}"
        case BudgetAskExpired():
            return f"money:{timer.escalation_id}"
        case CaseDue() if timer.what in (Due.ALERT, Due.ALL_CLEAR):
            return f"{timer.what}:{timer.escalation_id}:{timer.stage}"
        case CaseDue():  # its timer is taken off the clock once
            return None


def _of(team_id: str, key: str | None) -> str | None:
    return f"{team_id}:{key}" if key else None


def _only(event_id: str | None) -> dict[str, str | None]:
    return {"event_id": event_id, "message_key": None, "client_key": None}


def _queued(row: AnyRow) -> Queued:
    return Queued(
        id=row.id,
        incoming=INCOMING.validate_json(row.payload),
        conversation_id=row.conversation_id,
        attempts=row.attempts,
        handled=row.handled_at is not None,
    )
