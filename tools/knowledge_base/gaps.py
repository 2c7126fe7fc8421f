"""What was asked and not found, or not answered by what was found: the list of articles still to be written.

The search notes what it finds nothing, or nothing certain, for; the end of a run notes what was found and yet was no
source of its answer (`bot.desk.unsourced`).

A question is kept as the model wrote it for the search, without addresses, links and long numbers, which belong to one
customer and tell an author nothing. Questions with the same telling words, in whatever order, are one gap.
"""

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.domain.gaps import Gap, GapCause
from bot.domain.hidden import visible
from bot.domain.language import language_of
from tools.base import ToolContext, ToolUnavailableError
from tools.database import fetch, transact
from tools.knowledge_base.band import Band
from tools.knowledge_base.tables import gaps
from tools.knowledge_base.words import DEFAULT, terms

logger = logging.getLogger(__name__)

MOST_COUNTED = 20_000
"""Questions that are looked at, the newest."""
_LONGEST = 300
"""Characters of a question that are kept."""
_HIDDEN = (
    (re.compile(r"\[[^\[\]]{1,60} hidden\]"), "[hidden]"),
    (re.compile(r"\S+@\S+\.\w+"), "[e-mail]"),
    (re.compile(r"\bhttps?://\S+|\bwww\.\S+", re.IGNORECASE), "[link]"),
    (re.compile(r"\b(?=\S*\d)(?=\S*[A-Za-z])[A-Za-z0-9_-]{16,}\b"), "[code]"),
    (re.compile(r"\+?\d(?:[\s().\-\u2010-\u2015/]{0,2}\d){5,}"), "[number]"),
)
"""What was hidden before (`bot.domain.redaction`), telephone and card numbers, keys. An error code (`FW-1201`) or a
price is what an author needs."""
_TAKEN_OUT = re.compile("|".join(re.escape(instead) for _, instead in _HIDDEN))


class GapBook:
    """Remembers unanswered questions."""

    def __init__(self, engine: AsyncEngine, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._clock = clock

    async def note(self, query: str, band: Band, context: ToolContext) -> None:
        """Remember one. Never raises: a search is not to fail for it."""
        cause = GapCause.NOTHING if band is Band.NONE else GapCause.UNSURE
        row = {
            "id": f"{context.conversation_id}/{context.tool_use_id}",
            **row_of(context.conversation_id, query, cause, self._clock()),
        }

        async def work(connection: AsyncConnection) -> None:
            insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
            await connection.execute(insert(gaps).values(row).on_conflict_do_nothing())

        try:
            await transact(self._engine, work)
        except (ToolUnavailableError, SQLAlchemyError) as error:
            logger.warning("knowledge.gap_lost", extra={"fields": {"error": type(error).__name__}})

    async def since(self, at: float, workspace: str = "") -> tuple[Gap, ...]:
        """Most frequent first; of one workspace, or of all."""
        return gaps_of(await fetch(self._engine, asked_since(at, workspace), is_long=True))


def row_of(conversation_id: str, query: str, cause: GapCause, at: float) -> dict[str, object]:
    """What is kept of a question, all but its id."""
    shown = redacted(query)
    return {
        "conversation_id": conversation_id,
        "terms": key_of(shown),
        "query": shown,
        "band": cause.value,
        "at": at,
    }


def asked_since(at: float, workspace: str = "", most: int | None = None) -> sa.Select[*tuple[Any, ...]]:
    """The gaps of one workspace, or of all, the most frequent first, as `gaps_of` reads them; no more than `most`.

    For whoever reads them on a connection of its own. Of more than MOST_COUNTED questions the newest are looked at.
    """
    inside = _inside(workspace)
    columns = sa.select(gaps.c.terms, gaps.c.conversation_id, gaps.c.band, gaps.c.at).where(gaps.c.at >= at, inside)
    newest = columns.order_by(gaps.c.at.desc()).limit(MOST_COUNTED).subquery()
    ranks = {cause.value: rank for rank, cause in enumerate(GapCause)}
    rank = sa.func.min(sa.case(ranks, value=newest.c.band, else_=len(ranks) - 1)).label("rank")
    by_conversation = (newest.c.terms, newest.c.conversation_id)
    told = sa.select(*by_conversation, rank, sa.func.max(newest.c.at).label("at")).group_by(*by_conversation).subquery()
    counts = (sa.func.sum(sa.case((told.c.rank == place, 1), else_=0)).label(cause) for cause, place in ranks.items())
    times, last_at = sa.func.count().label("times"), sa.func.max(told.c.at).label("last_at")
    order = (times.desc(), last_at.desc(), told.c.terms)
    found = sa.select(told.c.terms, times, last_at, *counts).group_by(told.c.terms).order_by(*order).limit(most)
    groups = found.subquery()
    last = sa.and_(gaps.c.at == groups.c.last_at, gaps.c.terms == groups.c.terms, inside)
    return (
        sa.select(groups, sa.func.max(gaps.c.query).label("query"))
        .join(gaps, last)
        .group_by(*groups.c)
        .order_by(groups.c.times.desc(), groups.c.last_at.desc(), groups.c.terms)
    )


def gaps_of(rows: Iterable[sa.Row[*tuple[Any, ...]]]) -> tuple[Gap, ...]:
    """As `asked_since` finds them."""
    return tuple(_gap(row._mapping) for row in rows)  # noqa: SLF001 - SQLAlchemy's name for a public thing


def redacted(query: str) -> str:
    """Without what belongs to one customer, and without what nobody sees, behind which that may hide."""
    query = visible(query)
    for pattern, instead in _HIDDEN:
        query = pattern.sub(instead, query)
    return " ".join(query.split())[:_LONGEST]


def key_of(query: str) -> str:
    """What two ways to ask the same have in common; whose number was taken out does not matter."""
    query = _TAKEN_OUT.sub(" ", query)
    return " ".join(sorted(set(terms(query, language_of(query) or DEFAULT)))) or query.casefold()


def _inside(workspace: str) -> sa.ColumnElement[bool]:
    prefix = f"{workspace}:"
    return sa.func.substr(gaps.c.conversation_id, 1, len(prefix)) == prefix if workspace else sa.true()


def _gap(row: Mapping[Any, Any]) -> Gap:
    causes = {cause: int(row[cause.value]) for cause in GapCause if row[cause.value]}
    return Gap(row["query"], row["times"], causes, row["last_at"])
