"""The durable queue of causes: DBOS's tables in the same database as the inbox."""

import logging
import threading
import time
from typing import Any, Final

import sqlalchemy as sa
from dbos import DBOSClient, DBOSPortableJSONSerializer, EnqueueOptions
from sqlalchemy.engine import make_url

APPLICATION: Final = "deskhand"
VERSION: Final = "deskhand-1"
"""Never changes with a release: DBOS would leave work queued by another version untouched. Our handler is resumable
from our own tables, so any release may take any cause."""
QUEUE: Final = "causes"
WORKFLOW: Final = "handle_cause"

_SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA busy_timeout=30000",
    "PRAGMA foreign_keys=ON",
)


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
        self.engine = _sync_engine(database_url)
        """Synchronous, for DBOS and its threads."""
        self.bell = Bell()
        self.client = DBOSClient(
            system_database_engine=self.engine,
            serializer=DBOSPortableJSONSerializer(),
            application_name=APPLICATION,
            lazy=True,
        )

    @property
    def is_embedded(self) -> bool:
        """True on SQLite: one process, one file."""
        return self.engine.dialect.name == "sqlite"

    def enqueue(self, connection: sa.Connection, inbox_id: str, partition: str) -> None:
        """Queue a cause in a running transaction; its id is the inbox row's, so a known one is left as it is."""
        self.client.enqueue_in_transaction(connection, options(inbox_id, partition), inbox_id)

    def wake(self) -> None:
        """A cause was committed: start it at once instead of at the next poll."""
        self.bell.ring()


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


def _sync_engine(database_url: str) -> sa.Engine:
    url = make_url(database_url)
    if url.get_backend_name() != "sqlite":
        return sa.create_engine(url.set(drivername="postgresql+psycopg"), pool_size=10, pool_pre_ping=True)
    engine = sa.create_engine(url.set(drivername="sqlite"), pool_size=8, max_overflow=16)
    sa.event.listen(engine, "connect", _prepare)
    return engine


def _prepare(connection: Any, _record: object) -> None:
    connection.isolation_level = "IMMEDIATE"
    for pragma in _SQLITE_PRAGMAS:
        connection.execute(pragma)
