"""The database a world begins with: tables, the sample company, its help centre with vectors, and a family's extras."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy.ext.asyncio import AsyncEngine

from bot.config import Settings
from bot.evals.cases import ExtraArticle, Extras
from bot.library import own_embedder
from bot.ports.clock import system_clock
from bot.store.engine import create_engine
from bot.store.migrate import migrate
from tools.backends import SAMPLE_ARTICLES, open_backends, sample_customers, sample_tickets
from tools.billing.books import SqlBooks
from tools.customers.directory import SqlCustomers
from tools.knowledge_base.articles import Article, parse_article, read_article
from tools.knowledge_base.embedder import Embedder
from tools.knowledge_base.importer import Importer
from tools.knowledge_base.sources.markdown import MarkdownFolder
from tools.knowledge_base.store import SAMPLE
from tools.tickets.desk import SqlTickets


class Stock:
    """Makes databases; the sample's articles are read and embedded once."""

    def __init__(self, folder: Path, embedder: Embedder | None) -> None:
        self._embedder = embedder
        self._shelf = folder / "articles.db"

    @classmethod
    async def open(cls, folder: Path, settings: Settings) -> "Stock":
        """`folder`: where the help centre is kept, to be copied."""
        return cls(folder, await own_embedder(settings))

    async def make(self, path: Path, extras: Extras) -> None:
        """A database for one world, in this file."""
        if not self._shelf.exists():
            await self._make_shelf()
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(self._shelf, path)
        engine = create_engine(f"sqlite:///{path}")
        try:
            await _seed(engine, extras)
            if extras.article:
                await self._import(engine, extras.article)
        finally:
            await engine.dispose()

    async def _make_shelf(self) -> None:
        unfinished = self._shelf.with_suffix(".unfinished")
        engine = create_engine(f"sqlite:///{unfinished}")
        try:
            await migrate(engine)
            backends = await open_backends(engine)
            await Importer(backends.articles, self._embedder).run(MarkdownFolder(SAMPLE_ARTICLES, name=SAMPLE))
        finally:
            await engine.dispose()
        unfinished.replace(self._shelf)

    async def _import(self, engine: AsyncEngine, articles: Sequence[ExtraArticle]) -> None:
        """As a source of its own, so that the sample's articles stay."""
        backends = await open_backends(engine)
        with TemporaryDirectory() as folder:
            for article in articles:
                (Path(folder) / f"{article.slug}.md").write_text(article.text.lstrip("\n"), encoding="utf-8")
            source = MarkdownFolder(Path(folder), name="case")
            await Importer(backends.articles, self._embedder).run(source)


async def _seed(engine: AsyncEngine, extras: Extras) -> None:
    """The sample's customers, their money and their tickets, and those of the family."""
    customers = sample_customers([account.model_dump() for account in extras.account])
    await SqlCustomers(engine).seed(customers)
    await SqlBooks(engine, system_clock).seed(customers)
    await SqlTickets(engine, system_clock).seed(sample_tickets([ticket.model_dump() for ticket in extras.ticket]))


def all_articles(extras: Extras) -> list[Article]:
    """The sample's articles and a family's own."""
    sample = [read_article(path, path.stem) for path in sorted(SAMPLE_ARTICLES.glob("*.md"))]
    return sample + [parse_article(article.text.lstrip("\n"), article.slug) for article in extras.article]


def article_slugs(extras: Extras) -> Mapping[str, str]:
    """Slug of each of them by its address."""
    return {article.source: article.slug for article in all_articles(extras)}
