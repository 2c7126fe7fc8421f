"""What becomes of a case, whoever decides in whatever order: one decision wins, and consent holds for what it saw."""

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from bot.domain.escalation import MOVES, Decision, NewEscalation, Origin, Proposal, Question, State
from tests.contract.store_kit import NOW, THREAD, conversation
from tests.stateful.kit import WALKS, StoreMachine

CASE = "esc-1"
DECISIONS = st.sampled_from(Decision)
PEOPLE = st.sampled_from(["U1", "U2"])
PROPOSALS = st.sampled_from([None, "Refund it.", "Do not."])


class EscalationMachine(StoreMachine):
    """One case before several people."""

    @initialize(proposal=PROPOSALS)
    def opened(self, proposal: str | None) -> None:
        self.state, self.version, self.decided_by, self.proposal = State.OPEN, 1, "", proposal
        self.first_by = ""
        self.is_offered = False
        self.write(lambda tx: tx.conversations.open(conversation()))
        self.write(lambda tx: tx.escalations.open(_new(proposal), staff_channel="C2", at=NOW))

    @rule(proposal=PROPOSALS)
    def opened_again(self, proposal: str | None) -> None:
        """As after a crash: the row stays as it is."""
        case = self.write(lambda tx: tx.escalations.open(_new(proposal), staff_channel="C3", at=NOW + 1))
        assert (case.state, case.version, case.staff_channel) == (self.state, self.version, "C2")

    @rule(decision=DECISIONS, person=PEOPLE, seen=st.none() | st.integers(-2, 0))
    def decided(self, decision: Decision, person: str, seen: int | None) -> None:
        """`seen`: how many versions ago the card was drawn; None when the decision does not depend on it."""
        version = None if seen is None else self.version + seen
        before, after = MOVES[decision]
        allowed = self.state is before and version in (None, self.version)
        allowed = allowed and (self.is_offered or decision is not Decision.RECLAIM)
        case = self.write(
            lambda tx: tx.escalations.decide(CASE, decision, by=person, at=NOW, note="n", version=version)
        )
        assert (case is not None) == allowed
        if case is not None:
            self.state, self.version, self.decided_by = after, self.version + 1, person
            self.is_offered = False
            assert (case.state, case.version, case.decided_by) == (after, self.version, person)

    @rule(at=st.none() | st.just(NOW + 5))
    def offered(self, at: float | None) -> None:
        """To others, or not any more."""
        case = self.write(lambda tx: tx.escalations.offer(CASE, at))
        assert (case is not None) == (self.state is State.CLAIMED and self.is_offered != (at is not None))
        if case is not None:
            self.version, self.is_offered = self.version + 1, at is not None

    @rule(proposal=PROPOSALS)
    def amended(self, proposal: str | None) -> None:
        case = self.write(lambda tx: tx.escalations.amend(CASE, _new(proposal)))
        assert (case is not None) == (self.state is State.OPEN)
        if case is not None:
            self.version, self.proposal, self.first_by = self.version + 1, proposal, ""

    @rule(seen=st.integers(-2, 0), person=PEOPLE)
    def revised(self, seen: int, person: str) -> None:
        """Somebody's edit holds for what they saw, and takes back what was agreed to."""
        allowed = self.state is State.OPEN and seen == 0
        case = self.write(
            lambda tx: tx.escalations.revise(
                CASE, Proposal("Edited."), by=person, version=self.version + seen, expires_at=None
            )
        )
        assert (case is not None) == allowed
        if case is not None:
            self.version, self.proposal, self.first_by = self.version + 1, "Edited.", ""
            assert case.edited_by == person

    @rule(seen=st.integers(-2, 0), person=PEOPLE)
    def agreed_first(self, seen: int, person: str) -> None:
        allowed = self.state is State.OPEN and seen == 0
        case = self.write(lambda tx: tx.escalations.agree_first(CASE, by=person, at=NOW, version=self.version + seen))
        assert (case is not None) == allowed
        if case is not None:
            self.version, self.first_by = self.version + 1, person

    @rule(person=PEOPLE)
    def asked(self, person: str) -> None:
        """A question changes neither version nor consent."""
        case = self.write(lambda tx: tx.escalations.ask(CASE, Question(person, "", "Which one?", NOW)))
        assert (case is not None) == self.state.is_live

    @invariant()
    def is_as_it_should_be(self) -> None:
        case = self.read(lambda tx: tx.escalations.get(CASE))
        assert case is not None
        assert (case.state, case.version, case.decided_by) == (self.state, self.version, self.decided_by)
        assert (case.offered_at is not None) == self.is_offered
        assert (case.proposal.text if case.proposal else None) == self.proposal
        assert case.first_by == self.first_by
        live = self.read(lambda tx: tx.escalations.live(THREAD.id))
        assert (live is not None) == self.state.is_live
        assert len(self.read(lambda tx: tx.escalations.all_live())) == int(self.state.is_live)


def _new(proposal: str | None) -> NewEscalation:
    return NewEscalation(
        CASE, THREAD.id, Origin.TOOL, "Disputes a charge", "Ana was charged twice.", None,
        Proposal(proposal) if proposal else None, "U1", "T1",
    )  # fmt: skip


EscalationMachine.TestCase.settings = WALKS
TestEscalation = EscalationMachine.TestCase
