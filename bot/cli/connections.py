"""How the doctor tries the services of CONNECTORS_FILE: it signs in and looks, and changes nothing.

All of them side by side, so that several that are away cost no more time than one.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

from bot.cli.mcp_probe import try_servers
from bot.config import Settings
from bot.doctor import Finding, Verdict
from bot.ports.clock import system_clock
from tools.base import OutcomeUnknownError, ToolUnavailableError
from tools.connector_settings import Checkable, Wires
from tools.connectors import Connectors, ConnectorsError, load_connectors
from tools.http import http_session
from tools.http_answer import BackendRefusedError
from tools.knowledge_base.sources.base import SourceError
from tools.knowledge_base.sources.opening import open_all

_SECONDS = 5.0
_REMEDIES = {
    401: "Its token is not taken: copy it anew, and check that the variable which the file names holds it.",
    403: "The token is known but may not do this: give it the scopes that the README lists.",
    404: "There is nothing at this address: check `url` in the file.",
}


class Connections:
    """doctor.ConnectionsProbe on the real services."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def findings(self) -> AsyncIterator[Finding]:
        """One for each service, in the order of the file; none without the file."""
        path = self._settings.connectors_file
        try:
            connectors = load_connectors(path, self._settings.environment)
        except ConnectorsError as error:
            for line in error.lines:
                yield Finding(Verdict.BAD, f"CONNECTORS_FILE: {line}", "The bot does not start with it.")
            return
        async with AsyncExitStack() as closing:
            wires = Wires(await closing.enter_async_context(http_session()), closing, system_clock)
            try:
                services = _services(connectors, wires)
            except SourceError as error:
                yield Finding(Verdict.BAD, f"CONNECTORS_FILE: knowledge: {error}", "The bot does not start with it.")
                return
            for finding in await _tried(services):
                yield finding
        async for finding in try_servers(connectors.mcp):
            yield finding


def _services(connectors: Connectors, wires: Wires) -> list[tuple[str, Checkable]]:
    found: list[tuple[str, Checkable]] = []
    if connectors.customers:
        found.append((f"Customers: {connectors.customers.kind}", connectors.customers.open(wires)))
    if connectors.tickets:
        found.append((f"Tickets: {connectors.tickets.kind}", connectors.tickets.open(wires)))
    sources = [one.source for one in open_all(connectors.knowledge, wires)]  # folders: an import says more
    return [*found, *((f"Articles: {source.name}", source) for source in sources if isinstance(source, Checkable))]


async def _tried(services: list[tuple[str, Checkable]]) -> list[Finding]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(try_out(subject, service)) for subject, service in services]
    return [task.result() for task in tasks]


async def try_out(subject: str, service: Checkable) -> Finding:
    """What a service says to its credentials. Errors of tools name neither secrets nor addresses."""
    try:
        async with asyncio.timeout(_SECONDS):
            return Finding(Verdict.GOOD, f"{subject}: {await service.check()}.".replace("..", "."))
    except BackendRefusedError as error:
        remedy = _REMEDIES.get(error.status, "Check its table in the file.")
        return Finding(Verdict.BAD, f"{subject}: {error}.", remedy)
    except (ValueError, SourceError) as error:
        return Finding(Verdict.BAD, f"{subject}: {error}".rstrip(".") + ".", "Check its table in the file.")
    except TimeoutError:
        return Finding(Verdict.BAD, f"{subject}: no answer in {_SECONDS:g} seconds.", "Check network and address.")
    except (ToolUnavailableError, OutcomeUnknownError) as error:
        return Finding(Verdict.BAD, f"{subject}: {error}.", "Check network and address, or try again in a minute.")
