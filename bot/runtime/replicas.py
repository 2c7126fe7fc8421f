"""Which processes are alive: each shows it in a table, and all others see when it stops.

Several processes share a PostgreSQL. Each has a row there and touches it more than once a second, in a thread of its
own. Whoever sees a row unchanged for three seconds removes it: that process is dead. One that was only frozen finds its
row gone when it wakes up and ends at once, because others do its work by then. No clock of any machine is trusted, only
the time that passes on one's own; who could not reach the database for a while does not judge others by it.

A SQLite file serves one process; a lock on a file beside it keeps a second one away.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import sqlalchemy as sa

from bot.runtime.cause_queue import sync_engine
from bot.runtime.file_lock import FileLock

logger = logging.getLogger(__name__)

EXIT_DECLARED_DEAD: Final = 75
"""Exit status of a process that others gave up (EX_TEMPFAIL): whatever supervises it should start it again."""
_replicas = sa.table("replicas", sa.column("id", sa.Text), sa.column("beat_at", sa.Double))
_Beats = dict[str, float]


@dataclass(frozen=True, slots=True)
class Pulse:
    """How often a process shows that it lives, in seconds."""

    every: float = 0.8
    fresh: float = 2.0
    """A last sign older than this does not allow visible effects."""
    dead: float = 3.0
    """Unchanged for so long, a process is dead."""


class Lease(Protocol):
    """This process's right to work on a database. Synchronous, never on the event loop."""

    replica_id: str

    def claim(self) -> None:
        """Before anything is touched: PermanentError when another process forbids it."""
        ...

    def start(self) -> None:
        """Show that we live; the tables must be there, and no work may have been taken yet."""
        ...

    def is_fresh(self) -> bool:
        """Whether nobody can have declared us dead: to be asked just before anything visible. Quick."""
        ...

    def watch(self, deaths: Callable[[], None]) -> None:
        """Call this, in any thread, whenever a process has ended; it must return at once."""
        ...

    def close(self) -> None:
        """End the sign of life, so that others take over at once. Never raises."""
        ...


class SoloLease:
    """On SQLite: the only process there is."""

    def __init__(self, engine: sa.Engine, replica_id: str) -> None:
        self.replica_id = replica_id
        self._engine = engine
        self._lock = FileLock(engine.url.database or "")

    def claim(self) -> None:
        self._lock.take()

    def start(self) -> None:
        with self._engine.begin() as connection:
            connection.execute(sa.delete(_replicas))
            connection.execute(sa.insert(_replicas).values(id=self.replica_id, beat_at=time.time()))

    def is_fresh(self) -> bool:
        return True

    def watch(self, deaths: Callable[[], None]) -> None:
        """Nobody else lives here."""

    def close(self) -> None:
        self._engine.dispose()
        self._lock.release()


class SharedLease:
    """On PostgreSQL: one of several."""

    def __init__(
        self, engine: sa.Engine, replica_id: str, *, pulse: Pulse | None = None, end: Callable[[int], None] = os._exit
    ) -> None:
        self.replica_id = replica_id
        self._engine = engine
        self._pulse = pulse or Pulse()
        self._end = end
        self._fresh_at = float("-inf")
        self._known: set[str] = set()
        self._seen: dict[str, tuple[float, float]] = {}
        """Beat of each other process, and since when (our monotonic time) it is that one."""
        self._watchers: list[Callable[[], None]] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="sign of life", daemon=True)

    def claim(self) -> None:
        """Anybody may join."""

    def start(self) -> None:
        began = time.monotonic()
        with self._engine.begin() as connection:
            connection.execute(sa.insert(_replicas).values(id=self.replica_id, beat_at=_now()))
        self._fresh_at = began
        self._thread.start()
        logger.info("replica.started", extra={"fields": {"replica": self.replica_id}})

    def is_fresh(self) -> bool:
        return time.monotonic() - self._fresh_at < self._pulse.fresh

    def watch(self, deaths: Callable[[], None]) -> None:
        self._watchers.append(deaths)

    def close(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(self._pulse.dead)
        try:
            with self._engine.begin() as connection:
                connection.execute(sa.delete(_replicas).where(_replicas.c.id == self.replica_id))
        except Exception:  # noqa: BLE001 — the database may be away; then others notice our silence
            logger.warning("replica.not_signed_off", extra={"fields": {"replica": self.replica_id}})
        self._engine.dispose()

    def _go_on(self) -> None:
        while not self._stopping.wait(self._pulse.every):
            try:
                self._beat()
            except Exception as error:  # noqa: BLE001 — whatever it is, this thread must go on
                fields = {"replica": self.replica_id, "error": type(error).__name__}
                logger.warning("replica.beat_failed", extra={"fields": fields})

    def _beat(self) -> None:
        began = time.monotonic()
        with self._engine.begin() as connection:
            mine = sa.update(_replicas).where(_replicas.c.id == self.replica_id).values(beat_at=_now())
            alive = connection.execute(mine).rowcount
            beats: _Beats = {row.id: row.beat_at for row in connection.execute(sa.select(_replicas))}
        if self._stopping.is_set():
            return
        if not alive:
            self._end_at_once()
            return
        if began - self._fresh_at > self._pulse.fresh:  # we were away ourselves, so others' silence proves nothing
            self._seen.clear()
        self._fresh_at = began
        self._judge(beats, began)

    def _judge(self, beats: _Beats, now: float) -> None:
        """Remove processes that have been silent for too long; tell the watchers when any has gone."""
        del beats[self.replica_id]
        before, self._seen = self._seen, {}
        for replica, beat in beats.items():
            known = before.get(replica)
            self._seen[replica] = known if known is not None and known[0] == beat else (beat, now)
        for replica, (beat, since) in tuple(self._seen.items()):
            if now - since > self._pulse.dead and self._remove(replica, beat):
                del self._seen[replica]
        gone, self._known = self._known - self._seen.keys(), set(self._seen)
        if gone:
            for tell in self._watchers:
                tell()

    def _remove(self, replica: str, beat: float) -> bool:
        same = (_replicas.c.id == replica, _replicas.c.beat_at == beat)
        with self._engine.begin() as connection:
            removed = connection.execute(sa.delete(_replicas).where(*same)).rowcount == 1
        if removed:
            logger.warning("replica.dead", extra={"fields": {"replica": replica, "found_by": self.replica_id}})
        return removed

    def _end_at_once(self) -> None:
        """Others have taken over: whatever is half done here must not go on, not even to tidy up."""
        self._fresh_at = float("-inf")
        self._stopping.set()
        logger.critical("replica.declared_dead", extra={"fields": {"replica": self.replica_id}})
        for handler in logging.getLogger().handlers:
            handler.flush()
        self._end(EXIT_DECLARED_DEAD)


def lease_on(database_url: str, replica_id: str) -> Lease:
    """The lease that fits the database. Its connections are its own, so that nothing else keeps it from beating."""
    engine = sync_engine(database_url, connections=2)
    return SoloLease(engine, replica_id) if engine.dialect.name == "sqlite" else SharedLease(engine, replica_id)


def _now() -> sa.ColumnElement[float]:
    """The database's clock, for people who look; only changes of the value mean anything."""
    return sa.cast(sa.extract("epoch", sa.func.clock_timestamp()), sa.Double)
