"""Money, whatever is reserved, paid, given back or left behind: spent and reserved together never exceed a limit."""

from collections import defaultdict
from dataclasses import dataclass, replace
from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from bot.domain.budget import Claim
from bot.domain.errors import BudgetExceededError, TokensExceededError
from bot.domain.exchange import Usage
from tests.contract.store_kit import NOW, THREAD, account, claim, conversation, conversation_limit, workspace_limit
from tests.stateful.kit import WALKS, StoreMachine

CENTS = st.integers(1, 40)
NAMES = st.sampled_from(["m1", "m2", "judge"])
RUNS = st.sampled_from(["R1", "R2"])
WHERE = st.sampled_from([THREAD.id, "T1:C1:1700000000.000200"])
CONVERSATION, WORKSPACE = Decimal("1.00"), Decimal("1.50")
TOKENS_EACH, TOKEN_LIMIT = 100, 900
OPEN = ("reserved", "assumed")
"""What may still become what was really spent; "assumed": charged at its worst, since nobody seemed to come back."""


@dataclass
class Row:
    """A reservation as it should stand in the ledger."""

    id: str
    run: str
    name: str
    where: str
    usd: Decimal
    tokens: int = TOKENS_EACH
    state: str = "reserved"


class LedgerMachine(StoreMachine):
    """Calls are paid for, some crash, some are answered twice."""

    @initialize()
    def opened(self) -> None:
        self.rows: list[Row] = []
        self.write(lambda tx: tx.conversations.open(conversation()))

    @rule(cents=CENTS, name=NAMES, run=RUNS, where=WHERE)
    def reserved(self, cents: int, name: str, run: str, where: str) -> None:
        """What a crash left of the same call counts as paid at its worst; then it fits every limit, or is refused."""
        usd = Decimal(cents) / 100
        fits = (
            self._charged(where) + usd <= CONVERSATION
            and self._charged() + usd <= WORKSPACE
            and self._tokens(where) + TOKENS_EACH <= TOKEN_LIMIT
        )
        try:
            reservation = self.write(lambda tx: tx.ledger.reserve(_claim(usd, name, run, where), at=NOW))
        except (BudgetExceededError, TokensExceededError):
            assert not fits
            return  # the transaction was rolled back: what was left behind is as it was
        assert fits
        for row in self.rows:
            if (row.run, row.name, row.state) == (run, name, "reserved"):
                row.state = "assumed"
        self.rows.append(Row(reservation, run, name, where, usd))

    @precondition(lambda self: self.rows)
    @rule(data=st.data(), share=st.integers(0, 100))
    def settled(self, data: st.DataObject, share: int) -> None:
        row = data.draw(st.sampled_from(self.rows))
        usd = row.usd * share / 100
        usage = Usage(input=share // 2, output=share // 4)
        self.write(lambda tx: tx.ledger.settle(row.id, usd=usd, usage=usage, model="claude-test"))
        if row.state in OPEN:
            row.state, row.usd, row.tokens = "settled", usd, usage.counted

    @precondition(lambda self: self.rows)
    @rule(data=st.data())
    def given_back(self, data: st.DataObject) -> None:
        row = data.draw(st.sampled_from(self.rows))
        self.write(lambda tx: tx.ledger.release(row.id))
        if row.state in OPEN:
            row.state, row.usd, row.tokens = "released", Decimal(0), 0

    @precondition(lambda self: self.rows)
    @rule(data=st.data())
    def charged_at_its_worst(self, data: st.DataObject) -> None:
        row = data.draw(st.sampled_from(self.rows))
        self.write(lambda tx: tx.ledger.charge_worst(row.id))
        row.state = "settled" if row.state in OPEN else row.state

    @rule(run=RUNS)
    def left_behind(self, run: str) -> None:
        """The run ended: nothing of it stays reserved."""
        self.write(lambda tx: tx.ledger.charge_left_behind(run))
        for row in self.rows:
            if row.run == run and row.state == "reserved":
                row.state = "assumed"

    @invariant()
    def is_as_it_should_be(self) -> None:
        for where in {row.where for row in self.rows}:
            spend = self.read(lambda tx, w=where: tx.ledger.spend(w))  # type: ignore[misc]  # bound now
            by_state: dict[str, Decimal] = defaultdict(Decimal)
            for row in self.rows:
                by_state[row.state] += row.usd if row.where == where else 0
            assert (spend.usd, spend.reserved) == (by_state["settled"] + by_state["assumed"], by_state["reserved"])
            assert spend.usd + spend.reserved <= CONVERSATION
        total = self.read(lambda tx: tx.ledger.total("T1", since=0))
        assert total == self._charged() <= WORKSPACE

    def _charged(self, where: str = "") -> Decimal:
        return sum((row.usd for row in self.rows if row.where == where or not where), Decimal(0))

    def _tokens(self, where: str) -> int:
        return sum(row.tokens for row in self.rows if row.where == where)


def _claim(usd: Decimal, name: str, run: str, where: str) -> Claim:
    payer = account(run, conversation_id=where)
    limits = (replace(conversation_limit(str(CONVERSATION)), subject=where), workspace_limit(str(WORKSPACE)))
    return claim(str(usd), *limits, name=name, payer=payer, tokens=TOKENS_EACH, token_limit=TOKEN_LIMIT)


LedgerMachine.TestCase.settings = WALKS
TestLedger = LedgerMachine.TestCase
