"""Fetches pages of one website: politely, and never from anywhere else.

Every hop of a redirect is checked before it is followed: same host, http or https, allowed by robots.txt. Addresses of
this machine and of private networks are refused by the session (`http_session(public_only=True)`), at the connection
itself. What is no web page is not downloaded; a body ends at its size limit.
"""

import asyncio
import contextlib
import zlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

import aiohttp
from protego import Protego
from yarl import URL

from tools.http_answer import AnswerTooLongError, pause_of, read_within
from tools.knowledge_base.html.tree import shown
from tools.public_addresses import PrivateAddressError

AGENT = "deskhand"
"""Under this name we come, and look ourselves up in robots.txt."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GONE = frozenset({401, 404, 410, 451})
"""Not there, or not for everybody any more. 403 is what sites also answer to visitors that they find too eager."""
_REFUSED = range(400, 500)
_HOPS = 5
_ATTEMPTS = 3
_PAUSE, _LONGEST_PAUSE = 5.0, 120.0
"""Seconds before the next attempt; what a site may make us wait."""
_LONGEST_ROBOTS = 500_000
_LONGEST_KIND = 100
"""Characters of a content type that are repeated to people."""
HTML = ("text/html", "application/xhtml+xml")
LISTS = ("application/rss+xml", "application/atom+xml", "application/rdf+xml", "text/xml", "application/xml")
"""Sitemaps and feeds that say what they are."""
XML = (*LISTS, "application/x-gzip", "application/gzip", "application/octet-stream", "text/plain")
"""Whatever a sitemap or feed is sent as."""
START = (*HTML, *LISTS)
NOT_PUBLIC = "not at a public address"
_KINDS = {HTML: "a web page", XML: "a sitemap or feed", START: "a web page, a sitemap or a feed"}


class PageError(Exception):
    """A page that cannot be had; says why in a few words."""

    def __init__(self, why: str, *, is_gone: bool = False, status: int = 0) -> None:
        super().__init__(why)
        self.is_gone = is_gone
        """True when the site says that there is no such page. Else it may be there again tomorrow."""
        self.status = status
        """Of HTTP; 0 when something else was the matter."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A page, or the word that it stayed the same."""

    url: URL
    """Where it was found in the end."""
    body: bytes = field(repr=False)
    charset: str
    """As the answer names it; empty when it does not."""
    etag: str = ""
    modified: str = ""
    """Last-Modified, as it was sent."""
    robots: str = ""
    """X-Robots-Tag."""
    is_unchanged: bool = False
    is_list: bool = False
    """Whether it says that it is a sitemap or feed."""


