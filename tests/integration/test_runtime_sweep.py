"""The safety net under dispatch: no stored message waits for ever."""

from decimal import Decimal
from pathlib import Path

from bot.ports.runtime import Handler
from bot.runtime.sweep import Sweep
from tests.contract.store_kit import NOW, THREAD, claim, message, open_store, queued


class NotingDispatcher:
    """Implements ports.runtime.Dispatcher: notes what it is asked to queue."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def start(self, handler: Handler) -> None: ...

    async def dispatch(self, inbox_id: str, partition: str) -> None:
        self.asked.append((inbox_id, partition))

    async def drain(self, seconds: float) -> None: ...

    async def close(self) -> None: ...


async def test_p1_a_message_that_counted_on_an_earlier_one_is_found_after_a_crash(tmp_path: Path) -> None:
    """The second of a burst is not queued itself; the first was finished, then the process died."""
    async with open_store(f"sqlite:///{tmp_path / 'sweep.db'}") as store:
        for inbox_id, dispatch in (("i1", True), ("i2", False)):
            async with store.write() as tx:
                came = message(ts=f"170000000{inbox_id[1]}.000100")
                await tx.inbox.add(inbox_id, came, conversation_id=THREAD.id, partition=THREAD.id, dispatch=dispatch)
        assert await queued(store) == ["i1"]
        async with store.write() as tx:
            await tx.inbox.mark_handled(["i1"])
        dispatcher = NotingDispatcher()
        sweep = Sweep(store, dispatcher, lambda: NOW)
        await sweep.start()
        await sweep.close()
        assert dispatcher.asked == [("i2", THREAD.id)]


async def test_a_message_that_came_just_now_is_left_to_its_own_dispatch(tmp_path: Path) -> None:
    async with open_store(f"sqlite:///{tmp_path / 'sweep.db'}") as store, store.write() as tx:
        await tx.inbox.add("i1", message(), conversation_id=THREAD.id, partition=THREAD.id)
        assert await tx.inbox.unfinished(before=NOW - 60) == []
        assert await tx.inbox.unfinished(before=NOW) == [("i1", THREAD.id)]


async def test_p4_money_set_aside_by_a_process_that_never_came_back_is_charged_at_a_start(tmp_path: Path) -> None:
    async with open_store(f"sqlite:///{tmp_path / 'sweep.db'}") as store:
        async with store.write() as tx:
            await tx.ledger.reserve(claim("0.5", name="m1"), at=NOW - 7200)
            await tx.ledger.reserve(claim("0.5", name="m2"), at=NOW - 60)
        sweep = Sweep(store, NotingDispatcher(), lambda: NOW)
        await sweep.start()
        await sweep.close()
        async with store.read() as tx:
            spend = await tx.ledger.spend(THREAD.id)
        assert (spend.usd, spend.reserved) == (Decimal("0.5"), Decimal("0.5"))
