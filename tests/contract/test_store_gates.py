"""Mutes, shared channels and the count of other bots' messages, on both databases."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.gate import PAIR_EVENTS, PAIR_SECONDS, PAUSE_SECONDS, BotTurn, Mute, SharedChannel
from bot.store.store import SqlStore
from tests.contract.store_kit import KINDS, NOW, THREAD, database, open_store


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlStore]:
    async with database(request.param, tmp_path) as url, open_store(url) as opened:
        yield opened


async def test_a_mute_holds_until_it_is_over_or_lifted_and_the_channels_comes_first(store: SqlStore) -> None:
    thread, channel = Mute("T1", THREAD.id, "U1", NOW, NOW + 60), Mute("T1", "C1", "U9", NOW)
    async with store.write() as tx:
        assert await tx.gates.muted(THREAD.id, NOW) is None
        await tx.gates.mute(Mute("T1", THREAD.id, "U1", NOW, NOW + 1))
        await tx.gates.mute(thread)
        assert await tx.gates.muted(THREAD.id, NOW + 59) == thread
        assert await tx.gates.muted(THREAD.id, NOW + 60) is None
        await tx.gates.mute(channel)
        assert await tx.gates.muted(THREAD.id, NOW) == channel
        assert await tx.gates.muted("T1:C1:9.9", NOW + 1e9) == channel
        assert await tx.gates.muted("T1:C2:9.9", NOW) is None
        assert await tx.gates.unmute("T1", "C1")
        assert not await tx.gates.unmute("T1", "C1")
        assert await tx.gates.muted(THREAD.id, NOW) == thread


async def test_a_shared_channel_is_asked_about_once_and_stays_as_the_admin_said(store: SqlStore) -> None:
    asked = SharedChannel("T1", "C1", is_allowed=False, at=NOW)
    allowed = SharedChannel("T1", "C1", is_allowed=True, by="U9", at=NOW + 1)
    async with store.write() as tx:
        assert await tx.gates.shared_channel("T1", "C1") is None
        assert await tx.gates.ask_about(asked)
        assert not await tx.gates.ask_about(asked)
        await tx.gates.allow(allowed)
        assert not await tx.gates.ask_about(asked)
        assert await tx.gates.shared_channel("T1", "C1") == allowed


async def test_messages_of_a_bot_are_counted_one_by_one_and_too_many_bring_a_pause(store: SqlStore) -> None:
    async def count(at: float = NOW) -> BotTurn:
        async with store.write() as tx:
            return await tx.gates.count_bot(THREAD.id, "B1", at)

    turns = await asyncio.gather(*(count() for _ in range(PAIR_EVENTS + 3)))
    assert sorted(turn.count for turn in turns) == list(range(1, PAIR_EVENTS + 4))
    (last_straw,) = [turn for turn in turns if turn.is_last_straw]
    assert last_straw.paused_until == NOW + PAUSE_SECONDS
    assert (await count(NOW + PAIR_SECONDS)).count > PAIR_EVENTS, "the pause holds longer than the window"
    assert (await count(NOW + PAUSE_SECONDS)).count == 1
    async with store.write() as tx:
        assert (await tx.gates.count_bot(THREAD.id, "B2", NOW)).count == 1
