"""Several processes on one PostgreSQL: what a dead one left half done is queued again by the living.

Each process holds an advisory lock named for its executor id for as long as its connection lives; PostgreSQL gives the
lock back when the process is gone. Whoever gets another's lock may declare it dead. A process that merely lost its
connection may be declared dead too: the journal then fences its runs.
"""

import logging

import sqlalchemy as sa
from dbos import DBOSClient
from sqlalchemy.exc import DBAPIError

logger = logging.getLogger(__name__)


class Replicas:
    """Sign of life of this process, and the search for dead ones. Synchronous: to be called in a thread."""

    def __init__(self, engine: sa.Engine, client: DBOSClient, executor_id: str, queue: str) -> None:
        self._engine = engine
        self._client = client
        self._executor_id = executor_id
        self._queue = queue
        self._held: sa.Connection | None = None

    def appear(self) -> None:
        """Hold our lock; taken anew when its connection was lost."""
        if self._held is not None and self._is_alive(self._held):
            return
        self._held = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self._held.execute(sa.select(sa.func.pg_advisory_lock(_key(self._executor_id))))

    def vanish(self) -> None:
        """Give our lock back, so that others may take over at once. Never raises."""
        if self._held is None:
            return
        self._held.invalidate()
        self._held.close()
        self._held = None

    def recover(self) -> int:
        """Queue the causes of dead processes again; how many there were."""
        owners = {owner for owner, _ in self._pending(None)} - {self._executor_id, ""}
        return sum(self._recover(owner) for owner in sorted(owners))

    def _recover(self, owner: str) -> int:
        with self._engine.begin() as connection:
            if not connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(_key(owner)))):
                return 0
            left = [workflow_id for _, workflow_id in self._pending(owner)]
            if left:
                self._client.resume_workflows(left, queue_name=self._queue)
                logger.warning("replica.recovered", extra={"fields": {"executor": owner, "causes": len(left)}})
            return len(left)

    def _pending(self, owner: str | None) -> list[tuple[str, str]]:
        found = self._client.list_workflows(
            status="PENDING", queue_name=self._queue, executor_id=owner, load_input=False, load_output=False
        )
        return [(one.executor_id or "", one.workflow_id) for one in found]

    def _is_alive(self, held: sa.Connection) -> bool:
        try:
            held.execute(sa.select(1))
        except DBAPIError as error:
            logger.warning("replica.lock_lost", extra={"fields": {"error": type(error).__name__}})
            self.vanish()
            return False
        return True


def _key(executor_id: str) -> sa.Function[int]:
    return sa.func.hashtextextended(f"deskhand.replica:{executor_id}", 0)
