"""The help centre as an author looks at it: what is asked in vain, what answers rest on, what has grown old.

The operator's own workspace looks at the articles all have in common; any other at those it has of its own.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.domain.browsing import ArticleRow, KnowledgeView, SourceRow
from bot.domain.gaps import Gap
from bot.store.citations import SLUG, citations
from bot.store.dialect import AnyRow
from bot.store.engine import reading_at_length
from tools.knowledge_base.articles import Audience
from tools.knowledge_base.gaps import asked_since, gaps_of
from tools.knowledge_base.tables import articles, sources

MOST = 50
"""Rows of each list."""


class SqlKnowledgeShelf:
    """ports.browsing.KnowledgeShelf."""

    def __init__(self, engine: AsyncEngine, *, home: str) -> None:
        self._engine = engine
        self._home = home

    async def knowledge(self, team_id: str, *, since: float, stale_before: str) -> KnowledgeView:
        is_home = team_id == self._home
        shelf = _Shelf("" if is_home else f".{team_id}/")
        async with reading_at_length(self._engine) as connection:
            if not await connection.run_sync(lambda plain: sa.inspect(plain).has_table(articles.name)):
                return KnowledgeView(0, (), (), (), 0, 0, ())
            cited = _cited(team_id, since).subquery()
            age = sa.case((articles.c.updated == "", "undated"), (_is_stale(stale_before), "stale"), else_="fresh")
            counted = sa.select(age.label("age"), sa.func.count().label("number")).where(shelf.holds).group_by("age")
            by_age = {row.age: row.number for row in await connection.execute(counted)}
            return KnowledgeView(
                articles=sum(by_age.values()),
                gaps=await _gaps(connection, team_id, since),
                cited=await _most_cited(connection, team_id, shelf, cited),
                stale=await _stale(connection, shelf, cited, stale_before),
                stale_count=by_age.get("stale", 0),
                undated_count=by_age.get("undated", 0),
                sources=await _sources(connection, shelf, is_home=is_home),
            )


class _Shelf:
    """The articles of one shelf."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        slug = articles.c.slug
        begins = sa.func.substr(slug, 1, max(1, len(prefix)))
        self.holds = begins == prefix if prefix else begins != "."
        name = sa.func.substr(slug, len(prefix) + 1)
        self.cited_as = sa.case((articles.c.url != "", articles.c.url), else_=sa.literal(SLUG) + name)
        """What a citation of the article holds."""
        columns = (articles.c[name] for name in ("title", "url", "updated", "source"))
        self.articles = sa.select(self.cited_as.label("article"), name.label("slug"), *columns)
        """What is told of each; slugs without the shelf."""

    def named(self, cited: Sequence[str]) -> sa.Select[*tuple[Any, ...]]:
        """Those that citations name so."""
        slugs = [self.prefix + one.removeprefix(SLUG) for one in cited if one.startswith(SLUG)]
        return self.articles.where(self.holds, sa.or_(articles.c.url.in_(cited), articles.c.slug.in_(slugs)))


def _cited(team_id: str, since: float) -> sa.Select[*tuple[object, ...]]:
    """How often each article was cited; read from the index alone."""
    mine = sa.and_(citations.c.team_id == team_id, citations.c.at >= since)
    return (
        sa.select(
            citations.c.article,
            sa.func.count().label("cited"),
            sa.func.max(citations.c.at).label("last_cited"),
        )
        .where(mine)
        .group_by(citations.c.article)
    )


def _is_stale(before: str) -> sa.ColumnElement[bool]:
    return articles.c.updated < before  # the empty date of an article that has none is the oldest of all


async def _gaps(connection: AsyncConnection, team_id: str, since: float) -> tuple[Gap, ...]:
    return gaps_of(await connection.execute(asked_since(since, team_id, MOST)))


