"""What is changed again and again: the other side of the relay and the transcript follow each time."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.desk.cases import Cases, card_key
from bot.desk.people import People, StaffRoom
from bot.desk.relay import PIECE_CHARS, RelayRoom
from bot.domain.conversation import Line, Speaker, Standing, ThreadKey
from bot.domain.effects import EFFECT, Receipt, Relay, Remove, Whisper
from bot.domain.escalation import Decision, NewEscalation, Origin
from bot.domain.incoming import MessageDeleted, MessageEdited
from bot.ports.store import Queued
from bot.store.store import SqlStore
from tests.contract.store_kit import NOW, THREAD, conversation, message, open_store, queued
from tests.integration.test_take_over_races import Town

CARD = ThreadKey("T1", "C0STAFF", "1700000000.000500")
WROTE = "1700000000.000600"
LONG = "a" * (PIECE_CHARS - 1) + " " + "b" * 10


class Room:
    """Sam is in charge, and writes under the card."""

    def __init__(self, store: SqlStore) -> None:
        town, staff = Town(), StaffRoom("C0STAFF", {}, frozenset(), frozenset())
        people = People(town, staff, "T1")
        self.store, self.people = store, people
        self.cases = Cases(store, people, town, staff, lambda: NOW)
        self.relay = RelayRoom(store, people, self.cases, lambda: NOW)
        self._changes = 0

    async def furnish(self) -> None:
        new = NewEscalation("esc", THREAD.id, Origin.HANDOFF, "why", "what", None, None, "U1", "T1")
        async with self.store.write() as tx:
            await tx.conversations.open(conversation())
            await self.cases.open(tx, new, conversation())
            await tx.escalations.decide("esc", Decision.TAKE_OVER, by="U0SAM", at=NOW, note="")
            await tx.conversations.set_owner(THREAD.id, Standing.HUMAN, "U0SAM")
        await self.store.queue.delivered(card_key("esc"), Receipt(CARD.channel_id, CARD.thread_ts), at=NOW)

    async def writes(self, words: str) -> None:
        said = message(WROTE, thread=CARD, text=words, user_id="U0SAM", mentions_bot=False)
        author = await self.people.portrait("U0SAM")
        async with self.store.write() as tx:
            await tx.inbox.add("w1", said, conversation_id=None, partition="staff:esc")
            await tx.inbox.mark_handled(["w1"])
            case = await tx.escalations.get("esc")
            assert case is not None
            await self.relay.carry(tx, said, case, author)

    async def edits(self, words: str, *, at: str = "") -> None:
        await self._change(MessageEdited(CARD, WROTE, "U0SAM", words, edited_at=at))

    async def deletes(self) -> None:
        await self._change(MessageDeleted(CARD, WROTE))

    async def _change(self, change: MessageEdited | MessageDeleted) -> None:
        self._changes += 1
        await self.relay.change(Queued(f"e{self._changes}", change, None, 0, handled=False), change)

    async def transcript(self) -> list[str]:
        async with self.store.read() as tx:
            return [line.text for line in await tx.conversations.lines(THREAD.id, 9)]

    async def thread(self) -> list[str]:
        """What stands in the customer's thread, once everything is delivered in order."""
        shown: dict[str, str] = {}
        async with self.store.read() as tx:
            rows = await tx.connection.execute(sa.text("select key, edits, payload from outbox order by seq"))
            for key, edits, payload in rows:
                effect = EFFECT.validate_json(payload)
                if isinstance(effect, Remove):
                    del shown[edits]
                elif isinstance(effect, Relay) and edits is None:
                    shown[key] = effect.text
                elif isinstance(effect, Relay):
                    assert edits in shown, "what was taken away cannot be edited"
                    shown[edits] = effect.text
        return list(shown.values())

    async def whispers(self) -> int:
        async with self.store.read() as tx:
            payloads = await tx.connection.scalars(sa.text("select payload from outbox"))
            return sum(isinstance(EFFECT.validate_json(payload), Whisper) for payload in payloads)


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with open_store(f"sqlite:///{tmp_path}/test.db") as store:
        await queued(store)
        made = Room(store)
        await made.furnish()
        yield made


async def test_each_edit_reaches_the_transcript_not_only_the_first(room: Room) -> None:
    await room.writes("It costs 10.")
    await room.edits("It costs 11.", at="1700000000.000701")
    await room.edits("It costs 12.", at="1700000000.000702")
    assert (await room.thread(), await room.transcript()) == (["It costs 12."], ["It costs 12."])
    await room.deletes()
    assert (await room.thread(), await room.transcript()) == ([], [])


async def test_an_edit_that_was_overtaken_on_its_way_changes_nothing(room: Room) -> None:
    await room.writes("It costs 10.")
    await room.edits("It costs 12.", at="1700000000.000702")
    await room.edits("It costs 11.", at="1700000000.000701")
    assert (await room.thread(), await room.transcript()) == (["It costs 12."], ["It costs 12."])


async def test_words_that_an_edit_has_made_longer_are_edited_and_taken_back_as_a_whole(room: Room) -> None:
    await room.writes("short")
    await room.edits(LONG)
    assert len(await room.thread()) == 2
    await room.edits(LONG + "c")
    assert await room.thread() == ["a" * (PIECE_CHARS - 1), " " + "b" * 10 + "c"]
    await room.edits("short again")
    await room.edits(LONG)
    assert len(await room.thread()) == 2
    await room.deletes()
    assert await room.thread() == []


async def test_what_was_taken_back_as_a_note_is_not_sent_again_by_an_edit(room: Room) -> None:
    await room.writes("She is a VIP.")
    await room.edits("// She is a VIP.")
    assert (await room.thread(), await room.transcript()) == ([], [])
    await room.edits("She is a very important person.")
    assert (await room.thread(), await room.transcript()) == ([], [])
    assert await room.whispers() == 1, "its author is told"


async def test_what_a_customer_edits_twice_is_amended_twice(room: Room) -> None:
    said = message("1700000000.000800", text="INV-1")
    async with room.store.write() as tx:
        await tx.inbox.add("c1", said, conversation_id=THREAD.id, partition=THREAD.id)
        await tx.inbox.mark_handled(["c1"])
        await room.cases.mirror(tx, conversation(), [said], "Ana")
        await tx.conversations.add_lines(THREAD.id, Line(Speaker.CUSTOMER, "Ana", said.text, NOW))
    for number in (2, 3):
        change = MessageEdited(THREAD, said.ts, said.user_id, f"INV-{number}")
        await room.relay.change(Queued(f"m{number}", change, THREAD.id, 0, handled=False), change)
    assert await room.transcript() == ["INV-3"]
