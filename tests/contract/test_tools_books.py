"""What every set of books promises, asked of each one there is: nothing twice, never more than was paid."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from bot.store.engine import create_engine
from tests.contract.store_kit import KINDS, database, open_store
from tests.fakes.tools import HeldClock, MemoryBooks
from tools.backends import open_backends
from tools.base import ConsentNeededError
from tools.billing.books import DAY, Books, NewRefund, NoBooks, RefundRefusedError, SqlBooks, Terms
from tools.customers.directory import Charge, CustomerRecord
from tools.database import create_tables

ANA = CustomerRecord(
    "ana@cobalt-studio.example", "Ana", "Cobalt", "Team", "active", 14, "2024-03-18", None, Decimal(126), "",
    (
        Charge("2026-11-18", "monthly", Decimal(300), "paid", "INV-3"),
        Charge("2026-10-18", "monthly", Decimal(200), "paid", "INV-2"),
        Charge("2026-09-18", "failed", Decimal(900), "failed", "INV-1"),
        Charge("2026-08-18", "given back before there were books", Decimal(900), "refunded", "INV-0"),
    ),
)  # fmt: skip
NEW = NewRefund("Ana@Cobalt-Studio.example", Decimal("30.00"), "INV-3 was charged twice", "T1:C1:1.0")
FREE, CONSENTED = Terms(), Terms(again=True)


@pytest.fixture(params=KINDS)
async def sql_books(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlBooks]:
    async with database(request.param, tmp_path) as url:
        engine = create_engine(url)
        await create_tables(engine)
        books = SqlBooks(engine, HeldClock())
        await books.seed([ANA])
        yield books
        await engine.dispose()


@pytest.fixture(params=["memory", *KINDS])
async def books(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Books]:
    """In which Ana has paid $500."""
    if request.param == "memory":
        yield MemoryBooks("500.00")
        return
    async with database(request.param, tmp_path) as url:
        engine = create_engine(url)
        await create_tables(engine)
        own = SqlBooks(engine, HeldClock())
        await own.seed([ANA])
        yield own
        await engine.dispose()


def another(amount: str, talk: str = "1.0") -> NewRefund:
    return replace(NEW, amount=Decimal(amount), conversation_id=f"T1:C1:{talk}")


async def refused(books: Books, new: NewRefund, key: str, terms: Terms = FREE) -> str:
    with pytest.raises(RefundRefusedError) as error:
        await books.refund(new, key, terms)
    return str(error.value)


async def test_a_refund_is_numbered_and_leaves_the_rest(books: Books) -> None:
    made = await books.refund(NEW, "run:1", FREE)
    assert (made.id, made.customer_email, made.amount) == ("RF-1001", "ana@cobalt-studio.example", Decimal("30.00"))
    assert (made.key, made.refundable) == ("run:1", Decimal("470.00"))
    assert await books.look(NEW) == (Decimal("470.00"), made)
    assert await books.look(another("31.00")) == (Decimal("470.00"), None)


async def test_one_key_makes_one_refund_whatever_it_is_asked_for_later(books: Books) -> None:
    made = await books.refund(NEW, "run:1", FREE)
    for again in (NEW, another("40.00"), another("9999.00")):
        for terms in (FREE, CONSENTED, Terms(Decimal(1))):
            assert await books.refund(again, "run:1", terms) == made


async def test_the_same_amount_is_given_once_in_a_conversation_unless_a_person_says_so(books: Books) -> None:
    made = await books.refund(NEW, "run:1", FREE)
    assert await books.refund(replace(NEW, reason="told otherwise"), "run:2", FREE) == made
    assert (await books.refund(NEW, "run:3", CONSENTED)).id == "RF-1002"
    assert (await books.refund(another("30.00", "2.0"), "run:4", FREE)).id == "RF-1003"
    assert (await books.refund(another("31.00"), "run:5", FREE)).id == "RF-1004"


async def test_never_more_than_was_paid_and_not_given_back(books: Books) -> None:
    assert "500.00" in await refused(books, another("500.01"), "run:1", CONSENTED)
    await books.refund(another("500.00"), "run:2", CONSENTED)
    await refused(books, another("0.01"), "run:3", CONSENTED)


async def test_p6_the_allowance_of_a_day_holds_for_all_refunds_of_a_customer_together(books: Books) -> None:
    limit = Terms(Decimal(100))
    await books.refund(another("60.00", "1.0"), "run:1", limit)
    await books.refund(another("40.00", "2.0"), "run:2", limit)
    with pytest.raises(ConsentNeededError):
        await books.refund(another("0.01", "3.0"), "run:3", limit)
    assert (await books.refund(another("0.01", "3.0"), "run:3", CONSENTED)).amount == Decimal("0.01")


async def test_p6_many_at_once_stay_within_the_allowance(books: Books) -> None:
    async def attempt(number: int) -> int:
        try:
            await books.refund(another("30.00", f"{number}.0"), f"run:{number}", Terms(Decimal(100)))
        except ConsentNeededError:
            return 0
        return 1

    assert sum(await asyncio.gather(*map(attempt, range(10)))) == 3


async def test_many_at_once_never_give_back_more_than_was_paid(books: Books) -> None:
    async def attempt(number: int) -> int:
        try:
            await books.refund(another("120.00", f"{number}.0"), f"run:{number}", CONSENTED)
        except RefundRefusedError:
            return 0
        return 1

    assert sum(await asyncio.gather(*map(attempt, range(10)))) == 4


async def test_many_at_once_with_one_key_make_one_refund(books: Books) -> None:
    made = await asyncio.gather(*(books.refund(NEW, "run:1", CONSENTED) for _ in range(8)))
    assert {refund.id for refund in made} == {"RF-1001"}


async def test_nobody_else_is_known(sql_books: SqlBooks) -> None:
    stranger = replace(NEW, customer_email="bo@northpine.example")
    assert await sql_books.look(stranger) == (Decimal(0), None)
    assert "Nothing that could be refunded" in await refused(sql_books, stranger, "run:1")


async def test_the_allowance_moves_with_the_clock(tmp_path: Path) -> None:
    engine, clock = create_engine(f"sqlite:///{tmp_path}/b.db"), HeldClock()
    await create_tables(engine)
    books = SqlBooks(engine, clock)
    await books.seed([ANA])
    await books.refund(another("100.00", "1.0"), "run:1", Terms(Decimal(100)))
    clock.now += DAY - 1
    with pytest.raises(ConsentNeededError):
        await books.refund(another("1.00", "2.0"), "run:2", Terms(Decimal(100)))
    clock.now += 2
    await books.refund(another("100.00", "1.0"), "run:3", Terms(Decimal(100)))
    assert len(await books.recent(NEW.customer_email)) == 2
    await engine.dispose()


@pytest.mark.parametrize("kind", KINDS)
async def test_of_a_workspace_that_left_only_amounts_remain(kind: str, tmp_path: Path) -> None:
    async with database(kind, tmp_path) as url, open_store(url) as store:
        await create_tables(store._engine)
        books = SqlBooks(store._engine, HeldClock())
        await books.seed([ANA])
        await books.refund(NEW, "run:1", FREE)
        await books.refund(replace(NEW, conversation_id="T11:C1:1.0"), "run:2", FREE)
        await store.archive.delete_workspace("T1")
        stays, bare = await books.recent(NEW.customer_email)
        assert (bare.reason, bare.conversation_id, bare.amount) == ("", "", NEW.amount)
        assert (stays.reason, stays.conversation_id) == (NEW.reason, "T11:C1:1.0")


async def test_a_workspace_without_books_refunds_nothing() -> None:
    assert await NoBooks().look(NEW) == (Decimal(0), None)
    await refused(NoBooks(), NEW, "run:1")


async def test_the_sample_company_has_books_and_only_trusted_workspaces_share_them(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/b.db")
    backends = await open_backends(engine, seed_sample=True)
    assert (await backends.of_home("T0").books.look(NEW))[0] == Decimal("710.71")
    assert (await backends.of_guest("T1", trusted=True).books.look(NEW))[0] == Decimal("710.71")
    assert (await backends.of_guest("T1", trusted=False).books.look(NEW))[0] == 0
    await engine.dispose()
