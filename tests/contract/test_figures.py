"""Figures by day are, at any moment, exactly what a count of every row would give."""

import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.util import await_only

from bot.domain.insight import Selection
from bot.store.insight.rolling import SqlRoller
from bot.store.insight.tables import counted, figures, tool_figures, uncounted
from bot.store.store import SqlStore
from bot.store.tables import metadata
from tests.contract.store_kit import KINDS, database, open_store
from tests.fakes import brute_force

DAY = 86_400.0
START = datetime(2026, 10, 20, tzinfo=UTC).timestamp()
"""The clocks of Berlin are put back five days later."""
BERLIN = ZoneInfo("Europe/Berlin")
OUTCOMES = ("answered", "answered", "escalated", "failed", "superseded", "stopped", "awaiting_approval", None)


async def zones(team_id: str) -> tzinfo:
    return BERLIN if team_id == "T1" else UTC


def zone_of(team_id: str) -> tzinfo:
    return BERLIN if team_id == "T1" else UTC


@dataclass
class World:
    """Things that happen, one after the other, to a store."""

    store: SqlStore
    chance: random.Random
    now: float = START
    open: list[str] = field(default_factory=list)
    numbers: Any = field(default_factory=lambda: iter(range(1, 1_000_000)))
    connection: AsyncConnection | None = None

    def roller(self, *, passing_days: int = 0) -> SqlRoller:
        return self.store.roller(zones, lambda: self.now, passing_days=passing_days)

    async def write(self, table: str, **values: object) -> None:
        assert self.connection is not None
        await self.connection.execute(sa.insert(metadata.tables[table]).values(values))

    async def change(self, table: str, condition: str, **values: object) -> None:
        assert self.connection is not None
        await self.connection.execute(sa.update(metadata.tables[table]).where(sa.text(condition)).values(values))

    async def touch_all(self) -> None:
        """Something that changes no figure happens to every conversation."""
        async with self._transaction():
            await self.change("conversations", "1 = 1", language="de")

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[None]:
        async with self.store.write() as tx:
            self.connection = tx.connection
            yield
        self.connection = None

    async def rows(self, table: sa.Table) -> list[dict[str, Any]]:
        async with self.store.read() as tx:
            return [dict(row) for row in (await tx.connection.execute(sa.select(table))).mappings()]

    async def tables(self) -> brute_force.Tables:
        return {name: await self.rows(metadata.tables[name]) for name in brute_force.NAMES}

    async def kept(self) -> tuple[Counter[tuple[str, ...]], Counter[tuple[str, ...]]]:
        """What the figures say, without zeros."""
        found = []
        for table in (figures, tool_figures):
            names = [column.name for column in table.primary_key.columns]
            found.append(
                Counter(
                    {tuple(row[name] for name in names): row["value"] for row in await self.rows(table) if row["value"]}
                )
            )
        return found[0], found[1]

    async def counted_slowly(self) -> tuple[Counter[tuple[str, ...]], Counter[tuple[str, ...]]]:
        tables = await self.tables()
        total: Counter[tuple[str, ...]] = Counter()
        tools: Counter[tuple[str, ...]] = Counter()
        for team in ("T1", "T2"):
            mine = {**tables, "conversations": [one for one in tables["conversations"] if one["team_id"] == team]}
            total.update(brute_force.figures(mine, zone_of(team)))
            tools.update(brute_force.tool_figures(mine, zone_of(team)))
        return total, tools

    async def happens(self) -> None:
        """Something, to some conversation."""
        self.now += self.chance.choice((0.3, 40.0, 3_000.0, 20_000.0))
        what = self.chance.choice((self.turn, self.turn, self.turn, self.case, self.person, self.press, self.rating))
        async with self._transaction():
            if not self.open or self.chance.random() < 0.2:
                await self.begins()
            await what(self.chance.choice(self.open))

    async def comes_back(self, one: str) -> None:
        """Somebody writes again."""
        async with self._transaction():
            await self.turn(one)

    async def begins(self) -> None:
        team, number = self.chance.choice(("T1", "T1", "T2")), next(self.numbers)
        is_dm = self.chance.random() < 0.4
        channel = f"D{number}" if is_dm else self.chance.choice(("C1", "C2"))
        one = f"{team}:{channel}:{self.now:.6f}"
        await self.write(
            "conversations", id=one, team_id=team, channel_id=channel, thread_ts=f"{self.now:.6f}",
            surface="dm" if is_dm else "channel", standing="bot", epoch=1, profile="support",
            prompt_version=self.chance.choice(("", "p1")), opened_by="U1", opened_at=self.now,
        )  # fmt: skip
        self.open.append(one)

    async def turn(self, one: str) -> None:
        """A message, a run, its calls, its answer; not always all of it."""
        number, chance = next(self.numbers), self.chance
        cause, run, asked = f"i{number}", f"run-i{number}", self.now
        kind = chance.choice(("message", "message", "carry_on"))
        await self.write(
            "inbox", id=cause, kind=kind, conversation_id=one, partition=one, order_ts=f"{asked:.6f}", payload="{}",
            received_at=asked,
        )  # fmt: skip
        outcome = chance.choice(OUTCOMES)
        await self.write(
            "runs", id=run, conversation_id=one, inbox_ids=f'["{cause}"]', user_id="U1", epoch=1, started_at=asked,
            outcome=None, stop_requested=False,
        )  # fmt: skip
        for step in range(chance.randint(0, 3)):
            await self.call(one, run, f"m{step + 1}")
            await self.tool(one, run)
        await self.call(one, run, "judge")
        for ref, seconds in ((f"live:{cause}", 0.2), (f"answer:{run}", chance.lognormvariate(2, 1))):
            if chance.random() < 0.8:
                await self.trace(
                    one, run, "delivery", ref.partition(":")[0], ref=ref, ok=chance.random() < 0.9, at=asked + seconds
                )
        await self.change("runs", f"id = '{run}'", outcome=outcome)
        if chance.random() < 0.3:
            await self.change("conversations", f"id = '{one}'", prompt_version=chance.choice(("p1", "p2")))

    async def call(self, one: str, run: str, name: str) -> None:
        team, channel, _ = one.split(":")
        row = f"l{next(self.numbers)}"
        await self.write(
            "ledger", id=row, run_id=run, name=name, team_id=team, channel_id=channel, user_id="U1",
            conversation_id=one, model="m", state="reserved", charged=90_000, counted=10, input=0, output=0,
            cache_read=0, cache_write_5m=0, cache_write_1h=0, at=self.now,
        )  # fmt: skip
        if self.chance.random() < 0.9:
            state = self.chance.choice(("settled", "settled", "assumed", "released"))
            charged = 0 if state == "released" else self.chance.randint(1, 60_000)
            await self.change("ledger", f"id = '{row}'", state=state, charged=charged, input=charged // 3, output=7)

    async def tool(self, one: str, run: str) -> None:
        ok = self.chance.random() < 0.8
        error = "" if ok else self.chance.choice(("tool_error", "unknown_tool", ""))
        name = self.chance.choice(("lookup_customer", "create_ticket"))
        await self.trace(one, run, "tool_call", name, ok=ok, error=error, duration_ms=self.chance.randint(0, 9_000))

    async def trace(self, one: str, run: str, action: str, name: str, **more: object) -> None:
        row: dict[str, object] = {
            "conversation_id": one, "run_id": run, "step": 1, "action": action, "name": name, "at": self.now,
            "given": "", "got": "", "input": 0, "output": 0, "cache_read": 0, "cache_write_5m": 0, "cache_write_1h": 0,
            "cost": 0, "duration_ms": 0, "attempt": 1, "ok": True, "error": "",
        }  # fmt: skip
        await self.write("traces", **(row | more))

    async def case(self, one: str) -> None:
        number = f"e{next(self.numbers)}"
        await self.write(
            "escalations", id=number, team_id=one.partition(":")[0], conversation_id=one,
            origin=self.chance.choice(("tool", "answered", "gated")), reason="", summary="", requested_by="",
            requested_team="", state="open", opened_at=self.now, staff_channel="C9", decided_by="", note="", version=1,
        )  # fmt: skip
        state = self.chance.choice(("open", "claimed", "voided", "expired", "denied"))
        await self.change("escalations", f"id = '{number}'", state=state)

    async def person(self, one: str) -> None:
        kind = self.chance.choice(("line", "owner", "handback"))
        if kind == "line":
            speaker = self.chance.choice(("person", "customer"))
            await self.write(
                "transcript_lines", conversation_id=one, speaker=speaker, name="Sam", text="Hello", at=self.now
            )  # fmt: skip
        elif kind == "owner":
            standing = self.chance.choice(("human", "bot"))
            await self.change("conversations", f"id = '{one}'", standing=standing)
        else:
            await self.write(
                "handbacks", conversation_id=one, epoch=next(self.numbers), by="U9", name="Sam", reason="",
                began_at=self.now, at=self.now, done="", next_step="",
            )  # fmt: skip

    async def press(self, one: str) -> None:
        action = self.chance.choice(("decision", "decision", "tool_call"))  # a model can make up a tool of that name
        await self.trace(one, "run-x", action, self.chance.choice(("thumbs_up", "thumbs_down")))

    async def rating(self, one: str) -> None:
        await self.write(
            "ratings", case_id=f"r{next(self.numbers)}", conversation_id=one, user_id="U1", comment="",
            stars=self.chance.randint(1, 5), rated_at=self.now, changed_at=self.now,
        )  # fmt: skip


def chance(seed: int) -> random.Random:
    """The same at every run."""
    return random.Random(seed)  # noqa: S311 - chance of a test


async def roll_all(roller: SqlRoller) -> None:
    while await roller.roll():
        pass


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlStore]:
    async with database(request.param, tmp_path) as url, open_store(url) as opened:
        yield opened


