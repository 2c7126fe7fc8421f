"""Articles in the bot's own database."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from tools.database import alone, fetch, metadata, transact
from tools.knowledge_base.articles import Article, Audience

articles = sa.Table(
    "kb_articles",
    metadata,
    sa.Column("slug", sa.Text, primary_key=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("category", sa.Text, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("updated", sa.Text, nullable=False),
    sa.Column("audience", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("imported_at", sa.Double, nullable=False),
)
revision = sa.Table(
    "kb_revision",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", sa.Integer, nullable=False, comment="rises with every change of kb_articles"),
)


@dataclass(frozen=True, slots=True)
class Changes:
    """Slugs by what became of them."""

    imported: tuple[str, ...]
    """New or changed."""
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]


class ArticleStore:
    """Keeps the articles; knows nothing of ranking."""

    def __init__(self, engine: AsyncEngine, clock: Callable[[], float], *, workspace: str = "") -> None:
        """`workspace`: only the articles one workspace has of its own; without, those all have in common."""
        self._engine = engine
        self._clock = clock
        self._shelf = f".{workspace}/" if workspace else ""

    def of(self, workspace: str) -> "ArticleStore":
        """The articles one workspace has of its own."""
        return ArticleStore(self._engine, self._clock, workspace=workspace)

    async def all(self) -> tuple[Article, ...]:
        """Every article, by slug."""
        rows = await fetch(self._engine, sa.select(articles).where(self._here).order_by(articles.c.slug))
        return tuple(
            Article(self._name(r.slug), r.title, r.category, r.url, r.updated, Audience(r.audience), r.body)
            for r in rows
        )

    async def revision(self) -> int:
        """Differs from an earlier one when anything changed, in whatever process; 0 before the first import."""
        rows = await fetch(self._engine, sa.select(revision.c.number))
        return int(rows[0].number) if rows else 0

    async def replace(self, wanted: Mapping[str, Article], keep: Collection[str]) -> Changes:
        """Make `wanted` the articles, all at once or not at all; slugs in `keep` stay as they are if they exist."""
        return await transact(self._engine, lambda connection: self._replace(connection, wanted, keep))

    async def _replace(
        self, connection: AsyncConnection, wanted: Mapping[str, Article], keep: Collection[str]
    ) -> Changes:
        await _lock(connection)
        present = sa.select(articles.c.slug, articles.c.digest).where(self._here)
        known = {self._name(r.slug): r.digest for r in await connection.execute(present)}
        imported = tuple(slug for slug, article in wanted.items() if known.get(slug) != article.digest)
        removed = tuple(sorted(known.keys() - wanted.keys() - set(keep)))
        unchanged = tuple(slug for slug in wanted if slug not in imported)
        for slug in (*removed, *(slug for slug in imported if slug in known)):
            await connection.execute(sa.delete(articles).where(articles.c.slug == self._shelf + slug))
        if imported:
            await connection.execute(sa.insert(articles), [self._row(wanted[slug]) for slug in imported])
        if imported or removed:
            await connection.execute(sa.update(revision).values(number=revision.c.number + 1))
        return Changes(imported, unchanged, removed)

    @property
    def _here(self) -> sa.ColumnElement[bool]:
        """No file of a folder begins with a dot, so the shelves of workspaces stand beside the common articles."""
        if not self._shelf:
            return sa.func.substr(articles.c.slug, 1, 1) != "."
        return sa.func.substr(articles.c.slug, 1, len(self._shelf)) == self._shelf

    def _name(self, slug: str) -> str:
        return slug.removeprefix(self._shelf)

    def _row(self, article: Article) -> dict[str, object]:
        return {
            "slug": self._shelf + article.slug,
            "title": article.title,
            "category": article.category,
            "url": article.url,
            "updated": article.updated,
            "audience": article.audience.value,
            "body": article.body,
            "digest": article.digest,
            "imported_at": self._clock(),
        }


async def _lock(connection: AsyncConnection) -> None:
    """One import at a time: whoever writes the revision row first goes first."""
    await alone(connection)
    first = sa.select(sa.literal(1), sa.literal(0)).where(~sa.exists(sa.select(revision.c.id)))
    await connection.execute(sa.insert(revision).from_select(["id", "number"], first))
    await connection.execute(sa.update(revision).values(number=revision.c.number))