class Site:
    """One host."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        start: URL,
        *,
        page_bytes: int,
        page_seconds: float,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.start = start
        self._session = session
        self._page_bytes = page_bytes
        self._page_seconds = page_seconds
        self._sleep = sleep
        self._robots = Protego.parse("")

    @property
    def crawl_delay(self) -> float:
        """Seconds that robots.txt wants between two pages."""
        return min(float(self._robots.crawl_delay(AGENT) or 0.0), _LONGEST_PAUSE)

    @property
    def sitemaps(self) -> tuple[URL, ...]:
        """Those that robots.txt names, on this host."""
        named = (clean(text, self.start) for text in self._robots.sitemaps)
        return tuple(url for url in named if url is not None and self.is_own(url))

    async def read_robots(self) -> None:
        """Learn what we may read; PageError when that cannot be known."""
        try:
            found = await self.fetch(self.start.join(URL("/robots.txt")), types=(), most=_LONGEST_ROBOTS)
        except PageError as error:
            if error.is_gone or error.status in _REFUSED:
                return  # a site without rules, by RFC 9309
            raise PageError(f"robots.txt cannot be read: {error}") from None
        self._robots = Protego.parse(found.body.decode("utf-8", "replace"))

    def is_own(self, url: URL) -> bool:
        """Whether it is a page of this host; a site may move from http to https."""
        same = url.raw_host == self.start.raw_host and url.user is None and url.password is None
        is_secured = self.start.is_default_port() and url.is_default_port() and url.scheme == "https"
        return same and url.scheme in {"http", "https"} and (url.port == self.start.port or is_secured)

    def is_allowed(self, url: URL) -> bool:
        """Whether robots.txt lets us read it."""
        return bool(self._robots.can_fetch(str(url), AGENT))

    async def fetch(
        self, url: URL, *, types: tuple[str, ...], headers: Mapping[str, str] | None = None, most: int = 0
    ) -> Fetched:
        """The page behind its redirects; PageError. `types`: content types that are wanted, empty for any."""
        if not self.is_allowed(url):
            raise PageError("robots.txt keeps it from us")
        attempts = 1
        while True:
            try:
                return await self._attempt(url, types, headers or {}, most or self._page_bytes)
            except _BusyError as error:
                if attempts == _ATTEMPTS:
                    raise PageError(str(error)) from None
                attempts += 1
                await self._sleep(min(error.pause, _LONGEST_PAUSE))

    async def _attempt(self, url: URL, types: tuple[str, ...], headers: Mapping[str, str], most: int) -> Fetched:
        try:
            async with asyncio.timeout(self._page_seconds):
                return await self._follow(url, types, headers, most)
        except TimeoutError:
            raise PageError("did not come in time") from None
        except aiohttp.ClientConnectorError as error:
            private = isinstance(error.os_error, PrivateAddressError)
            raise PageError(NOT_PUBLIC if private else "cannot be reached") from None
        except AnswerTooLongError:
            raise PageError(f"larger than {_size(most)}") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise PageError(f"did not come ({type(error).__name__})") from None

    async def _follow(self, url: URL, types: tuple[str, ...], headers: Mapping[str, str], most: int) -> Fetched:
        for _ in range(_HOPS + 1):
            async with self._session.get(url, headers=headers, allow_redirects=False) as response:
                onward = response.headers.get("Location", "") if response.status in _REDIRECTS else ""
                if not onward:
                    return await _received(url, response, types, most)
            target = clean(onward, url)
            if target is None or not self.is_own(target):
                where = target.raw_host if target is not None else "an address that is none"
                raise PageError(f"leads to {where}", is_gone=True)
            if not self.is_allowed(target):
                raise PageError("leads to a page that robots.txt keeps from us", is_gone=True)
            url, headers = target, {}  # the conditions were about the page that we asked for
        raise PageError("leads around in circles", is_gone=True)


class _BusyError(Exception):
    """The site wants to be asked later."""

    def __init__(self, status: int, pause: float | None) -> None:
        super().__init__(f"HTTP {status}")
        self.pause = _PAUSE if pause is None else pause


async def _received(url: URL, response: aiohttp.ClientResponse, types: tuple[str, ...], most: int) -> Fetched:
    status = response.status
    if status == HTTPStatus.NOT_MODIFIED:
        return Fetched(url, b"", "", is_unchanged=True)
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise _BusyError(status, pause_of(status, response.headers))
    if status != HTTPStatus.OK:
        raise PageError(f"HTTP {status}", is_gone=status in _GONE, status=status)
    if types and response.content_type not in types:
        kind = shown(response.content_type)[:_LONGEST_KIND]
        raise PageError(f"is {kind}, not {_KINDS.get(types, types[0])}", is_gone=True)
    body = await read_within(response, most)
    told = response.headers
    etag, modified = told.get("ETag", "")[:500], told.get("Last-Modified", "")[:100]
    robots, is_list = ",".join(told.getall("X-Robots-Tag", ())), response.content_type in LISTS
    return Fetched(url, body, response.charset or "", etag, modified, robots, is_list=is_list)


def clean(text: str, base: URL) -> URL | None:
    """The absolute address a link or a redirect means, without its fragment; None when it is none."""
    with contextlib.suppress(ValueError, TypeError):
        url = base.join(URL(text.strip())).with_fragment(None)
        if url.host and url.port:  # the host is decoded only now, and may turn out to be none
            return url
    return None


def unpacked(body: bytes, most: int) -> bytes:
    """A gzip file's content, anything else as it is; PageError when it is broken or holds more than `most` bytes."""
    if not body.startswith(b"\x1f\x8b"):
        return body
    opener = zlib.decompressobj(wbits=31)
    try:
        content = opener.decompress(body, most + 1)
    except zlib.error:
        raise PageError("is a broken gzip file") from None
    if len(content) > most:
        raise PageError(f"larger than {_size(most)}")
    if not opener.eof:
        raise PageError("is a gzip file cut short")
    return content


def _size(count: int) -> str:
    return f"{count / 1_000_000:g} MB"
