"""Many transactions at once on PostgreSQL, as two replicas begin them: what one saw must still be true when it acts."""

import asyncio
import itertools
from collections.abc import AsyncIterator

import pytest

from bot.domain.conversation import Standing
from bot.domain.errors import BudgetExceededError, FencedError
from bot.domain.escalation import Decision, NewEscalation, Origin
from bot.ports.outbox import Intent
from bot.store.store import SqlStore
from tests.contract.store_kit import (
    NOW,
    THREAD,
    claim,
    conversation,
    message,
    notice,
    open_store,
    queued,
    workspace_limit,
)
from tests.fakes.postgres import postgres_database

ROUNDS = 40
MOMENT = 0.1
"""Long enough for whoever does not wait for a lock to be done."""
numbers = itertools.count(1)


@pytest.fixture
async def pair() -> AsyncIterator[tuple[SqlStore, SqlStore]]:
    """Two replicas' stores on one database."""
    async with postgres_database() as url, open_store(url) as one, open_store(url) as other:
        await queued(one)
        yield one, other


async def _arrive(store: SqlStore, *, counted: asyncio.Event | None = None) -> str:
    """What the desk's door does with a message of a known conversation.

    `counted`: set when it knows whether another waits; it then leaves others time before it commits.
    """
    inbox_id = f"i{next(numbers):06d}"
    async with store.write() as tx:
        waiting = await tx.inbox.is_waiting(THREAD.id)
        if counted is not None:
            counted.set()
        await asyncio.sleep(0 if counted is None else MOMENT)
        came = message(ts=f"17{inbox_id[1:].rjust(8, '0')}.000100")
        await tx.inbox.add(inbox_id, came, conversation_id=THREAD.id, partition=THREAD.id, dispatch=not waiting)
    return inbox_id


async def _take_all(store: SqlStore) -> None:
    """What the handler of a cause does: until nothing waits any more."""
    while True:
        async with store.read() as tx:
            waiting = await tx.inbox.waiting(THREAD.id)
        if not waiting:
            return
        async with store.write() as tx:
            await tx.inbox.mark_handled([waiting[0].id])


async def test_p1_no_message_is_left_behind_when_it_counts_on_another(pair: tuple[SqlStore, SqlStore]) -> None:
    """Whoever handles the message it counted on cannot end before it has come, and then takes it along."""
    one, other = pair
    for _ in range(5):
        first, counted = await _arrive(one), asyncio.Event()
        async with asyncio.TaskGroup() as both:
            second = both.create_task(_arrive(other, counted=counted))
            await counted.wait()
            await _take_all(one)
        assert {first} == {first, second.result()} & set(await queued(one)), "the second counts on the first"
        async with one.read() as tx:
            assert not await tx.inbox.waiting(THREAD.id), "nobody will come for it"


async def test_of_messages_that_arrive_at_once_one_is_the_first(pair: tuple[SqlStore, SqlStore]) -> None:
    for _ in range(5):
        known = set(await queued(pair[0]))
        await asyncio.gather(*(_arrive(store, counted=asyncio.Event()) for store in pair * 2))
        assert len(set(await queued(pair[0])) - known) == 1
        await _take_all(pair[0])


async def test_p2_the_same_event_at_two_doors_is_stored_once(pair: tuple[SqlStore, SqlStore]) -> None:
    for number in range(ROUNDS):
        twin = message(ts=f"1700000{number:03d}.000100")

        async def store_it(store: SqlStore, inbox_id: str, twin: object = twin) -> bool:
            async with store.write() as tx:
                await tx.conversations.open(conversation())
                return await tx.inbox.add(inbox_id, twin, conversation_id=THREAD.id, partition=THREAD.id)  # type: ignore[arg-type]  # the message above

        stored = await asyncio.gather(*(store_it(store, f"t{number:03d}-{i}") for i, store in enumerate(pair * 2)))
        assert stored.count(True) == 1


