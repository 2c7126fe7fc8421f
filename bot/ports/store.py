"""What the desk needs of a database. `async with store.write()` is one transaction: all of it or nothing."""

from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from bot.domain.answer import Outcome
from bot.domain.audit import AuditEntry
from bot.domain.conversation import Conversation, Line, Standing, ThreadKey
from bot.domain.effects import Outgoing, Receipt
from bot.domain.escalation import Decision, Escalation, NewEscalation, Proposal, Question
from bot.domain.incoming import Incoming, MessageReceived
from bot.ports.budget_asks import BudgetAsks
from bot.ports.citations import Citations
from bot.ports.evaluations import Evaluations
from bot.ports.gaps import Gaps
from bot.ports.gates import Gates
from bot.ports.handover import Handbacks, Ratings
from bot.ports.ledger import Ledger
from bot.ports.lessons import Lessons
from bot.ports.money import BotPauses, Spending
from bot.ports.recaps import Recaps
from bot.ports.traces import Traces


@dataclass(frozen=True, slots=True)
class Queued:
    """One inbox row. Ids sort by time of arrival."""

    id: str
    incoming: Incoming
    conversation_id: str | None
    attempts: int
    handled: bool


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the agent over one turn."""

    id: str
    conversation_id: str
    inbox_ids: tuple[str, ...]
    """The messages (or the carry-on) it answers."""
    user_id: str
    epoch: int
    """Epoch of the conversation when it began."""
    live_key: str | None
    """Outbox key of its live line."""
    started_at: float
    outcome: Outcome | None = None
    stop_requested: bool = False
    stop_why: str = ""
    """What happened to its question, in a word (`StopWhy`); empty when somebody pressed Stop or took over."""
    paused_at: float | None = None
    """Set while it waits for people to allow more money."""


class Inbox(Protocol):
    """Accepted events, each handled once."""

    async def add(
        self, inbox_id: str, incoming: Incoming, *, conversation_id: str | None, partition: str, dispatch: bool = True
    ) -> bool:
        """Store an event and queue it in the same transaction; False when it (or its twin) is there already.

        `dispatch` False: a queued cause of the same conversation will take it along.
        """
        ...

    async def get(self, inbox_id: str) -> Queued | None: ...

    async def waiting(self, conversation_id: str) -> list[Queued]:
        """Unhandled messages and carry-ons of a conversation, by message timestamp, then arrival."""
        ...

    async def is_waiting(self, conversation_id: str) -> bool:
        """Whether anything unhandled waits on a conversation.

        Inside the same transaction one may count on it: its handler looks again after this transaction has ended.
        """
        ...

    async def pending_call(self, conversation_id: str) -> Queued | None:
        """The tool call of a conversation that was approved and is not settled yet."""
        ...

    async def mark_handled(self, inbox_ids: Sequence[str]) -> None: ...

    async def reopen(self, inbox_ids: Sequence[str]) -> None:
        """Let causes wait again that were put aside; the caller sees to it that they are taken up."""
        ...

    async def count_attempt(self, inbox_id: str, *, error: str = "") -> int:
        """Raise the attempt counter and note the class of the error, if there was one; the new value."""
        ...

    async def park(self, inbox_ids: Sequence[str]) -> None:
        """Leave causes to people: they wait for nobody any more, and nothing waits behind them."""
        ...

    async def unfinished(self, *, before: float) -> list[tuple[str, str]]:
        """(inbox id, partition) of the unhandled rows received until then, oldest first: for the safety net."""
        ...

    async def message(self, thread: ThreadKey, ts: str) -> Queued | None:
        """The stored message with this timestamp."""
        ...

    async def replace(self, inbox_id: str, incoming: MessageReceived, *, handled: bool = False) -> None:
        """Replace a waiting message (`handled`: one that waits no more) by its edited version."""
        ...


class Conversations(Protocol):
    """Threads and their owners."""

    async def get(self, conversation_id: str) -> Conversation | None: ...

    async def open(self, conversation: Conversation) -> bool:
        """Insert; False when it is there already."""
        ...

    async def set_owner(self, conversation_id: str, standing: Standing, owner: str | None) -> Conversation:
        """Change the owner and raise the epoch; the conversation as it is now."""
        ...

    async def pin(self, conversation_id: str, prompt_version: str) -> None:
        """Remember the prompt and tool version the first run used."""
        ...

    async def speak(self, conversation_id: str, language: str) -> None:
        """Remember in which language (ISO 639-1) its customer reads."""
        ...

    async def keep_prompt(self, version: str, body: str) -> None:
        """Keep the text behind a version; known versions are left as they are."""
        ...

    async def prompt(self, version: str) -> str | None:
        """The text behind a version."""
        ...

    async def add_lines(self, conversation_id: str, *lines: Line) -> None: ...

    async def amend_line(self, conversation_id: str, old: str, new: str | None) -> bool:
        """Let the newest line of a person or customer that reads so read otherwise (None: be gone); False without."""
        ...

    async def lines(self, conversation_id: str, last: int) -> list[Line]:
        """The last lines of the transcript, oldest first."""
        ...


class Runs(Protocol):
    """Runs of the agent and their journal (checkpoint and fence)."""

    async def begin(self, run: Run) -> bool:
        """Insert; False when a run of this id exists."""
        ...

    async def get(self, run_id: str) -> Run | None: ...

    async def unfinished(self, conversation_id: str) -> Run | None:
        """The run without an outcome; not one that is paused."""
        ...

    async def paused(self, conversation_id: str) -> Run | None:
        """The run that waits for people."""
        ...

    async def pause(self, run_id: str, *, at: float) -> bool:
        """Let a run wait for people, without a live line; False when it does already, or is finished."""
        ...

    async def resume(self, run_id: str, *, live_key: str) -> bool:
        """Let a paused run go on, with a live line of its own; False when it is not paused."""
        ...

    async def hold(self, run_id: str) -> bool:
        """Let nobody stop or finish a run before this transaction ends; False when it is finished."""
        ...

    async def finish(self, run_id: str, outcome: Outcome) -> bool:
        """Set the outcome of a run that has none; False when it had one."""
        ...

    async def overtaken(self, run_ids: Sequence[str]) -> frozenset[str]:
        """Those of the runs whose conversation changed hands meanwhile, or that somebody asked to stop."""
        ...

    async def answering(self, conversation_id: str, inbox_id: str) -> list[Run]:
        """All runs that began to answer a message, oldest first."""
        ...

    async def open_in(self, team_id: str, channel_id: str) -> list[str]:
        """Conversations of a channel with a run that has no outcome, paused ones too."""
        ...

    async def request_stop(self, conversation_id: str, why: str = "") -> bool:
        """Ask the unfinished run to stop; False when there is none."""
        ...

    async def recall(self, run_id: str, name: str) -> str | None:
        """The journaled output of a step, or None."""
        ...

    async def journal(self, run_id: str) -> dict[str, str]:
        """Everything journaled of a run, by name, oldest first; empty when it was cleared away."""
        ...

    async def record(self, run_id: str, name: str, output: str) -> None:
        """Journal a step; FencedError when it is there already."""
        ...


class Escalations(Protocol):
    """Cases before people."""

    async def open(
        self, new: NewEscalation, *, staff_channel: str, at: float, expires_at: float | None = None
    ) -> Escalation:
        """Insert; when the id exists, the row as it is."""
        ...

    async def get(self, escalation_id: str) -> Escalation | None: ...

    async def live(self, conversation_id: str) -> Escalation | None:
        """The open or claimed case of a conversation."""
        ...

    async def all_live(self) -> list[Escalation]: ...

    async def decide(
        self, escalation_id: str, decision: Decision, *, by: str, at: float, note: str, version: int | None = None
    ) -> Escalation | None:
        """One conditional update `… where state = <from>` (and version, if given); None when it changed nothing."""
        ...

    async def amend(
        self, escalation_id: str, newer: NewEscalation, *, expires_at: float | None = None, note: str = ""
    ) -> Escalation | None:
        """Replace reason, summary and proposal of an open case (version + 1); None when it is open no more.

        What somebody agreed to or edited before is gone with the older proposal. `note`: why, if it was withdrawn.
        """
        ...

    async def revise(
        self, escalation_id: str, proposal: Proposal, *, by: str, version: int, expires_at: float | None
    ) -> Escalation | None:
        """Replace the proposal of an open case by a person's (version + 1); None when it is not as they saw it."""
        ...

    async def agree_first(self, escalation_id: str, *, by: str, at: float, version: int) -> Escalation | None:
        """Note the first of two approvals (version + 1); None when the case is no longer as they saw it."""
        ...

    async def ask(self, escalation_id: str, question: Question) -> Escalation | None:
        """Note a question (or that it was answered) on a live case; None when it is live no more."""
        ...

    async def offer(self, escalation_id: str, at: float | None) -> Escalation | None:
        """Offer a claimed case to others, or (None) take the offer back (version + 1). None: that changed nothing."""
        ...

    async def count_open(self, *, staff_channel: str, before: float) -> int:
        """Cases of a channel that were opened before a moment and that nobody has taken over or decided."""
        ...

    async def by_card(self, receipt: Receipt) -> Escalation | None:
        """The case whose card is this message."""
        ...