async def _most_cited(
    connection: AsyncConnection, team_id: str, shelf: _Shelf, cited: sa.Subquery
) -> tuple[ArticleRow, ...]:
    """With those that are no longer there, by the title they had.

    Those of a workspace that has none of its own, or has them beside the common ones, may be common ones.
    """
    order = (cited.c.cited.desc(), cited.c.last_cited.desc(), cited.c.article)
    most = (await connection.execute(sa.select(cited).order_by(*order).limit(MOST))).all()
    named = [row.article for row in most]
    known: dict[str, AnyRow] = {}
    if shelf.prefix:
        public = _Shelf("").named(named).where(articles.c.audience == Audience.PUBLIC.value)
        known = {row.article: row for row in await connection.execute(public)}
    known |= {row.article: row for row in await connection.execute(shelf.named(named))}
    titles = await _last_titles(connection, team_id, [row for row in most if row.article not in known])
    return tuple(
        _article(known[row.article], row.cited, row.last_cited)
        if row.article in known
        else _gone(row, titles.get(row.article, row.article))
        for row in most
    )


async def _last_titles(connection: AsyncConnection, team_id: str, gone: Sequence[AnyRow]) -> Mapping[str, str]:
    """Titles that articles had when they were cited last."""
    if not gone:
        return {}
    those = (sa.and_(citations.c.at == row.last_cited, citations.c.article == row.article) for row in gone)
    found = sa.select(citations.c.article, citations.c.title).where(citations.c.team_id == team_id, sa.or_(*those))
    return {row.article: row.title for row in await connection.execute(found)}


async def _stale(connection: AsyncConnection, shelf: _Shelf, cited: sa.Subquery, before: str) -> tuple[ArticleRow, ...]:
    times = sa.func.coalesce(cited.c.cited, 0)
    query = (
        shelf.articles.add_columns(times.label("times"), cited.c.last_cited)
        .select_from(articles.outerjoin(cited, shelf.cited_as == cited.c.article))
        .where(shelf.holds, _is_stale(before))
        .order_by(times.desc(), articles.c.updated == "", articles.c.updated, articles.c.slug)
        .limit(MOST)
    )
    return tuple(_article(row, row.times, row.last_cited) for row in await connection.execute(query))


def _article(row: AnyRow, cited: int, last_cited: float | None) -> ArticleRow:
    return ArticleRow(row.title, row.url, row.slug, row.updated, row.source, cited, last_cited)


def _gone(row: AnyRow, title: str) -> ArticleRow:
    url = "" if row.article.startswith(SLUG) else row.article
    return ArticleRow(title, url, "", "", "", row.cited, row.last_cited)


async def _sources(connection: AsyncConnection, shelf: _Shelf, *, is_home: bool) -> tuple[SourceRow, ...]:
    """Those of the articles, and (for the operator) those that are read by the bot."""
    query = sa.select(
        articles.c.source, sa.func.count().label("number"), sa.func.max(articles.c.imported_at).label("last")
    )
    found = {row.source: row for row in await connection.execute(query.where(shelf.holds).group_by(articles.c.source))}
    read = {row.name: row for row in await connection.execute(sa.select(sources))} if is_home else {}
    return tuple(
        SourceRow(
            name=name,
            articles=found[name].number if name in found else 0,
            last_change=found[name].last if name in found else None,
            told=read[name].told if name in read else "",
            due_at=read[name].due_at if name in read else None,
        )
        for name in sorted({*found, *read})[:MOST]
    )


_own_slug = (
    sa.literal(".").concat(citations.c.team_id).concat("/").concat(sa.func.substr(citations.c.article, len(SLUG) + 1))
)
_names_own = sa.and_(citations.c.article.startswith(SLUG), sa.exists().where(articles.c.slug == _own_slug))
"""A citation of an article that a workspace has of its own, which may be called as one of the common ones."""


async def times_cited(engine: AsyncEngine, *, since: float, workspace: str = "") -> Mapping[str, int]:
    """Answers that rested on each article, by slug; of a workspace's own articles, or those all have in common."""
    shelf = _Shelf(f".{workspace}/" if workspace else "")
    whose = citations.c.team_id == workspace if workspace else ~_names_own
    count = sa.select(citations.c.article, sa.func.count().label("times")).where(citations.c.at >= since, whose)
    async with reading_at_length(engine) as connection:
        if not await connection.run_sync(lambda plain: sa.inspect(plain).has_table(citations.name)):
            return {}
        found = {row.article: row.times for row in await connection.execute(count.group_by(citations.c.article))}
        known = await connection.execute(shelf.articles.where(shelf.holds)) if found else ()
        return {row.slug: found[row.article] for row in known if row.article in found}
