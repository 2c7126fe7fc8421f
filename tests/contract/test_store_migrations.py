"""Deploys: every earlier schema is brought up to date with its rows in it, and older code goes on working meanwhile."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.cli.database import check_database
from bot.config import SettingsError
from bot.store.engine import create_engine, writing
from bot.store.migrate import FOLDER, WrongSchemaError, migrate, newest_revision
from bot.store.schema import revisions, upgrade
from bot.store.store import SqlStore
from tests.contract.store_kit import KINDS, NOW, THREAD, empty_database, enqueue, message

REVISIONS = sorted(script.revision for script in ScriptDirectory(str(FOLDER)).walk_revisions())
SYSTEM = {"alembic_version", "facts", "uncounted"}
KNOWN = {
    "payload": '{"kind": "message", "thread": {"team_id": "T1"}, "place": {"team_id": "T1"}}',
    "conversation_id": "T1:C1:1.000001",
}
Rows = dict[str, dict[str, Any]]


def some_rows(connection: sa.Connection, mark: str) -> Rows:
    """A row for every table, by the columns the table has now."""
    schema = sa.MetaData()
    schema.reflect(connection)
    rows: Rows = {}
    for table in schema.sorted_tables:
        if table.name not in SYSTEM:
            rows[table.name] = {column.name: _value(column, mark) for column in table.columns}
    return rows


def _value(column: sa.Column[Any], mark: str) -> object:
    kind = column.type.python_type
    if column.name in KNOWN:
        return KNOWN[column.name]
    if kind is bool:
        return False
    if kind is float:
        return 1.5
    return int(mark) if kind is int else f"{column.name}-{mark}"


def insert(connection: sa.Connection, rows: Rows) -> None:
    """As code of that time does: it names the columns it knows."""
    for name, row in rows.items():
        table = sa.table(name, *(sa.column(column) for column in row))
        connection.execute(sa.insert(table).values(row))


def read(connection: sa.Connection, rows: Rows) -> dict[str, list[dict[str, Any]]]:
    found = {}
    for name, row in rows.items():
        columns = [sa.column(column) for column in row]
        found[name] = [
            dict(one) for one in connection.execute(sa.select(*columns).select_from(sa.table(name))).mappings()
        ]
    return found


@pytest.mark.parametrize("revision", REVISIONS)
@pytest.mark.parametrize("kind", KINDS)
async def test_a_database_of_every_earlier_version_keeps_its_rows(kind: str, revision: str, tmp_path: Path) -> None:
    async with empty_database(kind, tmp_path) as url:
        engine = create_engine(url)
        await migrate(engine, target=revision)
        async with writing(engine) as connection:
            rows = await connection.run_sync(some_rows, "1")
            await connection.run_sync(insert, rows)
        await migrate(engine)
        async with writing(engine) as connection:
            older = await connection.run_sync(lambda c: {name: {**row, **_counted(row)} for name, row in rows.items()})
            await connection.run_sync(insert, older)  # the release before still writes
            found = await connection.run_sync(read, rows)
        await engine.dispose()
    assert {name: len(many) for name, many in found.items()} == dict.fromkeys(rows, 2)
    unkept = {
        (name, column)
        for name, row in rows.items()
        for column, value in row.items()
        if not any(_is_kept(one[column], value) for one in found[name])
    }
    assert unkept == set()


def _counted(row: dict[str, Any]) -> dict[str, Any]:
    """The same row with other keys."""
    return {
        name: value.replace("-1", "-2") if isinstance(value, str) and name not in KNOWN else 2 if value == 1 else value
        for name, value in row.items()
    }


def _is_kept(now: object, before: object) -> bool:
    """The keys of events were once given their workspace in front."""
    return now == before or (isinstance(now, str) and now.endswith(f":{before}"))


@pytest.mark.parametrize("kind", KINDS)
async def test_today_s_code_works_on_a_database_that_began_with_the_first_version(kind: str, tmp_path: Path) -> None:
    async with empty_database(kind, tmp_path) as url:
        engine = create_engine(url)
        await migrate(engine, target=REVISIONS[0])
        await migrate(engine)
        store = SqlStore(engine, enqueue, lambda: NOW)
        async with store.write() as tx:
            assert await tx.inbox.add("i1", message(), conversation_id=THREAD.id, partition=THREAD.id)
        async with store.read() as tx:
            assert [row.id for row in await tx.inbox.waiting(THREAD.id)] == ["i1"]
        await engine.dispose()


STARTER = """
import asyncio, sys
from bot.store.schema import upgrade
print(asyncio.run(upgrade(sys.argv[1]))[1])
"""


@pytest.mark.parametrize("kind", KINDS)
async def test_two_processes_upgrade_an_old_database_at_once(kind: str, tmp_path: Path) -> None:
    async with empty_database(kind, tmp_path) as url:
        engine = create_engine(url)
        await migrate(engine, target=REVISIONS[0])
        await engine.dispose()
        processes = [
            await asyncio.create_subprocess_exec(sys.executable, "-c", STARTER, url, stdout=asyncio.subprocess.PIPE)
            for _ in range(2)
        ]
        said = [(await process.communicate())[0].decode().strip() for process in processes]
    assert said == [newest_revision()] * 2


async def from_the_future(engine: AsyncEngine, *, oldest_code: str) -> None:
    """As a later release leaves the database."""
    await migrate(engine)
    async with writing(engine) as connection:
        await connection.execute(sa.text("update alembic_version set version_num = '9000'"))
        await connection.execute(sa.text("update facts set value = :v where name = 'oldest_code'"), {"v": oldest_code})


@pytest.mark.parametrize("kind", KINDS)
async def test_a_schema_that_only_has_more_does_not_stop_older_code(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with empty_database(kind, tmp_path) as url:
        engine = create_engine(url)
        await from_the_future(engine, oldest_code=newest_revision())
        await migrate(engine)
        assert await revisions(url) == ("9000", newest_revision())
        assert (await upgrade(url))[1] == "9000"
        await engine.dispose()
    assert "schema.newer" in caplog.text


@pytest.mark.parametrize("kind", KINDS)
async def test_a_schema_too_new_for_this_code_is_refused_in_a_sentence(kind: str, tmp_path: Path) -> None:
    async with empty_database(kind, tmp_path) as url:
        engine = create_engine(url)
        await from_the_future(engine, oldest_code="8999")
        with pytest.raises(WrongSchemaError, match=r"version 9000, which this Deskhand .* is too old for"):
            await migrate(engine)
        with pytest.raises(SettingsError, match="DATABASE_URL: its tables are of version 9000"):
            await check_database(url)
        await engine.dispose()


def test_the_migrations_follow_one_another() -> None:
    assert [f"{number:04}" for number in range(1, len(REVISIONS) + 1)] == REVISIONS
