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

from bot.ports.clock import Clock, sortable_id, system_clock
from bot.ports.runtime import Handler
from bot.ports.store import Store
from bot.runtime.background import Background
from bot.runtime.cause_queue import APPLICATION, QUEUE, VERSION, WORKFLOW, CauseQueue, options
from bot.runtime.replicas import Replicas
from bot.runtime.retries import Retries

logger = logging.getLogger(__name__)

_THREADS = 16
"""Bound of DBOS's thread pool, which it makes the default executor of our event loop: keep blocking work out of it."""
_OPEN = frozenset({"ENQUEUED", "PENDING", "DELAYED"})
_CLOSED = ["SUCCESS", "ERROR", "CANCELLED"]
_KEEP_SECONDS = 24 * 3600.0
"""How long DBOS's rows of finished causes are kept, for people who look into the database."""
_TIDY_SECONDS = 3600.0
_TIDY_BATCH = 1000
_WATCH_SECONDS = 5.0
_JOIN_SECONDS = 10.0


class DbosDispatcher:
    """ports.runtime.Dispatcher over DBOS, which allows one instance at a time in a process.

    DBOS only polls its queues. Its worker for ours is therefore run here, with a stop event that can be rung: a cause
    committed by this process starts within milliseconds, one queued elsewhere within `poll_seconds`.
    """

    def __init__(
        self,
        queue: CauseQueue,
        store: Store,
        *,
        clock: Clock = system_clock,
        poll_seconds: float = 0.25,
        worker_concurrency: int = 64,
        first_pause: float = 0.5,
    ) -> None:
        self._queue = queue
        self._clock = clock
        self._poll_seconds = poll_seconds
        self._worker_concurrency = worker_concurrency
        self._retries = Retries(store, first_pause=first_pause, pause=self._pause)
        self._running: set[asyncio.Task[Any]] = set()
        self._pausing: set[asyncio.Task[Any]] = set()
        self._draining = False
        self._worker: threading.Thread | None = None
        self._tidying = Background("dispatcher tidying")
        self._watching = Background("dispatcher watch over replicas")
        self._replicas: Replicas | None = None

    async def start(self, handler: Handler) -> None:
        self._draining = False
        self._queue.bell.clear()
        executor_id = "main" if self._queue.is_embedded else sortable_id()
        instance = self._launch(handler, executor_id)
        causes = await DBOS.register_queue_async(
            QUEUE,
            partition_concurrency=1,
            worker_concurrency=self._worker_concurrency,
            polling_interval_sec=self._poll_seconds,
            on_conflict="always_update",
        )
        causes.database_backed_queue = False  # or the worker would read its settings anew before each poll
        if not self._queue.is_embedded:
            await self._join(Replicas(self._queue.engine, self._queue.client, executor_id, QUEUE))
        self._work(instance, causes)
        self._tidying.start(self._tidy())

    async def dispatch(self, inbox_id: str, partition: str) -> None:
        client = self._queue.client
        known = await client.list_workflows_async(workflow_ids=[inbox_id], load_input=False, load_output=False)
        if known and known[0].status in _OPEN:
            return
        if known:
            await client.delete_workflow_async(inbox_id)
        await client.enqueue_async(options(inbox_id, partition), inbox_id)
        self._queue.wake()

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
        await self._watching.close()
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=_JOIN_SECONDS)
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as own:
            await loop.run_in_executor(own, self._shut_down)
        loop.set_default_executor(ThreadPoolExecutor(thread_name_prefix="default"))  # DBOS's ended with it

    def _launch(self, handler: Handler, executor_id: str) -> DBOS:
        """Runs on the event loop's thread, because DBOS runs workflows on the loop it was launched from."""
        config: DBOSConfig = {
            "name": APPLICATION,
            "application_version": VERSION,
            "executor_id": executor_id,
            "system_database_engine": self._queue.engine,
            "serializer": DBOSPortableJSONSerializer(),
            "max_executor_threads": _THREADS,
            "use_listen_notify": False,
            "notification_listener_polling_interval_sec": 0.1,  # nobody listens; bounds how long shutting down takes
            "scheduler_polling_interval_sec": 3600.0,
            "log_level": "WARNING",
            "enable_otlp": False,
        }
        instance = DBOS(config=config)
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

    def _shut_down(self) -> None:
        if self._replicas is not None:
            self._replicas.vanish()
            self._replicas = None
        DBOS.destroy(destroy_registry=True)
        self._queue.engine.dispose()

    async def _join(self, replicas: Replicas) -> None:
        """Show that this process lives before it takes work, and look after the work of others from now on."""
        self._replicas = replicas
        await asyncio.to_thread(replicas.appear)
        self._watching.start(self._watch(replicas))

    async def _watch(self, replicas: Replicas) -> None:
        while True:
            try:
                await asyncio.to_thread(replicas.appear)
                if await asyncio.to_thread(replicas.recover):
                    self._queue.wake()
            except Exception:  # the database may be away for a while; the watch goes on
                logger.exception("replica.watch_failed", extra={"fields": {}})
            await asyncio.sleep(_WATCH_SECONDS)

    async def _tidy(self) -> None:
        """Delete DBOS's rows of causes that are long finished; it never does so itself."""
        while True:
            before = datetime.fromtimestamp(self._clock() - _KEEP_SECONDS, UTC).isoformat()
            old = await self._queue.client.list_workflows_async(
                status=_CLOSED, completed_before=before, limit=_TIDY_BATCH, load_input=False, load_output=False
            )
            await self._queue.client.delete_workflows_async([one.workflow_id for one in old])
            if len(old) < _TIDY_BATCH:
                await asyncio.sleep(_TIDY_SECONDS)


def _current_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("called outside a task")
    return task
