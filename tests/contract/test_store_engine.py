"""The database itself: migrations, locks, time limits."""

import asyncio
import logging
import sqlite3
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from bot.store.engine import create_engine
from bot.store.migrate import migrate
from bot.store.tables import metadata
from tests.contract.store_kit import KINDS, THREAD, conversation, database, empty_database, message, open_store


@pytest.mark.parametrize("kind", KINDS)
async def test_the_migrations_build_exactly_the_tables_the_queries_use(kind: str, tmp_path: Path) -> None:
    async with empty_database(kind, tmp_path) as url:
        engine = create_engine(url)
        await migrate(engine)
        await migrate(engine)

        def differences(connection: sa.Connection) -> list[object]:
            return list(compare_metadata(MigrationContext.configure(connection), metadata))

        async with engine.connect() as connection:
            assert await connection.run_sync(differences) == []
        await engine.dispose()


@pytest.mark.parametrize("kind", KINDS)
async def test_processes_that_start_together_migrate_once(kind: str, tmp_path: Path) -> None:
    async with empty_database(kind, tmp_path) as url:
        engines = [create_engine(url) for _ in range(4)]
        await asyncio.gather(*(migrate(engine) for engine in engines))
        for engine in engines:
            await engine.dispose()


async def test_migrating_leaves_logging_as_it_is(tmp_path: Path) -> None:
    before = list(logging.getLogger().handlers)
    async with database("sqlite", tmp_path) as url, open_store(url):
        assert logging.getLogger().handlers == before
        assert not logging.getLogger(__name__).disabled


async def test_the_folder_of_the_database_is_made_and_the_file_is_in_wal_mode(tmp_path: Path) -> None:
    async with open_store(f"sqlite:///{tmp_path}/deep/down/test.db") as store, store.read() as tx:
        pragmas = [await tx.connection.scalar(sa.text(f"pragma {name}")) for name in ("journal_mode", "synchronous")]
    assert pragmas == ["wal", 2]


def test_an_unknown_kind_of_database_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'mysql' is not supported"):
        create_engine("mysql://localhost/x")


@pytest.mark.alone
async def test_a_caller_can_limit_how_long_it_waits_for_the_write_lock(tmp_path: Path) -> None:
    async with open_store(f"sqlite:///{tmp_path}/test.db") as store:
        other = sqlite3.connect(tmp_path / "test.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        begun = time.monotonic()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1), store.write() as tx:
                await tx.inbox.add("i1", message(), conversation_id=None, partition="p")
        assert time.monotonic() - begun < 1
        other.execute("ROLLBACK")
        other.close()
        async with store.write() as tx:
            assert await tx.inbox.add("i1", message(), conversation_id=None, partition="p")


async def test_reading_goes_on_while_somebody_writes(tmp_path: Path) -> None:
    async with open_store(f"sqlite:///{tmp_path}/test.db") as store:
        async with store.write() as writing:
            await writing.conversations.open(conversation())
            async with store.read() as reading:
                assert await reading.conversations.get(THREAD.id) is None
        async with store.read() as reading:
            assert await reading.conversations.get(THREAD.id) is not None


RESERVE = """
import asyncio, sys
from bot.domain.errors import BudgetExceededError
from tests.contract.store_kit import NOW, account, claim, conversation_limit, open_store

async def main() -> None:
    granted = 0
    async with open_store(sys.argv[1]) as store:
        for number in range(10):
            try:
                async with store.write() as tx:
                    wish = claim("0.1", conversation_limit("1.05"), payer=account(f"{sys.argv[2]}-{number}"))
                    await tx.ledger.reserve(wish, at=NOW)
                granted += 1
            except BudgetExceededError:
                pass
    print(granted)

asyncio.run(main())
"""


async def test_two_processes_together_never_exceed_a_limit(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/test.db"
    async with open_store(url) as store:
        processes = [
            await asyncio.create_subprocess_exec(
                sys.executable, "-c", RESERVE, url, name, stdout=asyncio.subprocess.PIPE
            )
            for name in ("a", "b")
        ]
        granted = [int((await process.communicate())[0]) for process in processes]
        assert sum(granted) == 10
        async with store.read() as tx:
            assert float((await tx.ledger.spend(THREAD.id)).reserved) == pytest.approx(1.0)
