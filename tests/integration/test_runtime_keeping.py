"""Housekeeping, run as the bot runs it; a SQLite file stops growing."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.domain.conversation import ThreadKey
from bot.ports.keeping import Ages, Batch
from bot.runtime import keeping
from bot.runtime.keeping import DAY, KeepDays, Keeper
from bot.store.store import SqlStore
from tests.contract.store_kit import NOW, open_store
from tests.contract.test_store_keeping import live_through, rows_left

BRIEF = KeepDays(events=14, traces=14, conversations=14, costs=40)


def keeper(store: SqlStore, *, days_later: float, keep: KeepDays = BRIEF) -> Keeper:
    return Keeper(store.archive, lambda: NOW + days_later * DAY, keep, pause_seconds=0)


async def test_things_go_when_their_days_are_over(tmp_path: Path) -> None:
    async with open_store(f"sqlite:///{tmp_path}/test.db") as store:
        await live_through(store)
        assert await keeper(store, days_later=13).tidy() == {}
        assert (await keeper(store, days_later=15).tidy()).keys() == {
            "inbox", "outbox", "journal", "traces", "conversations",
        }  # fmt: skip
        await keeper(store, days_later=15).tidy()
        assert (await rows_left(store)).keys() == {"ledger"}
        assert await keeper(store, days_later=41).tidy() == {"ledger": 1}


async def test_nothing_ever_goes_when_everything_is_to_be_kept(tmp_path: Path) -> None:
    async with open_store(f"sqlite:///{tmp_path}/test.db") as store:
        await live_through(store)
        assert await keeper(store, days_later=9999, keep=KeepDays(0, 0, 0, 0, 0)).tidy() == {}


async def test_a_file_stops_growing_when_as_much_goes_as_comes(tmp_path: Path) -> None:
    """Freed pages are used again; the file keeps the size of its fullest day."""
    file = tmp_path / "test.db"
    sizes = []
    async with open_store(f"sqlite:///{file}") as store:
        for day in range(6):
            for number in range(40):
                await live_through(store, ThreadKey("T1", "C1", f"170000{day}{number:03}.000100"))
            everything = KeepDays(events=2, traces=2, conversations=2, costs=2)
            for _ in range(2):
                await keeper(store, days_later=3, keep=everything).tidy()
            async with store.write() as tx:
                for taken in ("queued", "uncounted"):  # as the dispatcher and who counts the figures take them
                    await tx.connection.execute(sa.text(f"delete from {taken}"))  # noqa: S608 - names from above
            async with store.read() as tx:
                sizes.append(await tx.connection.scalar(sa.text("pragma page_count")))
    assert sizes[-1] == sizes[1]


class Left:
    """Implements ports.keeping.Archive: two workspaces have left."""

    shelves = ("inbox",)

    def __init__(self) -> None:
        self.deleted: list[str] = []
        self.cleared = asyncio.Event()
        self.faults = [OSError("the database is away")]

    async def clear(self, shelf: str, ages: Ages, after: tuple[object, ...] | None) -> Batch | None:
        if self.faults:
            raise self.faults.pop()
        self.cleared.set()
        return None

    async def begin_night(self, at: float, *, since: float) -> bool:
        return True

    async def forget_night(self) -> None:
        pass

    async def anchor(self, before: float) -> int:
        return 0

    async def left(self, before: float) -> list[str]:
        return ["T1", "T2"] if before == NOW - 30 * DAY else []

    async def delete_workspace(self, team_id: str) -> int:
        self.deleted.append(team_id)
        return 7


async def test_a_workspace_that_left_is_deleted_but_never_the_one_of_the_settings() -> None:
    archive = Left()
    archive.faults = []
    await Keeper(archive, lambda: NOW, KeepDays(), home="T2").tidy()
    assert archive.deleted == ["T1"]
    archive.deleted.clear()
    await Keeper(archive, lambda: NOW, replace(KeepDays(), left=0), home="").tidy()
    assert archive.deleted == []


async def test_a_database_that_is_away_does_not_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIRST_SECONDS", "EVERY_SECONDS"):
        monkeypatch.setattr(keeping, name, 0.0)
    archive = Left()
    one = Keeper(archive, lambda: NOW, KeepDays())
    one.start()
    async with asyncio.timeout(5):
        await archive.cleared.wait()
    await one.close()
