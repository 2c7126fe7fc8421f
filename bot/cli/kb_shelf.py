"""What every `deskhand kb` works on: one shelf of articles, with the embedder and the connectors that are set."""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from bot.cli.database import check_database
from bot.config import Settings
from bot.library import own_embedder
from bot.ports.clock import system_clock
from bot.store.engine import create_engine
from tools.connector_settings import Wires
from tools.database import create_tables
from tools.http import http_session
from tools.knowledge_base.embedder import Embedder
from tools.knowledge_base.store import ArticleStore


@dataclass(frozen=True, slots=True)
class OpenShelf:
    """A shelf of the knowledge base, as long as the command goes on."""

    settings: Settings
    store: ArticleStore
    wires: Wires
    embedder: Embedder | None


@asynccontextmanager
async def open_shelf(settings: Settings, workspace: str) -> AsyncIterator[OpenShelf]:
    """The articles of a workspace, or the common ones; SettingsError when the database cannot be used."""
    await check_database(settings.database_url)
    engine = create_engine(settings.database_url)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(engine.dispose)
        await create_tables(engine)
        session = await stack.enter_async_context(http_session())
        embedder = await own_embedder(settings, workers=os.cpu_count() or 1)
        store = ArticleStore(engine, system_clock, workspace=workspace)
        yield OpenShelf(settings, store, Wires(session, stack, system_clock), embedder)
