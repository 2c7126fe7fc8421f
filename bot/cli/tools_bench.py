"""What `deskhand tools` works on: the back-ends of the settings, or the sample company's in a folder of its own."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from bot.cli.database import check_database
from bot.config import Settings, SettingsError
from bot.ports.clock import system_clock
from bot.store.engine import create_engine
from tools.backends import Backends, open_backends
from tools.base import AnyTool, OutcomeUnknownError, ToolContext, ToolError, ToolUnavailableError
from tools.catalogue import ENTRIES, Backing
from tools.connector_settings import Wires
from tools.connectors import NO_CONNECTORS, Connectors, ConnectorsError, load_connectors
from tools.escalation import EscalationRequest
from tools.guards import Guards
from tools.http import http_session
from tools.knowledge_base.tool import Question

ANSWER_SECONDS = 15.0
_OWN = "our database"
_NOWHERE: Any = None
_NOT_HERE = "This tool needs a conversation in Slack: it works in the sandbox (`deskhand sandbox`), not from here."


class _NoConversation:
    """Stands in for the desk, which is there only in Slack."""

    async def escalate(self, request: EscalationRequest, context: ToolContext) -> str:  # noqa: ARG002 - the port's
        raise ToolError(_NOT_HERE)

    async def tighten(self, usd: object, context: ToolContext) -> str:  # noqa: ARG002 - the port's
        raise ToolError(_NOT_HERE)


def on_paper(settings: Settings) -> list[tuple[AnyTool, str]]:
    """Every tool without back-ends, and the names of those it would ask; nothing is opened."""
    kinds = _kinds(connectors_of(settings))
    found = []
    for entry in ENTRIES:
        guards = Guards()
        tool = entry.make(
            Backing(
                knowledge=_NOWHERE, customers=_NOWHERE, tickets=_NOWHERE, books=_NOWHERE,
                escalations=_NoConversation(), own_budget=_NoConversation(), guards=guards,
            )
        )  # fmt: skip
        found.append((tool, ", ".join(f"{name} ({kinds.get(name, _OWN)})" for name in guards.states)))
    return found


def _kinds(connectors: Connectors) -> dict[str, str]:
    """What stands behind a port, where that is not our own database."""
    kinds = {"escalations": "Slack"}
    if connectors.customers:
        kinds["customers"], kinds["billing"] = connectors.customers.kind, "none"
    if connectors.tickets:
        kinds["tickets"] = connectors.tickets.kind
    return kinds


def connectors_of(settings: Settings) -> Connectors:
    """Which services are connected; SettingsError when the file cannot be used."""
    try:
        return load_connectors(settings.connectors_file, settings.environment)
    except ConnectorsError as error:
        raise SettingsError([f"CONNECTORS_FILE: {line}" for line in error.lines]) from error


@asynccontextmanager
async def open_bench(settings: Settings, *, is_sample: bool) -> AsyncIterator[Backends]:
    """The back-ends; tables that are missing are created, nothing is put into them but the sample company if asked."""
    async with AsyncExitStack() as closing:
        url, connectors = settings.database_url, connectors_of(settings)
        if is_sample:
            folder = closing.enter_context(tempfile.TemporaryDirectory())
            url, connectors = f"sqlite:///{folder}/sample.db", NO_CONNECTORS
        else:
            await check_database(url)
        engine = create_engine(url)
        closing.push_async_callback(engine.dispose)
        wires = Wires(await closing.enter_async_context(http_session()), closing, system_clock)
        yield await open_backends(engine, seed_sample=is_sample, connectors=connectors, wires=wires)


def backing_of(backends: Backends, guards: Guards, workspace: str) -> Backing:
    """What the tools of the operator's own workspace would work on, but for the desk."""
    shelf = backends.of_home(workspace)
    return Backing(
        knowledge=shelf.knowledge, customers=shelf.customers, tickets=shelf.tickets, books=shelf.books,
        escalations=_NoConversation(), own_budget=_NoConversation(), guards=guards,
    )  # fmt: skip


async def answering(backends: Backends, workspace: str) -> AsyncIterator[tuple[str, str]]:
    """Each back-end with the class of what went wrong; empty when it answers. Asks for what nobody has."""
    shelf, nobody = backends.of_home(workspace), "nobody@deskhand.invalid"
    looks: dict[str, Callable[[], Awaitable[object]]] = {
        "knowledge_base": lambda: shelf.knowledge.search(Question("how do I begin", None, internal=False)),
        "customers": lambda: shelf.customers.find(nobody),
        "tickets": lambda: shelf.tickets.recent(nobody),
        "billing": lambda: shelf.books.recent(nobody),
    }
    for name, look in looks.items():
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await look()
        except (ToolUnavailableError, OutcomeUnknownError, TimeoutError) as error:
            yield name, type(error).__name__
        except ToolError:  # it answers; only not to this
            yield name, ""
        else:
            yield name, ""
