"""Queries of escalations."""

from functools import lru_cache

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.effects import EFFECT, Receipt, ShowCard
from bot.domain.errors import ForeignWorkspaceError
from bot.domain.escalation import (
    MOVES,
    Decision,
    Escalation,
    NewEscalation,
    Origin,
    Proposal,
    Question,
    State,
    Team,
)
from bot.store.bounds import EVERYWHERE, Bounds, team_of_conversation
from bot.store.dialect import AnyRow, insert_new, one_at_a_time
from bot.store.tables import escalations, outbox

_PROPOSAL = TypeAdapter(Proposal)
_QUESTION = TypeAdapter(Question)
_FRESH = {"first_by": "", "first_at": None}
"""Whatever changes a proposal takes back what was agreed to before."""
_LIVE = tuple(state.value for state in State if state.is_live)


@lru_cache(2048)
def _card_at(bounds: Bounds) -> sa.Select[str]:
    """Asked for every reply in a thread."""
    place = (outbox.c.receipt_channel == sa.bindparam("channel"), outbox.c.receipt_ts == sa.bindparam("ts"))
    mine = bounds.team(outbox.c.team_id)
    return sa.select(outbox.c.payload).where(*place, outbox.c.kind == "card", mine).limit(1)


class SqlEscalations:
    """ports.store.Escalations on one connection."""

    def __init__(self, connection: AsyncConnection, bounds: Bounds = EVERYWHERE) -> None:
        self._connection = connection
        self._bounds = bounds
        self._mine = bounds.team(escalations.c.team_id)

    async def open(
        self, new: NewEscalation, *, staff_channel: str, at: float, expires_at: float | None = None
    ) -> Escalation:
        self._bounds.check_conversation(new.conversation_id)
        await insert_new(
            self._connection,
            escalations,
            {
                "id": new.id,
                "team_id": team_of_conversation(new.conversation_id),
                "conversation_id": new.conversation_id,
                "origin": new.origin.value,
                "reason": new.reason,
                "summary": new.summary,
                "team": new.team.value if new.team else None,
                "proposal": _dump(new.proposal),
                "requested_by": new.requested_by,
                "requested_team": new.requested_team,
                "state": State.OPEN.value,
                "opened_at": at,
                "staff_channel": staff_channel,
                "decided_by": "",
                "note": "",
                "version": 1,
                "expires_at": expires_at,
            },
        )
        query = sa.select(escalations).where(escalations.c.id == new.id, self._mine)
        row = (await self._connection.execute(query)).first()
        if row is None:
            raise ForeignWorkspaceError("a case of this id belongs to another workspace")
        return escalation_of(row)

    async def get(self, escalation_id: str) -> Escalation | None:
        return await self._first(sa.select(escalations).where(escalations.c.id == escalation_id, self._mine))

    async def live(self, conversation_id: str) -> Escalation | None:
        await one_at_a_time(self._connection, f"case:{conversation_id}")  # who finds none may open one
        query = sa.select(escalations).where(
            escalations.c.conversation_id == conversation_id, escalations.c.state.in_(_LIVE), self._mine
        )
        return await self._first(query.order_by(escalations.c.opened_at.desc(), escalations.c.id.desc()).limit(1))

    async def all_live(self) -> list[Escalation]:
        query = sa.select(escalations).where(escalations.c.state.in_(_LIVE), self._mine)
        return [escalation_of(row) for row in await self._connection.execute(query.order_by(escalations.c.opened_at))]

    async def decide(
        self, escalation_id: str, decision: Decision, *, by: str, at: float, note: str, version: int | None = None
    ) -> Escalation | None:
        before, after = MOVES[decision]
        as_seen = escalations.c.version == version if version is not None else sa.true()
        offered = escalations.c.offered_at.is_not(None) if decision is Decision.RECLAIM else sa.true()
        return await self._first(
            sa.update(escalations)
            .where(escalations.c.id == escalation_id, escalations.c.state == before.value, as_seen, offered, self._mine)
            .values(
                state=after.value,
                decided_by=by,
                decided_at=at,
                note=note,
                version=escalations.c.version + 1,
                offered_at=None,
            )
            .returning(escalations)
        )

    async def amend(
        self, escalation_id: str, newer: NewEscalation, *, expires_at: float | None = None, note: str = ""
    ) -> Escalation | None:
        self._bounds.check_conversation(newer.conversation_id)
        return await self._first(
            sa.update(escalations)
            .where(escalations.c.id == escalation_id, escalations.c.state == State.OPEN.value, self._mine)
            .values(
                reason=newer.reason,
                summary=newer.summary,
                proposal=_dump(newer.proposal),
                requested_by=newer.requested_by,
                requested_team=newer.requested_team,
                version=escalations.c.version + 1,
                expires_at=expires_at,
                edited_by="",
                note=note,
                **_FRESH,
            )
            .returning(escalations)
        )

    async def revise(
        self, escalation_id: str, proposal: Proposal, *, by: str, version: int, expires_at: float | None
    ) -> Escalation | None:
        return await self._if_seen(
            escalation_id, version, proposal=_dump(proposal), edited_by=by, expires_at=expires_at, **_FRESH
        )

    async def agree_first(self, escalation_id: str, *, by: str, at: float, version: int) -> Escalation | None:
        return await self._if_seen(escalation_id, version, first_by=by, first_at=at)

    async def ask(self, escalation_id: str, question: Question) -> Escalation | None:
        is_live = escalations.c.state.in_(_LIVE)
        return await self._first(
            sa.update(escalations)
            .where(escalations.c.id == escalation_id, is_live, self._mine)
            .values(asked=_QUESTION.dump_json(question).decode())
            .returning(escalations)
        )

    async def _if_seen(self, escalation_id: str, version: int, **values: object) -> Escalation | None:
        """Change an open case that is still as somebody saw it."""
        is_open, same = escalations.c.state == State.OPEN.value, escalations.c.version == version
        return await self._first(
            sa.update(escalations)
            .where(escalations.c.id == escalation_id, is_open, same, self._mine)
            .values(version=escalations.c.version + 1, **values)
            .returning(escalations)
        )

    async def offer(self, escalation_id: str, at: float | None) -> Escalation | None:
        is_claimed = escalations.c.state == State.CLAIMED.value
        differs = escalations.c.offered_at.is_(None) if at is not None else escalations.c.offered_at.is_not(None)
        return await self._first(
            sa.update(escalations)
            .where(escalations.c.id == escalation_id, is_claimed, differs, self._mine)
            .values(offered_at=at, version=escalations.c.version + 1)
            .returning(escalations)
        )

    async def count_open(self, *, staff_channel: str, before: float) -> int:
        query = sa.select(sa.func.count()).where(
            escalations.c.state == State.OPEN.value,
            escalations.c.staff_channel == staff_channel,
            escalations.c.opened_at < before,
            self._mine,
        )
        return (await self._connection.execute(query)).scalar_one()

    async def by_card(self, receipt: Receipt) -> Escalation | None:
        place = {"channel": receipt.channel_id, "ts": receipt.ts}
        payload = (await self._connection.execute(_card_at(self._bounds), place)).scalar_one_or_none()
        if payload is None:
            return None
        effect = EFFECT.validate_json(payload)
        return await self.get(effect.escalation_id) if isinstance(effect, ShowCard) else None

    async def _first(self, query: sa.Executable) -> Escalation | None:
        row = (await self._connection.execute(query)).first()
        return escalation_of(row) if row else None


def _dump(proposal: Proposal | None) -> str | None:
    return _PROPOSAL.dump_json(proposal).decode() if proposal else None


def escalation_of(row: AnyRow) -> Escalation:
    """The case in a row."""
    return Escalation(
        id=row.id,
        conversation_id=row.conversation_id,
        origin=Origin(row.origin),
        reason=row.reason,
        summary=row.summary,
        team=Team(row.team) if row.team else None,
        proposal=_PROPOSAL.validate_json(row.proposal) if row.proposal else None,
        requested_by=row.requested_by,
        requested_team=row.requested_team,
        state=State(row.state),
        opened_at=row.opened_at,
        staff_channel=row.staff_channel,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        note=row.note,
        version=row.version,
        expires_at=row.expires_at,
        first_by=row.first_by,
        first_at=row.first_at,
        edited_by=row.edited_by,
        asked=_QUESTION.validate_json(row.asked) if row.asked else None,
        offered_at=row.offered_at,
    )
