"""A website as strange as one wants it, on loopback."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from tests.fakes.loopback import served
from tools.knowledge_base.sources.web import WebSettings, Website


@dataclass(frozen=True)
class WebPage:
    """What an address answers."""

    body: str | bytes = ""
    status: int = 200
    content_type: str = "text/html"
    headers: Mapping[str, str] = field(default_factory=dict)
    """An ETag or Last-Modified in it is obeyed when it is asked for again."""


def page(title: str, *links: str, head: str = "", text: str = "Text.", etag: str = "") -> WebPage:
    """An ordinary page."""
    anchors = "".join(f'<li><a href="{link}">{link}</a>' for link in links)
    markup = f"<html lang=en><head>{head}</head><nav><ul>{anchors}</ul></nav><main><h1>{title}</h1><p>{text}</p></main>"
    return WebPage(markup, headers={"ETag": f'"{etag}"'} if etag else {})


class FakeSite:
    """Pages by path, with their queries."""

    def __init__(self) -> None:
        self.pages: dict[str, WebPage | list[WebPage]] = {}
        """A list is used up from the front, its last stays."""
        self.asked: list[str] = []
        self.agents: set[str] = set()
        self.url = ""

    @property
    def host(self) -> str:
        return self.url.removeprefix("http://")

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        app = web.Application()
        app.router.add_get("/{rest:.*}", self._answer)
        async with served(app) as self.url:
            yield

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path_qs)
        self.agents.add(request.headers.get("User-Agent", ""))
        found = self.pages.get(request.path_qs, WebPage("<h1>Not here</h1>", 404))
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        if _is_same(found, request):
            return web.Response(status=304, headers={"ETag": found.headers.get("ETag", "")})
        body = found.body.encode() if isinstance(found.body, str) else found.body
        headers = {"Content-Type": found.content_type, **found.headers}
        return web.Response(status=found.status, body=body, headers=headers)


def _is_same(found: WebPage, request: web.Request) -> bool:
    etag, modified = found.headers.get("ETag"), found.headers.get("Last-Modified")
    if etag is not None:
        return request.headers.get("If-None-Match") == etag
    return modified is not None and request.headers.get("If-Modified-Since") == modified


class Crawl:
    """A source on the fake site, without its pauses; loopback is allowed to it."""

    def __init__(self, site: FakeSite) -> None:
        self.site = site
        self.slept: list[float] = []
        self.now = 0.0

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def source(self, session: aiohttp.ClientSession, start: str = "/help/", **told: Any) -> Website:
        settings = WebSettings.model_validate({"kind": "web", "url": self.site.url + start, **told})
        return Website(session, settings, sleep=self.sleep, clock=lambda: self.now)