class Outbox(Protocol):
    """Visible effects not yet delivered, and receipts of those that are."""

    async def add(self, *outgoing: Outgoing) -> None:
        """Insert; rows whose key exists are left as they are."""
        ...

    async def receipt(self, key: str) -> Receipt | None: ...

    async def known(self, keys: Sequence[str]) -> frozenset[str]:
        """Those of the keys that have a row, delivered or not."""
        ...


@dataclass(frozen=True, slots=True)
class DueTimer:
    """A timer whose time has come, already taken off the clock."""

    cause: Incoming
    partition: str
    conversation_id: str | None


class Timers(Protocol):
    """Causes that are to be handled at a later moment; they reach the inbox within about a second of it, once."""

    async def set(
        self, key: str, cause: Incoming, *, due_at: float, partition: str, conversation_id: str | None = None
    ) -> None:
        """Let a cause arrive at `due_at`; a timer of the same key is replaced. The handler must bear being late."""
        ...

    async def cancel(self, key: str) -> None:
        """Forget a timer, if there is one; a cause that has just arrived is not taken back."""
        ...

    async def due_at(self, key: str) -> float | None:
        """When a timer is due; None when there is none (any more). It does not go off before the caller is done."""
        ...

    async def next_due(self) -> float | None:
        """When the next of all timers is due."""
        ...

    async def take_due(self, now: float, limit: int) -> list[DueTimer]:
        """Take timers that are due off the clock, oldest first; the caller stores them in the same transaction."""
        ...


