"""One writer at a time, urgent ones first."""

import asyncio

from bot.store.turnstile import Turnstile


async def test_urgent_ones_go_first_and_the_others_keep_their_order() -> None:
    gate, passed = Turnstile(), list[str]()

    async def go(name: str, *, urgent: bool = False) -> None:
        async with gate.turn(urgent=urgent):
            passed.append(name)
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for name in ("first", "second", "third"):
            group.create_task(go(name))
        group.create_task(go("door", urgent=True))
    assert passed == ["first", "door", "second", "third"]


async def test_whoever_is_cancelled_while_waiting_or_called_passes_the_turn_on() -> None:
    gate, passed = Turnstile(), list[str]()

    async def go(name: str) -> None:
        async with gate.turn(urgent=False):
            passed.append(name)

    async with gate.turn(urgent=False):
        waiting = [asyncio.ensure_future(go(name)) for name in ("a", "b", "c")]
        await asyncio.sleep(0)
        waiting[0].cancel()
    waiting[1].cancel()  # called already, has not run yet
    await asyncio.gather(*waiting, return_exceptions=True)
    assert passed == ["c"]
    async with asyncio.timeout(1), gate.turn(urgent=False):
        passed.append("free")
    assert passed == ["c", "free"]
