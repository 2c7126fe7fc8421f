"""Which answers rested on which articles: table and query.

A row names a run and an article, nobody and nothing that was said: there is nothing of a person in it to be forgotten.
It is written in the transaction that lets the answer out, is kept as long as conversations, and goes
with its workspace.
"""

from collections.abc import Sequence
from urllib.parse import unquote

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.exchange import Citation
from bot.store.bounds import EVERYWHERE, Bounds, team_of_conversation
from bot.store.dialect import insert_new
from bot.store.tables import metadata

SLUG = "kb://"
_LONGEST = 1_000
"""Bytes of an address; PostgreSQL indexes no row of more than some 2,700."""

citations = sa.Table(
    "citations",
    metadata,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("article", sa.Text, primary_key=True),  # its address, or `kb://` and its slug
    sa.Column("team_id", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),  # as it was then
    sa.Column("at", sa.Double, nullable=False),
    sa.Index("ix_citations_team", "team_id", "at", "article"),
)


class SqlCitations:
    """ports.citations.Citations on one connection."""

    def __init__(self, connection: AsyncConnection, bounds: Bounds = EVERYWHERE) -> None:
        self._connection = connection
        self._bounds = bounds

    async def add(self, conversation_id: str, run_id: str, cited: Sequence[Citation], *, at: float) -> None:
        self._bounds.check_conversation(conversation_id)
        for article, title in {article_of(one.source): one.title for one in cited}.items():
            if len(article.encode()) > _LONGEST:
                continue
            row = {
                "run_id": run_id,
                "article": article,
                "team_id": team_of_conversation(conversation_id),
                "title": title,
                "at": at,
            }
            await insert_new(self._connection, citations, row)


def article_of(source: str) -> str:
    """What a citation names, as it is kept: slugs are written plainly, not as in an address."""
    return unquote(source) if source.startswith(SLUG) else source
