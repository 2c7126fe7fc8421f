"""Durable dispatch by DBOS Transact: one short workflow per cause, one at a time per partition.

The workflow body only calls the handler, so nothing of a run is stored in DBOS; the journal and the outbox are ours.
What happens when the handler fails is said in `bot.runtime.retries`.
"""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, Queue
from dbos._queue import queue_worker_thread

from bot.ports.clock import Clock, system_clock
from bot.ports.runtime import Handler
from bot.ports.store import Store
from bot.runtime.background import Background
from bot.runtime.cause_queue import APPLICATION, QUEUE, VERSION, WORKFLOW, CauseQueue
from bot.runtime.orphans import Orphans
from bot.runtime.replicas import Lease
from bot.runtime.retries import LastWords, Retries

logger = logging.getLogger(__name__)

_THREADS = 16
"""Bound of DBOS's thread pool, which it makes the default executor of our event loop: keep blocking work out of it."""
_POLL_SECONDS = 1.0
_CLOSED = ["SUCCESS", "ERROR", "CANCELLED"]
_KEEP_SECONDS = 24 * 3600.0
"""How long DBOS's rows of finished causes are kept, for people who look into the database."""
_TIDY_SECONDS = 3600.0
_TIDY_BATCH = 1000
_JOIN_SECONDS = 10.0


class DbosDispatcher:
    """ports.runtime.Dispatcher over DBOS, which allows one instance at a time in a process.

    DBOS only polls its queues. Its worker for ours is therefore run here, with a stop event that can be rung: a cause
    committed by this process starts within milliseconds, one that another process has no room for within a second.
    """

    def __init__(
        self,
        queue: CauseQueue,
        store: Store,
        lease: Lease,
        *,
        at_once: int = 64,
        clock: Clock = system_clock,
        first_pause: float = 0.5,
    ) -> None:
        """`at_once`: causes this process handles side by side."""
        self._queue = queue
        self._lease = lease
        self._at_once = at_once
        self._clock = clock
        self._retries = Retries(store, first_pause=first_pause, pause=self._pause)
        self._running: set[asyncio.Task[Any]] = set()
        self._pausing: set[asyncio.Task[Any]] = set()
        self._draining = False
        self._instance: DBOS | None = None
        self._worker: threading.Thread | None = None
        self._tidying = Background("dispatcher tidying")
        self._orphans = Orphans(queue, lease)

    async def start(self, handler: Handler, *, last_words: LastWords | None = None) -> None:
        """`last_words` is called for causes that are given up."""
        self._draining = False
        self._retries.last_words = last_words
        self._queue.bell.clear()
        await asyncio.to_thread(self._queue.migrate)
        instance = self._launch(handler)
        causes = await DBOS.register_queue_async(
            QUEUE,
            partition_concurrency=1,
            worker_concurrency=self._at_once,
            polling_interval_sec=_POLL_SECONDS,
            on_conflict="always_update",
        )
        causes.database_backed_queue = False  # or the worker would read its settings anew before each poll
        self._orphans.start()
        self._work(instance, causes)
        self._tidying.start(self._tidy())

    async def dispatch(self, inbox_id: str, partition: str) -> None:
        await self._queue.requeue(inbox_id, partition)

    async def drain(self, seconds: float) -> None:
        self._draining = True
        self._queue.bell.set()
        if self._worker is not None:
            await asyncio.to_thread(self._worker.join, _JOIN_SECONDS)
        for task in self._pausing:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)

    async def close(self) -> None:
        """Cancel what still runs (its causes stay open for the next start) and shut DBOS down."""
        await self.drain(0)
        self._worker = None
        await self._tidying.close()
        await self._orphans.close()
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=_JOIN_SECONDS)
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as own:
            await loop.run_in_executor(own, self._shut_down)
        loop.set_default_executor(ThreadPoolExecutor(thread_name_prefix="default"))  # DBOS's ended with it

    def _launch(self, handler: Handler) -> DBOS:
        """Runs on the event loop's thread, because DBOS runs workflows on the loop it was launched from."""
        config: DBOSConfig = {
            "name": APPLICATION,
            "application_version": VERSION,
            "executor_id": self._lease.replica_id,
            "system_database_engine": self._queue.engine,
            "serializer": DBOSPortableJSONSerializer(),
            "max_executor_threads": _THREADS,
            "use_listen_notify": False,
            "run_migrations": self._queue.engine.dialect.name == "sqlite",  # else done before
            "notification_listener_polling_interval_sec": 0.1,  # nobody listens; bounds how long shutting down takes
            "scheduler_polling_interval_sec": 3600.0,
            "log_level": "WARNING",
            "enable_otlp": False,
        }
        self._instance = instance = DBOS(config=config)
        DBOS.listen_queues([])
        DBOS.workflow(name=WORKFLOW, max_recovery_attempts=None)(self._workflow(handler))
        try:
            DBOS.launch()
        except BaseException:
            DBOS.destroy(destroy_registry=True)  # or no later start could succeed
            raise
        return instance

    def _workflow(self, handler: Handler) -> Callable[[str], Awaitable[None]]:
        async def handle_cause(inbox_id: str) -> None:
            task = _current_task()
            self._running.add(task)
            task.add_done_callback(self._ended)
            if self._draining:  # claimed just before the worker stopped
                task.cancel()
                await asyncio.sleep(0)
            await self._retries.run(handler, inbox_id)

        return handle_cause

    def _ended(self, task: asyncio.Task[Any]) -> None:
        """DBOS has recorded the outcome: the next cause of the partition may start."""
        self._running.discard(task)
        self._queue.wake()

    async def _pause(self, seconds: float) -> None:
        task = _current_task()
        self._pausing.add(task)
        if self._draining:
            task.cancel()
        try:
            await asyncio.sleep(seconds)
        finally:
            self._pausing.discard(task)

    def _work(self, instance: DBOS, causes: Queue) -> None:
        self._worker = threading.Thread(
            target=queue_worker_thread, args=(self._queue.bell, instance, causes), name="causes", daemon=True
        )
        self._worker.start()
        self._queue.wake()  # for what is queued already

    def _shut_down(self) -> None:
        executor = self._instance._executor_field if self._instance else None  # noqa: SLF001 — it is not told otherwise
        DBOS.destroy(destroy_registry=True)
        if executor is not None:  # its threads write outcomes; without a database they would do so for ever
            ending = threading.Thread(target=executor.shutdown, daemon=True)
            ending.start()
            ending.join(_JOIN_SECONDS)
        self._queue.engine.dispose()

    async def _tidy(self) -> None:
        """Delete DBOS's rows of causes that are long finished; it never does so itself."""
        while True:
            try:
                count = await self._tidy_batch()
            except Exception:  # the database may be away for a while; there is always a next time
                logger.exception("dispatcher.not_tidied")
                count = 0
            if count < _TIDY_BATCH:
                await asyncio.sleep(_TIDY_SECONDS)

    async def _tidy_batch(self) -> int:
        before = datetime.fromtimestamp(self._clock() - _KEEP_SECONDS, UTC).isoformat()
        old = await self._queue.client.list_workflows_async(
            status=_CLOSED, completed_before=before, limit=_TIDY_BATCH, load_input=False, load_output=False
        )
        await self._queue.client.delete_workflows_async([one.workflow_id for one in old])
        return len(old)


def _current_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("called outside a task")
    return task
