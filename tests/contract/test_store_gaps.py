"""Questions that an answer had no source for, on both databases."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.domain.conversation import ThreadKey
from bot.domain.errors import ForeignWorkspaceError
from bot.domain.gaps import GapCause
from bot.domain.redaction import Redactor
from bot.store.engine import create_engine
from bot.store.migrate import migrate
from bot.store.store import SqlStore
from tests.contract.store_kit import KINDS, NOW, database, empty_database, enqueue
from tests.fakes.tools import HeldClock, asked_by
from tools.knowledge_base.band import Band
from tools.knowledge_base.gaps import GapBook
from tools.knowledge_base.tables import gaps

ANA, BO, THEIRS = ThreadKey("T1", "C1", "1.0"), ThreadKey("T1", "C1", "2.0"), ThreadKey("T2", "C1", "1.0")
DARK = "Is there a dark mode?"


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlStore]:
    async with database(request.param, tmp_path) as url:
        engine = create_engine(url)
        yield SqlStore(engine, enqueue, HeldClock(), redact=Redactor().redact)
        await engine.dispose()


def book_of(store: SqlStore, now: float = NOW) -> GapBook:
    return GapBook(store._engine, lambda: now)


async def add(
    store: SqlStore, thread: ThreadKey, run_id: str, *questions: str, at: float = NOW,
    cause: GapCause = GapCause.UNSOURCED,
) -> None:  # fmt: skip
    async with store.of(thread.team_id).write() as tx:
        await tx.gaps.add(thread.id, run_id, questions, cause, at=at)


async def break_off(store: SqlStore) -> None:
    async with store.write() as tx:
        await tx.gaps.add(ANA.id, "run-2", [DARK], GapCause.UNSOURCED, at=NOW)
        raise RuntimeError("crash")


async def rows(store: SqlStore) -> int:
    async with store.read() as tx:
        return int(await tx.connection.scalar(sa.select(sa.func.count()).select_from(gaps)) or 0)


async def test_a_run_notes_its_questions_once_whatever_is_repeated(store: SqlStore) -> None:
    for _ in range(2):
        await add(store, ANA, "run-1", DARK, "dark modes", "How do I fly?")
    assert await rows(store) == 2
    with pytest.raises(RuntimeError, match="crash"):
        await break_off(store)
    assert await rows(store) == 2, "with the run's end, or not at all"
    await add(store, ANA, "run-2", DARK)
    assert await rows(store) == 3


async def test_a_conversation_counts_once_under_its_most_telling_cause_beside_what_the_search_noted(
    store: SqlStore,
) -> None:
    await book_of(store, NOW - 2).note("dark mode", Band.WEAK, asked_by(None, conversation=ANA.id))
    await add(store, ANA, "run-1", DARK, at=NOW - 1)
    await add(store, BO, "run-2", "Any dark mode", cause=GapCause.HANDED_OVER)
    [gap] = await book_of(store).since(0)
    assert (gap.query, gap.times, gap.last_at) == ("Any dark mode", 2, NOW)
    assert gap.causes == {GapCause.HANDED_OVER: 1, GapCause.UNSOURCED: 1}
    await book_of(store, NOW + 1).note("dark mode", Band.NONE, asked_by(None, use="toolu_2", conversation=ANA.id))
    [gap] = await book_of(store).since(0)
    assert gap.why == "nothing found (1); found, yet handed over (1)"


async def test_what_a_later_version_notes_is_still_listed(store: SqlStore) -> None:
    await add(store, ANA, "run-1", DARK)
    async with store.write() as tx:
        await tx.connection.execute(sa.update(gaps).values(band="something new"))
    [gap] = await book_of(store).since(0)
    assert (gap.times, gap.why) == (1, "nothing certain")


async def test_a_workspace_sees_and_notes_only_its_own(store: SqlStore) -> None:
    await add(store, ANA, "run-1", DARK)
    await add(store, THEIRS, "run-2", "your dark mode")
    [ours] = await book_of(store).since(0, "T1")
    [theirs] = await book_of(store).since(0, "T2")
    [both] = await book_of(store).since(0)
    assert (ours.query, theirs.query, both.times) == (DARK, "your dark mode", 2)
    with pytest.raises(ForeignWorkspaceError):
        async with store.of("T2").write() as tx:
            await tx.gaps.add(ANA.id, "run-3", [DARK], GapCause.UNSOURCED, at=NOW)


async def test_what_belongs_to_one_customer_is_not_kept(store: SqlStore) -> None:
    await add(store, ANA, "run-1", "Why was 4242 4242 4242 4242 of ana@example.com charged, call +43 660 1234567?")
    [gap] = await book_of(store).since(0)
    assert gap.query == "Why was [hidden] of [e-mail] charged, call [number]?"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_run_ends_where_no_tool_has_made_its_tables(kind: str, tmp_path: Path) -> None:
    async with empty_database(kind, tmp_path) as url:
        engine = create_engine(url)
        await migrate(engine)
        bare = SqlStore(engine, enqueue, HeldClock())
        await add(bare, ANA, "run-1", DARK)
        await engine.dispose()
