"""The durable queue of causes: DBOS's tables in the same database as the inbox."""

import asyncio
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import sqlalchemy as sa
from dbos import DBOSClient, DBOSPortableJSONSerializer, EnqueueOptions
from dbos._migration import ensure_dbos_schema, run_dbos_migrations, should_migrate
from sqlalchemy.engine import make_url

from bot.runtime.postgres import connection_arguments, tolerate_poolers

APPLICATION: Final = "deskhand"
VERSION: Final = "deskhand-1"
"""Never changes with a release: DBOS would leave work queued by another version untouched. Our handler is resumable
from our own tables, so any release may take any cause."""
QUEUE: Final = "causes"
WORKFLOW: Final = "handle_cause"
_SCHEMA: Final = "dbos"
_MIGRATION_PAUSE = 0.2
_OPEN = frozenset({"ENQUEUED", "PENDING", "DELAYED"})

_SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA busy_timeout=30000",
    "PRAGMA foreign_keys=ON",
)


_CONNECTIONS = 10
"""Most connections of DBOS to PostgreSQL, for its 16 threads and its poll: each is held for a statement or two."""
_POLL_GAP_SECONDS = 0.02
"""Polls follow one another no faster, so that a crowd of events is taken in batches."""


class Bell(threading.Event):
    """DBOS's worker thread sleeps on its stop event between polls; ringing ends that sleep without stopping it."""

    def __init__(self) -> None:
        super().__init__()
        self._rung = threading.Event()
        self._polled = 0.0

    def ring(self) -> None:
        """Make the worker look for work now."""
        self._rung.set()

    def set(self) -> None:
        super().set()
        self._rung.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Sleep until rung or set, at most `timeout` seconds; True only when set."""
        self._rung.wait(timeout)
        super().wait(max(0.0, self._polled + _POLL_GAP_SECONDS - time.monotonic()))
        self._rung.clear()
        self._polled = time.monotonic()
        return self.is_set()


class CauseQueue:
    """Where causes are queued: `enqueue` inside the store's transaction, `wake` after its commit."""

    def __init__(self, database_url: str) -> None:
        _quiet_logging()
        self.engine = sync_engine(database_url)
        """Synchronous, for DBOS and its threads."""
        self.bell = Bell()
        self.client = DBOSClient(
            system_database_engine=self.engine,
            serializer=DBOSPortableJSONSerializer(),
            application_name=APPLICATION,
            lazy=True,
        )

    def enqueue(self, connection: sa.Connection, inbox_id: str, partition: str) -> None:
        """Queue a cause in a running transaction; its id is the inbox row's, so a known one is left as it is."""
        self.client.enqueue_in_transaction(connection, options(inbox_id, partition), inbox_id)

    async def requeue(self, inbox_id: str, partition: str) -> None:
        """Make sure a stored cause is queued, also one whose earlier entry is finished."""
        await asyncio.to_thread(self._requeue, inbox_id, partition)
        self.wake()

    def _requeue(self, inbox_id: str, partition: str) -> None:
        with self.alone("requeue"):  # two processes that find it finished must not both begin it anew
            known = self.client.list_workflows(workflow_ids=[inbox_id], load_input=False, load_output=False)
            if known and known[0].status in _OPEN:
                return
            if known:
                self.client.delete_workflow(inbox_id)
            self.client.enqueue(options(inbox_id, partition), inbox_id)

    def migrate(self) -> None:
        """Bring DBOS's tables up to date on PostgreSQL; not on the event loop.

        DBOS would do it under a lock of the session, which a pooler in transaction mode may never give back.
        """
        if self.engine.dialect.name != "postgresql":
            return
        while should_migrate(self.engine, _SCHEMA, False):  # noqa: FBT003 — the library's own way; no LISTEN/NOTIFY
            with self.engine.begin() as connection:  # tried, not waited for: an index made there waits for waiting ones
                if connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(_key("schema")))):
                    connection.execute(sa.text("set local idle_in_transaction_session_timeout = 0"))
                    ensure_dbos_schema(self.engine, _SCHEMA)
                    run_dbos_migrations(self.engine, _SCHEMA, False)  # noqa: FBT003 — as above
                    return
            time.sleep(_MIGRATION_PAUSE)

    @contextmanager
    def alone(self, what: str) -> Iterator[sa.Connection]:
        """A transaction during which no other process does the same thing."""
        with self.engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_key(what))))
            yield connection

    def wake(self) -> None:
        """A cause was committed: start it at once instead of at the next poll."""
        self.bell.ring()


def _key(what: str) -> sa.Function[int]:
    return sa.func.hashtextextended(f"deskhand.queue:{what}", 0)


def options(inbox_id: str, partition: str) -> EnqueueOptions:
    """How a cause is queued."""
    return {
        "workflow_name": WORKFLOW,
        "queue_name": QUEUE,
        "workflow_id": inbox_id,
        "queue_partition_key": partition,
        "app_version": VERSION,
    }


def _quiet_logging() -> None:
    """Let DBOS speak through our handlers, from warnings up; it would install a console handler of its own."""
    logger = logging.getLogger("dbos")
    logger.setLevel(logging.WARNING)
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())


def sync_engine(database_url: str, *, connections: int = _CONNECTIONS) -> sa.Engine:
    """A synchronous engine, for threads; on PostgreSQL with at most so many connections."""
    url = make_url(database_url)
    if url.get_backend_name() != "sqlite":
        url = url.set(drivername="postgresql+psycopg")
        engine = sa.create_engine(
            url,
            pool_size=connections,
            max_overflow=0,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args=connection_arguments(url),
        )
        tolerate_poolers(engine)
        return engine
    engine = sa.create_engine(url.set(drivername="sqlite"), pool_size=8, max_overflow=16)
    sa.event.listen(engine, "connect", _prepare)
    return engine


def _prepare(connection: Any, _record: object) -> None:
    connection.isolation_level = "IMMEDIATE"
    for pragma in _SQLITE_PRAGMAS:
        connection.execute(pragma)
