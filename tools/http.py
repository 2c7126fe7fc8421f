"""HTTP to other companies' services: one session for the whole process, one `HttpBackend` for each service.

A back-end turns whatever can go wrong into the failures of `tools.base`: ToolUnavailableError when nothing was done
(with the seconds the service asked us to wait), BackendRefusedError when repeating cannot help, OutcomeUnknownError
when a write was on its way. They hold the service's name and a status, never an address, a header or a body: what is
not there cannot leak. Secrets go only to the service's own origin. Answers have a size limit, calls a total deadline;
cookies are not kept.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import aiohttp
from yarl import URL

from tools.base import ToolUnavailableError
from tools.http_answer import Answer, AnswerTooLongError, BackendRefusedError, give_up, pause_of, read_within
from tools.http_auth import NO_AUTH, Auth
from tools.public_addresses import PrivateAddressError, public_socket

_AT_ONCE, _PER_HOST = 100, 20
"""Connections of the process, and of them to one host; whoever gets none in `_CONNECT_SECONDS` takes it for away."""
_CONNECT_SECONDS = 4.0
"""Less than an attempt of a tool may take: whoever meets no service at all knows that nothing was done."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_READING = frozenset({"GET", "HEAD"})
_JSON: Mapping[str, str] = {"Accept": "application/json"}
"""What most services ask for in each request."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one call may take."""

    total_seconds: float = 10.0
    """All of a call: connection, redirects, body."""
    body_bytes: int = 4_000_000
    """Of an answer, unpacked."""
    redirects: int = 5
    """Of a reading call; a writing one follows none."""
    patience_seconds: float = 0.0
    """How long a call itself waits when the service has asked for a pause; with a longer pause it fails at once."""


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class _Call:
    """One request as the caller means it."""

    method: str
    url: URL
    safe: bool
    """Whether it may be sent twice."""
    expect: Collection[int]
    headers: Mapping[str, str] = field(repr=False)
    content: Mapping[str, Any] = field(repr=False)
    """JSON or bytes, by aiohttp's name for it."""


def http_session(*, public_only: bool = False) -> aiohttp.ClientSession:
    """A session for any number of back-ends; whoever asked for it closes it.

    `public_only` refuses this machine and private networks: for addresses that may lead anywhere.
    """
    connector = aiohttp.TCPConnector(
        limit=_AT_ONCE, limit_per_host=_PER_HOST, socket_factory=public_socket if public_only else None
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "deskhand"},
        timeout=aiohttp.ClientTimeout(total=None, connect=_CONNECT_SECONDS),
    )


class HttpBackend:
    """One service under one base URL."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        auth: Auth = NO_AUTH,
        *,
        name: str,
        limits: Limits = LIMITS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`name` is what people call the service, for errors: `Zendesk`. The session stays the caller's."""
        self.name = name
        self._session = session
        self._base = URL(base_url.rstrip("/"))
        self._auth = auth
        self._limits = limits
        self._clock = clock
        self._sleep = sleep
        self._closed_until = clock()

    async def get(
        self,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        expect: Collection[int] = (),
    ) -> Answer:
        """Read something; see `send`."""
        return await self.send("GET", path, params=params, headers=headers, expect=expect)

    async def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        body: object = None,
        expect: Collection[int] = (),
        safe: bool | None = None,
    ) -> Answer:
        """The answer, if its status is 2xx or one of `expect`.

        `path` (from its `/` on) is put behind the base URL; a whole URL, as of a next page, must have its origin.
        `body`: bytes are sent as they are, anything else as JSON. `safe`: whether the call may be sent twice; by
        default only reading ones may. Raises as the module says.
        """
        content = {"data": body} if body is None or isinstance(body, bytes) else {"json": body}
        url = self._url(path).update_query(params or {})
        call = _Call(method, url, method in _READING if safe is None else safe, expect, headers or {}, content)
        await self._keep_the_pause()
        return self._weigh(call, await self._within_limits(call))

    def _url(self, path: str) -> URL:
        if not path or path.startswith("/"):
            return URL(f"{self._base}{path}")
        url = URL(path)
        if not url.absolute or url.origin() != self._base.origin():
            raise BackendRefusedError(f"{self.name} sent us to an address that is not its own")
        return url

    async def _keep_the_pause(self) -> None:
        wait = self._closed_until - self._clock()
        if wait <= 0:
            return
        if wait > self._limits.patience_seconds:
            raise ToolUnavailableError(f"{self.name} asked us to wait", retry_after=wait)
        await self._sleep(wait)

    async def _within_limits(self, call: _Call) -> Answer:
        """Errors of aiohttp hold the address and our headers, therefore `from None`."""
        try:
            async with asyncio.timeout(self._limits.total_seconds):
                return await self._follow(call)
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, PrivateAddressError):
                raise BackendRefusedError(f"{self.name} is not at a public address") from None
            raise ToolUnavailableError(f"{self.name} cannot be reached ({type(error).__name__})") from None
        except aiohttp.ConnectionTimeoutError:
            raise ToolUnavailableError(f"{self.name} cannot be reached in time") from None
        except aiohttp.InvalidURL:
            raise BackendRefusedError(f"{self.name} has an address that is none") from None
        except AnswerTooLongError:
            give_up(f"{self.name} answered too much", safe=call.safe)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            give_up(f"{self.name} did not answer ({type(error).__name__})", safe=call.safe)

    async def _follow(self, call: _Call) -> Answer:
        """The answer behind the redirects. Only our own origin gets our headers, and nobody gets them unencrypted."""
        url = call.url
        for _ in range(self._limits.redirects + 1):
            own = {**_JSON, **call.headers, **self._auth.plain()} if url.origin() == self._base.origin() else {}
            async with self._session.request(
                call.method, url, headers=own, allow_redirects=False, **call.content
            ) as response:
                onward = response.headers.get("Location", "") if response.status in _REDIRECTS else ""
                if not onward or call.method not in _READING:
                    return await self._answer(call, response)
                target = url.join(URL(onward))
            if target.scheme not in {"https", url.scheme} or target.scheme not in {"http", "https"}:
                raise BackendRefusedError(f"{self.name} sent us to an address without encryption")
            url = target.with_fragment(None)
        raise BackendRefusedError(f"{self.name} sent us around in circles")

    async def _answer(self, call: _Call, response: aiohttp.ClientResponse) -> Answer:
        body = await read_within(response, self._limits.body_bytes)
        onward = _next_page(response)
        return Answer(self.name, response.status, response.headers, body, str(response.url), call.safe, onward)

    def _weigh(self, call: _Call, answer: Answer) -> Answer:
        """The answer, unless its status is a failure."""
        status = answer.status
        pause = pause_of(status, answer.headers)
        if pause is not None:
            self._closed_until = max(self._closed_until, self._clock() + pause)
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES or status in call.expect:
            return answer
        if pause is not None and (call.safe or _is_refusal(status)):
            raise ToolUnavailableError(f"{self.name} asks us to slow down (HTTP {status})", retry_after=pause)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
            give_up(f"{self.name} failed (HTTP {status})", safe=call.safe)
        raise BackendRefusedError(f"{self.name} refused our request (HTTP {status})", status=status)


def _is_refusal(status: int) -> bool:
    """Whether nothing was done, whatever was asked for."""
    return HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.REQUEST_TIMEOUT


def _next_page(response: aiohttp.ClientResponse) -> str:
    """By the Link header; a broken one is no reason to lose what was answered."""
    try:
        return next((str(link["url"]) for name, link in response.links.items() if name == "next"), "")
    except ValueError:
        return ""
