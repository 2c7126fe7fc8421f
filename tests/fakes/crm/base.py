"""What the services have in common: people, a token, and moods."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from aiohttp import web

from tests.fakes.loopback import served

Json = dict[str, Any]
TOKEN = "tok-0123456789-very-secret"
JOINED = 1_710_806_400
"""2024-03-19, when everybody became a customer."""


@dataclass(frozen=True)
class Paid:
    """One charge."""

    at: int
    """Unix seconds."""
    amount: Decimal
    currency: str = "USD"
    status: str = "paid"
    number: str = ""
    description: str = "monthly"


@dataclass(frozen=True)
class Person:
    """A customer, in no vendor's form."""

    email: str
    name: str
    company: str = ""
    plan: str = ""
    seats: int = 1
    notes: str = ""
    updated: int = JOINED
    history: tuple[Paid, ...] = ()
    more: Mapping[str, str] = field(default_factory=dict)
    """What only this vendor has."""


@dataclass(frozen=True)
class Fault:
    """What every request is answered with."""

    status: int
    body: str = '{"message": "internal detail of the vendor"}'
    headers: Mapping[str, str] = field(default_factory=dict)


class CrmService:
    """Serves one vendor's API."""

    kind = ""

    def __init__(self) -> None:
        self.people: list[Person] = []
        self.fault: Fault | None = None
        self.loose = False
        """True: searches find everybody, whatever was asked."""
        self.asked: list[str] = []
        """Method and path with query of every request."""
        self.url = ""

    def routes(self) -> list[web.RouteDef]:
        raise NotImplementedError

    def is_allowed(self, request: web.Request) -> bool:
        """Whether the credentials are right."""
        return request.headers.get("Authorization") == f"Bearer {TOKEN}"

    def table(self) -> str:
        """The `[customers]` table of the connectors file."""
        return f'[customers]\nkind = "{self.kind}"\nurl = "{self.url}"\ntoken_env = "CRM_TOKEN"\n'

    def refuse(self) -> web.Response:
        return web.json_response({"message": "who are you?"}, status=401)

    def matching(self, email: str) -> list[tuple[int, Person]]:
        """With their numbers, which ids are made of."""
        numbered = list(enumerate(self.people, start=1))
        return [(n, p) for n, p in numbered if self.loose or p.email.lower() == email.lower()]

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        app = web.Application(middlewares=[self._before])
        app.add_routes(self.routes())
        async with served(app) as self.url:
            yield

    @web.middleware
    async def _before(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.asked.append(f"{request.method} {request.path_qs}")
        if not self.is_allowed(request):
            return self.refuse()
        if self.fault is not None:
            return web.Response(status=self.fault.status, text=self.fault.body, headers=dict(self.fault.headers))
        response: web.StreamResponse = await handler(request)
        return response


def page_of(items: list[Json], after: str, limit: int) -> tuple[list[Json], bool]:
    """The items behind the one with this id, and whether there are more."""
    start = next((i + 1 for i, one in enumerate(items) if one["id"] == after), 0) if after else 0
    return items[start : start + limit], len(items) > start + limit
