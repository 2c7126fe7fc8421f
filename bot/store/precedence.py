"""Who goes first: Slack waits three seconds for an event to be stored, everything else can wait a moment.

While several events are being stored at once, other transactions are begun one by one as room comes free. Nobody waits
longer than `patience` for that, so a flood of events slows the work down and never stops it.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager


class Precedence:
    """Lets urgent transactions go before the others of this process."""

    def __init__(self, *, most: int = 3, patience: float = 1.0) -> None:
        """`most`: urgent ones under way up to which others begin at once; `patience`: seconds, at most."""
        self._most = most
        self._patience = patience
        self._urgent = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @contextmanager
    def urgent(self) -> Iterator[None]:
        """Around an urgent transaction."""
        self._urgent += 1
        try:
            yield
        finally:
            self._urgent -= 1
            self._let_next()

    @asynccontextmanager
    async def other(self) -> AsyncIterator[None]:
        """Around any other transaction: waits while many urgent ones are under way."""
        if self._urgent > self._most:
            await self._wait()
        try:
            yield
        finally:
            self._let_next()

    async def _wait(self) -> None:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await asyncio.wait({place}, timeout=self._patience)
        finally:
            place.cancel()

    def _let_next(self) -> None:
        """Begin one of those that wait, or all of them when nothing urgent is left."""
        while self._waiting and self._urgent <= self._most:
            place = self._waiting.popleft()
            if place.done():
                continue
            place.set_result(None)
            if self._urgent:
                return
