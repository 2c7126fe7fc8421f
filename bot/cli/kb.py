"""`deskhand kb`: import articles, see what the bot would find, look after what there is."""

import argparse
import asyncio

from bot.cli.kb_import import import_all
from bot.cli.kb_report import list_gaps, list_sources, list_stale
from bot.cli.kb_shelf import OpenShelf, open_shelf
from bot.config import Settings, SettingsError, load_settings
from bot.domain.exchange import SearchResult
from bot.domain.hidden import visible
from bot.library import own_reranker
from bot.logs import configure_logging
from tools.base import ToolUnavailableError
from tools.knowledge_base.local import LocalKnowledge
from tools.knowledge_base.tool import Question

_SHOWN = 240


def run(arguments: argparse.Namespace) -> int:
    """Do what the action asks for; 1 when nothing was imported or found."""
    settings = load_settings()
    configure_logging("WARNING")
    try:
        return asyncio.run(_act(arguments, settings))
    except ToolUnavailableError as error:
        line = f"DATABASE_URL: it does not answer ({error}). `deskhand doctor` looks closer."
        raise SettingsError([line]) from error


async def _act(arguments: argparse.Namespace, settings: Settings) -> int:
    async with open_shelf(settings, arguments.workspace) as shelf:
        match arguments.action:
            case "import":
                return await import_all(shelf, arguments, shelf.embedder)
            case "search":
                return await _search(shelf, Question(arguments.query, arguments.category, internal=True))
            case "gaps":
                return await list_gaps(shelf, arguments.days, arguments.workspace)
            case "stale":
                return await list_stale(shelf, arguments.days, arguments.workspace)
            case "remove":
                return await _remove(shelf, arguments.source)
            case _:
                return await list_sources(shelf)


async def _search(shelf: OpenShelf, question: Question) -> int:
    if not await shelf.store.has_articles():
        print("The knowledge base is empty; `deskhand kb import PATH` fills it.")
        return 1
    reranked = await own_reranker(shelf.settings)
    found = await LocalKnowledge(shelf.store, shelf.embedder, reranked=reranked).search(question)
    if not found.results:
        print("Nothing fits. The bot would say so, and offer a person.")
        return 1
    for place, result in enumerate(found.results, 1):
        print(visible(f"{place}. {result.title}  {result.source}\n   {_begin(result)}"))
    print(f"match: {found.band}")
    return 0


async def _remove(shelf: OpenShelf, source: str) -> int:
    removed = await shelf.store.remove(source)
    print(f"{removed} removed." if removed else f"No article came from {source}; `deskhand kb sources` lists all.")
    return 0 if removed else 1


def _begin(result: SearchResult) -> str:
    text = " ".join(" ".join(result.passages).split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
