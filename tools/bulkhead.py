"""How many calls may be under way to one back-end at once, so that a slow one does not take every worker with it."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class CrowdedError(Exception):
    """Too many calls to the back-end are under way; it was not asked."""


class Bulkhead:
    """Counts the calls under way; whoever finds too many waits its turn.

    For one event loop. The limit comes with the call, so that callers with different limits share one count: each gets
    in when fewer than its own limit are inside.
    """

    def __init__(self) -> None:
        self._inside = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def inside(self) -> int:
        """Calls under way."""
        return self._inside

    @asynccontextmanager
    async def room(self, limit: int, give_up: float) -> AsyncIterator[None]:
        """A place among `limit`; CrowdedError when none is free by `give_up` (time of the event loop)."""
        await self._enter(limit, give_up)
        try:
            yield
        finally:
            self._leave()

    async def _enter(self, limit: int, give_up: float) -> None:
        if self._inside < limit:
            self._inside += 1
            return
        turn = asyncio.get_running_loop().create_future()
        place = (limit, turn)
        self._waiting.append(place)
        try:
            async with asyncio.timeout_at(give_up):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self._leave()  # was let in at the very moment it gave up
            else:
                self._waiting.remove(place)
            if isinstance(error, TimeoutError):
                raise CrowdedError from error
            raise

    def _leave(self) -> None:
        self._inside -= 1
        for place in tuple(self._waiting):
            limit, turn = place
            if self._inside < limit and not turn.done():
                self._waiting.remove(place)
                self._inside += 1
                turn.set_result(None)
