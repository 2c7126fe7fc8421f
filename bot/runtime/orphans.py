"""What a dead process left half done is queued again and taken up by the living."""

import asyncio
import logging

import sqlalchemy as sa
from dbos import DBOSClient

from bot.runtime.background import Background
from bot.runtime.cause_queue import QUEUE, CauseQueue
from bot.runtime.replicas import Lease

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 10.0
"""Between looks without an occasion: a frozen process may have taken work at the moment it was given up."""
_AGAIN_SECONDS = 1.0
_GRACE_SECONDS = 2.0
_living = sa.table("replicas", sa.column("id"))


class Orphans:
    """Looks at the start, when a process has ended, and now and then."""

    def __init__(self, queue: CauseQueue, lease: Lease) -> None:
        self._queue = queue
        self._lease = lease
        self._deaths = asyncio.Event()
        self._closing = False
        self._task = Background("orphans")

    def start(self) -> None:
        """Begin to look; the queue's tables must be there."""
        loop = asyncio.get_running_loop()

        def died() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._deaths.set)

        self._lease.watch(died)
        self._task.start(self._go_on())

    async def close(self) -> None:
        """Look no more; a look under way ends first, because its thread cannot be cancelled."""
        self._closing = True
        self._deaths.set()
        await self._task.close(grace=_GRACE_SECONDS)

    async def _go_on(self) -> None:
        while not self._closing:
            self._deaths.clear()
            wait = _LOOK_SECONDS
            try:
                if await asyncio.to_thread(adopt, self._queue):
                    self._queue.wake()
            except Exception as error:  # noqa: BLE001 — the database may be away for a while; the look-out goes on
                logger.warning("orphans.look_failed", extra={"fields": {"error": type(error).__name__}})
                wait = _AGAIN_SECONDS
            if self._closing:
                return
            try:
                async with asyncio.timeout(wait):
                    await self._deaths.wait()
            except TimeoutError:
                pass


def adopt(queue: CauseQueue) -> int:
    """Queue the causes of processes that live no more; how many. One process at a time, or one could undo another's."""
    with queue.alone("adopt") as connection:
        pending = _pending(queue.client)
        if not pending:
            return 0
        living = set(connection.scalars(sa.select(_living.c.id)))  # read last: who took work has shown itself before
        left = sorted(cause for cause, owner in pending.items() if owner not in living)
        if left:
            queue.client.resume_workflows(left, queue_name=QUEUE)
            logger.warning("orphans.adopted", extra={"fields": {"causes": len(left)}})
        return len(left)


def _pending(client: DBOSClient) -> dict[str, str]:
    """Owner of each cause that is being handled."""
    found = client.list_workflows(status="PENDING", queue_name=QUEUE, load_input=False, load_output=False)
    return {one.workflow_id: one.executor_id or "" for one in found}
