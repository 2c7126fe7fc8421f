"""Queries of the record of steps. What a row means is said in `bot.domain.trace`."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.money import from_micro, to_micro
from bot.domain.trace import SUMMARY_CHARS, Action, TraceEvent, shortened
from bot.store.bounds import EVERYWHERE, Bounds
from bot.store.dialect import AnyRow
from bot.store.tables import conversations, runs, traces
from bot.store.usage import usage_columns, usage_of

Redact = Callable[[str], str]
"""Hides in a text what must not be kept."""
_LOOKED_AT = 2 * SUMMARY_CHARS
"""Of a text, so that a secret across the cut is seen whole and a long result costs no time."""
_WHOSE = (
    sa.select(
        conversations.c.team_id,
        conversations.c.channel_id,
        conversations.c.profile,
        conversations.c.prompt_version,
        sa.func.coalesce(runs.c.epoch, conversations.c.epoch).label("epoch"),
    )
    .outerjoin(runs, sa.and_(runs.c.id == sa.bindparam("run"), runs.c.conversation_id == conversations.c.id))
    .where(conversations.c.id == sa.bindparam("conversation"))
)


def unredacted(text: str) -> str:
    """Hides nothing."""
    return text


class SqlTraces:
    """ports.traces.Traces on one connection."""

    def __init__(
        self,
        connection: AsyncConnection,
        bounds: Bounds = EVERYWHERE,
        added: list[TraceEvent] | None = None,
        redact: Redact = unredacted,
    ) -> None:
        """`added`: takes down what this transaction has written, as it stands in the rows."""
        self._connection = connection
        self._bounds = bounds
        self._added = added if added is not None else []
        self._redact = redact

    async def add(self, *events: TraceEvent) -> None:
        for event in events:
            self._bounds.check_conversation(event.conversation_id)
        if events:
            complete = [self._summed_up(event) for event in await self._placed(events)]
            await self._connection.execute(sa.insert(traces), [_row(event) for event in complete])
            self._added.extend(complete)

    async def of_conversation(self, conversation_id: str) -> list[TraceEvent]:
        if not self._bounds.holds(conversation_id):
            return []
        query = sa.select(traces).where(traces.c.conversation_id == conversation_id).order_by(traces.c.seq)
        return [event_of(row) for row in await self._connection.execute(query)]

    async def of_run(self, run_id: str) -> list[TraceEvent]:
        mine = self._bounds.conversation(runs.c.conversation_id)
        # The first sign of work is shown before there is a run to name.
        is_sign = sa.and_(traces.c.run_id == "", traces.c.ref == runs.c.live_key)
        its_own = sa.and_(
            traces.c.conversation_id == runs.c.conversation_id, sa.or_(traces.c.run_id == runs.c.id, is_sign)
        )
        query = sa.select(traces).join(runs, its_own).where(runs.c.id == run_id, mine).order_by(traces.c.seq)
        return [event_of(row) for row in await self._connection.execute(query)]

    async def _placed(self, events: Sequence[TraceEvent]) -> list[TraceEvent]:
        """The events with whose they are; one look at the database for each run among them."""
        whose = {about: await self._whose(*about) for about in {(e.conversation_id, e.run_id) for e in events}}
        return [_placed(event, whose[event.conversation_id, event.run_id]) for event in events]

    async def _whose(self, conversation_id: str, run_id: str) -> AnyRow | None:
        return (await self._connection.execute(_WHOSE, {"conversation": conversation_id, "run": run_id})).first()

    def _summed_up(self, event: TraceEvent) -> TraceEvent:
        return replace(event, given=self._summary(event.given), got=self._summary(event.got))

    def _summary(self, text: str) -> str:
        unseen = max(0, len(text) - _LOOKED_AT)
        return shortened(self._redact(text[:_LOOKED_AT]), left_out=unseen)


def _placed(event: TraceEvent, whose: AnyRow | None) -> TraceEvent:
    if whose is None:
        team_id, channel_id = _place_in(event.conversation_id)
        return replace(event, team_id=team_id, channel_id=channel_id)
    return replace(
        event,
        epoch=whose.epoch if event.epoch is None else event.epoch,
        team_id=whose.team_id,
        channel_id=whose.channel_id,
        profile=event.profile or whose.profile,
        prompt_version=event.prompt_version or whose.prompt_version,
    )


def _place_in(conversation_id: str) -> tuple[str, str]:
    """(workspace, channel) as a conversation's id tells them of a row that does not say it itself."""
    team, _, rest = conversation_id.partition(":")
    return team, rest.partition(":")[0]


def _row(event: TraceEvent) -> dict[str, object]:
    return {
        "conversation_id": event.conversation_id,
        "run_id": event.run_id,
        "step": event.step,
        "action": event.action.value,
        "name": event.name,
        "at": event.at,
        "given": event.given,
        "got": event.got,
        **usage_columns(event.usage),
        "cost": to_micro(event.cost),
        "duration_ms": event.duration_ms,
        "attempt": event.attempt,
        "ok": event.ok,
        "error": event.error,
        "ref": event.ref,
        "epoch": event.epoch,
        "team_id": event.team_id,
        "channel_id": event.channel_id,
        "profile": event.profile,
        "prompt_version": event.prompt_version,
    }


def event_of(row: AnyRow) -> TraceEvent:
    """The event in a row."""
    team_id, channel_id = (row.team_id, row.channel_id) if row.team_id else _place_in(row.conversation_id)
    return TraceEvent(
        conversation_id=row.conversation_id,
        run_id=row.run_id,
        step=row.step,
        action=Action(row.action),
        name=row.name,
        at=row.at,
        given=row.given,
        got=row.got,
        usage=usage_of(row),
        cost=from_micro(row.cost),
        duration_ms=row.duration_ms,
        attempt=row.attempt,
        ok=row.ok,
        error=row.error,
        ref=row.ref,
        epoch=row.epoch,
        team_id=team_id,
        channel_id=channel_id,
        profile=row.profile,
        prompt_version=row.prompt_version,
        seq=row.seq,
    )
