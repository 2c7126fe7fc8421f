"""A reply that overtakes the first message of its thread: replicas take events in whatever order they get them."""

import asyncio
from pathlib import Path
from typing import cast

import pytest

from bot.desk.cases import Cases
from bot.desk.intake import Intake
from bot.desk.people import People
from bot.domain.conversation import ThreadKey
from bot.domain.errors import TransientError
from bot.ports.clock import sortable_id
from bot.store.store import SqlStore
from tests.contract.store_kit import NOW, message, open_store

ROOT = f"{NOW - 3:.6f}"
THREAD = ThreadKey("T1", "C1", ROOT)


def door(store: SqlStore) -> Intake:
    nobody = cast("People", None)  # only bots are looked up at the door
    no_cases = cast("Cases", None)
    return Intake(store, nobody, no_cases, lambda: NOW, sortable_id, profile_for={})


def reply(seconds: float) -> object:
    """So many seconds after the first message."""
    return message(f"{NOW - 3 + seconds:.6f}", thread=THREAD, mentions_bot=False)


async def test_p1_a_reply_waits_for_the_first_message_of_its_thread(tmp_path: Path) -> None:
    async with open_store(f"sqlite:///{tmp_path}/early.db") as store:
        intake = door(store)
        early = asyncio.get_running_loop().create_task(intake.accept(reply(1)))  # type: ignore[arg-type]  # a message
        await asyncio.sleep(0.1)
        assert await intake.accept(message(ROOT, thread=THREAD, is_root=True))
        assert await early
        async with store.read() as tx:
            assert [row.incoming.text for row in await tx.inbox.waiting(THREAD.id)] == ["My invoice is wrong"] * 2  # type: ignore[union-attr]  # messages


async def test_p1_a_reply_whose_thread_does_not_come_is_not_acknowledged(tmp_path: Path) -> None:
    async with open_store(f"sqlite:///{tmp_path}/early.db") as store:
        with pytest.raises(TransientError):
            await door(store).accept(reply(1))  # type: ignore[arg-type]  # a message


@pytest.mark.parametrize(("root_before", "age"), [(60.0, 1.0), (1.0, 60.0)])
async def test_a_reply_in_an_old_thread_and_an_old_reply_are_not_for_us(
    tmp_path: Path, root_before: float, age: float
) -> None:
    thread = ThreadKey("T1", "C1", f"{NOW - age - root_before:.6f}")
    async with open_store(f"sqlite:///{tmp_path}/early.db") as store:
        said = message(f"{NOW - age:.6f}", thread=thread, mentions_bot=False)
        assert not await door(store).accept(said)
