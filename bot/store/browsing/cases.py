"""Lists the cases of a workspace, and how fast they were decided."""

from collections import defaultdict
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.domain.browsing import CaseRow, CasesPage, Position, TeamTimes
from bot.domain.escalation import State, Team
from bot.store.browsing.conditions import LIVE
from bot.store.browsing.rows import first_lines
from bot.store.engine import reading_at_length
from bot.store.escalations import escalation_of
from bot.store.tables import escalations

MOST_LIVE = 200
PAGE = 30
COUNTED_DAYS = 30
MOST_COUNTED = 5_000
"""Cases that the times are taken from."""
_BY_PEOPLE = (State.CLAIMED, State.APPROVED, State.DENIED, State.HANDED_BACK, State.RESOLVED)
"""How a case stands that somebody has decided or taken over."""
_IS_LIVE = escalations.c.state.in_([sa.literal_column(f"'{state}'") for state in LIVE])
"""Written out, so that SQLite sees that the index of live cases fits."""


class SqlCaseShelf:
    """ports.browsing.CaseShelf."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def cases(self, team_id: str, *, now: float, after: Position | None = None) -> CasesPage:
        mine = escalations.c.team_id == team_id
        past = sa.select(escalations).where(mine, ~_IS_LIVE, *_behind(after))
        past = past.order_by(escalations.c.opened_at.desc(), escalations.c.id.desc()).limit(PAGE + 1)
        async with reading_at_length(self._engine) as connection:
            waiting = await _rows(connection, _live(team_id))
            decided = await _rows(connection, past)
            times = await _times(connection, team_id, now - COUNTED_DAYS * 86_400)
        last = decided[PAGE - 1].case if len(decided) > PAGE else None
        return CasesPage(waiting, decided[:PAGE], times, Position(last.opened_at, last.id) if last else None)

    async def live(self, team_id: str) -> tuple[CaseRow, ...]:
        async with reading_at_length(self._engine) as connection:
            return await _rows(connection, _live(team_id))


def _live(team_id: str) -> sa.Select[*tuple[object, ...]]:
    mine = sa.select(escalations).where(escalations.c.team_id == team_id, _IS_LIVE)
    return mine.order_by(escalations.c.opened_at).limit(MOST_LIVE)


def _behind(after: Position | None) -> Sequence[sa.ColumnElement[bool]]:
    if after is None:
        return []
    same = sa.and_(escalations.c.opened_at == after.at, escalations.c.id < after.id)
    return [escalations.c.opened_at <= after.at, sa.or_(escalations.c.opened_at < after.at, same)]


async def _rows(connection: AsyncConnection, query: sa.Select[*tuple[object, ...]]) -> tuple[CaseRow, ...]:
    found = [escalation_of(row) for row in await connection.execute(query)]
    firsts = await first_lines(connection, [case.conversation_id for case in found]) if found else {}
    names = {conversation: row.name for conversation, row in firsts.items()}
    return tuple(CaseRow(case, names.get(case.conversation_id, "")) for case in found)


async def _times(connection: AsyncConnection, team_id: str, since: float) -> tuple[TeamTimes, ...]:
    """By team; for a case that was taken over, the time until somebody took it over is not known any more once it is
    resolved, so the time to the end counts."""
    took = (escalations.c.decided_at - escalations.c.opened_at).label("took")
    of_people = escalations.c.state.in_([state.value for state in _BY_PEOPLE])
    query = sa.select(escalations.c.team, took).where(
        escalations.c.team_id == team_id,
        escalations.c.opened_at >= since,
        of_people,
        escalations.c.decided_at.is_not(None),
    )
    found = await connection.execute(query.order_by(escalations.c.opened_at.desc()).limit(MOST_COUNTED))
    by_team: dict[str | None, list[float]] = defaultdict(list)
    for row in found:
        by_team[row.team].append(max(0.0, row.took))
    return tuple(_team_times(team, by_team[team]) for team in sorted(by_team, key=lambda name: name or ""))


def _team_times(team: str | None, took: list[float]) -> TeamTimes:
    took.sort()
    return TeamTimes(Team(team) if team else None, len(took), _at(took, 0.5), _at(took, 0.9))


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