async def test_p4_replicas_together_never_reserve_more_than_a_limit(pair: tuple[SqlStore, SqlStore]) -> None:
    limit = workspace_limit("1.00")

    async def reserve(store: SqlStore, number: int) -> bool:
        try:
            async with store.write() as tx:
                await tx.ledger.reserve(claim("0.09", limit, name=f"m{number}"), at=NOW)
        except BudgetExceededError:
            return False
        return True

    granted = await asyncio.gather(*(reserve(pair[i % 2], i) for i in range(40)))
    assert granted.count(True) == 11


async def test_p2_a_conversation_has_one_case_however_many_ask_for_it_at_once(pair: tuple[SqlStore, SqlStore]) -> None:
    async def open_case(store: SqlStore, case_id: str) -> None:
        async with store.write() as tx:
            if await tx.escalations.live(THREAD.id) is None:
                await asyncio.sleep(0.01)
                new = NewEscalation(case_id, THREAD.id, Origin.TOOL, "why", "what", None, None, "U1", "")
                await tx.escalations.open(new, staff_channel="C1", at=NOW)

    await asyncio.gather(*(open_case(store, f"case{i}") for i, store in enumerate(pair * 4)))
    async with pair[0].read() as tx:
        assert len(await tx.escalations.all_live()) == 1


async def test_one_decision_wins(pair: tuple[SqlStore, SqlStore]) -> None:
    for number in range(ROUNDS):
        case_id = f"case{number}"
        async with pair[0].write() as tx:
            new = NewEscalation(case_id, THREAD.id, Origin.TOOL, "why", "what", None, None, "U1", "")
            await tx.escalations.open(new, staff_channel="C1", at=NOW)

        async def decide(store: SqlStore, decision: Decision, case_id: str = case_id) -> bool:
            async with store.write() as tx:
                made = await tx.escalations.decide(case_id, decision, by="U2", at=NOW, note="")
                return made is not None

        made = await asyncio.gather(
            decide(pair[0], Decision.APPROVE), decide(pair[1], Decision.DENY), decide(pair[0], Decision.TAKE_OVER)
        )
        assert made.count(True) == 1


async def test_every_change_of_owner_counts(pair: tuple[SqlStore, SqlStore]) -> None:
    async with pair[0].write() as tx:
        await tx.conversations.open(conversation())

    async def change(store: SqlStore) -> int:
        async with store.write() as tx:
            return (await tx.conversations.set_owner(THREAD.id, Standing.HUMAN, "U2")).epoch

    epochs = await asyncio.gather(*(change(store) for store in pair * 10))
    assert sorted(epochs) == list(range(2, 22))


async def test_a_step_is_recorded_by_one_execution(pair: tuple[SqlStore, SqlStore]) -> None:
    async def record(store: SqlStore, output: str) -> bool:
        try:
            async with store.write() as tx:
                await tx.runs.record("run-1", "m1", output)
        except FencedError:
            return False
        return True

    assert (await asyncio.gather(*(record(store, str(i)) for i, store in enumerate(pair * 5)))).count(True) == 1


async def test_p5_a_send_is_granted_to_one_and_to_nobody_after_a_take_over(pair: tuple[SqlStore, SqlStore]) -> None:
    async with pair[0].write() as tx:
        await tx.conversations.open(conversation())
    for number in range(ROUNDS):
        async with pair[0].write() as tx:
            now = await tx.conversations.get(THREAD.id)
            assert now is not None
            await tx.outbox.add(notice(f"n{number}", lane=f"l{number}", conversation_id=THREAD.id, epoch=now.epoch))
        deliveries = [await store.queue.head(f"l{number}", NOW) for store in pair]

        async def take_over(store: SqlStore = pair[1]) -> None:
            async with store.write() as tx:
                await tx.conversations.set_owner(THREAD.id, Standing.HUMAN, "U2")

        first, second, _ = await asyncio.gather(
            *(s.queue.intend(d, at=NOW) for s, d in zip(pair, deliveries, strict=True) if d), take_over()
        )
        assert [first, second].count(Intent.GRANTED) <= 1
        late = await pair[0].queue.head(f"l{number}", NOW)
        if late is not None and late.intent_at is None:
            assert await pair[0].queue.intend(late, at=NOW) is Intent.VOIDED
