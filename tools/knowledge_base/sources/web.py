"""A website, or what its sitemap lists, as a source: one article for each page.

Starting from a page, links are followed below its address, together with the sitemaps that robots.txt names and the
pages of the last import (a page that stayed the same is not sent again, so its links are not seen). Starting from a
sitemap, exactly its pages are read; from an RSS or Atom feed, which names only the newest, those of the last import as
well. A page that is not there any more, or not ours to read any more, is gone; one that
did not come this time stays as it was.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Annotated, Literal

import aiohttp
from pydantic import Field, field_validator
from yarl import URL

from tools.connector_settings import Wires
from tools.http import http_session
from tools.knowledge_base.articles import Article, ArticleCategory, Audience, BrokenArticleError
from tools.knowledge_base.html.encoding import decoded
from tools.knowledge_base.html.page import READER, Page, asked_of_robots, language, read_page
from tools.knowledge_base.sources.base import Document, Expected, Found, Known, Skipped, Source, SourceError, Unchanged
from tools.knowledge_base.sources.connector import KnowledgeConnector
from tools.knowledge_base.sources.converting import converted
from tools.knowledge_base.sources.frontier import Frontier, Task, normal
from tools.knowledge_base.sources.site import HTML, NOT_PUBLIC, START, Fetched, PageError, Site, clean
from tools.knowledge_base.sources.sitemaps import is_sitemap, pages_of

_AT_ONCE = 3
"""Pages fetched side by side, when robots.txt asks for no delay."""
_PAUSE = 0.2
"""Seconds between two such groups."""
_PAGE_BYTES, _PAGE_SECONDS = 2_000_000, 30.0
_PART = 2000
"""Addresses looked at before it is asked whether there is room for more."""
_INSTEAD = " If it is yours, save its pages as HTML files and import that folder."
_FAILURES = 20
"""Pages in a row that did not come, after which the site is taken for broken."""


class WebSettings(KnowledgeConnector):
    """`kind = "web"`."""

    kind: Literal["web"]
    url: Annotated[str, Field(pattern=r"^https?://[^\s/?#@]+([/?][^\s#]*)?$", max_length=500)]
    """The page to start from, below which all is read (`https://acme.com/help/`), or a sitemap or feed (`….xml`)."""
    exclude: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    """Pages whose path holds one of these are left out, e.g. "/changelog"."""
    selector: Annotated[str, Field(pattern=r"^([#.]?[\w-]+)?$")] = ""
    """Element with the text, when it is not found by itself: "main", "#content", ".article-body"."""
    categories: Mapping[str, ArticleCategory] = {}
    """Our category by a part of the path, e.g. "/billing/" = "billing"; the first that fits counts."""
    category: ArticleCategory = "product"
    """Of all other pages."""
    audience: Audience = Audience.PUBLIC
    language: Annotated[str, Field(pattern=r"^([a-z]{2})?$")] = ""
    """ISO 639-1, for pages that do not say."""
    max_pages: Annotated[int, Field(ge=1, le=50_000)] = 2000
    max_depth: Annotated[int, Field(ge=0, le=20)] = 6
    """Links from the start."""
    max_seconds: Annotated[float, Field(ge=1, le=86_400)] = 7200.0
    """For one reading; a running bot gives no source more than two hours."""

    @field_validator("url")
    @classmethod
    def _is_address(cls, value: str) -> str:
        url = clean(value, URL())
        if url is None:
            raise ValueError("write the address of a page or of a sitemap, https://…")
        return str(normal(url))

    def open(self, wires: Wires) -> Source:
        session = http_session(public_only=True)
        wires.closing.push_async_callback(session.close)
        return Website(session, self)

    @classmethod
    def of_text(cls, rest: str) -> Mapping[str, object]:
        """`https://…`, or `web:https://…`."""
        return {"kind": "web", "url": rest}


@dataclass(slots=True)
class _Reading:
    """One reading, under way."""

    site: Site
    frontier: Frontier
    known: Known
    give_up_at: float
    found_at: Mapping[str, str]
    """Slugs of the last import by the address that led to them, where that is another one."""
    told: set[str] = field(default_factory=set)
    """Slugs that something was said about."""
    failures: int = 0
    """Pages in a row that did not come."""

    async def add(self, urls: Sequence[URL], *, depth: int) -> None:
        """Have those read that are ours to read."""
        self.frontier.add(await asyncio.to_thread(self.frontier.fresh, urls), depth=depth)


class Website:
    """All pages of a site below an address, or those of a sitemap."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        settings: WebSettings,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """The session stays the caller's; it is what keeps private addresses away."""
        self._session = session
        self._settings = settings
        self._start = URL(settings.url)
        self._sleep = sleep
        self._clock = clock

    @property
    def name(self) -> str:
        return f"web:{_slug(self._start)}"

    async def check(self) -> str:
        """What answered, in a few words; SourceError when nothing did."""
        site = self._site()
        await self._open(site)
        return f"{self._start.raw_host} answers" + (
            f", wants {site.crawl_delay:g} s between pages" if site.crawl_delay else ""
        )

    async def read(self, known: Known) -> AsyncIterator[Found]:
        """What each page is now."""
        site = self._site()
        is_list = await self._open(site)
        give_up_at = self._clock() + self._settings.max_seconds
        found_at = {asked: slug for slug in known if (asked := _parts(known.validator(slug))[4])}
        frontier = self._frontier(site, is_list=is_list)
        reading = _Reading(site, frontier, known, give_up_at, found_at)
        await (self._listed(reading) if is_list else self._below(reading))
        while group := reading.frontier.next(1 if site.crawl_delay else _AT_ONCE):
            for found in await self._group(reading, group):
                yield found
            self._check_progress(reading)
            yield Expected(reading.frontier.count)
            if reading.frontier.count:
                await self._sleep(site.crawl_delay or _PAUSE)
        if not reading.told:
            ours = f"not one page could be read as an article, of those of {self._start.raw_host}"
            raise SourceError(f"{self._start}: {ours}. Nothing was changed.")
        for found in frontier.faults:
            yield found
        if frontier.overflow is not None:
            why = f"and the pages after it: there are more than max_pages ({self._settings.max_pages})"
            yield Skipped(str(frontier.overflow), why)

    def _site(self) -> Site:
        return Site(self._session, self._start, page_bytes=_PAGE_BYTES, page_seconds=_PAGE_SECONDS, sleep=self._sleep)

    async def _open(self, site: Site) -> bool:
        """Read robots.txt and try the start; whether that is a sitemap or feed. SourceError unless we may read it."""
        try:
            await site.read_robots()
            return is_sitemap(self._start) or (await site.fetch(self._start, types=START)).is_list
        except PageError as error:
            remedy = _INSTEAD if str(error).endswith(NOT_PUBLIC) else ""
            raise SourceError(f"{self._start}: {error}. Nothing was changed.{remedy}") from None

    def _frontier(self, site: Site, *, is_list: bool) -> Frontier:
        """Of a list its pages wherever they lie, and none that they lead to."""
        start, deepest = (None, 0) if is_list else (self._start, self._settings.max_depth)
        return Frontier(site, start, self._settings.max_pages, deepest, self._settings.exclude)

    async def _listed(self, reading: _Reading) -> None:
        """Find the pages of the sitemap or feed that the start is."""
        try:
            await self._list(reading, self._start, depth=0, earlier=self._urls(reading.known))
        except PageError as error:
            raise SourceError(f"{self._start}: {error}. Nothing was changed.") from None

    async def _below(self, reading: _Reading) -> None:
        """Find the start, what was read the last time, and what the sitemaps in robots.txt name."""
        await reading.add([self._start], depth=0)
        by_depth = sorted((_depth(reading.known.validator(slug)), slug) for slug in reading.known)
        for depth, several in groupby(by_depth, key=itemgetter(0)):
            await reading.add(self._urls(slug for _, slug in several), depth=depth)
        for sitemap in reading.site.sitemaps:
            try:
                await self._list(reading, sitemap, depth=1)
            except PageError as error:  # one way fewer to new pages; those of the last import are asked for anyway
                reading.frontier.faults.append(Skipped(str(sitemap), str(error)))

    async def _list(self, reading: _Reading, sitemap: URL, *, depth: int, earlier: Sequence[URL] = ()) -> None:
        """Take in what a sitemap names, as long as there is room and time; before a feed what was read `earlier`."""
        async with aclosing(pages_of(reading.site, sitemap)) as parts:
            async for part in parts:
                urls = part.urls if part.is_all else [*earlier, *part.urls]
                for start in range(0, len(urls), _PART):
                    await reading.add(urls[start : start + _PART], depth=depth)
                    if reading.frontier.overflow is not None:
                        return
                self._check_time(reading.give_up_at)
                await self._sleep(reading.site.crawl_delay or _PAUSE)

    def _urls(self, slugs: Iterable[str]) -> list[URL]:
        """The addresses of pages of an earlier import."""
        urls = (clean(f"{self._start.scheme}://{slug}", self._start) for slug in slugs)
        return [url for url in urls if url is not None]

    async def _group(self, reading: _Reading, group: Sequence[Task]) -> list[Found]:
        """What becomes of some pages, fetched side by side."""
        async with asyncio.TaskGroup() as running:
            tasks = [running.create_task(self._one(reading, task)) for task in group]
        return [found for task in tasks if (found := task.result()) is not None and _is_news(reading, found)]

    async def _one(self, reading: _Reading, task: Task) -> Found | None:
        slug = reading.found_at.get(_slug(task.url), _slug(task.url))
        try:
            fetched = await reading.site.fetch(task.url, types=HTML, headers=self._conditions(reading.known, slug))
            reading.failures = 0
            if fetched.is_unchanged:
                return Unchanged(slug)
            return await self._document(reading, task, fetched)
        except PageError as error:
            reading.failures += not error.is_gone
            return Skipped(str(task.url), str(error), "" if error.is_gone else self._kept(reading.known, slug))
        except BrokenArticleError as error:
            return Skipped(str(task.url), str(error), self._kept(reading.known, slug))

    async def _document(self, reading: _Reading, task: Task, fetched: Fetched) -> Found | None:
        """The article, unless the page says that it is another's copy or not to be read."""
        page = await asyncio.to_thread(converted, lambda: _read(fetched, self._settings.selector))
        asked = page.robots | asked_of_robots(fetched.robots)
        if "nofollow" not in asked:
            links = (clean(link, fetched.url) for link in page.links)
            await reading.add([link for link in links if link is not None], depth=task.depth + 1)
        if "noindex" in asked:
            return Skipped(str(task.url), "asks not to be indexed")
        if not reading.frontier.takes(fetched.url):
            return Skipped(str(task.url), f"leads to {fetched.url.path}")
        canonical = clean(page.url, fetched.url)
        url = canonical if canonical is not None and _is_variant(fetched.url, canonical) else fetched.url
        if url != task.url and not reading.frontier.claim(url):
            return None
        found_at = _slug(task.url) if _slug(task.url) != _slug(url) else ""
        validator = "\n".join((self._fingerprint, fetched.etag, fetched.modified, str(task.depth), found_at))
        return Document(self._article(page, url), validator)

    def _article(self, page: Page, url: URL) -> Article:
        title, body = page.article_text()
        told = self._settings
        category = next((our for part, our in told.categories.items() if part in url.path), told.category)
        spoken = page.language or told.language
        return Article(_slug(url), title, category, str(url), page.updated, told.audience, body, language(spoken))

    @property
    def _fingerprint(self) -> str:
        """Of all that makes an article of a page; when it changes, every page is fetched anew."""
        told = self._settings
        return f"{READER} {told.selector} {told.audience} {told.language} {told.category} {dict(told.categories)}"

    def _conditions(self, known: Known, slug: str) -> dict[str, str]:
        """What lets the site answer that a page stayed the same."""
        fingerprint, etag, modified, *_ = _parts(known.validator(slug))
        if fingerprint != self._fingerprint:
            return {}
        return {**({"If-None-Match": etag} if etag else {}), **({"If-Modified-Since": modified} if modified else {})}

    def _kept(self, known: Known, slug: str) -> str:
        """The slug, if its earlier version may stay: not when customers could read that, and now must not."""
        is_same = _parts(known.validator(slug))[0] == self._fingerprint
        return slug if is_same or self._settings.audience is Audience.PUBLIC else ""

    def _check_progress(self, reading: _Reading) -> None:
        if reading.failures >= _FAILURES:
            raise SourceError(f"{self._start}: the last {_FAILURES} pages did not come. Nothing was changed.")
        self._check_time(reading.give_up_at)

    def _check_time(self, give_up_at: float) -> None:
        if self._clock() > give_up_at:
            raise SourceError(f"{self._start}: reading took longer than max_seconds. Nothing was changed.")


def _read(fetched: Fetched, selector: str) -> Page:
    return read_page(decoded(fetched.body, fetched.charset), str(fetched.url), selector=selector)


def _is_news(reading: _Reading, found: Found) -> bool:
    """Whether nothing was said yet about this page."""
    slug = found.article.slug if isinstance(found, Document) else "" if isinstance(found, Expected) else found.slug
    if slug in reading.told:
        return False
    reading.told.add(slug) if slug else None
    return True


def _parts(validator: str) -> list[str]:
    """Of a page as it was read last: fingerprint, ETag, Last-Modified, links from the start, address if another."""
    return [*validator.split("\n"), "", "", "", ""][:5]


def _depth(validator: str) -> int:
    """Links from the start; kept, so that reading again and again does not lead deeper and deeper."""
    told = _parts(validator)[3]
    return int(told) if told.isdigit() else 1


def _slug(url: URL) -> str:
    """The address without its scheme; the scheme is the start's."""
    return str(url).partition("://")[2]


def _is_variant(url: URL, canonical: URL) -> bool:
    """Whether two addresses are one page with other parameters; many sites call their front page the canonical one."""
    return url.origin() == canonical.origin() and url.path.rstrip("/").lower() == canonical.path.rstrip("/").lower()
