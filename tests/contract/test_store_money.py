"""What the money desk asks of both databases: sums for people to look at, and where the bot is paused."""

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from bot.domain.bot_pause import EVERYWHERE, BotPause
from bot.domain.budget import Scope
from bot.domain.conversation import ThreadKey
from bot.domain.effects import Receipt
from bot.domain.exchange import Usage
from bot.ports.keeping import Ages
from bot.store.leaving import close_workspace
from bot.store.store import SqlStore
from tests.contract.store_kit import KINDS, NOW, THREAD, account, claim, conversation, database, notice, open_store

DAY = 86_400.0
OTHER = ThreadKey("T1", "C2", "1700000001.000100")
HERE = BotPause("T1", "C1", "U9", NOW, "too dear")
ALL = replace(HERE, channel_id=EVERYWHERE)


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlStore]:
    async with database(request.param, tmp_path) as url, open_store(url) as opened:
        yield opened


async def spend(store: SqlStore, usd: str, at: float, **payer: str) -> None:
    async with store.write() as tx:
        who = replace(account(), **payer)
        reserved = await tx.ledger.reserve(claim(usd, name=f"m{at}", payer=who), at=at)
        await tx.ledger.settle(reserved, usd=Decimal(usd), usage=Usage(), model="claude-test")


async def test_sums_are_told_per_scope_and_moment(store: SqlStore) -> None:
    await spend(store, "1", NOW - 3 * DAY)
    await spend(store, "2", NOW - 1)
    await spend(store, "4", NOW, user_id="U2", channel_id="C2", conversation_id=OTHER.id)
    subjects = {Scope.WORKSPACE: "T1", Scope.CHANNEL: "C1", Scope.USER: "U2"}
    async with store.read() as tx:
        sums = await tx.spending.since("T1", subjects, [NOW - DAY, NOW - 30 * DAY])
    assert sums == {
        Scope.WORKSPACE: (Decimal(6), Decimal(7)),
        Scope.CHANNEL: (Decimal(2), Decimal(3)),
        Scope.USER: (Decimal(4), Decimal(4)),
    }


async def test_a_trend_has_one_sum_for_each_day_also_for_days_without_any(store: SqlStore) -> None:
    await spend(store, "1", NOW - 2 * DAY)
    await spend(store, "2", NOW - 2 * DAY + 5)
    await spend(store, "4", NOW)
    async with store.read() as tx:
        days = await tx.spending.between("T1", [NOW - 2 * DAY, NOW - DAY, NOW])
    assert days == [Decimal(3), Decimal(0), Decimal(4)]


async def test_what_is_set_aside_counts_and_what_was_given_back_does_not(store: SqlStore) -> None:
    async with store.write() as tx:
        await tx.ledger.reserve(claim("1", name="m1"), at=NOW)
        await tx.ledger.release(await tx.ledger.reserve(claim("8", name="m2"), at=NOW))
        assert await tx.spending.between("T1", [NOW]) == [Decimal(1)]


async def test_the_conversations_somebody_began_come_newest_first(store: SqlStore) -> None:
    async with store.write() as tx:
        await tx.conversations.open(conversation(THREAD, NOW - 5))
        await tx.conversations.open(conversation(OTHER, NOW))
        await tx.conversations.open(replace(conversation(replace(OTHER, thread_ts="9.0")), opened_by="U2"))
        assert [one.key for one in await tx.spending.begun_by("T1", "U1", 5)] == [OTHER, THREAD]
        assert [one.key for one in await tx.spending.begun_by("T1", "U1", 1)] == [OTHER]


async def test_the_pause_of_the_whole_bot_holds_everywhere_and_that_of_a_channel_only_there(store: SqlStore) -> None:
    async with store.write() as tx:
        assert await tx.bot_pauses.holding("T1", "C1") is None
        assert await tx.bot_pauses.begin(HERE)
        assert await tx.bot_pauses.holding("T1", "C1") == HERE
        assert await tx.bot_pauses.holding("T1", "C2") is None
        assert await tx.bot_pauses.begin(ALL)
        assert await tx.bot_pauses.holding("T1", "C1") == ALL
        assert await tx.bot_pauses.holding("T1", "C2") == ALL
        assert await tx.bot_pauses.holding("T2", "C1") is None
        assert await tx.bot_pauses.all("T1") == [ALL, HERE]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_pause_holds_at_once_in_every_process_on_the_database(kind: str, tmp_path: Path) -> None:
    async with database(kind, tmp_path) as url, open_store(url) as one, open_store(url) as other:
        async with one.write() as tx:
            await tx.bot_pauses.begin(ALL)
        async with other.write() as tx:
            assert await tx.bot_pauses.holding("T1", "C1") == ALL
            assert not await tx.bot_pauses.begin(ALL)
            await tx.bot_pauses.end("T1", EVERYWHERE)
        async with one.read() as tx:
            assert await tx.bot_pauses.holding("T1", "C1") is None


async def test_a_place_is_paused_once_and_lifted_once(store: SqlStore) -> None:
    async with store.write() as tx:
        assert await tx.bot_pauses.begin(HERE)
        assert not await tx.bot_pauses.begin(replace(HERE, by="U2"))
        assert await tx.bot_pauses.end("T1", "C1") == HERE
        assert await tx.bot_pauses.end("T1", "C1") is None
        assert await tx.bot_pauses.end("T1", EVERYWHERE) is None


async def test_pauses_outlive_a_removal_of_the_app_and_go_with_its_data(store: SqlStore) -> None:
    """Whoever installs it again did not ask for it to speak again."""
    async with store.write() as tx:
        await tx.bot_pauses.begin(HERE)
        await close_workspace(tx.connection, "T1", at=NOW)
        assert await tx.bot_pauses.all("T1") == [HERE]
    await store.delete_workspace("T1")
    async with store.read() as tx:
        assert await tx.bot_pauses.all("T1") == []


async def clear_outbox(store: SqlStore, *, costs: float) -> int:
    batch = await store.archive.clear("outbox", Ages(NOW + 1, NOW + 1, NOW + 1, costs), None)
    assert batch is not None
    return batch.deleted


async def test_what_was_told_of_a_limit_stays_as_long_as_its_costs(store: SqlStore) -> None:
    async with store.write() as tx:
        await tx.outbox.add(notice("alert:user:U1:month:1:5"), notice("gate:1", lane="C2"))
    for key in ("alert:user:U1:month:1:5", "gate:1"):
        await store.queue.delivered(key, Receipt("C1", f"{key}.1"), at=NOW)
    assert await clear_outbox(store, costs=NOW - DAY) == 1
    async with store.read() as tx:
        assert await tx.outbox.known(["alert:user:U1:month:1:5", "gate:1"]) == {"alert:user:U1:month:1:5"}
    assert await clear_outbox(store, costs=NOW + 1) == 1
