"""Afterwards: what everybody was promised against what stands in Slack, on the ticket desk and in the bot's books."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bot.domain.money import from_micro, to_micro
from tests.fakes.desk_people import Shown
from tests.torture.claude import Bill
from tests.torture.slack import Room, Witness
from tests.torture.stories import SECRET, Conversation, Said

LOST, REPEATED, DISORDER, OVERSPENT, STUCK, SPOKEN, LEAKED = COLUMNS = (
    "lost", "repeated", "out of order", "overspent", "stuck", "spoken over a person", "leaked",
)  # fmt: skip
_TEAM = "T0FERNWAY"
_ONCE = {"approved", "relay", "taken", "back", "resolved", "handoff", "live"}
"""Kinds of messages in a customer's thread besides answers; each key once."""
_BOTS_WORDS = {"answer", "live", "approved", ""}
"""Kinds that must not appear while a person is in charge; a stream has no mark before it ends."""
_SILENT_OUTCOMES = {"stopped", "superseded"}


@dataclass(frozen=True)
class Fault:
    """One broken promise."""

    column: str
    story: int
    words: str


@dataclass
class Books:
    """The bot's tables, read once when everything is settled."""

    inbox: dict[str, Any]
    """By channel:ts."""
    runs: list[Any]
    ledger: list[Any]
    outbox: list[Any]
    cases: list[Any]
    tickets: Counter[str]
    """By subject."""
    open_rows: int

    @classmethod
    def read(cls, engine: sa.Engine) -> "Books":
        with engine.connect() as c:

            def rows(query: str) -> list[Any]:
                return list(c.execute(sa.text(query)))

            return cls(
                {_message(row): row for row in rows("select * from inbox where message_key is not null")},
                rows("select * from runs"),
                rows("select * from ledger"),
                rows("select key, kind, state, conversation_id, epoch, edits, error from outbox order by seq"),
                rows("select * from escalations"),
                Counter(row.subject for row in rows("select subject from tickets where key like 'run-%'")),
                open_rows(engine),
            )  # fmt: skip


def open_rows(engine: sa.Engine) -> int:
    """Events not handled and effects not delivered."""
    query = (
        "select (select count(*) from inbox where handled_at is null)"
        " + (select count(*) from outbox where state = 'waiting')"
    )
    with engine.connect() as connection:
        return int(connection.scalar(sa.text(query)) or 0)


def unfinished_work(engine: sa.Engine) -> dict[str, int]:
    """Runs under way, messages behind them, cases that wait for a person."""
    queries = {
        "running": "select count(*) from runs where outcome is null",
        "queued": "select count(*) from inbox i where handled_at is null and kind = 'message'"
        " and exists (select 1 from runs r where r.conversation_id = i.conversation_id and r.outcome is null"
        " and r.inbox_ids not like '%' || i.id || '%')",
        "paused": "select count(*) from escalations where state = 'open' and proposal is not null",
    }
    with engine.connect() as connection:
        return {kind: int(connection.scalar(sa.text(query)) or 0) for kind, query in queries.items()}


