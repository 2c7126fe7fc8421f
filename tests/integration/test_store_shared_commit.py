"""One writer at a time, urgent ones first, and one commit for those who wait in line."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.store.engine import create_engine
from bot.store.shared_commit import SharedCommit


class File:
    """A SQLite file with one table, and a count of its commits."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.shared = SharedCommit(engine)
        self.commits = 0
        sa.event.listen(engine.sync_engine, "commit", self._count)

    def _count(self, _: object) -> None:
        self.commits += 1

    async def put(self, name: str, *, urgent: bool = False) -> None:
        async with self.shared.writing(urgent=urgent) as connection:
            await insert(connection, name)

    async def names(self) -> list[str]:
        async with self.engine.connect() as connection:
            return list(await connection.scalars(sa.text("select name from notes order by rowid")))


async def insert(connection: AsyncConnection, name: str) -> None:
    await connection.execute(sa.text("insert into notes values (:name)"), {"name": name})


@pytest.fixture
async def file(tmp_path: Path) -> AsyncIterator[File]:
    engine = create_engine(f"sqlite:///{tmp_path}/notes.db")
    async with engine.begin() as connection:
        await connection.execute(sa.text("create table notes (name text unique)"))
    yield File(engine)
    await engine.dispose()


async def test_who_waits_in_line_shares_a_commit_and_urgent_ones_go_first(file: File) -> None:
    async with asyncio.TaskGroup() as group:
        for name in ("first", "second", "third"):
            group.create_task(file.put(name))
        group.create_task(file.put("door", urgent=True))
    assert await file.names() == ["door", "first", "second", "third"]
    assert file.commits == 1


async def test_nobody_goes_on_before_the_commit(file: File) -> None:
    async def put(name: str) -> None:
        await file.put(name)
        assert name in await file.names()

    await asyncio.gather(*(put(str(n)) for n in range(100)))
    assert len(await file.names()) == 100
    assert file.commits < 50


@pytest.mark.parametrize("bad", range(5))
async def test_one_that_fails_takes_nobody_along(file: File, bad: int) -> None:
    async def put(n: int) -> None:
        async with file.shared.writing() as connection:
            await insert(connection, str(n))
            if n == bad:
                raise ValueError("changed my mind")

    outcomes = await asyncio.gather(*(put(n) for n in range(5)), return_exceptions=True)
    assert [isinstance(outcome, ValueError) for outcome in outcomes] == [n == bad for n in range(5)]
    assert await file.names() == [str(n) for n in range(5) if n != bad]


async def test_a_statement_that_fails_leaves_the_others_in(file: File) -> None:
    await file.put("taken")
    outcomes = await asyncio.gather(*(file.put(name) for name in ("a", "taken", "b")), return_exceptions=True)
    assert [type(outcome).__name__ for outcome in outcomes] == ["NoneType", "IntegrityError", "NoneType"]
    assert await file.names() == ["taken", "a", "b"]


@pytest.mark.parametrize("moment", ["waiting", "inside", "called"])
async def test_whoever_is_cancelled_is_undone_and_holds_nobody_up(file: File, moment: str) -> None:
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def slow(name: str) -> None:
        async with file.shared.writing() as connection:
            await insert(connection, name)
            inside.set()
            await go_on.wait()

    first = asyncio.ensure_future(slow("first"))
    await inside.wait()
    inside.clear()
    second, third = asyncio.ensure_future(slow("second")), asyncio.ensure_future(slow("third"))
    await asyncio.sleep(0)
    if moment == "waiting":
        second.cancel()
        go_on.set()
    elif moment == "called":
        go_on.set()
        while len(file.shared._others) > 1:  # noqa: ASYNC110 - the very moment is wanted
            await asyncio.sleep(0)
        second.cancel()
    else:
        first.cancel()
        await inside.wait()
        go_on.set()
    async with asyncio.timeout(5):
        await asyncio.gather(first, second, third, return_exceptions=True)
        await file.put("afterwards")
    gone = "first" if moment == "inside" else "second"
    assert await file.names() == [name for name in ("first", "second", "third", "afterwards") if name != gone]


async def test_a_file_that_cannot_be_written_is_told_to_everybody(file: File) -> None:
    async with file.engine.begin() as connection:
        await connection.execute(sa.text("drop table notes"))
        await connection.execute(sa.text("create table notes (name text)"))
        await connection.execute(
            sa.text("create table other (name text references gone (name) deferrable initially deferred)")
        )
        await connection.execute(sa.text("create table gone (name text primary key)"))

    async def dangle() -> None:
        async with file.shared.writing() as connection:
            await connection.execute(sa.text("insert into other values ('nowhere')"))

    outcomes = await asyncio.gather(file.put("a"), dangle(), file.put("b"), return_exceptions=True)
    assert all(isinstance(outcome, sa.exc.IntegrityError) for outcome in outcomes), "the commit failed for all"
    assert await file.names() == []
    await file.put("afterwards")
    assert await file.names() == ["afterwards"]
