"""The outbox queue, whatever its worker does: lanes in order, nothing sent after the conversation changed hands."""

from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from bot.domain.conversation import Standing
from bot.domain.effects import Receipt
from bot.ports.outbox import Delivery, Intent
from tests.contract.store_kit import THREAD, conversation, notice
from tests.stateful.kit import WALKS, StoreMachine

LANES = st.sampled_from(["one", "two"])


@dataclass
class Row:
    """An effect as it should stand in the outbox."""

    key: str
    lane: str
    epoch: int | None
    state: str = "waiting"
    not_before: float = 0.0
    attempts: int = 0
    unknown: bool = False
    """Set while an attempt's result is not known."""


class OutboxMachine(StoreMachine):
    """Effects are added and delivered while the conversation changes hands."""

    @initialize()
    def opened(self) -> None:
        self.now, self.epoch = 1_000.0, 1
        self.rows: list[Row] = []
        self.read_before: list[tuple[Delivery, Row]] = []
        self.write(lambda tx: tx.conversations.open(conversation()))

    @rule(lane=LANES, bound=st.booleans())
    def added(self, lane: str, bound: bool) -> None:
        row = Row(f"k{len(self.rows)}", lane, self.epoch if bound else None)
        self.rows.append(row)
        self._add(row)

    @precondition(lambda self: self.rows)
    @rule(data=st.data())
    def added_again(self, data: st.DataObject) -> None:
        """As after a crash: the row stays as it is."""
        self._add(data.draw(st.sampled_from(self.rows)))

    @rule()
    def changes_hands(self) -> None:
        self.epoch += 1
        self.write(lambda tx: tx.conversations.set_owner(THREAD.id, Standing.BOT, None))

    @rule(seconds=st.sampled_from([0.5, 5.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(lane=LANES)
    def looked_at(self, lane: str) -> None:
        """The head of a lane is its oldest open row, and nothing overtakes it."""
        row = self._head(lane)
        found = self.do(self.store.queue.head(lane, self.now))
        assert (found.outgoing.key if found else None) == (row.key if row and row.not_before <= self.now else None)
        if found is not None and row is not None:
            assert (found.intent_at is not None, found.attempts) == (row.unknown, row.attempts)
            self.read_before.append((found, row))

    @precondition(lambda self: self.read_before)
    @rule(data=st.data())
    def wants_to_send(self, data: st.DataObject) -> None:
        """Granted only for the row as it was read, and only under the epoch it was written for."""
        delivery, row = data.draw(st.sampled_from(self.read_before))
        answer = self.do(self.store.queue.intend(delivery, at=self.now))
        if row.state != "waiting" or row.attempts != delivery.attempts:
            assert answer is Intent.TAKEN
        elif row.epoch in (None, self.epoch):
            assert answer is Intent.GRANTED
            row.attempts, row.unknown = row.attempts + 1, True
        else:
            assert answer is Intent.VOIDED
            row.state = "voided"

    @precondition(lambda self: self.read_before)
    @rule(data=st.data(), unknown=st.booleans())
    def postponed(self, data: st.DataObject, unknown: bool) -> None:
        delivery, row = data.draw(st.sampled_from(self.read_before))
        self.do(self.store.queue.postpone(delivery, until=self.now + 3, unknown=unknown))
        if row.state == "waiting" and row.attempts == delivery.attempts:
            row.not_before, row.unknown = self.now + 3, row.unknown and unknown

    @precondition(lambda self: self.read_before)
    @rule(data=st.data())
    def delivered(self, data: st.DataObject) -> None:
        """The truth wins, also when somebody else has begun another attempt meanwhile."""
        _, row = data.draw(st.sampled_from(self.read_before))
        self.do(self.store.queue.delivered(row.key, Receipt("C1", row.key), at=self.now))
        row.state = "delivered" if row.state == "waiting" else row.state

    @precondition(lambda self: self.read_before)
    @rule(data=st.data())
    def failed(self, data: st.DataObject) -> None:
        delivery, row = data.draw(st.sampled_from(self.read_before))
        self.do(self.store.queue.fail(delivery, at=self.now, error="PermanentError"))
        if row.state == "waiting" and row.attempts == delivery.attempts:
            row.state = "failed"

    @invariant()
    def is_as_it_should_be(self) -> None:
        due = self.do(self.store.queue.due_lanes(self.now, busy=(), limit=10))
        heads = [row for lane in ("one", "two") if (row := self._head(lane)) and row.not_before <= self.now]
        assert due == [row.lane for row in sorted(heads, key=lambda row: int(row.key[1:]))]
        for row in self.rows:
            receipt = self.read(lambda tx, k=row.key: tx.outbox.receipt(k))  # type: ignore[misc]  # bound now
            assert (receipt is not None) == (row.state == "delivered")

    def _head(self, lane: str) -> Row | None:
        return next((row for row in self.rows if row.lane == lane and row.state == "waiting"), None)

    def _add(self, row: Row) -> None:
        one = notice(row.key, lane=row.lane, conversation_id=THREAD.id, epoch=row.epoch)
        self.write(lambda tx: tx.outbox.add(one))


OutboxMachine.TestCase.settings = WALKS
TestOutbox = OutboxMachine.TestCase
