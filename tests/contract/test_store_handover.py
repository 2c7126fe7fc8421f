"""Hand-backs, ratings and changed lines of the transcript, on both databases."""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.conversation import Line, Speaker, Standing
from bot.domain.handover import CHANGEABLE_SECONDS, Handback, Rating
from bot.store.store import SqlStore
from tests.contract.store_kit import KINDS, NOW, THREAD, conversation, database, notice, open_store

BACK = Handback(THREAD.id, 3, "U9", "Sam", "refund", NOW - 60, NOW, "called her", "tell her the date")
RATING = Rating("E1", THREAD.id, "U1", 2, "", NOW, NOW)


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlStore]:
    async with database(request.param, tmp_path) as url, open_store(url) as opened:
        async with opened.write() as tx:
            await tx.conversations.open(conversation())
        yield opened


async def test_a_hand_back_belongs_to_its_epoch_and_is_told_to_the_agent_once(store: SqlStore) -> None:
    async with store.write() as tx:
        await tx.handbacks.add(BACK)
        await tx.handbacks.add(replace(BACK, done="something else"))
    async with store.write() as tx:
        assert await tx.handbacks.of_epoch(THREAD.id, 3) == BACK
        assert await tx.handbacks.of_epoch(THREAD.id, 4) is None
        told = [await tx.handbacks.claim_briefing(THREAD.id, 3) for _ in range(2)]
    assert told == [True, False]


async def test_a_rating_is_given_once_and_can_be_changed_for_a_day(store: SqlStore) -> None:
    later = replace(RATING, stars=4, comment="better now", changed_at=NOW + CHANGEABLE_SECONDS - 1)
    too_late = replace(RATING, stars=1, changed_at=NOW + CHANGEABLE_SECONDS)
    async with store.write() as tx:
        assert await tx.ratings.rate(RATING) == RATING
        assert await tx.ratings.rate(later) == later
        assert await tx.ratings.rate(too_late) is None
    async with store.read() as tx:
        assert await tx.ratings.of_case("E1") == later
        assert await tx.ratings.since(NOW + 1) == [later]
        assert await tx.ratings.since(NOW + CHANGEABLE_SECONDS) == []


async def test_the_newest_line_of_a_person_is_changed_or_goes(store: SqlStore) -> None:
    said = [(Speaker.CUSTOMER, "Hello"), (Speaker.PERSON, "Hello"), (Speaker.BOT, "Hello")]
    async with store.write() as tx:
        await tx.conversations.add_lines(THREAD.id, *(Line(who, "", text, NOW) for who, text in said))
        assert await tx.conversations.amend_line(THREAD.id, "Hello", "Good day")
        assert not await tx.conversations.amend_line(THREAD.id, "Good night", "x")
        assert await tx.conversations.amend_line(THREAD.id, "Hello", None)
        lines = await tx.conversations.lines(THREAD.id, 9)
    assert [(line.speaker, line.text) for line in lines] == [(Speaker.PERSON, "Good day"), (Speaker.BOT, "Hello")]


async def test_a_change_of_owner_is_known_without_the_database_once_it_is_committed(store: SqlStore) -> None:
    words = notice("k", conversation_id=THREAD.id, epoch=1)
    assert await store.queue.is_current(words)
    assert await store.is_epoch(THREAD.id, 1)
    with suppress(ZeroDivisionError):
        async with store.write() as tx:
            await tx.conversations.set_owner(THREAD.id, Standing.HUMAN, "U9")
            raise ZeroDivisionError
    assert await store.is_epoch(THREAD.id, 1), "what was rolled back did not happen"
    async with store.write() as tx:
        await tx.conversations.set_owner(THREAD.id, Standing.HUMAN, "U9")
    assert not await store.queue.is_current(words)
    assert not await store.of("T1").is_epoch(THREAD.id, 1)
    assert not store._epochs.allows(THREAD.id, 1)
    assert not await store.of("T2").is_epoch(THREAD.id, 2), "another workspace's conversation is nobody's"
