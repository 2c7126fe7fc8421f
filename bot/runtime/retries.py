"""What happens when the handling of a cause fails: the same cause again, later.

The cause keeps its partition while it waits, so later causes of the conversation stay behind the one in trouble. A
TransientError is repeated for as long as it lasts. Every other exception is counted on the inbox row (the desk counts
runs that a kill broke off, too); the handler sees the count and ends the cause honestly in time. When that fails, it is
parked: whoever waits for it is told, the row stays unhandled and leaves the way free for later ones, and only an
operator (`deskhand stuck`) touches it again. A FencedError means that another execution does the work: the cause is
left to it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from bot.domain.errors import FencedError, TransientError
from bot.domain.trace import Action, TraceEvent
from bot.ports.clock import Clock, system_clock
from bot.ports.runtime import Handler
from bot.ports.store import Store, Transaction

logger = logging.getLogger(__name__)

_TRIES = 9
_LONGEST_PAUSE = 60.0

Pause = Callable[[float], Awaitable[None]]
"""Waits so many seconds."""
LastWords = Callable[[str], Awaitable[None]]
"""Tells whoever waits for the cause of this id that it was given up, and parks it, in one transaction."""


class Retries:
    """Calls a handler until it succeeds or is given up."""

    def __init__(
        self, store: Store, *, first_pause: float = 1.0, pause: Pause = asyncio.sleep, clock: Clock = system_clock
    ) -> None:
        self._store = store
        self._clock = clock
        self.last_words: LastWords | None = None
        """None: causes are parked without a word."""
        self._first_pause = first_pause
        self._pause = pause

    async def run(self, handler: Handler, inbox_id: str) -> None:
        """Handle one cause; raises nothing but cancellation."""
        failures = 0
        while (seconds := await self._failed(handler, inbox_id, failures)) is not None:
            failures += 1
            await self._pause(seconds)

    async def _failed(self, handler: Handler, inbox_id: str, failures: int) -> float | None:
        """One attempt; seconds until the next one, or None when there is to be none."""
        seconds = min(self._first_pause * 2.0 ** min(failures, 6), _LONGEST_PAUSE)
        try:
            await handler(inbox_id)
        except FencedError:
            logger.info("cause.fenced", extra={"fields": {"inbox_id": inbox_id}})
        except TransientError as error:
            _log_retry(inbox_id, error)
            return seconds if error.retry_after is None else error.retry_after
        except Exception as error:  # whatever went wrong in a handler, the cause must not get lost
            logger.exception("cause.failed", extra={"fields": {"inbox_id": inbox_id}})
            return seconds if await self._is_worth_another(inbox_id, error) else None
        return None

    async def _is_worth_another(self, inbox_id: str, error: Exception) -> bool:
        attempts = await self._count(inbox_id, error)
        if attempts < _TRIES:
            return True
        fields = {"inbox_id": inbox_id, "attempts": attempts, "error": type(error).__name__}
        logger.error("cause.stuck", extra={"fields": fields})
        return not await self._is_parked(inbox_id)

    async def _is_parked(self, inbox_id: str) -> bool:
        """Park a cause with a word to whoever waits for it, or without one when even that fails."""
        for park in filter(None, (self.last_words, self._park)):
            try:
                await park(inbox_id)
            except Exception:  # what made the cause fail may make this fail, too
                logger.exception("cause.not_parked", extra={"fields": {"inbox_id": inbox_id}})
            else:
                return True
        return False

    async def _park(self, inbox_id: str) -> None:
        async with self._store.write() as tx:
            await tx.inbox.park([inbox_id])

    async def _count(self, inbox_id: str, error: Exception) -> int:
        """The number of attempts begun; 0 when the database does not answer, because it will come back."""
        try:
            async with self._store.write() as tx:
                attempts = await tx.inbox.count_attempt(inbox_id, error=type(error).__name__)
                await self._trace(tx, inbox_id, type(error).__name__, attempts)
                return attempts
        except Exception as unwritable:  # noqa: BLE001 - without a database nothing can be counted
            _log_retry(inbox_id, unwritable)
            return 0

    async def _trace(self, tx: Transaction, inbox_id: str, error: str, attempts: int) -> None:
        """Put it on record with the conversation, and the run it broke off, if there is one."""
        queued = await tx.inbox.get(inbox_id)
        if queued is None or queued.conversation_id is None:
            return
        run = await tx.runs.unfinished(queued.conversation_id)
        event = TraceEvent(
            queued.conversation_id, run.id if run else "", 0, Action.ERROR, error, self._clock(), attempt=attempts,
            ok=False, error=error, ref=inbox_id,
        )  # fmt: skip
        await tx.traces.add(event)


def _log_retry(inbox_id: str, error: Exception) -> None:
    logger.warning("cause.retry", extra={"fields": {"inbox_id": inbox_id, "error": type(error).__name__}})
