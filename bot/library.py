"""The knowledge base of a bot: its embedder, its sources, and who keeps it up to date."""

import asyncio
import logging
from contextlib import AsyncExitStack
from pathlib import Path

from bot.config import Settings, SettingsError
from bot.runtime.knowledge import KnowledgeKeeper
from tools.backends import Backends
from tools.connector_settings import Wires
from tools.connectors import Connectors
from tools.knowledge_base.embedder import Embedder, EmbedderUnavailableError
from tools.knowledge_base.embedders import OWN, open_embedder
from tools.knowledge_base.importer import ManyGoneError
from tools.knowledge_base.rerankers import open_reranker
from tools.knowledge_base.reranking import Reranked, RerankerUnavailableError
from tools.knowledge_base.scale.growing import Scale
from tools.knowledge_base.sources.base import SourceError
from tools.knowledge_base.sources.opening import open_all

logger = logging.getLogger(__name__)

_TRIAL_SECONDS = 5.0
"""For a reranker that the doctor tries: nobody waits, and the first answer takes longest."""


async def own_embedder(settings: Settings, *, workers: int = 1) -> Embedder | None:
    """The embedder that is set; None when it is none, or when the package's own cannot work on this machine.

    `workers`: texts embedded side by side. SettingsError when somebody chose another one, and that cannot work.
    """
    key = settings.voyage_api_key.get_secret_value()
    try:
        return await asyncio.to_thread(open_embedder, settings.embedder, voyage_key=key, workers=workers)
    except EmbedderUnavailableError as error:
        if settings.embedder != OWN:
            raise SettingsError([f"EMBEDDER: {str(error).removeprefix('EMBEDDER: ')}"]) from error
        logger.warning("knowledge.without_embedder", extra={"fields": {"error": str(error)}})
        return None


async def own_reranker(settings: Settings) -> Reranked | None:
    """What orders the articles that were found, if it is set; SettingsError when it cannot work."""
    key = settings.voyage_api_key.get_secret_value()
    try:
        reranker = await asyncio.to_thread(open_reranker, settings.reranker, voyage_key=key)
    except RerankerUnavailableError as error:
        raise SettingsError([f"RERANKER: {error}"]) from error
    return Reranked(reranker) if reranker else None


def why_no_reranker(settings: Settings) -> str:
    """Why the reranker that is set does not work, tried with one pair; empty when it does. Blocks."""
    key = settings.voyage_api_key.get_secret_value()
    try:
        if reranker := open_reranker(settings.reranker, voyage_key=key, seconds=_TRIAL_SECONDS):
            reranker.scores("How do I pay?", ["By card, or by bank transfer."])
    except RerankerUnavailableError as error:
        return str(error)
    return ""


def own_scale(settings: Settings) -> Scale:
    """From how many articles on they are searched elsewhere than in memory, and where their words are kept."""
    return Scale(settings.kb_scale_from, Path(settings.kb_scale_folder) if settings.kb_scale_folder else None)


async def import_own_folder(settings: Settings, backends: Backends) -> None:
    """Make KNOWLEDGE_DIR the plain folder of the knowledge base; SettingsError when there is no article.

    When most of its articles are gone the bot starts with those it had.
    """
    if not settings.knowledge_dir:
        return
    try:
        report = await backends.importer.import_folder(Path(settings.knowledge_dir))
        for item in report.skipped:
            fields = {"source": "KNOWLEDGE_DIR", "name": item.name, "why": item.why}
            logger.warning("knowledge.skipped", extra={"fields": fields})
    except ManyGoneError as error:
        logger.warning("knowledge.import_refused", extra={"fields": {"source": "KNOWLEDGE_DIR", "why": str(error)}})
    except SourceError as error:
        raise SettingsError([f"KNOWLEDGE_DIR: {error}"]) from error
    await backends.knowledge.refresh()


async def start_library(stack: AsyncExitStack, backends: Backends, connectors: Connectors, wires: Wires) -> None:
    """Keep up with what is imported, and with the sources of the connectors file, until `stack` ends."""
    try:
        sources = open_all(connectors.knowledge, wires)
    except SourceError as error:
        raise SettingsError([f"CONNECTORS_FILE: knowledge: {error}"]) from error
    keeper = KnowledgeKeeper(backends, sources)
    await keeper.start()
    stack.push_async_callback(keeper.close)
