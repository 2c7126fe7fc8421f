"""What was asked and not found: the list of articles still to be written.

A question is kept as the model wrote it for the search, without addresses, links and long numbers, which belong to one
customer and tell an author nothing. Questions with the same telling words, in whatever order, are one gap.
"""

import logging
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from tools.base import ToolContext, ToolUnavailableError
from tools.database import fetch, transact
from tools.knowledge_base.band import Band
from tools.knowledge_base.tables import gaps
from tools.knowledge_base.words import terms

logger = logging.getLogger(__name__)

_LONGEST = 300
"""Characters of a question that are kept."""
_HIDDEN = (
    (re.compile(r"\S+@\S+\.\w+"), "[e-mail]"),
    (re.compile(r"\bhttps?://\S+|\bwww\.\S+", re.IGNORECASE), "[link]"),
    (re.compile(r"\b(?=\S*\d)(?=\S*[A-Za-z])[A-Za-z0-9_-]{16,}\b"), "[code]"),
    (re.compile(r"\+?\d(?:[\s().\-/]{0,2}\d){5,}"), "[number]"),
)
"""Telephone and card numbers, keys; an error code (`FW-1201`) or a price is what an author needs."""
_TAKEN_OUT = re.compile("|".join(re.escape(instead) for _, instead in _HIDDEN))


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that the articles do not answer."""

    query: str
    """As it was asked last."""
    times: int
    """Conversations in which it was asked."""
    found_nothing: int
    """Conversations of these in which the search found nothing at all; otherwise nothing certain."""
    last_at: float


class GapBook:
    """Remembers unanswered questions."""

    def __init__(self, engine: AsyncEngine, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._clock = clock

    async def note(self, query: str, band: Band, context: ToolContext) -> None:
        """Remember one. Never raises: a search is not to fail for it."""
        shown = redacted(query)
        row = {
            "id": f"{context.conversation_id}/{context.tool_use_id}",
            "conversation_id": context.conversation_id,
            "terms": key_of(shown),
            "query": shown,
            "band": band.value,
            "at": self._clock(),
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
        prefix = f"{workspace}:"
        mine = sa.func.substr(gaps.c.conversation_id, 1, len(prefix)) == prefix if workspace else sa.true()
        rows = await fetch(self._engine, sa.select(gaps).where(gaps.c.at >= at, mine).order_by(gaps.c.at, gaps.c.id))
        return _grouped(rows)


def redacted(query: str) -> str:
    """Without what belongs to one customer."""
    for pattern, instead in _HIDDEN:
        query = pattern.sub(instead, query)
    return " ".join(query.split())[:_LONGEST]


def key_of(query: str) -> str:
    """What two ways to ask the same have in common; whose number was taken out does not matter."""
    query = _TAKEN_OUT.sub(" ", query)
    return " ".join(sorted(set(terms(query)))) or query.casefold()


def _grouped(rows: Iterable[Any]) -> tuple[Gap, ...]:
    """`rows`: oldest first."""
    groups: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        groups[row.terms].append(row)
    found = [_gap(asked) for asked in groups.values()]
    return tuple(sorted(found, key=lambda gap: (-gap.times, -gap.last_at)))


def _gap(asked: Sequence[Any]) -> Gap:
    everywhere = {row.conversation_id for row in asked}
    nothing = {row.conversation_id for row in asked if row.band == Band.NONE}
    return Gap(asked[-1].query, len(everywhere), len(nothing), asked[-1].at)
