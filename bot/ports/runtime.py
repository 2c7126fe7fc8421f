"""Durable dispatch: a stored cause reaches its handler at least once, one at a time per partition."""

from collections.abc import Awaitable, Callable
from typing import Protocol

Handler = Callable[[str], Awaitable[None]]
"""Handles the inbox row of this id; idempotent, resumable."""


class Dispatcher(Protocol):
    """Runs handlers for causes; the queue lives in the same database as the inbox."""

    async def start(self, handler: Handler) -> None:
        """Begin to take work, first what an earlier process left."""
        ...

    async def dispatch(self, inbox_id: str, partition: str) -> None:
        """Make sure a stored cause is queued (the safety net at start); known ids are ignored."""
        ...

    async def drain(self, seconds: float) -> None:
        """Take no more work and wait for what runs, at most so long."""
        ...

    async def close(self) -> None: ...
