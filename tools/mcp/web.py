"""The way to an MCP server by streamable HTTP: the SDK's transport, over a client that bounds what may come back."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx2
from mcp.client._transport import WriteStream
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.message import SessionMessage

from tools.mcp.meter import Flow, Metered

_CONNECT_SECONDS = 10.0
_READ_SECONDS = 300.0
"""A stream of events may be silent for so long; calls have deadlines of their own."""
_EVENTS = "text/event-stream"


class TooMuchError(httpx2.StreamError):
    """The server sent more than it may, or in a form that hides how much it is."""

    def __init__(self) -> None:
        super().__init__("the answer is too large, or compressed unasked")


class _Bounded(httpx2.AsyncByteStream):
    """A body that ends with an error where it becomes too long."""

    def __init__(self, inner: httpx2.AsyncByteStream, most: int) -> None:
        self._inner = inner
        self._left = most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._inner:
            self._left -= len(chunk)
            if self._left < 0:
                raise TooMuchError
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Weighed(httpx2.AsyncByteStream):
    """A stream of events, comments and all, that ends with an error where there is too much of it at once."""

    def __init__(self, inner: httpx2.AsyncByteStream, flow: Flow) -> None:
        self._inner = inner
        self._flow = flow

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._inner:
            self._flow.weigh(len(chunk))
            if self._flow.is_cut:
                raise TooMuchError
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()


@asynccontextmanager
async def web_transport(
    url: str, headers: Mapping[str, str], flow: Flow, most_bytes: int
) -> AsyncIterator[tuple[Metered, WriteStream[SessionMessage]]]:
    """Talk with the server at `url`, through no proxy.

    Redirects are followed within its own origin only (the SDK sees to it).
    """

    async def bound(response: httpx2.Response) -> None:
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise TooMuchError
        if isinstance(response.stream, httpx2.AsyncByteStream):
            are_events = response.headers.get("content-type", "").startswith(_EVENTS)
            stream = _Weighed(response.stream, flow) if are_events else _Bounded(response.stream, most_bytes)
            response.stream = stream

    timeout = httpx2.Timeout(_CONNECT_SECONDS, read=_READ_SECONDS)
    plain = {**headers, "Accept-Encoding": "identity"}
    direct = httpx2.AsyncHTTPTransport()  # given, so that the environment's proxies are not asked, its certificates are
    hooks = {"response": [bound]}
    async with (
        httpx2.AsyncClient(headers=plain, timeout=timeout, event_hooks=hooks, transport=direct) as client,
        streamable_http_client(url, http_client=client, max_sse_event_size=most_bytes) as (read, write),
    ):
        yield Metered(read, flow), write
