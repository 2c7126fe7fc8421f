"""The database behind `ports.store.Store`."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.ports.clock import Clock, NewId, sortable_id
from bot.store.conversations import SqlConversations
from bot.store.engine import writing
from bot.store.escalations import SqlEscalations
from bot.store.inbox import Enqueue, SqlInbox
from bot.store.ledger import SqlLedger
from bot.store.outbox import SqlOutbox, SqlOutboxQueue
from bot.store.runs import SqlRuns
from bot.store.traces import SqlTraces
from bot.store.turnstile import Turnstile

Listener = Callable[[], None]


class SqlTransaction:
    """Every repository on one connection."""

    def __init__(self, connection: AsyncConnection, enqueue: Enqueue, clock: Clock, new_id: NewId) -> None:
        self.connection = connection
        """For tables this store does not know (those of the tools)."""
        self.events_added: list[str] = []
        self.effects_added: list[str] = []
        self.inbox = SqlInbox(connection, enqueue, clock, self.events_added)
        self.conversations = SqlConversations(connection)
        self.runs = SqlRuns(connection, clock)
        self.escalations = SqlEscalations(connection)
        self.outbox = SqlOutbox(connection, clock, self.effects_added)
        self.ledger = SqlLedger(connection, new_id)
        self.traces = SqlTraces(connection)


class SqlStore:
    """ports.store.Store on SQLite or PostgreSQL."""

    def __init__(self, engine: AsyncEngine, enqueue: Enqueue, clock: Clock, new_id: NewId = sortable_id) -> None:
        self._engine = engine
        self._enqueue = enqueue
        self._clock = clock
        self._new_id = new_id
        self._on_events: list[Listener] = []
        self._on_effects: list[Listener] = []
        self._turnstile = Turnstile() if engine.dialect.name == "sqlite" else None
        self.queue = SqlOutboxQueue(engine, self._writing)
        """For the worker that delivers the outbox."""

    def listen(self, *, events: Listener | None = None, effects: Listener | None = None) -> None:
        """Call these after each commit that added inbox or outbox rows; they must return at once and not raise."""
        self._on_events += [events] if events else []
        self._on_effects += [effects] if effects else []

    @asynccontextmanager
    async def read(self) -> AsyncIterator[SqlTransaction]:
        """A transaction that only reads: one consistent view on SQLite, the last commits on PostgreSQL."""
        async with self._engine.connect() as connection:
            yield self._transaction(connection)

    @asynccontextmanager
    async def write(self, *, urgent: bool = False) -> AsyncIterator[SqlTransaction]:
        """A transaction that writes; commits at the end, rolls back when an exception leaves it."""
        async with self._writing(urgent=urgent) as connection:
            transaction = self._transaction(connection)
            yield transaction
        self._tell(transaction)

    @asynccontextmanager
    async def _writing(self, *, urgent: bool = False) -> AsyncIterator[AsyncConnection]:
        """SQLite lets one transaction write at a time: ours wait here instead of polling the file's lock."""
        turn = self._turnstile.turn(urgent=urgent) if self._turnstile else nullcontext()
        async with turn, writing(self._engine) as connection:
            yield connection

    def _transaction(self, connection: AsyncConnection) -> SqlTransaction:
        return SqlTransaction(connection, self._enqueue, self._clock, self._new_id)

    def _tell(self, transaction: SqlTransaction) -> None:
        listeners = self._on_events if transaction.events_added else []
        listeners = listeners + self._on_effects if transaction.effects_added else listeners
        for listener in listeners:
            listener()
