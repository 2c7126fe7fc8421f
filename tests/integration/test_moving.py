"""`deskhand migrate --from … --to …` between databases of either kind."""

import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.app import open_store as open_for_commands
from bot.cli.moving import move_house
from bot.config import Settings, SettingsError
from bot.domain.conversation import Line, Speaker, ThreadKey
from bot.ports.clock import system_clock
from bot.runtime.file_lock import FileLock
from bot.store import copying
from bot.store.copying import all_tables, move
from bot.store.engine import create_engine, writing
from bot.store.migrate import DONE, MOVE, WrongSchemaError, migrate
from bot.store.tables import facts, lines, metadata, outbox, replicas
from tests.contract.store_kit import NOW, THREAD, empty_database, message, notice, open_store
from tests.contract.test_store_keeping import live_through
from tests.fakes.knowledge import WordEmbedder
from tests.fakes.tools import asked_by
from tools.backends import open_backends
from tools.knowledge_base.band import Band
from tools.knowledge_base.importer import Importer

WAYS = [("sqlite", "postgresql"), ("postgresql", "postgresql"), ("sqlite", "sqlite"), ("postgresql", "sqlite")]


@dataclass(frozen=True)
class Houses:
    """The database that is left and the one that is moved to."""

    old: str
    new: str


@pytest.fixture(params=WAYS, ids="-to-".join)
async def houses(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Houses]:
    async with AsyncExitStack() as stack:
        urls = []
        for kind, name in zip(request.param, ("old", "new"), strict=True):
            folder = tmp_path / name
            folder.mkdir()
            urls.append(await stack.enter_async_context(empty_database(kind, folder)))
        await furnish(urls[0])
        yield Houses(*urls)


@pytest.fixture
async def sqlite_houses(tmp_path: Path) -> Houses:
    houses = Houses(f"sqlite:///{tmp_path}/old.db", f"sqlite:///{tmp_path}/new.db")
    await furnish(houses.old)
    return houses


@pytest.fixture(autouse=True)
def loggers_as_before() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], _ = before
    root.setLevel(before[1])


async def furnish(url: str) -> None:
    """Something of everything, odd characters included."""
    async with open_store(url) as store:
        await live_through(store)
        await live_through(store, ThreadKey("T1", "C1", "1700000001.000100"), finished=False)
        async with store.write() as tx:
            odd = "שלום \N{PARTY POPPER} \\ ' \" \r\n\t" + ("\x00 nul" if url.startswith("sqlite") else "")
            await tx.conversations.add_lines(THREAD.id, Line(Speaker.CUSTOMER, "Ana", odd, NOW + 0.1 + 0.2))
            await tx.conversations.add_lines(THREAD.id, *(Line(Speaker.BOT, "", f"{n}", NOW) for n in range(1200)))
            await tx.outbox.add(notice("open"))
    engine = create_engine(url)
    backends = await open_backends(engine, seed_sample=True)
    await Importer(backends.articles, WordEmbedder()).catch_up()
    await backends.gaps.note("Is there a dark mode?", Band.NONE, asked_by(None))
    await engine.dispose()


async def rows_of(url: str, table: sa.Table) -> list[dict[str, Any]]:
    engine = create_engine(url)
    async with engine.connect() as connection:
        found = [dict(row) for row in (await connection.execute(sa.select(table))).mappings()]
    await engine.dispose()
    return sorted(found, key=lambda row: json.dumps(row, default=str))


def silent(table: str, done: int, total: int) -> None:
    assert done <= total


async def test_every_row_of_every_table_arrives_as_it_was(houses: Houses) -> None:
    result = await move(houses.old, houses.new, silent)
    assert result.is_complete
    assert {one.table for one in result.tables if one.rows} >= {
        "inbox", "outbox", "ledger", "journal", "traces", "tickets", "customers", "kb_articles", "customer_charges",
    }  # fmt: skip
    for table in all_tables():
        before = [copying._storable(row) for row in await rows_of(houses.old, table)]  # type: ignore[arg-type]
        assert await rows_of(houses.new, table) == sorted(before, key=lambda row: json.dumps(row, default=str))
    assert (result.open_causes, result.open_deliveries) == (1, 1)


async def test_life_goes_on_in_the_new_house(houses: Houses) -> None:
    await move(houses.old, houses.new, silent)
    async with open_store(houses.new) as store:
        async with store.write() as tx:
            assert not await tx.inbox.add("again", message(), conversation_id=THREAD.id, partition=THREAD.id)
            await tx.conversations.add_lines(THREAD.id, Line(Speaker.CUSTOMER, "Ana", "I am back", NOW))
            await tx.outbox.add(notice("new"))
        async with store.read() as tx:
            [last] = await tx.conversations.lines(THREAD.id, 1)
        assert last.text == "I am back"
        assert await store.queue.due_lanes(NOW, busy=(), limit=5) == ["C1"]


