"""ports.store.Inbox, kept by SqlStore on a real database."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.conversation import Surface, ThreadKey
from bot.domain.errors import PermanentError
from bot.domain.escalation import Decision
from bot.domain.incoming import DecisionMade, Incoming, MessageEdited, MessageReceived
from bot.store.store import SqlStore
from tests.contract.store_kit import KINDS, THREAD, carry_on, database, message, open_store, queued


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlStore]:
    async with database(request.param, tmp_path) as url, open_store(url) as opened:
        yield opened


async def add(store: SqlStore, inbox_id: str, incoming: Incoming) -> bool:
    async with store.write() as tx:
        return await tx.inbox.add(inbox_id, incoming, conversation_id=THREAD.id, partition=THREAD.id)


async def test_a_stored_event_reads_back_as_it_came(store: SqlStore) -> None:
    came = message(text="שלום, ça va? 🙂 `code`", client_msg_id="c-1")
    assert await add(store, "i1", came)
    async with store.read() as tx:
        row = await tx.inbox.get("i1")
    assert row is not None
    assert (row.incoming, row.conversation_id, row.attempts, row.handled) == (came, THREAD.id, 0, False)


async def test_a_redelivered_event_is_stored_and_queued_once(store: SqlStore) -> None:
    came = message()
    assert await add(store, "i1", came)
    assert not await add(store, "i2", came)
    assert await queued(store) == ["i1"]


async def test_a_mention_that_arrives_as_two_events_is_stored_once(store: SqlStore) -> None:
    assert await add(store, "i1", message(event_id="Ev-message"))
    assert not await add(store, "i2", message(event_id="Ev-app-mention"))


async def test_one_gesture_with_two_timestamps_is_stored_once(store: SqlStore) -> None:
    assert await add(store, "i1", message("1700000000.000100", client_msg_id="c-1"))
    assert not await add(store, "i2", message("1700000000.000200", client_msg_id="c-1"))
    elsewhere = ThreadKey("T1", "C2", "1700000000.000200")
    assert await add(store, "i3", message("1700000000.000200", client_msg_id="c-1", thread=elsewhere))


async def test_a_press_delivered_twice_counts_once(store: SqlStore) -> None:
    press = DecisionMade("E1", Decision.APPROVE, "T1", "U9", "C9", None, press_id="trigger-1")
    assert await add(store, "i1", press)
    assert not await add(store, "i2", press)


async def test_the_desks_own_cause_is_stored_once(store: SqlStore) -> None:
    assert await add(store, "i1", carry_on("approve:E1"))
    assert not await add(store, "i2", carry_on("approve:E1"))
    assert await add(store, "i3", carry_on("approve:E2"))


async def test_events_without_an_id_are_never_taken_for_each_other(store: SqlStore) -> None:
    assert await add(store, "i1", MessageEdited(THREAD, "1.0", "U1", "a"))
    assert await add(store, "i2", MessageEdited(THREAD, "1.0", "U1", "b"))


async def test_the_same_event_at_the_same_moment_is_stored_once(store: SqlStore) -> None:
    came = message(client_msg_id="c-1")
    stored = await asyncio.gather(*(add(store, f"i{n}", came) for n in range(8)))
    assert sorted(stored) == [False] * 7 + [True]


async def stumble(store: SqlStore) -> None:
    """A transaction that fails after everything was written."""
    async with store.write() as tx:
        await tx.inbox.add("i1", message(), conversation_id=THREAD.id, partition=THREAD.id)
        raise RuntimeError("power cut")


async def test_what_fails_leaves_neither_row_nor_queue_entry(store: SqlStore) -> None:
    with pytest.raises(RuntimeError, match="power cut"):
        await stumble(store)
    async with store.read() as tx:
        assert await tx.inbox.get("i1") is None
    assert await queued(store) == []


async def test_listeners_hear_of_commits_only(store: SqlStore) -> None:
    heard: list[str] = []
    store.listen(events=lambda: heard.append("event"), effects=lambda: heard.append("effect"))
    with pytest.raises(RuntimeError, match="power cut"):
        await stumble(store)
    assert heard == []
    came = message()
    await add(store, "i1", came)
    await add(store, "i2", came)
    assert heard == ["event"]


async def test_waiting_messages_come_in_the_order_they_were_written(store: SqlStore) -> None:
    await add(store, "i1", message("1700000000.000300"))
    await add(store, "i2", message("1700000000.000100"))
    await add(store, "i3", message("1700000000.000200"))
    await add(store, "i4", carry_on())
    await add(store, "i5", MessageEdited(THREAD, "1700000000.000100", "U1", "changed"))
    async with store.read() as tx:
        waiting = await tx.inbox.waiting(THREAD.id)
    assert [row.id for row in waiting] == ["i2", "i3", "i1", "i4"]


async def test_handled_rows_wait_no_longer(store: SqlStore) -> None:
    for number in (1, 2, 3):
        await add(store, f"i{number}", message(f"170000000{number}.000000"))
    async with store.write() as tx:
        await tx.inbox.mark_handled(["i1", "i3"])
    async with store.read() as tx:
        assert [row.id for row in await tx.inbox.waiting(THREAD.id)] == ["i2"]
        assert await tx.inbox.unfinished(before=float("inf")) == [("i2", THREAD.id)]
        handled = await tx.inbox.get("i1")
    assert handled is not None
    assert handled.handled


async def test_attempts_are_counted(store: SqlStore) -> None:
    await add(store, "i1", message())
    async with store.write() as tx:
        assert [await tx.inbox.count_attempt("i1") for _ in range(3)] == [1, 2, 3]
    with pytest.raises(PermanentError):
        async with store.write() as tx:
            await tx.inbox.count_attempt("nowhere")


async def test_an_edited_message_replaces_the_waiting_one_but_not_an_answered_one(store: SqlStore) -> None:
    await add(store, "i1", message("1.0", text="before"))
    await add(store, "i2", message("2.0", text="before"))
    async with store.write() as tx:
        await tx.inbox.mark_handled(["i2"])
        for inbox_id, ts in (("i1", "1.0"), ("i2", "2.0")):
            await tx.inbox.replace(inbox_id, message(ts, text="after"))
    async with store.read() as tx:
        found = [await tx.inbox.message(THREAD, ts) for ts in ("1.0", "2.0", "3.0")]
    assert [row and _text(row.incoming) for row in found] == ["after", "before", None]


def _text(incoming: Incoming) -> str:
    assert isinstance(incoming, MessageReceived)
    assert incoming.surface is Surface.CHANNEL
    return incoming.text