async def test_random_days_add_up_whenever_they_are_counted(store: SqlStore) -> None:
    world = World(store, chance(20261121))
    roller = world.roller()
    for number in range(90):
        await world.happens()
        if world.chance.random() < 0.2:
            await roller.roll()
        if number in (45, 89):
            await roll_all(roller)
            assert await world.kept() == await world.counted_slowly()
    total, tools = await world.kept()
    assert len(total) > 200
    assert len(tools) > 20
    assert await world.rows(uncounted) == []
    version = await _version(store)
    await world.touch_all()
    await roll_all(roller)
    assert await world.kept() == (total, tools)
    assert await _version(store) == version


async def test_what_is_committed_in_the_middle_of_counting_is_counted_next(tmp_path: Path) -> None:
    """On SQLite nobody writes meanwhile."""
    async with database("postgresql", tmp_path) as url, open_store(url) as store, open_store(url) as other:
        quick, slow = World(store, chance(5)), World(other, chance(6), START + 1, numbers=iter(range(1_000, 2_000)))
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(slow._transaction())
            await slow.begins()  # noted before the others, and seen by nobody yet
            await quick.happens()

            def commits(*seen: Any) -> None:
                if seen[2].startswith("DELETE FROM uncounted"):
                    await_only(stack.aclose())

            sa.event.listen(store._engine.sync_engine, "before_cursor_execute", commits)
            await roll_all(quick.roller())
        assert await quick.kept() == await quick.counted_slowly()


