"""`deskhand kb`: import articles, or see what the bot would find."""

import argparse
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.cli.database import check_database
from bot.config import SettingsError, load_settings
from bot.domain.exchange import SearchResult
from bot.logs import configure_logging
from bot.ports.clock import system_clock
from bot.store.engine import create_engine
from tools.base import ToolUnavailableError
from tools.database import create_tables
from tools.knowledge_base.importer import Importer, KnowledgeFolderError
from tools.knowledge_base.local import LocalKnowledge
from tools.knowledge_base.store import ArticleStore
from tools.knowledge_base.tool import Question

_SHOWN = 240


def run(arguments: argparse.Namespace) -> int:
    """Do what `kb import` or `kb search` asks for; 1 when nothing was imported or found."""
    settings = load_settings()
    configure_logging("WARNING")
    try:
        return asyncio.run(_act(arguments, settings.database_url))
    except ToolUnavailableError as error:
        line = f"DATABASE_URL: it does not answer ({error}). `deskhand doctor` looks closer."
        raise SettingsError([line]) from error


async def _act(arguments: argparse.Namespace, database_url: str) -> int:
    await check_database(database_url)
    async with _articles(database_url, arguments.workspace) as store:
        if arguments.action == "import":
            return await _import(store, arguments.path)
        return await _search(store, Question(arguments.query, arguments.category, internal=True))


@asynccontextmanager
async def _articles(database_url: str, workspace: str) -> AsyncIterator[ArticleStore]:
    engine = create_engine(database_url)
    try:
        await create_tables(engine)
        yield ArticleStore(engine, system_clock, workspace=workspace)
    finally:
        await engine.dispose()


async def _import(store: ArticleStore, folder: Path) -> int:
    try:
        report = await Importer(store).import_folder(folder)
    except KnowledgeFolderError as error:
        print(error)
        return 1
    print(report)
    return 0


async def _search(store: ArticleStore, question: Question) -> int:
    if await store.revision() == 0:
        print("The knowledge base is empty; `deskhand kb import PATH` fills it.")
        return 1
    results = await LocalKnowledge(store).search(question)
    if not results:
        print("Nothing fits. The bot would say so, and offer a person.")
        return 1
    for place, result in enumerate(results, 1):
        print(f"{place}. {result.title}  {result.source}\n   {_begin(result)}")
    return 0


def _begin(result: SearchResult) -> str:
    text = " ".join(" ".join(result.passages).split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
