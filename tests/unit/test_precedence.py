"""Who goes first in the store."""

import asyncio
import gc
from contextlib import ExitStack

from bot import memory
from bot.store.precedence import Precedence


async def _works(precedence: Precedence, done: list[int], number: int) -> None:
    async with precedence.other():
        done.append(number)
        await asyncio.sleep(0)


async def test_work_begins_at_once_while_few_events_are_being_stored() -> None:
    precedence, done = Precedence(most=1), list[int]()
    with precedence.urgent():
        await _works(precedence, done, 1)
    assert done == [1]


async def test_work_waits_for_a_flood_of_events_and_then_all_of_it_goes_on_in_order() -> None:
    precedence, done = Precedence(most=1, patience=30), list[int]()
    with ExitStack() as first, ExitStack() as second:
        first.enter_context(precedence.urgent())
        second.enter_context(precedence.urgent())
        async with asyncio.TaskGroup() as group:
            for number in range(5):
                group.create_task(_works(precedence, done, number))
            await asyncio.sleep(0.01)
            assert done == []
            first.close()
            second.close()
    assert done == [0, 1, 2, 3, 4]


async def test_while_there_is_some_room_waiting_work_goes_on_one_by_one() -> None:
    precedence, done = Precedence(most=1, patience=30), list[int]()
    with ExitStack() as first, precedence.urgent():
        first.enter_context(precedence.urgent())
        async with asyncio.TaskGroup() as group:
            for number in range(3):
                group.create_task(_works(precedence, done, number))
            await asyncio.sleep(0)
            first.close()
            await asyncio.sleep(0)
            assert len(done) <= 1
    assert done == [0, 1, 2]


async def test_a_flood_slows_work_down_and_never_stops_it() -> None:
    precedence, done = Precedence(most=0, patience=0.01), list[int]()
    with precedence.urgent():
        await asyncio.wait_for(_works(precedence, done, 1), 5)
    assert done == [1]


async def test_who_gives_up_waiting_leaves_nothing_behind() -> None:
    precedence, done = Precedence(most=0, patience=30), list[int]()
    with precedence.urgent():
        gone = asyncio.ensure_future(_works(precedence, done, 1))
        stays = asyncio.ensure_future(_works(precedence, done, 2))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
    await asyncio.wait_for(stays, 5)
    assert done == [2]


def test_what_was_loaded_is_left_out_of_the_garbage_collectors_rounds() -> None:
    gc.unfreeze()  # the suite has settled, too
    gc.set_threshold(700, 10, 10)
    memory.settle()
    assert gc.get_freeze_count() > 0
    assert gc.get_threshold()[0] > 700
