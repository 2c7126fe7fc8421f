"""ports.store.Ledger, kept by SqlStore: never over a limit, whatever runs at the same time."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.budget import BudgetChange, Claim, Limit, Period, Scope
from bot.domain.conversation import Standing, ThreadKey
from bot.domain.errors import BudgetExceededError, TokensExceededError
from bot.domain.exchange import Usage
from bot.store.store import SqlStore
from tests.contract.store_kit import (
    KINDS,
    NOW,
    THREAD,
    account,
    claim,
    conversation,
    conversation_limit,
    database,
    open_store,
    workspace_limit,
)

DAY = 86_400.0


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlStore]:
    async with database(request.param, tmp_path) as url, open_store(url) as opened:
        yield opened


async def reserve(store: SqlStore, wish: Claim, at: float = NOW) -> str:
    async with store.write() as tx:
        return await tx.ledger.reserve(wish, at=at)


async def settle(store: SqlStore, reservation: str, usd: str, usage: Usage | None = None) -> None:
    async with store.write() as tx:
        await tx.ledger.settle(reservation, usd=Decimal(usd), usage=usage or Usage(), model="claude-test")


async def test_a_limit_may_be_used_up_exactly(store: SqlStore) -> None:
    limit = conversation_limit("1")
    await reserve(store, claim("0.4", limit, name="m1"))
    await reserve(store, claim("0.6", limit, name="m2"))
    with pytest.raises(BudgetExceededError) as refused:
        await reserve(store, claim("0.000001", limit, name="m3"))
    assert (refused.value.limit, refused.value.used, refused.value.wanted) == (limit, Decimal(1), Decimal("0.000001"))


async def test_twenty_calls_at_once_never_exceed_a_limit(store: SqlStore) -> None:
    limits = (conversation_limit("0.55"), workspace_limit("1"))
    wishes = [claim("0.1", *limits, name=f"m{n}", payer=account(f"R{n}")) for n in range(20)]
    results = await asyncio.gather(*(reserve(store, wish) for wish in wishes), return_exceptions=True)
    granted = [result for result in results if isinstance(result, str)]
    assert len(granted) == 5
    assert all(isinstance(result, str | BudgetExceededError) for result in results)
    async with store.read() as tx:
        assert (await tx.ledger.spend(THREAD.id)).reserved == Decimal("0.5")


async def test_what_a_call_did_not_cost_is_free_again(store: SqlStore) -> None:
    limit = conversation_limit("1")
    await settle(store, await reserve(store, claim("1", limit, name="m1")), "0.25")
    await reserve(store, claim("0.75", limit, name="m2"))


async def test_a_step_limit_looks_at_the_call_alone(store: SqlStore) -> None:
    limit = Limit(Scope.STEP, "R1", Decimal("0.5"))
    for name in ("m1", "m2", "m3"):
        await reserve(store, claim("0.5", limit, name=name))
    with pytest.raises(BudgetExceededError):
        await reserve(store, claim("0.51", limit, name="m4"))


async def test_every_scope_counts_its_own_subject(store: SqlStore) -> None:
    other = account("R2", user_id="U2", conversation_id="T1:C1:2.0")
    await reserve(store, claim("1", name="m1"))
    await reserve(store, claim("1", Limit(Scope.USER, "U2", Decimal(1)), name="m1", payer=other))
    with pytest.raises(BudgetExceededError):
        await reserve(store, claim("1", Limit(Scope.CHANNEL, "C1", Decimal("2.5")), name="m2", payer=other))


async def test_a_daily_limit_starts_anew_at_midnight(store: SqlStore) -> None:
    midnight = Period.DAY.start(NOW)
    limit = workspace_limit("1")
    await reserve(store, claim("1", limit, name="m1"), at=midnight - 1)
    await reserve(store, claim("1", limit, name="m2"), at=midnight)
    with pytest.raises(BudgetExceededError):
        await reserve(store, claim("1", limit, name="m3"), at=midnight + DAY - 1)
    await reserve(store, claim("1", limit, name="m4"), at=midnight + DAY)


async def test_tokens_are_limited_like_money(store: SqlStore) -> None:
    first = await reserve(store, claim("0", name="m1", tokens=600, token_limit=1000))
    with pytest.raises(TokensExceededError):
        await reserve(store, claim("0", name="m2", tokens=401, token_limit=1000))
    await settle(store, first, "0", Usage(input=100, output=50, cache_read=5000, cache_write_5m=50))
    await reserve(store, claim("0", name="m2", tokens=800, token_limit=1000))


async def test_what_a_crash_left_reserved_is_charged_when_the_call_is_made_again(store: SqlStore) -> None:
    await reserve(store, claim("0.3", name="m1"))
    again = await reserve(store, claim("0.3", name="m1"))
    await settle(store, again, "0.1")
    async with store.read() as tx:
        spend = await tx.ledger.spend(THREAD.id)
    assert (spend.usd, spend.reserved, spend.steps) == (Decimal("0.4"), Decimal(0), 1)


async def test_only_the_first_word_about_a_reservation_counts(store: SqlStore) -> None:
    one, two, three = [await reserve(store, claim("0.5", name=f"m{n}")) for n in range(3)]
    async with store.write() as tx:
        await tx.ledger.charge_worst(one)
        await tx.ledger.release(two)
    await settle(store, three, "0.2", Usage(input=7))
    for reservation in (one, two, three):
        await settle(store, reservation, "9")
        async with store.write() as tx:
            await tx.ledger.charge_worst(reservation)
            await tx.ledger.release(reservation)
    async with store.read() as tx:
        spend = await tx.ledger.spend(THREAD.id)
    assert (spend.usd, spend.reserved, spend.usage) == (Decimal("0.7"), Decimal(0), Usage(input=7))


async def test_only_the_agents_own_calls_are_steps(store: SqlStore) -> None:
    for name in ("m1", "m2", "judge"):
        await settle(store, await reserve(store, claim("0.1", name=name)), "0.01", Usage(1, 2, 3, 4, 5))
    await settle(store, await reserve(store, claim("0.1", name="m1", payer=account("R2"))), "0.01")
    await reserve(store, claim("0.1", name="m3"))
    async with store.read() as tx:
        spend = await tx.ledger.spend(THREAD.id)
        empty = await tx.ledger.spend("nobody")
    assert (spend.steps, spend.usd, spend.reserved) == (3, Decimal("0.04"), Decimal("0.1"))
    assert spend.usage == Usage(3, 6, 9, 12, 15)
    assert (empty.steps, empty.usd, empty.usage) == (0, Decimal(0), Usage())


async def test_totals_are_told_by_workspace_channel_and_person(store: SqlStore) -> None:
    await reserve(store, claim("1", name="m1"), at=NOW - DAY)
    await settle(store, await reserve(store, claim("1", name="m2")), "0.5")
    await reserve(store, claim("0.25", payer=account("R2", user_id="U2")))
    async with store.read() as tx:
        assert await tx.ledger.total("T1", since=NOW) == Decimal("0.75")
        assert await tx.ledger.total("T1", since=0) == Decimal("1.75")
        assert await tx.ledger.total("T1", since=NOW, user_id="U2") == Decimal("0.25")
        assert await tx.ledger.total("T1", since=NOW, channel_id="C9") == Decimal(0)
        assert await tx.ledger.total("T9", since=0) == Decimal(0)


async def test_the_dearest_open_conversations_come_first(store: SqlStore) -> None:
    threads = [ThreadKey("T1", "C1", f"{n}.0") for n in range(3)]
    async with store.write() as tx:
        for thread in threads:
            await tx.conversations.open(conversation(thread))
        await tx.conversations.set_owner(threads[2].id, Standing.CLOSED, None)
    for thread, usd in zip(threads, ("0.1", "0.3", "0.9"), strict=True):
        await settle(store, await reserve(store, claim("1", payer=account("R", conversation_id=thread.id))), usd)
    async with store.read() as tx:
        dearest = await tx.ledger.dearest("T1", 5)
    assert [(one, spend.usd) for one, spend in dearest] == [
        (threads[1].id, Decimal("0.3")),
        (threads[0].id, Decimal("0.1")),
    ]


async def test_a_limit_of_ones_own_goes_before_the_one_for_everybody(store: SqlStore) -> None:
    def change(subject: str, usd: str | None, period: Period = Period.DAY) -> BudgetChange:
        return BudgetChange(Scope.USER, subject, period, Decimal(usd) if usd else None, "U9", NOW)

    async with store.write() as tx:
        for one in (change("*", "1"), change("*", "20", Period.MONTH), change("U1", "5"), change("U1", "6")):
            await tx.ledger.set_limit(one, team_id="T1")
        own = await tx.ledger.limits("T1", Scope.USER, "U1")
        others = await tx.ledger.limits("T1", Scope.USER, "U2")
        assert await tx.ledger.limits("T2", Scope.USER, "U1") == []
        await tx.ledger.set_limit(change("U1", None), team_id="T1")
        fallen_back = await tx.ledger.limits("T1", Scope.USER, "U1")
        assert await tx.ledger.limit_for("T1", Scope.USER, "U1", Period.DAY) is None
        everybody = await tx.ledger.limit_for("T1", Scope.USER, "*", Period.DAY)
        history = await tx.ledger.changes("T1", 2)
    month = Limit(Scope.USER, "U1", Decimal(20), Period.MONTH)
    assert own == [Limit(Scope.USER, "U1", Decimal(6), Period.DAY), month]
    assert others == [replace(one, subject="U2") for one in fallen_back]
    assert fallen_back == [Limit(Scope.USER, "U1", Decimal(1), Period.DAY), month]
    assert everybody == Limit(Scope.USER, "*", Decimal(1), Period.DAY)
    assert history == [change("U1", None), change("U1", "6")]


MOVE = st.tuples(st.sampled_from(["settle", "worst", "release", "keep"]), st.integers(0, 400_000), st.integers(0, 100))


@settings(max_examples=25, deadline=None)
@given(moves=st.lists(MOVE, max_size=12))
def test_the_ledger_adds_up_and_never_grants_more_than_the_limit(moves: list[tuple[str, int, int]]) -> None:
    async def play() -> None:
        with TemporaryDirectory() as folder:
            async with database("sqlite", Path(folder)) as url, open_store(url) as store:
                await _play(store, moves)

    asyncio.run(play())


async def _play(store: SqlStore, moves: list[tuple[str, int, int]]) -> None:
    limit, spent, held = 1_000_000, 0, 0
    for number, (move, wanted, share) in enumerate(moves):
        wish = claim(str(Decimal(wanted) / 1_000_000), conversation_limit("1"), name=f"m{number}")
        fits = spent + held + wanted <= limit
        try:
            reservation = await reserve(store, wish)
        except BudgetExceededError:
            assert not fits
            continue
        assert fits
        real = wanted * share // 100
        async with store.write() as tx:
            match move:
                case "settle":
                    usd = Decimal(real) / 1_000_000
                    await tx.ledger.settle(reservation, usd=usd, usage=Usage(), model="m")
                    spent += real
                case "worst":
                    await tx.ledger.charge_worst(reservation)
                    spent += wanted
                case "release":
                    await tx.ledger.release(reservation)
                case _:
                    held += wanted
            sums = await tx.ledger.spend(THREAD.id)
        assert (sums.usd * 1_000_000, sums.reserved * 1_000_000) == (spent, held)


async def test_p4_money_of_a_call_nobody_came_back_from_is_not_stuck_and_the_truth_is_still_believed(
    store: SqlStore,
) -> None:
    lost, late, young = [await reserve(store, claim("0.5", name=f"m{n}"), at=NOW - 3600 + n * 1800) for n in range(3)]
    async with store.write() as tx:
        assert await tx.ledger.charge_lost(before=NOW - 1000) == 2
        spend = await tx.ledger.spend(THREAD.id)
    assert (spend.usd, spend.reserved) == (Decimal(1), Decimal("0.5"))
    await settle(store, late, "0.1")
    await settle(store, late, "0.4")
    async with store.write() as tx:
        await tx.ledger.release(young)
        spend = await tx.ledger.spend(THREAD.id)
    assert (spend.usd, spend.reserved) == (Decimal("0.6"), Decimal(0)), f"{lost} stays at its worst case"


async def test_days_are_those_of_the_workspaces_time_zone(store: SqlStore) -> None:
    berlin, limit = ZoneInfo("Europe/Berlin"), workspace_limit("1")
    midnight = Period.DAY.start(NOW, berlin)
    await reserve(store, claim("1", limit, name="m1", zone=berlin), at=midnight - 1)
    await reserve(store, claim("1", limit, name="m2", zone=berlin), at=midnight)
    with pytest.raises(BudgetExceededError):
        await reserve(store, claim("0.1", limit, name="m3", zone=berlin), at=midnight + 1)


async def test_a_run_has_a_limit_of_its_own(store: SqlStore) -> None:
    await reserve(store, claim("0.3", name="m1"))
    with pytest.raises(BudgetExceededError):
        await reserve(store, claim("0.3", Limit(Scope.RUN, "R1", Decimal("0.5")), name="m2"))
    await reserve(store, claim("0.3", Limit(Scope.RUN, "R2", Decimal("0.5")), name="m1", payer=account("R2")))
