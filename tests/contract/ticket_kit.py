"""Every ticket desk there is, for the tests of what they all promise."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store.engine import create_engine
from tests.contract.store_kit import database
from tests.fakes.ticket_systems import github, jira, linear, webhook, zendesk
from tests.fakes.ticket_systems.base import TicketSystem
from tests.fakes.tools import HeldClock
from tools.connector_settings import Wires
from tools.database import create_tables
from tools.http import http_session
from tools.tickets.desk import NewTicket
from tools.tickets.keys import TicketKeys
from tools.tickets.outside import Around, OutsideTickets
from tools.tickets.settings import TicketSettings

NEW = NewTicket("Ana@Cobalt-Studio.example", "Charged twice", "Two charges in July.", "high", "billing", "T1:C1:1.0")
ANA, BO = "ana@cobalt-studio.example", "bo@northpine.example"

SYSTEMS: Mapping[str, type[TicketSystem]] = {
    "zendesk": zendesk.ZendeskServer,
    "jira": jira.JiraServer,
    "linear": linear.LinearServer,
    "github": github.GitHubServer,
    "webhook": webhook.WebhookServer,
}
_SETTINGS: Mapping[str, dict[str, Any]] = {
    "zendesk": {"user": zendesk.AGENT},
    "jira": {"user": jira.AGENT, "project": jira.PROJECT, "service_desk": "4", "request_type": "25"},
    "linear": {"team": linear.TEAM},
    "github": {"repository": github.REPOSITORY},
    "webhook": {},
}
SECRETS = {
    "zendesk": zendesk.TOKEN, "jira": jira.TOKEN, "linear": linear.TOKEN, "github": github.TOKEN,
    "webhook": webhook.SECRET,
}  # fmt: skip
_ADAPTER: TypeAdapter[Any] = TypeAdapter(TicketSettings)


class TickingClock(HeldClock):
    """Never the same time twice, so that there is an order."""

    def __init__(self) -> None:
        super().__init__(1_800_000_000.0)

    def __call__(self) -> float:
        self.now += 0.001
        return self.now


def settings(kind: str, url: str, /, **more: object) -> Any:
    """As they would come from the connectors file."""
    if kind == "webhook":
        told = {"url": f"{url}/hooks/tickets", "status_url": f"{url}/tickets/{{id}}", "secret_env": "SECRET"}
    else:
        told = {"url": url, "token_env": "SECRET"}
    return _ADAPTER.validate_python(
        {"kind": kind, **told, **_SETTINGS[kind], **more}, context={"SECRET": SECRETS[kind]}
    )


@dataclass
class Post:
    """One vendor's system, and a database of ours."""

    kind: str
    system: Any
    engine: AsyncEngine
    clock: TickingClock
    session: aiohttp.ClientSession
    more: Mapping[str, object]

    def vendor(self, **more: object) -> Any:
        """The adapter, as a process has it that has just started."""
        wires = Wires(self.session, AsyncExitStack(), self.clock)
        return settings(self.kind, self.system.url, **(dict(self.more) | more)).open(wires)

    def desk(self, keys: TicketKeys | None = None) -> OutsideTickets:
        """The desk of a new process."""
        around = Around(self.clock, asyncio.sleep)
        if keys is not None:
            return OutsideTickets(self.vendor(), keys, around)
        return OutsideTickets.on(self.engine, self.vendor(), around)


@asynccontextmanager
async def posted(kind: str, folder: Path, *, store: str = "sqlite", **more: object) -> AsyncIterator[Post]:
    """A vendor's system with nothing in it."""
    clock = TickingClock()
    system = SYSTEMS[kind](clock)
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(database(store, folder))
        engine = create_engine(url)
        stack.push_async_callback(engine.dispose)
        await create_tables(engine)
        await stack.enter_async_context(system.serving())
        session = await stack.enter_async_context(http_session())
        yield Post(kind, system, engine, clock, session, more)