async def test_a_house_that_is_lived_in_is_not_moved_into(houses: Houses) -> None:
    await furnish(houses.new)
    with pytest.raises(copying.CannotMoveError, match=r"--to: this database is not empty \(table \w+\)"):
        await move(houses.old, houses.new, silent)


async def test_a_move_that_broke_off_is_begun_again_and_nobody_works_there_meanwhile(houses: Houses) -> None:
    def power_cut(table: str, done: int, total: int) -> None:
        if table == "outbox":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await move(houses.old, houses.new, power_cut)
    engine = create_engine(houses.new)
    with pytest.raises(WrongSchemaError, match="half filled"):
        await migrate(engine)
    await engine.dispose()
    assert (await move(houses.old, houses.new, silent)).is_complete
    async with open_store(houses.new) as store, store.read() as tx:
        state = await tx.connection.scalar(sa.select(facts.c.value).where(facts.c.name == MOVE))
        assert state == DONE
    with pytest.raises(copying.CannotMoveError, match="not empty"):
        await move(houses.old, houses.new, silent)


async def test_a_row_that_arrives_changed_is_noticed(sqlite_houses: Houses, monkeypatch: pytest.MonkeyPatch) -> None:
    async def tampered(target: Any) -> None:
        async with writing(target) as connection:
            await connection.execute(sa.update(lines).where(lines.c.seq == 7).values(text="something else"))

    monkeypatch.setattr(copying, "_continue_counting", tampered)
    result = await move(sqlite_houses.old, sqlite_houses.new, silent)
    assert [one.table for one in result.tables if not one.matches] == ["transcript_lines"]
    assert not result.is_complete


async def test_a_bot_at_work_on_postgresql_is_noticed(tmp_path: Path) -> None:
    async with empty_database("postgresql", tmp_path) as old, empty_database("postgresql", tmp_path) as new:
        async with open_store(old) as store, store.write() as tx:
            await tx.connection.execute(sa.insert(replicas).values(id="r1", beat_at=system_clock()))
        with pytest.raises(copying.CannotMoveError, match="--from: 1 bot"):
            await move(old, new, silent)
        async with open_store(old) as store, store.write() as tx:
            await tx.connection.execute(sa.update(replicas).values(beat_at=system_clock() - 60))
        assert (await move(old, new, silent)).is_complete, "one that died does not keep us"


def test_a_bot_at_work_on_the_file_is_noticed(sqlite_houses: Houses) -> None:
    lock = FileLock(sqlite_houses.old.removeprefix("sqlite:///"))
    lock.take()
    with pytest.raises(SettingsError, match=r"--from: a bot works on .*old\.db\. Stop it first\."):
        move_house(sqlite_houses.old, sqlite_houses.new)
    lock.release()


def test_the_command_tells_how_far_it_is_and_what_arrived(
    sqlite_houses: Houses, capsys: pytest.CaptureFixture[str]
) -> None:
    assert move_house(sqlite_houses.old, sqlite_houses.new) == 0
    shown = capsys.readouterr()
    assert "transcript_lines: 500 of 1203" in shown.err
    assert "DIFFERENT" not in shown.out
    assert "rows moved. Set DATABASE_URL to the new database" in shown.out
    assert "1 events and 1 deliveries are still open" in shown.out


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("sqlite:///x.db", "sqlite:///x.db", "--to: this is the same database"),
        ("mysql://x", "sqlite:///x.db", "--from: write it as"),
        ("sqlite:///nowhere.db", "sqlite:///x.db", "--from: there is no file nowhere.db"),
        ("postgresql://u:secret@127.0.0.1:1/x", "sqlite:///x.db", "One of the databases: it cannot be used"),
    ],
)
def test_what_cannot_be_moved_is_told_in_a_sentence(
    old: str, new: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match=sentence) as refused:
        move_house(old, new)
    assert "secret" not in str(refused.value)


async def test_a_bot_refuses_a_half_filled_house_in_a_sentence(sqlite_houses: Houses) -> None:
    async with open_store(sqlite_houses.new) as store, store.write() as tx:
        await tx.connection.execute(sa.insert(facts).values(name=MOVE, value="begun"))
    with pytest.raises(SettingsError, match="DATABASE_URL: it was only half filled"):
        async with open_for_commands(Settings.model_validate({"DATABASE_URL": sqlite_houses.new})):
            pass


def test_nothing_is_forgotten_by_the_move() -> None:
    moved = {table.name for table in all_tables()}
    assert moved >= {table.name for table in metadata.sorted_tables} - {"facts", "replicas", "uncounted"}
    assert {"tickets", "customers", "customer_charges", "kb_articles", "kb_revision"} <= moved
    assert outbox in all_tables()