class Audit(Protocol):
    """The append-only record of who decided or changed what."""

    async def add(self, *entries: AuditEntry) -> None:
        """Add to the end of the workspace's chain (`bot.domain.audit_chain`), with the end of the transaction."""
        ...

    async def recent(self, count: int, *, about: str = "", actions: Collection[str] = ()) -> list[AuditEntry]:
        """The last entries, newest first; `about`: only of this subject or conversation; `actions`: only those."""
        ...


class Transaction(Protocol):
    """One unit of work: every repository on one connection."""

    @property
    def inbox(self) -> Inbox: ...
    @property
    def conversations(self) -> Conversations: ...
    @property
    def recaps(self) -> Recaps: ...
    @property
    def runs(self) -> Runs: ...
    @property
    def escalations(self) -> Escalations: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def ledger(self) -> Ledger: ...
    @property
    def budget_asks(self) -> BudgetAsks: ...
    @property
    def spending(self) -> Spending: ...
    @property
    def bot_pauses(self) -> BotPauses: ...
    @property
    def traces(self) -> Traces: ...
    @property
    def gates(self) -> Gates: ...
    @property
    def audit(self) -> Audit: ...
    @property
    def timers(self) -> Timers: ...
    @property
    def citations(self) -> Citations: ...
    @property
    def gaps(self) -> Gaps: ...
    @property
    def handbacks(self) -> Handbacks: ...
    @property
    def ratings(self) -> Ratings: ...
    @property
    def lessons(self) -> Lessons: ...
    @property
    def evaluations(self) -> Evaluations: ...


class Store(Protocol):
    """The database."""

    def read(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction that only reads."""
        ...

    def write(self, *, urgent: bool = False) -> AbstractAsyncContextManager[Transaction]:
        """A transaction that writes; commits at the end, rolls back when an exception leaves it.

        `urgent` ones go before others that wait: Slack waits three seconds for an event to be stored.
        """
        ...

    async def is_epoch(self, conversation_id: str, epoch: int) -> bool:
        """Whether a conversation still is in the hands it was in: to be asked as the last thing before words leave."""
        ...
