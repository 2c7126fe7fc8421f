"""Counts conversations something has happened in; see the package's own words."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import tzinfo

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ports.clock import Clock
from bot.store.bounds import team_of_conversation
from bot.store.dialect import upsert
from bot.store.engine import Writer
from bot.store.insight.counting import COUNTED, Counted, Sources, count
from bot.store.insight.reading import Zones
from bot.store.insight.sources import read_sources
from bot.store.insight.tables import counted, figure_versions, figures, tool_figures, uncounted

logger = logging.getLogger(__name__)

CONVERSATIONS = 20
"""Counted in one transaction: some tens of milliseconds."""
_NOTES = 1_000
"""Looked at in one transaction; a busy conversation leaves dozens."""
_Change = tuple[Counted | None, Counted]
"""What was counted of a conversation before, and now."""
_LOCK_ID = 4_117_301_510
"""Key of PostgreSQL's advisory lock: one process counts at a time."""


class SqlRoller:
    """ports.insight.Roller."""

    def __init__(self, write: Writer, zones: Zones, clock: Clock, *, passing_days: int = 0) -> None:
        """`passing_days`: for how long rows are kept that may go before their conversation; 0: for ever."""
        self._write = write
        self._zones = zones
        self._clock = clock
        self._passing_seconds = passing_days * 86_400.0

    async def roll(self) -> int:
        async with self._write() as connection:
            if not await _alone(connection):
                return 0
            notes = await connection.execute(
                sa.select(uncounted.c.seq, uncounted.c.conversation_id).order_by(uncounted.c.seq).limit(_NOTES)
            )
            ids: dict[str, None] = {}
            read: list[int] = []
            for note in notes:
                if note.conversation_id not in ids and len(ids) == CONVERSATIONS:
                    break
                ids[note.conversation_id] = None
                read.append(note.seq)
            if ids:  # only what was read: somebody slow may add a note of an earlier number at any moment
                await connection.execute(sa.delete(uncounted).where(uncounted.c.seq.in_(read)))
                await self._count(connection, list(ids))
            return len(ids)

    async def _count(self, connection: AsyncConnection, ids: Sequence[str]) -> None:
        rows = await connection.execute(sa.select(counted).where(counted.c.id.in_(ids)))
        stored: dict[str, str] = {row.id: row.body for row in rows}
        sources = await read_sources(connection, ids)
        zones = {team: await self._zones(team) for team in {team_of_conversation(one) for one in ids}}
        changes = {
            one: change
            for one, found in sources.items()
            if (change := self._change(one, found, zones[team_of_conversation(one)], stored.get(one))) is not None
        }
        for team_id in zones:
            await _add(connection, team_id, [c for one, c in changes.items() if team_of_conversation(one) == team_id])
        gone = [one for one in ids if one not in sources]
        await connection.execute(sa.delete(counted).where(counted.c.id.in_(gone)))
        for one, (_, now) in changes.items():
            body = COUNTED.dump_json(now).decode()
            await connection.execute(upsert(connection, counted, {"id": one, "body": body}))

    def _change(self, conversation_id: str, rows: Sources, zone: tzinfo, stored: str | None) -> _Change | None:
        """What was counted of a conversation and what is now; None when that cannot be said, which costs nobody else's
        figures: it is tried again when something more happens in it."""
        kept_since = self._clock() - self._passing_seconds if self._passing_seconds else 0.0
        try:
            before = COUNTED.validate_json(stored) if stored is not None else None
            return before, count(rows, zone, before, kept_since=kept_since)
        except Exception:  # pure counting of whatever stands in the rows: a slip in it must not stop all figures
            logger.exception("figures.not_counted", extra={"fields": {"conversation": conversation_id}})
            return None


async def _alone(connection: AsyncConnection) -> bool:
    if connection.dialect.name != "postgresql":
        return True
    return bool(await connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(_LOCK_ID))))


async def _add(connection: AsyncConnection, team_id: str, changes: Sequence[_Change]) -> None:
    """Add to the sums what is new about some conversations of a workspace."""
    sums: Counter[tuple[str, ...]] = Counter()
    tools: Counter[tuple[str, ...]] = Counter()
    for before, now in changes:
        sums.update(now.figures())
        tools.update(now.tool_figures())
        if before is not None:
            sums.subtract(before.figures())
            tools.subtract(before.tool_figures())
    changed = await _raise(connection, figures, team_id, sums) + await _raise(connection, tool_figures, team_id, tools)
    if changed:
        await connection.execute(
            _added_to(connection, figure_versions, "version"), [{"team_id": team_id, "version": 1}]
        )


async def _raise(
    connection: AsyncConnection, table: sa.Table, team_id: str, sums: Mapping[tuple[str, ...], int]
) -> int:
    """Always in the same order, so that two processes cannot wait for each other."""
    names = [column.name for column in table.primary_key.columns][1:]
    rows = [
        {"team_id": team_id, **dict(zip(names, key, strict=True)), "value": value}
        for key, value in sorted(sums.items())
        if value
    ]
    if rows:
        await connection.execute(_added_to(connection, table, "value"), rows)
    return len(rows)


def _added_to(connection: AsyncConnection, table: sa.Table, name: str) -> sa.Insert:
    """An INSERT that adds to the row with the same key."""
    keys = list(table.primary_key.columns)
    if connection.dialect.name == "sqlite":
        lite = sqlite.insert(table)
        return lite.on_conflict_do_update(index_elements=keys, set_={name: table.c[name] + lite.excluded[name]})
    full = postgresql.insert(table)
    return full.on_conflict_do_update(index_elements=keys, set_={name: table.c[name] + full.excluded[name]})
