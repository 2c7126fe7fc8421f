"""What the services have in common: who may ask, moods, and pages by cursor."""

import base64
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from tests.fakes.loopback import served
from tools.http import http_session
from tools.http_auth import Auth
from tools.knowledge_base.sources.base import Document, Expected, Found, Known, Seen, Skipped, Source, Unchanged
from tools.knowledge_base.sources.service import Service

Json = dict[str, Any]
TOKEN = "tok-0123456789-very-secret"
USER = "agent@fernway.example"
BASIC = base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()


@dataclass(frozen=True)
class Fault:
    """What a request is answered with instead."""

    status: int
    body: str = '{"error": "internal detail of the vendor"}'
    headers: Mapping[str, str] = field(default_factory=dict)


class ArticleService:
    """Serves one vendor's API."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        """For the next requests, one each."""
        self.asked: list[str] = []
        """Method and path with query of every request."""
        self.waited: list[float] = []
        """Seconds that our side slept."""
        self.url = ""
        self.session: aiohttp.ClientSession

    def routes(self) -> list[web.RouteDef]:
        raise NotImplementedError

    def is_allowed(self, request: web.Request) -> bool:
        raise NotImplementedError

    def service(self, auth: Auth, name: str, headers: Mapping[str, str] | None = None) -> Service:
        """Our side of it, which waits for nothing."""

        async def sleep(seconds: float) -> None:
            self.waited.append(seconds)

        return Service(self.session, self.url, auth, name=name, headers=headers, sleep=sleep)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        app = web.Application(middlewares=[self._before])
        app.add_routes(self.routes())
        async with served(app) as self.url, http_session() as self.session:
            yield

    @web.middleware
    async def _before(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.asked.append(f"{request.method} {request.path_qs}")
        if self.faults:
            fault = self.faults.pop(0)
            return web.Response(status=fault.status, text=fault.body, headers=dict(fault.headers))
        if not self.is_allowed(request):
            return web.json_response({"error": "who are you?"}, status=401)
        response: web.StreamResponse = await handler(request)
        return response


def cut(items: Sequence[Json], cursor: str, size: int) -> tuple[list[Json], str]:
    """One page of a list, and the cursor of the next; empty at the end."""
    start = int(cursor or 0)
    return list(items[start : start + size]), str(start + size) if len(items) > start + size else ""


@dataclass
class Reading:
    """What a source told."""

    documents: dict[str, Document]
    unchanged: list[str]
    skipped: dict[str, Skipped]
    """By name."""

    @property
    def slugs(self) -> list[str]:
        """Of all articles that are there now."""
        return sorted([*self.documents, *self.unchanged])

    @property
    def known(self) -> Known:
        """What an import remembers of it."""
        return Known({slug: Seen(one.validator, one.article.digest) for slug, one in self.documents.items()})


async def reading(source: Source, known: Known | None = None) -> Reading:
    """Read a source to its end; each slug must be told once."""
    told = Reading({}, [], {})
    slugs: list[str] = []
    async for found in source.read(known or Known()):
        _note(told, slugs, found)
    assert len(slugs) == len(set(slugs)), "a document was told twice"
    return told


def _note(told: Reading, slugs: list[str], found: Found) -> None:
    match found:
        case Document(article):
            told.documents[article.slug] = found
            slugs.append(article.slug)
        case Unchanged(slug):
            told.unchanged.append(slug)
            slugs.append(slug)
        case Skipped(name):
            told.skipped[name] = found
            slugs.extend([found.slug] if found.slug else [])
        case Expected():
            pass
