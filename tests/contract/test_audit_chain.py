"""Whatever somebody does to the audit log behind the bot's back is found, and a person can be taken out of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from bot.domain.audit import AuditEntry
from bot.store.audit_chain import SETTLED_SECONDS, erase
from bot.store.engine import create_engine
from bot.store.migrate import migrate
from bot.store.store import SqlStore
from bot.store.tables import audit
from tests.contract.store_kit import KINDS, NOW, THREAD, database, enqueue, open_store

OLD = "insert into audit (team_id, at, actor, action, subject, conversation_id, detail, digest, before, after)"


@dataclass
class Log:
    store: SqlStore
    kind: str

    async def broken(self, team_id: str = "T1") -> str:
        return (await self.store.audit_chain.verify(team_id)).broken

    async def tamper(self, *statements: str) -> None:
        """As somebody does who owns the database."""
        drop = "drop trigger {}" + (" on audit" if self.kind == "postgresql" else "")
        names = ("audit_kept",) if self.kind == "postgresql" else ("audit_kept", "audit_stays")
        async with self.store.write() as tx:
            for statement in (*(drop.format(name) for name in names), *statements):
                await tx.connection.execute(sa.text(statement))


def deed(number: int, team_id: str = "T1") -> AuditEntry:
    return AuditEntry(
        NOW + number, team_id, "U0ANA", "case.edit", f"E{number}", "why", THREAD.id, "d", "old", f"new {number}"
    )


@asynccontextmanager
async def some_deeds(kind: str, folder: Path) -> AsyncIterator[Log]:
    """Five entries of a workspace, and some of another."""
    async with database(kind, folder) as url, open_store(url) as store:
        for number in range(1, 6):
            async with store.write() as tx:
                await tx.audit.add(deed(number), deed(number, "T2"))
        yield Log(store, kind)


@pytest.fixture(params=KINDS)
async def log(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Log]:
    async with some_deeds(request.param, tmp_path) as opened:
        yield opened


@pytest.fixture
async def file(tmp_path: Path) -> AsyncIterator[Log]:
    """On SQLite: what a tampered log looks like does not depend on who keeps it."""
    async with some_deeds("sqlite", tmp_path) as opened:
        yield opened


async def test_an_untouched_log_is_whole_and_goes_on_from_its_head(log: Log) -> None:
    verdict = await log.store.audit_chain.verify("T1")
    assert (verdict.broken, verdict.entries, verdict.loose) == ("", 5, 0)
    async with log.store.write() as tx:
        await tx.audit.add(deed(6))
        assert (await tx.audit.recent(1)) == [deed(6)]
    later = await log.store.audit_chain.verify("T1", outside=verdict.head)
    assert (later.broken, later.entries, later.has_outside) == ("", 6, True)
    assert later.head != verdict.head
    assert await log.store.audit_chain.teams() == ["T1", "T2"]


@pytest.mark.parametrize(
    ("statements", "named"),
    [
        (["update audit set detail = 'nothing' where subject = 'E2' and team_id = 'T1'"], "Entry 2 (2027"),
        (["update audit set actor = 'U9' where subject = 'E3' and team_id = 'T1'"], "Entry 3 "),
        (["update audit set at = at - 60 where subject = 'E4' and team_id = 'T1'"], "Entry 4 "),
        (["update audit set detail = '', salts = '{}' where subject = 'E4' and team_id = 'T1'"], "Entry 4 "),
        (["delete from audit where subject = 'E2' and team_id = 'T1'"], "Entry 2 is not in its place: entry 3"),
        (["delete from audit where subject in ('E4', 'E5') and team_id = 'T1'"], "Entry 4 is missing, and all"),
        (["update audit set number = 7 - number where number in (3, 4) and team_id = 'T1'"], "Entry 3 is not"),
        (["update audit set link = 'x' where number = 5 and team_id = 'T1'"], "Entry 5 "),
        (
            [
                "delete from audit where number = 5 and team_id = 'T1'",
                "update audit_heads set number = 4 where team_id = 'T1'",
            ],
            "Entry 4 is not the one the log ended with",
        ),
    ],
)  # fmt: skip
async def test_the_first_broken_entry_is_named(file: Log, statements: list[str], named: str) -> None:
    await file.tamper(*statements)
    assert (await file.broken()).startswith(named)
    assert await file.broken("T2") == ""


async def test_a_head_that_was_kept_outside_finds_a_log_that_was_cut_cleanly(file: Log) -> None:
    kept = (await file.store.audit_chain.verify("T1")).head
    await file.tamper(
        "delete from audit where number = 5 and team_id = 'T1'",
        "update audit_heads set number = 4, link = (select link from audit where number = 4 and team_id = 'T1')"
        " where team_id = 'T1'",
    )
    verdict = await file.store.audit_chain.verify("T1", outside=kept)
    assert (verdict.broken, verdict.has_outside) == ("", False)


async def test_who_writes_at_the_same_time_makes_one_chain_and_who_fails_leaves_no_hole(log: Log) -> None:
    async def write(number: int) -> None:
        async with log.store.write() as tx:
            await tx.audit.add(deed(number), deed(number, "T2"))
            if number % 4 == 0:
                await tx.audit.recent(1)
                raise RuntimeError

    await asyncio.gather(*(write(number) for number in range(20)), return_exceptions=True)
    verdict = await log.store.audit_chain.verify("T1")
    assert (verdict.broken, verdict.entries) == ("", 20)


async def test_fields_are_erased_for_good_and_nothing_else_is_allowed(log: Log) -> None:
    for statement in ("actor = ''", "seals = '{}'", "number = 9"):
        with pytest.raises(DBAPIError, match="append-only"):
            async with log.store.write() as tx:
                await tx.connection.execute(sa.text(f"update audit set {statement}"))  # noqa: S608 - words of ours
    async with log.store.write() as tx:
        rows = (await tx.connection.execute(sa.select(audit).where(audit.c.team_id == "T1"))).all()
        assert await erase(tx.connection, ((row, ("actor", "before", "after")) for row in rows)) == 5
    async with log.store.of("T1").read() as tx:
        (found,) = await tx.audit.recent(1)
    assert (found.actor, found.detail, found.after) == ("", "why", "")
    assert await log.broken() == ""
    await log.tamper("update audit set actor = 'U0SAM' where number = 2 and team_id = 'T1'")
    assert (await log.broken()).startswith("Entry 2 ")


@pytest.mark.parametrize("kind", KINDS)
async def test_entries_from_before_the_chain_are_anchored(kind: str, tmp_path: Path) -> None:
    async with database(kind, tmp_path) as url:
        engine = create_engine(url)
        await migrate(engine, target="0017")
        store = SqlStore(engine, enqueue, lambda: NOW)
        values = "('T1', 5.0, 'U0ANA', 'case.edit', 'E{}', '', 'why', '', '', '')"
        old = f"{OLD} values " + ", ".join(values.format(number) for number in range(700))
        async with store.write() as tx:
            await tx.connection.execute(sa.text(old))
        await migrate(engine)
        log = Log(store, kind)
        assert (await store.audit_chain.verify("T1")).loose == 700
        assert await store.audit_chain.anchor(NOW - SETTLED_SECONDS) == 700
        assert await store.audit_chain.anchor(NOW) == 0
        verdict = await store.audit_chain.verify("T1")
        assert (verdict.broken, verdict.loose, verdict.entries) == ("", 0, 702)
        await log.tamper("delete from audit where subject = 'E650'")
        assert "1 are missing or changed" in await log.broken()
        await engine.dispose()
