"""Measures what an MCP server sends, and ends the connection to one that floods us."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol

import anyio
from mcp.shared.message import SessionMessage

MOST_MESSAGES = 2_000
"""Of one server within a window; answers, notifications and noise alike."""
WINDOW_SECONDS = 10.0
MOST_BYTES = 20_000_000
"""Of one server within a window, or a few messages of the greatest size."""
_GREAT_MESSAGES = 4


class Flow:
    """What came through one connection so far, and how it ended."""

    def __init__(
        self, ended: Callable[[], None], most_bytes: int = 0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`ended` is called when nothing more will come; `most_bytes`: of one message."""
        self._ended = ended
        self._clock = clock
        self._since = clock()
        self._count = self._bytes = 0
        self._most_bytes = max(MOST_BYTES, _GREAT_MESSAGES * most_bytes)
        self.reason = ""
        """Why the connection was cut off; empty: it was not."""

    @property
    def is_cut(self) -> bool:
        """Whether the server is not listened to any more."""
        return bool(self.reason)

    def count(self) -> None:
        """One more message."""
        self._turn()
        self._count += 1
        if self._count > MOST_MESSAGES:
            self.cut("flood")

    def weigh(self, size: int) -> None:
        """So many more bytes."""
        self._turn()
        self._bytes += size
        if self._bytes > self._most_bytes:
            self.cut("flood")

    def _turn(self) -> None:
        now = self._clock()
        if now - self._since > WINDOW_SECONDS:
            self._since, self._count, self._bytes = now, 0, 0

    count_noise = count

    def cut(self, reason: str) -> None:
        """Listen no more; `reason` is a short class for the log."""
        self.reason = self.reason or reason
        self.end()

    def end(self) -> None:
        """Nothing more will come."""
        self._ended()


class Stream(Protocol):
    """What the SDK's transports give to read from."""

    async def receive(self) -> SessionMessage | Exception: ...

    async def aclose(self) -> None: ...


class Metered:
    """A stream of incoming messages that is counted."""

    def __init__(self, inner: Stream, flow: Flow) -> None:
        self._inner = inner
        self._flow = flow

    @property
    def last_context(self) -> object:
        """Of the inner stream, for the SDK."""
        return getattr(self._inner, "last_context", None)

    async def receive(self) -> SessionMessage | Exception:
        """The next message; EndOfStream when the server went or was cut off."""
        try:
            message = await self._inner.receive()
        except (anyio.EndOfStream, anyio.ClosedResourceError, anyio.BrokenResourceError):
            self._flow.end()
            raise
        self._flow.count()
        if self._flow.is_cut:
            raise anyio.EndOfStream
        return message

    async def aclose(self) -> None:
        """Close the inner stream."""
        await self._inner.aclose()

    def __aiter__(self) -> "Metered":
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> "Metered":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
