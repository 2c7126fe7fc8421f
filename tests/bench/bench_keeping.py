"""What a conversation leaves in the database, and whether a file stops growing when as much is deleted as comes."""

import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any

from bot.ports.clock import system_clock
from bot.runtime.keeping import DAY, KeepDays, Keeper
from bot.store.tables import metadata
from tests.bench.kit import Row, percentile
from tests.contract.store_kit import open_store
from tests.fakes.desk import open_desk
from tests.fakes.desk_claude import Claude, answer_from_source, escalate, search
from tests.fakes.messages_api import text

DAYS = 10
_SERIALS = {"transcript_lines", "outbox", "traces", "limit_changes"}
_SHARED = {"facts", "replicas", "paces", "breakers", "prompts", "limits", "limit_changes", "alembic_version"}
Rows = dict[str, list[dict[str, Any]]]


async def measure(*, quick: bool) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        story, thread_ts, ids, queue = await _one_story(Path(folder))
        file = Path(folder) / "grown.db"
        count = 200 if quick else 20_000 // DAYS
        sizes, seconds, left = await _grow(file, story, thread_ts, ids, count)
    bytes_each = sizes[0] / count
    rows_each = sum(map(len, story.values()))
    told = [
        Row("one conversation: 2 turns, 1 search, 1 case", f"{rows_each} rows, {bytes_each / 1000:.1f} kB with indexes")
    ]
    for name, rows in sorted(story.items(), key=lambda item: -_weight(item[1])):
        told.append(Row(f"  {name}", f"{len(rows)} rows, {_weight(rows) / 1000:.1f} kB of values"))
    told.append(Row("  queue (kept for a day)", f"{queue} rows"))
    growth = sizes[-1] / sizes[1] - 1
    return [
        *told,
        Row(
            f"file after {DAYS} times {count} conversations, each day's deleted", f"{growth:+.1%} since the second day "
            f"({', '.join(f'{size / 1e6:.0f}' for size in sizes)} MB)", "< 2 %", growth < 0.02,
        ),
        Row("rows left in the end", str(left), "0", left == 0),
        Row("deleting a day's conversations", f"{percentile(seconds, 0.5) / count * 1e6:.0f} µs each, without pauses"),
    ]  # fmt: skip


async def _one_story(folder: Path) -> tuple[Rows, str, list[str], int]:
    """The rows a real conversation left behind, and what in them belongs to it alone."""
    async with Claude() as claude, open_desk(folder, claude=claude) as desk:
        claude.will(search(), answer_from_source("Press Invite, then enter the address of your guest."))
        claude.will(escalate("We have refunded invoice INV-204."), text("I have asked a colleague."))
        ana = desk.customer()
        thread = await ana.asks("How do I invite a guest to our workspace?")
        await thread.answer()
        await ana.says("And I was charged twice this month, can I have the money back? @deskhand", thread)
        await thread.answer(2)
        await desk.staff().presses("Approve", await desk.card())
        await thread.says("We have refunded")
        await desk.settled()
    connection = sqlite3.connect(folder / "desk.db")
    connection.row_factory = sqlite3.Row
    found = {
        table.name: [dict(row) for row in connection.execute(f'select * from "{table.name}"')]  # noqa: S608 - our own names
        for table in metadata.sorted_tables
        if table.name not in _SHARED
    }
    queue = connection.execute("select count(*) from workflow_status").fetchone()[0]
    connection.close()
    ids = [row["id"] for row in found["inbox"]]
    return {name: rows for name, rows in found.items() if rows}, thread.ts, ids, queue


async def _grow(file: Path, story: Rows, ts: str, ids: list[str], count: int) -> tuple[list[int], list[float], int]:
    """Size of the file at the end of each day before the deletion, and how long that took."""
    sizes, seconds = [], []
    async with open_store(f"sqlite:///{file}") as store:
        keeper = Keeper(store.archive, lambda: system_clock() + 3 * DAY, KeepDays(2, 2, 2, 2), pause_seconds=0)
        for day in range(DAYS):
            _copy(file, story, ts, ids, range(day * count, (day + 1) * count))
            sizes.append(_pages(file) * 4096)
            began = time.perf_counter()
            for _ in range(2):  # cards go once their cases are gone
                await keeper.tidy()
            seconds.append(time.perf_counter() - began)
    connection = sqlite3.connect(file)
    left = sum(connection.execute(f'select count(*) from "{name}"').fetchone()[0] for name in story)  # noqa: S608 - as above
    connection.close()
    return sizes, seconds, left


def _copy(file: Path, story: Rows, ts: str, ids: list[str], numbers: range) -> None:
    connection = sqlite3.connect(file)
    for number in numbers:
        new = {ts: f"{1_700_000_000 + number}.{number:06}", **{old: f"{number:012x}{old[12:]}" for old in ids}}
        for name, rows in story.items():
            for row in rows:
                values = {key: _renamed(value, new) for key, value in row.items()}
                for unique in ("event_id", "message_key", "client_key"):
                    if values.get(unique):
                        values[unique] += f":{number}"
                if name in _SERIALS:
                    values.pop("seq")
                if name == "ledger":
                    values["id"] = f"{number:012x}{row['id'][12:]}"
                columns = ", ".join(f'"{key}"' for key in values)
                marks = ", ".join("?" * len(values))
                connection.execute(f'insert into "{name}" ({columns}) values ({marks})', list(values.values()))  # noqa: S608 - as above
    connection.commit()
    connection.close()


def _renamed(value: Any, new: dict[str, str]) -> Any:
    if not isinstance(value, str):
        return value
    for old, fresh in new.items():
        value = value.replace(old, fresh)
    return value


def _weight(rows: list[dict[str, Any]]) -> int:
    return sum(len(str(value).encode()) if isinstance(value, str) else 8 for row in rows for value in row.values())


def _pages(file: Path) -> int:
    connection = sqlite3.connect(file)
    (pages,) = connection.execute("pragma page_count").fetchone()
    connection.close()
    return int(pages)