async def test_a_conversation_that_cannot_be_counted_stops_nobody_elses_figures(
    store: SqlStore, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(store, random.Random(3))  # noqa: S311 - the same days each time
    for _ in range(20):
        await world.happens()
    roller = world.roller()
    while await roller.roll():
        pass
    broken = world.open[0]
    async with store.write() as tx:
        await tx.connection.execute(sa.update(counted).where(counted.c.id == broken).values(body="{"))
    before = await world.kept()
    await world.touch_all()
    while await roller.roll():
        pass
    assert await world.rows(uncounted) == []
    assert await world.kept() == before
    assert [record.message for record in caplog.records] == ["figures.not_counted"]


async def test_figures_outlive_what_they_were_counted_from(store: SqlStore) -> None:
    world = World(store, chance(5))
    for _ in range(40):
        await world.happens()
    roller = world.roller(passing_days=14)
    await roll_all(roller)
    before = await world.kept()
    world.now += 30 * DAY
    await _delete(store, "delete from traces", "delete from inbox")
    await world.touch_all()
    await roll_all(roller)
    assert await world.kept() == before
    await world.comes_back(world.open[0])
    await roll_all(roller)
    after = await world.kept()
    assert sum(v for k, v in after[0].items() if k[-1].startswith(("sign.", "answer."))) >= sum(
        v for k, v in before[0].items() if k[-1].startswith(("sign.", "answer."))
    )
    assert sum(after[1].values()) >= sum(before[1].values())
    kept = await world.kept()
    await _delete(store, "delete from transcript_lines", "delete from runs", "delete from conversations")
    await roll_all(roller)
    assert await world.kept() == kept
    assert await world.rows(counted) == []


async def test_the_overview_adds_up_days_channels_and_prompts(store: SqlStore) -> None:
    world = World(store, chance(9))
    for _ in range(40):
        await world.happens()
    await roll_all(world.roller())
    insight = store.insight(zones, lambda: world.now, _none)
    first = date(2026, 10, 20)
    whole = await insight.overview("T1", Selection(first, first + timedelta(days=30)))
    total, tools = await world.counted_slowly()
    assert whole.total.counts == _sum(total, lambda key: key[0] == "T1")
    assert [day for day, _ in whole.days] == [first + timedelta(days=n) for n in range(31)]
    assert whole.total.conversations == sum(figures.conversations for _, figures in whole.days)
    narrow = await insight.overview("T1", Selection(first, first + timedelta(days=30), "dm", "support", "p1"))
    assert narrow.total.counts == _sum(total, lambda key: key[0] == "T1" and key[2] == "dm" and key[4] == "p1")
    assert set(whole.choices.channels) <= {"dm", "C1", "C2"}
    shown = await insight.tools("T1", first, first + timedelta(days=30))
    assert sum(one.figures.get("calls") for one in shown) == _sum(tools, lambda key: key[0] == "T1")["calls"]


async def test_of_two_prompts_in_use_today_the_one_that_came_later_is_the_newest(store: SqlStore) -> None:
    async with store.write() as tx:
        for version, day, channel in (("a", "2026-10-18", "C1"), ("a", "2026-10-20", "C2"), ("b", "2026-10-20", "C1")):
            row = {"team_id": "T1", "day": day, "channel_id": channel, "profile": "support", "prompt_version": version}
            await tx.connection.execute(sa.insert(figures).values(**row, measure="conversations", value=1))
    assert (await store.insight(zones, lambda: START, _none).choices("T1")).prompt_versions == ("b", "a")


async def _none(_: str) -> None:
    return None


def _sum(total: Counter[tuple[str, ...]], wanted: Callable[[tuple[str, ...]], bool]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for key, value in total.items():
        if wanted(key):
            found[key[-1]] += value
    return dict(found)


async def _version(store: SqlStore) -> int:
    return await store.insight(zones, lambda: START, _none).version("T1")


async def _delete(store: SqlStore, *statements: str) -> None:
    async with store.write() as tx:
        for statement in statements:
            await tx.connection.execute(sa.text(statement))
