"""Summaries of long conversations, on both databases."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.conversation import Line, Speaker
from bot.domain.recap import NO_RECAP, Recap
from bot.store.store import SqlStore
from tests.contract.store_kit import KINDS, NOW, THREAD, conversation, database, open_store


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlStore]:
    async with database(request.param, tmp_path) as url, open_store(url) as opened:
        async with opened.write() as tx:
            await tx.conversations.open(conversation())
            said = [Line(Speaker.CUSTOMER, "Ana", f"line {n}", NOW) for n in range(1, 7)]
            await tx.conversations.add_lines(THREAD.id, *said)
        yield opened


async def places(store: SqlStore) -> list[int]:
    async with store.read() as tx:
        return [place for place, _ in await tx.recaps.lines_after(THREAD.id, 0, 99)]


async def test_the_newest_lines_behind_a_place_come_in_their_order(store: SqlStore) -> None:
    all_of_them = await places(store)
    async with store.read() as tx:
        found = await tx.recaps.lines_after(THREAD.id, all_of_them[1], 3)
    assert [line.text for _, line in found] == ["line 4", "line 5", "line 6"]
    assert [place for place, _ in found] == all_of_them[3:]


async def test_a_summary_is_kept_and_only_a_longer_one_takes_its_place(store: SqlStore) -> None:
    place = (await places(store))[2]
    async with store.write() as tx:
        assert await tx.recaps.get(THREAD.id) == NO_RECAP
        assert await tx.recaps.keep(THREAD.id, Recap("first", "note", place))
        assert not await tx.recaps.keep(THREAD.id, Recap("late", "", place))
        assert await tx.recaps.keep(THREAD.id, Recap("second", "", place + 1))
        assert await tx.recaps.get(THREAD.id) == Recap("second", "", place + 1)


@pytest.mark.parametrize("new", ["changed", None])
async def test_a_summary_of_a_line_that_was_changed_or_deleted_is_forgotten(store: SqlStore, new: str | None) -> None:
    recap = Recap("What Ana said.", "", (await places(store))[2])
    async with store.write() as tx:
        await tx.recaps.keep(THREAD.id, recap)
        assert await tx.conversations.amend_line(THREAD.id, "line 5", new)
        assert await tx.recaps.get(THREAD.id) == recap
        await tx.recaps.keep(THREAD.id, Recap("More of it.", "", recap.upto + 1))
        assert await tx.conversations.amend_line(THREAD.id, "line 4", new)
        assert await tx.recaps.get(THREAD.id) == recap
        assert await tx.conversations.amend_line(THREAD.id, "line 2", new)
        assert await tx.recaps.get(THREAD.id) == NO_RECAP