@dataclass
class Audit:
    """Checks every conversation; the faults found."""

    books: Books
    witness: Witness
    billed: Mapping[int, Bill]
    sessions: Mapping[tuple[str, str], Any]
    faults: list[Fault] = field(default_factory=list)
    answers: int = 0
    fixed: int = 0
    """Answers that are one of the bot's own sentences (Claude failed, money gone, given up)."""
    outcomes: Counter[str] = field(default_factory=Counter)

    def of(self, told: Conversation) -> None:
        """Everything about one conversation."""
        before = len(self.faults)
        room = self.witness.thread(told.channel, told.thread_ts)
        runs = [run for run in self.books.runs if run.conversation_id == _id(told)]
        self.outcomes.update(run.outcome or "none" for run in runs)
        for said in told.said:
            self._message(told, said, room, runs)
        self._runs(told, room, runs)
        self._order(told, room, runs)
        self._people(told, room)
        self._tickets(told, room)
        self._cases(told)
        self._money(told)
        self._left_behind(told, room, runs)
        if told.troubles and len(self.faults) == before:
            self._fault(STUCK, told, "; ".join(told.troubles))

    def logs(self, logs: list[Path]) -> None:
        """No word of a customer in any log."""
        for log in logs:
            if log.exists() and SECRET in log.read_text(errors="replace"):
                self.faults.append(Fault(LEAKED, 0, f"a customer's words are in {log.name}"))

    def _fault(self, column: str, told: Conversation, words: str) -> None:
        self.faults.append(Fault(column, told.number, words))

    def _message(self, told: Conversation, said: Said, room: Room, runs: list[Any]) -> None:
        row = self.books.inbox.get(f"{told.channel}:{said.ts}")
        if row is None or row.handled_at is None:
            return self._fault(LOST, told, f"{said.label} was {'never stored' if row is None else 'never handled'}")
        begun = [run for run in runs if row.id in json.loads(run.inbox_ids)]
        mine = [run for run in begun if run.outcome != "superseded"] or begun  # an edited question is asked anew
        mentions = sum(len(_labels(m, said.label)) for m in _answers(room))
        if len(mine) > 1 or mentions > 1:
            return self._fault(REPEATED, told, f"{said.label}: {len(mine)} runs, in answers {mentions} times")
        if said.answered == "never" and (mine or mentions):
            return self._fault(SPOKEN, told, f"{said.label} was answered although a person was in charge")
        if said.answered != "once":
            return None
        if not mine or mine[0].outcome in _SILENT_OUTCOMES:
            return self._fault(LOST, told, f"{said.label}: {mine[0].outcome if mine else 'no run'}")
        if not mentions:
            self.fixed += 1
            if mine[0].outcome == "answered" and not _shown_for(room, mine[0].id):
                self._fault(LOST, told, f"{said.label} is answered in the books alone")
        return None

    def _runs(self, told: Conversation, room: Room, runs: list[Any]) -> None:
        """One message per run that ended with an answer; none of a run nobody knows."""
        known = {f"answer:{run.id}" for run in runs}
        voided = {row.key for row in self.books.outbox if row.state == "voided"}
        for run in runs:
            count = len(_shown_for(room, run.id))
            self.answers += count
            if count > 1:
                self._fault(REPEATED, told, f"the answer of {run.id} stands {count} times")
            elif count == 0 and run.outcome not in _SILENT_OUTCOMES and f"answer:{run.id}" not in voided:
                self._fault(LOST, told, f"the answer of {run.id} ({run.outcome}) is not to be seen")
        for answer in _answers(room):
            if _key(answer) not in known:
                self._fault(REPEATED, told, f"an answer of nobody's: {_key(answer)}")
        for key, count in Counter(_key(m) for m in room.shown() if m.kind in _ONCE).items():
            if count > 1:
                self._fault(REPEATED, told, f"{key} stands {count} times")

    def _order(self, told: Conversation, room: Room, runs: list[Any]) -> None:
        """Answers stand in the order of the messages, as far as the bot could know it when it began."""
        run_of = {inbox_id: run for run in runs for inbox_id in json.loads(run.inbox_ids)}
        taken: list[tuple[Said, Any, Any]] = []
        for said in told.said:
            row = self.books.inbox.get(f"{told.channel}:{said.ts}")
            if row is not None and row.id in run_of:
                taken.append((said, row, run_of[row.id]))
        for index, (later, _, run) in enumerate(taken):
            for earlier, row, other in taken[:index]:
                if other.id == run.id or row.received_at >= run.started_at:
                    continue  # one answer for both, or the bot could not know of the earlier one
                shown = [_place(room, one.id) for one in (other, run)]
                if other.started_at > run.started_at or (all(shown) and shown[0] > shown[1]):
                    self._fault(DISORDER, told, f"{later.label} was answered before {earlier.label}")

    def _people(self, told: Conversation, room: Room) -> None:
        for words in told.relayed:
            count = sum(words in m.everything for m in room.shown() if m.kind == "relay")
            if count != 1:
                self._fault(REPEATED if count else LOST, told, f"{words!r} stands {count} times")
        for began, ended in told.taken:
            for sight in room.spoken():
                if began < sight.at < ended and sight.kind in _BOTS_WORDS:
                    self._fault(SPOKEN, told, f"{sight.key or 'a message'} {sight.what} while a person was in charge")

    def _tickets(self, told: Conversation, room: Room) -> None:
        for said in told.said:
            count = self.books.tickets[f"Torture {said.label}"]
            claimed = any(f"ticketed {said.label}" in m.everything for m in room.shown())
            if count > 1:
                self._fault(REPEATED, told, f"{count} tickets for {said.label}")
            if claimed and not count:
                self._fault(LOST, told, f"no ticket for {said.label}, although the answer says so")

    def _cases(self, told: Conversation) -> None:
        for case in (case for case in self.books.cases if case.conversation_id == _id(told)):
            count = len(self.witness.cards.get(f"card:{case.id}", []))
            if count != 1:
                self._fault(REPEATED if count else LOST, told, f"case {case.id} has {count} cards")
            approved = [m for m in self.witness.thread(told.channel, told.thread_ts).shown() if m.kind == "approved"]
            if case.state == "approved" and case.proposal and not [m for m in approved if case.id in _key(m)]:
                self._fault(LOST, told, f"the approved reply of {case.id} is not to be seen")

    def _money(self, told: Conversation) -> None:
        mine = [row for row in self.books.ledger if row.conversation_id == _id(told)]
        charged = from_micro(sum(row.charged for row in mine))
        limit = Decimal(str(told.limit_usd if told.limit_usd is not None else 2))
        if charged > limit and told.limit_usd is None:
            self._fault(OVERSPENT, told, f"{charged} USD of {limit}")
        bill = self.billed.get(told.number, Bill())
        if to_micro(bill.usd) > to_micro(charged) + bill.calls:  # each row may be rounded
            self._fault(OVERSPENT, told, f"billed {bill.usd} USD, charged only {charged}")
        if any(row.state == "reserved" for row in mine):
            self._fault(STUCK, told, "money is still reserved")

    def _left_behind(self, told: Conversation, room: Room, runs: list[Any]) -> None:
        for run in runs:
            if run.outcome is None:
                self._fault(STUCK, told, f"{run.id} has no outcome")
        for shown in room.shown():
            if shown.kind == "live" or shown.raw.get("streaming"):
                self._fault(STUCK, told, f"a sign of work still stands: {_key(shown)}")
        session = self.sessions.get((told.channel, told.thread_ts), {})
        if session.get("status") == "processing":
            self._fault(STUCK, told, "the status still says that the bot is working")


