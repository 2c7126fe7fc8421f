"""The database behind `ports.store.Store`."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.domain.trace import TraceEvent
from bot.ports.browsing import Browsing
from bot.ports.clock import Clock, NewId, sortable_id
from bot.store.archive import SqlArchive
from bot.store.audit import SqlAudit
from bot.store.audit_chain import SqlAuditChain
from bot.store.bot_pauses import SqlBotPauses
from bot.store.bounds import EVERYWHERE, Bounds
from bot.store.breakers import SqlBoard
from bot.store.browsing import browsing
from bot.store.budget_asks import SqlBudgetAsks
from bot.store.citations import SqlCitations
from bot.store.conversations import SqlConversations
from bot.store.engine import writing
from bot.store.epochs import Epochs
from bot.store.escalations import SqlEscalations
from bot.store.evaluations import SqlEvaluations
from bot.store.forgetting import SqlForgetting
from bot.store.gaps import SqlGaps
from bot.store.gates import SqlGates
from bot.store.gauges import SqlMeter
from bot.store.handover import SqlHandbacks, SqlRatings
from bot.store.inbox import Enqueue, SqlInbox
from bot.store.insight.reading import Ceilings, SqlInsight, Zones
from bot.store.insight.rolling import SqlRoller
from bot.store.insight.sessions import SqlSessions
from bot.store.installations import SqlInstallations
from bot.store.ledger import SqlLedger
from bot.store.lessons import SqlLessons
from bot.store.outbox import SqlOutbox, SqlOutboxQueue
from bot.store.paces import SqlPaces
from bot.store.precedence import Precedence
from bot.store.recaps import SqlRecaps
from bot.store.runs import SqlRuns
from bot.store.shared_commit import SharedCommit
from bot.store.sign_ins import SqlSignIns
from bot.store.spending import SqlSpending
from bot.store.stuck import SqlDead
from bot.store.timers import SqlTimers
from bot.store.traces import Redact, SqlTraces, unredacted
from bot.store.vault import Vault

Listener = Callable[[], None]
TraceListener = Callable[[Sequence[TraceEvent]], None]


class SqlTransaction:
    """Every repository on one connection."""

    def __init__(
        self,
        connection: AsyncConnection,
        enqueue: Enqueue,
        clock: Clock,
        new_id: NewId,
        bounds: Bounds,
        redact: Redact,
    ) -> None:
        self.connection = connection
        """For tables this store does not know (those of the tools)."""
        self.events_added: list[str] = []
        self.effects_added: list[str] = []
        self.traces_added: list[TraceEvent] = []
        self.inbox = SqlInbox(connection, enqueue, clock, self.events_added, bounds)
        self.epochs_raised: dict[str, int] = {}
        self.conversations = SqlConversations(connection, bounds, self.epochs_raised, redact)
        self.recaps = SqlRecaps(connection, bounds)
        self.runs = SqlRuns(connection, clock, bounds)
        self.escalations = SqlEscalations(connection, bounds)
        self.outbox = SqlOutbox(connection, clock, self.effects_added, bounds)
        self.ledger = SqlLedger(connection, new_id, bounds)
        self.budget_asks = SqlBudgetAsks(connection, bounds)
        self.spending = SqlSpending(connection, bounds)
        self.bot_pauses = SqlBotPauses(connection, bounds)
        self.traces = SqlTraces(connection, bounds, self.traces_added, redact)
        self.gates = SqlGates(connection, bounds)
        self.audit = SqlAudit(connection, bounds)
        self.timers = SqlTimers(connection, bounds)
        self.handbacks = SqlHandbacks(connection, bounds)
        self.citations = SqlCitations(connection, bounds)
        self.gaps = SqlGaps(connection, bounds, redact)
        self.ratings = SqlRatings(connection, bounds)
        self.lessons = SqlLessons(connection, bounds)
        self.evaluations = SqlEvaluations(connection, bounds)


class SqlStore:
    """ports.store.Store on SQLite or PostgreSQL, over all workspaces.

    For what serves all of them: dispatch, delivery, sweep, retention, commands of operators. A desk gets `of(team_id)`.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        enqueue: Enqueue,
        clock: Clock,
        new_id: NewId = sortable_id,
        *,
        replica_id: str = "",
        redact: Redact = unredacted,
    ) -> None:
        """`redact`: goes over transcripts and the summaries of the record of steps before they are kept."""
        self._engine = engine
        self._enqueue = enqueue
        self._clock = clock
        self._new_id = new_id
        self._on_events: list[Listener] = []
        self._on_effects: list[Listener] = []
        self._on_traces: list[TraceListener] = []
        self._redact = redact
        self._precedence = Precedence()
        self._shared = SharedCommit(engine) if engine.dialect.name == "sqlite" else None
        self._epochs = Epochs()
        self.queue = SqlOutboxQueue(engine, self._writing, replica_id, self._epochs, self._tell_of_traces)
        """For the worker that delivers the outbox."""
        self.dead = SqlDead(engine, self._writing, enqueue, clock, new_id)
        """What got stuck, for operators."""
        self.audit_chain = SqlAuditChain(engine, self._writing)
        """The audit log of all workspaces, for who checks it."""
        self.forgetting = SqlForgetting(engine, self._writing, clock, new_id)
        """For who is to be forgotten."""
        self.archive = SqlArchive(self._writing, self.audit_chain)
        """What is old, for housekeeping."""
        self.meter = SqlMeter(engine)
        """How the work is going, for the monitor."""
        self.paces = SqlPaces(engine, self._writing)
        """Where processes share how fast Slack may be called."""
        self.sign_ins = SqlSignIns(self._writing)
        """Installations under way."""
        self.breakers = SqlBoard(engine, self._writing)
        """Where processes share their circuit breakers."""
        self.sessions = SqlSessions(engine, self._writing)
        """Who is signed in to the dashboard."""

    def of(self, team_id: str) -> "WorkspaceStore":
        """A view of this store that is confined to one workspace."""
        return WorkspaceStore(self, Bounds(team_id))

    def installations(self, vault: Vault | None) -> SqlInstallations:
        """Where the app is installed; tokens are locked in `vault`, and without one they stay untouched."""
        return SqlInstallations(self._engine.connect, self._writing, vault, self._clock)

    def insight(self, zones: Zones, clock: Clock, ceilings: Ceilings) -> SqlInsight:
        """Figures of the workspaces, by the days of each."""
        return SqlInsight(self._engine, zones, clock, ceilings)

    def browsing(self, *, home: str) -> Browsing:
        """Lists for the dashboard; `home`: the workspace whose articles are those all have in common."""
        return browsing(self._engine, home=home)

    def roller(self, zones: Zones, clock: Clock, *, passing_days: int) -> SqlRoller:
        """What keeps those figures up to date."""
        return SqlRoller(self._writing, zones, clock, passing_days=passing_days)

    async def delete_workspace(self, team_id: str) -> int:
        """Delete everything of a workspace; how many rows."""
        return await self.archive.delete_workspace(team_id)

    def listen(
        self,
        *,
        events: Listener | None = None,
        effects: Listener | None = None,
        traces: TraceListener | None = None,
    ) -> None:
        """Call these after each commit that added inbox or outbox rows, or (with the rows) steps to the record.

        They must return at once and not raise.
        """
        self._on_events += [events] if events else []
        self._on_effects += [effects] if effects else []
        self._on_traces += [traces] if traces else []

    @asynccontextmanager
    async def read(self, bounds: Bounds = EVERYWHERE) -> AsyncIterator[SqlTransaction]:
        """A transaction that only reads: one consistent view on SQLite, the last commits on PostgreSQL."""
        async with self._precedence.other(), self._engine.connect() as connection:
            yield self._transaction(connection, bounds)

    @asynccontextmanager
    async def write(self, bounds: Bounds = EVERYWHERE, *, urgent: bool = False) -> AsyncIterator[SqlTransaction]:
        """A transaction that writes; commits at the end, rolls back when an exception leaves it."""
        async with self._writing(urgent=urgent) as connection:
            transaction = self._transaction(connection, bounds)
            yield transaction
            await transaction.audit.write_down()
        self._tell(transaction)

    @asynccontextmanager
    async def _writing(self, *, urgent: bool = False) -> AsyncIterator[AsyncConnection]:
        async with AsyncExitStack() as stack:
            if urgent:
                stack.enter_context(self._precedence.urgent())
            else:
                await stack.enter_async_context(self._precedence.other())
            shared = self._shared
            yield await stack.enter_async_context(shared.writing(urgent=urgent) if shared else writing(self._engine))

    def _transaction(self, connection: AsyncConnection, bounds: Bounds) -> SqlTransaction:
        return SqlTransaction(connection, self._enqueue, self._clock, self._new_id, bounds, self._redact)

    async def is_epoch(self, conversation_id: str, epoch: int) -> bool:
        """Whether a conversation still is in the hands it was in; the last look is at this process's own memory."""
        async with self._engine.connect() as connection:
            conversation = await SqlConversations(connection).get(conversation_id)
        is_same = conversation is not None and conversation.epoch == epoch
        return is_same and self._epochs.allows(conversation_id, epoch)

    def _tell(self, transaction: SqlTransaction) -> None:
        self._epochs.committed(transaction.epochs_raised)
        listeners = self._on_events if transaction.events_added else []
        listeners = listeners + self._on_effects if transaction.effects_added else listeners
        for listener in listeners:
            listener()
        self._tell_of_traces(transaction.traces_added)

    def _tell_of_traces(self, added: Sequence[TraceEvent]) -> None:
        if added:
            for listener in self._on_traces:
                listener(added)


class WorkspaceStore:
    """ports.store.Store confined to one workspace: a foreign id finds nothing, and a foreign row is not written."""

    def __init__(self, whole: SqlStore, bounds: Bounds) -> None:
        self._whole = whole
        self._bounds = bounds

    def read(self) -> AbstractAsyncContextManager[SqlTransaction]:
        """A transaction that only reads."""
        return self._whole.read(self._bounds)

    def write(self, *, urgent: bool = False) -> AbstractAsyncContextManager[SqlTransaction]:
        """A transaction that writes; commits at the end, rolls back when an exception leaves it."""
        return self._whole.write(self._bounds, urgent=urgent)

    async def is_epoch(self, conversation_id: str, epoch: int) -> bool:
        """Whether a conversation (of this workspace) still is in the hands it was in."""
        return self._bounds.holds(conversation_id) and await self._whole.is_epoch(conversation_id, epoch)
