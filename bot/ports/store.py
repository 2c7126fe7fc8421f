"""What the desk needs of a database. `async with store.write()` is one transaction: all of it or nothing."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from bot.domain.answer import Outcome
from bot.domain.budget import BudgetChange, Claim, Limit, Period, Scope, Spend
from bot.domain.conversation import Conversation, Line, Standing, ThreadKey
from bot.domain.effects import Outgoing, Receipt
from bot.domain.escalation import Decision, Escalation, NewEscalation
from bot.domain.exchange import Usage
from bot.domain.incoming import Incoming, MessageReceived
from bot.domain.trace import TraceEvent


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

    async def mark_handled(self, inbox_ids: Sequence[str]) -> None: ...

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

    async def replace(self, inbox_id: str, incoming: MessageReceived) -> None:
        """Replace a waiting message by its edited version."""
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

    async def keep_prompt(self, version: str, body: str) -> None:
        """Keep the text behind a version; known versions are left as they are."""
        ...

    async def prompt(self, version: str) -> str | None:
        """The text behind a version."""
        ...

    async def add_lines(self, conversation_id: str, *lines: Line) -> None: ...

    async def lines(self, conversation_id: str, last: int) -> list[Line]:
        """The last lines of the transcript, oldest first."""
        ...


class Runs(Protocol):
    """Runs of the agent and their journal (checkpoint and fence)."""

    async def begin(self, run: Run) -> bool:
        """Insert; False when a run of this id exists."""
        ...

    async def get(self, run_id: str) -> Run | None: ...

    async def unfinished(self, conversation_id: str) -> Run | None: ...

    async def hold(self, run_id: str) -> bool:
        """Let nobody stop or finish a run before this transaction ends; False when it is finished."""
        ...

    async def finish(self, run_id: str, outcome: Outcome) -> bool:
        """Set the outcome of a run that has none; False when it had one."""
        ...

    async def overtaken(self, run_ids: Sequence[str]) -> frozenset[str]:
        """Those of the runs whose conversation changed hands meanwhile, or that somebody asked to stop."""
        ...

    async def request_stop(self, conversation_id: str) -> bool:
        """Ask the unfinished run to stop; False when there is none."""
        ...

    async def recall(self, run_id: str, name: str) -> str | None:
        """The journaled output of a step, or None."""
        ...

    async def record(self, run_id: str, name: str, output: str) -> None:
        """Journal a step; FencedError when it is there already."""
        ...


class Escalations(Protocol):
    """Cases before people."""

    async def open(self, new: NewEscalation, *, staff_channel: str, at: float) -> Escalation:
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

    async def amend(self, escalation_id: str, newer: NewEscalation) -> Escalation | None:
        """Replace reason, summary and proposal of an open case (version + 1); None when it is open no more."""
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


class Ledger(Protocol):
    """Money set aside and money spent."""

    async def reserve(self, claim: Claim, *, at: float) -> str:
        """Set the worst case aside if it fits every limit; the reservation's id.

        A reservation of the same run and name left behind by a crash is settled at its worst case first.
        Raises BudgetExceededError or TokensExceededError.
        """
        ...

    async def settle(self, reservation_id: str, *, usd: Decimal, usage: Usage, model: str) -> None:
        """Replace the reservation by what was really spent."""
        ...

    async def charge_worst(self, reservation_id: str) -> None:
        """Settle at the worst case: the attempt may have been billed and nobody can tell."""
        ...

    async def charge_left_behind(self, run_id: str) -> None:
        """Settle what a crash left reserved for a run at its worst case; call it when the run ends."""
        ...

    async def release(self, reservation_id: str) -> None:
        """Give the money back: nothing was spent."""
        ...

    async def spend(self, conversation_id: str) -> Spend: ...

    async def total(self, team_id: str, *, since: float, channel_id: str = "", user_id: str = "") -> Decimal:
        """USD spent or reserved in a workspace, channel or by a user since a moment."""
        ...

    async def dearest(self, team_id: str, count: int, *, opened_by: str = "") -> list[tuple[str, Spend]]:
        """(conversation id, spend) of the dearest conversations that are not closed; `opened_by`: only this user's."""
        ...

    async def limits(self, team_id: str, scope: Scope, subject: str) -> list[Limit]:
        """Limits set by admins for a subject; subject `*` holds for every subject of the scope."""
        ...

    async def limits_of(self, team_id: str, subjects: Mapping[Scope, str]) -> list[Limit]:
        """The same for one subject of each of several scopes."""
        ...

    async def set_limit(self, change: BudgetChange, *, team_id: str) -> None:
        """Set or (usd None) remove a limit, and remember who did."""
        ...

    async def changes(self, team_id: str, count: int) -> list[BudgetChange]:
        """The last changes, newest first."""
        ...

    async def limit_for(self, team_id: str, scope: Scope, subject: str, period: Period) -> Limit | None: ...


class Traces(Protocol):
    """The record of steps."""

    async def add(self, *events: TraceEvent) -> None: ...

    async def of_conversation(self, conversation_id: str) -> list[TraceEvent]:
        """All events in order."""
        ...

    async def recent(self, count: int) -> list[str]:
        """Ids of the conversations traced last."""
        ...


class Transaction(Protocol):
    """One unit of work: every repository on one connection."""

    @property
    def inbox(self) -> Inbox: ...
    @property
    def conversations(self) -> Conversations: ...
    @property
    def runs(self) -> Runs: ...
    @property
    def escalations(self) -> Escalations: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def ledger(self) -> Ledger: ...
    @property
    def traces(self) -> Traces: ...


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