def timeline(told: Conversation, room: Room, books: Books, since: float) -> Iterator[str]:
    """Everything about a conversation in order, for a person who looks for the fault. `since`: unix time of loop 0."""
    events = [(at, f"    {deed}") for at, deed in told.deeds]
    events += [(since + s.at, f"  bot {s.what} {s.key} {s.text[:60]!r}") for s in room.sights]
    for at, words in sorted(events):
        yield f"    {at % 100000:10.3f} {words}"
    for said in told.said:
        row = books.inbox.get(f"{told.channel}:{said.ts}")
        stored = f"{row.id} after {row.attempts} attempts at {row.received_at % 100000:.3f}" if row else "never stored"
        yield f"    inbox {said.label} {stored}"
    for run in books.runs:
        if run.conversation_id == _id(told):
            yield f"    {run.id} {run.outcome} of {run.inbox_ids} begun {run.started_at % 100000:.3f}"
    for effect in books.outbox:
        if effect.conversation_id == _id(told):
            yield f"    outbox {effect.key} {effect.state} epoch {effect.epoch} edits {effect.edits} {effect.error}"


def _message(row: Any) -> str:
    """channel:ts of an inbox row, whatever its key begins with."""
    return ":".join(row.message_key.split(":")[-2:])


def _id(told: Conversation) -> str:
    return f"{_TEAM}:{told.channel}:{told.thread_ts}"


def _key(shown: Shown) -> str:
    return str(shown.raw.get("metadata", {}).get("event_payload", {}).get("key", ""))


def _answers(room: Room) -> list[Shown]:
    return [m for m in room.shown() if m.kind == "answer" and "#" not in _key(m)]


def _shown_for(room: Room, run_id: str) -> list[Shown]:
    return [m for m in _answers(room) if _key(m) == f"answer:{run_id}"]


def _place(room: Room, run_id: str) -> str:
    """Where a run's answer stands in the thread: its timestamp."""
    shown = _shown_for(room, run_id)
    return shown[0].ts if shown else ""


def _labels(shown: Shown, label: str) -> list[str]:
    return re.findall(rf"done {re.escape(label)}(?!\d)", shown.text)
