"""Who owns a conversation, whatever happens in whatever order: one owner, and an epoch that only rises."""

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from bot.domain.conversation import Line, Speaker, Standing
from tests.contract.store_kit import NOW, THREAD, conversation
from tests.stateful.kit import WALKS, StoreMachine

PEOPLE = st.sampled_from(["U1", "U2", "U3"])


class ConversationMachine(StoreMachine):
    """A conversation changes hands and is written in."""

    @initialize()
    def opened(self) -> None:
        self.standing, self.epoch = Standing.BOT, 1
        self.owner: str | None = None
        self.lines: list[str] = []
        assert self.write(lambda tx: tx.conversations.open(conversation()))

    @rule()
    def opened_again(self) -> None:
        """As by the second delivery of the first event: nothing is set back."""
        assert not self.write(lambda tx: tx.conversations.open(conversation()))

    @rule(person=PEOPLE)
    def taken_over(self, person: str) -> None:
        self._changes_hands(Standing.HUMAN, person)

    @rule(standing=st.sampled_from([Standing.BOT, Standing.CLOSED]))
    def given_back(self, standing: Standing) -> None:
        self._changes_hands(standing, None)

    @rule(version=st.sampled_from(["a", "b"]))
    def pinned(self, version: str) -> None:
        self.write(lambda tx: tx.conversations.pin(THREAD.id, version))

    @rule(words=st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20), max_size=3))
    def written_in(self, words: list[str]) -> None:
        new = [Line(Speaker.CUSTOMER, "Ana", text, NOW) for text in words]
        self.write(lambda tx: tx.conversations.add_lines(THREAD.id, *new))
        self.lines += words

    @rule(last=st.integers(1, 8))
    def read_back(self, last: int) -> None:
        found = self.read(lambda tx: tx.conversations.lines(THREAD.id, last))
        assert [line.text for line in found] == self.lines[-last:]

    @invariant()
    def is_as_it_should_be(self) -> None:
        now = self.read(lambda tx: tx.conversations.get(THREAD.id))
        assert now is not None
        assert (now.standing, now.owner, now.epoch) == (self.standing, self.owner, self.epoch)
        assert (now.owner is not None) == (now.standing is Standing.HUMAN)

    def _changes_hands(self, standing: Standing, owner: str | None) -> None:
        self.standing, self.owner, self.epoch = standing, owner, self.epoch + 1
        now = self.write(lambda tx: tx.conversations.set_owner(THREAD.id, standing, owner))
        assert (now.standing, now.owner, now.epoch) == (standing, owner, self.epoch)


ConversationMachine.TestCase.settings = WALKS
TestConversation = ConversationMachine.TestCase
