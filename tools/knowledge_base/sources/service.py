"""Reading all documents of a service: patient where a customer would not wait, and honest about what could not be read.

An import has minutes: it waits when it is told to, and asks again when an answer failed. A service that still does not
answer ends the reading with SourceError, because a list that is cut short would look like documents that are gone.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TypeVar

import aiohttp
from pydantic import BaseModel, TypeAdapter

from tools.base import ToolUnavailableError
from tools.http import HttpBackend, Limits
from tools.http_answer import Answer, BackendRefusedError
from tools.http_auth import Auth
from tools.knowledge_base.articles import LARGEST, BrokenArticleError
from tools.knowledge_base.html.tree import shown
from tools.knowledge_base.sources.base import Document, Found, Skipped, SourceError, Unchanged

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)
PAGES = 2000
"""Pages of a list, of about a hundred documents each; more is a service that never ends."""
_LIMITS = Limits(total_seconds=60.0, body_bytes=40_000_000, patience_seconds=300.0)
_PAUSES = (1.0, 3.0, 9.0, 27.0)
"""Seconds between attempts, when the service names none."""
_LONGEST_LINE = 300


class Service:
    """One service, asked again until it answers or clearly does not."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        auth: Auth,
        *,
        name: str,
        headers: Mapping[str, str] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`headers` go with every request. The session stays the caller's."""
        self.name = name
        self._backend = HttpBackend(session, base_url, auth, name=name, limits=_LIMITS, sleep=sleep)
        self._headers = headers or {}
        self._sleep = sleep

    async def get(
        self,
        path: str,
        shape: type[T] | TypeAdapter[T],
        params: Mapping[str, str | int] | None = None,
    ) -> T:
        """Read something; ToolUnavailableError after the last attempt, BackendRefusedError at once."""
        return await self._ask(lambda: self._backend.get(path, params=params, headers=self._headers), shape)

    async def once(self, path: str, shape: type[T], params: Mapping[str, str | int] | None = None) -> T:
        """Like `get` in one attempt, for somebody who waits for the answer."""
        return (await self._backend.get(path, params=params, headers=self._headers)).read(shape)

    async def search(self, path: str, shape: type[T] | TypeAdapter[T], body: object) -> T:
        """Like `get`, for questions that are sent with POST and change nothing."""
        return await self._ask(
            lambda: self._backend.send("POST", path, body=body, headers=self._headers, safe=True), shape
        )

    async def _ask(self, call: Callable[[], Awaitable[Answer]], shape: type[T] | TypeAdapter[T]) -> T:
        for pause in _PAUSES:
            try:
                return (await call()).read(shape)
            except BackendRefusedError:
                raise
            except ToolUnavailableError as error:
                if error.retry_after is None:  # otherwise the back-end itself waits before the next call
                    await self._sleep(pause)
        return (await call()).read(shape)


async def complete(found: AsyncIterator[Found], remedy: str) -> AsyncIterator[Found]:
    """All of it, each document once (lists shift while they are read), or SourceError with what to do about it."""
    told: set[str] = set()
    try:
        async for one in found:
            slug = _slug(one)
            if not slug or slug not in told:
                told.add(slug)
                yield replace(one, name=line(one.name)) if isinstance(one, Skipped) else one
    except BackendRefusedError as error:
        raise SourceError(f"{error}. {remedy} Nothing was changed.") from None
    except ToolUnavailableError as error:
        raise SourceError(f"{error}. Nothing was changed; try again later.") from None


def _slug(found: Found) -> str:
    match found:
        case Document():
            return found.article.slug
        case Unchanged() | Skipped():
            return found.slug
        case _:
            return ""


def onward(cursor: str | None, *, has_more: bool, service: str) -> str:
    """The cursor of the next page, empty at the end; ToolUnavailableError when there is one that cannot be named."""
    if has_more and not cursor:
        raise ToolUnavailableError(f"{service} does not say how its list goes on")
    return cursor if has_more and cursor else ""


def line(text: str) -> str:
    """A title or a name on one line, without what nobody sees and what a terminal would obey."""
    return " ".join(shown(text).split())[:_LONGEST_LINE]


def checked(body: str) -> str:
    """The Markdown of a document; BrokenArticleError when there is none, or more than an article may have."""
    if not body.strip():
        raise BrokenArticleError("no text")
    if len(body.encode()) > LARGEST:
        raise BrokenArticleError(f"more than {LARGEST // 1_000_000} MB of text")
    return body
