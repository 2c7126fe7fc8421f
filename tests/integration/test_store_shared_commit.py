"""One writer at a time, urgent ones first, and one commit for those who wait in line."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.domain.errors import TransientError
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


@pytest.mark.parametrize("rows", [3, 50_000])
async def test_one_cancelled_in_the_middle_of_a_statement_takes_nobody_along(file: File, rows: int) -> None:
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with file.shared.writing() as connection:
            await insert(connection, "first")
            await go_on.wait()

    async def many() -> None:
        async with file.shared.writing() as connection:
            inside.set()
            values = [{"name": f"row {n}"} for n in range(rows)]
            await connection.execute(sa.text("insert into notes values (:name)"), values)

    ready, cancelled = asyncio.ensure_future(first()), asyncio.ensure_future(many())
    waiting = asyncio.ensure_future(file.put("third"))
    await asyncio.sleep(0)
    go_on.set()
    await inside.wait()
    cancelled.cancel()
    async with asyncio.timeout(10):
        outcomes = await asyncio.gather(ready, cancelled, waiting, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None), asyncio.CancelledError, type(None)]
    assert await file.names() == ["first", "third"]


async def test_when_a_full_disk_undoes_everything_all_inside_are_told(file: File) -> None:
    async with file.engine.connect() as connection:
        pages = (await connection.exec_driver_sql("PRAGMA page_count")).scalar_one()
    await file.engine.dispose()
    sa.event.listen(file.engine.sync_engine, "connect", lambda raw, _: _limit(raw, pages + 2))
    outcomes = await asyncio.gather(*(file.put(name) for name in ("a", "b" * 100_000, "c")), return_exceptions=True)
    assert [type(outcome).__name__ for outcome in outcomes] == ["TransientError", "OperationalError", "NoneType"]
    assert await file.names() == ["c"]


def _limit(raw: sa.engine.interfaces.DBAPIConnection, pages: int) -> None:
    cursor = raw.cursor()
    cursor.execute(f"PRAGMA max_page_count={pages}")
    cursor.close()


@pytest.mark.parametrize("order", ["first", "last"])
async def test_nobody_believes_in_what_sqlite_undid(file: File, order: str) -> None:
    await file.put("taken")

    async def careless() -> None:
        async with file.shared.writing() as connection:
            await insert(connection, "mine")
            with contextlib.suppress(sa.exc.IntegrityError):
                await connection.exec_driver_sql("insert or rollback into notes values ('taken')")

    puts = [careless(), file.put("other")]
    outcomes = await asyncio.gather(*(puts if order == "first" else reversed(puts)), return_exceptions=True)
    stayed = await file.names()
    told = dict(zip(("mine", "other") if order == "first" else ("other", "mine"), outcomes, strict=True))
    assert {name: name in stayed for name in told} == {name: outcome is None for name, outcome in told.items()}
    assert told["mine"] is not None


async def test_the_end_of_the_program_leaves_nobody_waiting(file: File) -> None:
    inside = asyncio.Event()

    async def farewell() -> None:
        try:
            async with file.shared.writing() as connection:
                await insert(connection, "first")
                inside.set()
                await asyncio.sleep(60)
        finally:
            await file.put("farewell")

    async def waits() -> None:
        await inside.wait()
        await file.put("never")

    writing, waiting = asyncio.ensure_future(farewell()), asyncio.ensure_future(waits())
    await inside.wait()
    await asyncio.sleep(0)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:  # as asyncio.run does it
        task.cancel()
    async with asyncio.timeout(5):
        await asyncio.gather(writing, waiting, return_exceptions=True)
        assert await file.names() == ["farewell"]


async def test_who_is_inside_when_the_writers_end_is_told(file: File) -> None:
    async def slow() -> None:
        async with file.shared.writing() as connection:
            await insert(connection, "first")
            [writers] = [task for task in asyncio.all_tasks() if task.get_name() == "writers"]
            writers.cancel()
            await asyncio.sleep(0.01)

    async with asyncio.timeout(5):
        with pytest.raises(TransientError):
            await slow()
        await file.put("afterwards")
    assert await file.names() == ["afterwards"]


async def test_a_write_inside_a_write_is_refused_and_does_not_wait_for_itself(file: File) -> None:
    async with asyncio.timeout(5):
        with pytest.raises(RuntimeError, match="inside another"):
            async with file.shared.writing():
                await file.put("inner")
        await file.put("afterwards")
    assert await file.names() == ["afterwards"]


async def test_a_failure_is_told_when_the_connection_is_free_again(file: File) -> None:
    async def change_my_mind() -> None:
        async with file.shared.writing() as connection:
            await insert(connection, "a")
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await change_my_mind()
    assert file.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
