"""What each customer service is special in."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa

from tests.contract.test_customer_directories import ANA, BO, Connected, connected
from tests.fakes.crm.base import JOINED, TOKEN, CrmService, Fault, Paid
from tests.fakes.crm.hubspot import HubSpot
from tests.fakes.crm.intercom import Intercom
from tests.fakes.crm.plain import OldestFirst, Plain
from tests.fakes.crm.stripe import Stripe
from tests.fakes.crm.zendesk import Zendesk
from tests.fakes.postgres import postgres_database
from tools.base import ToolUnavailableError
from tools.customers.directory import CustomerRecord
from tools.customers.loose import HISTORY, amount, charge_of, day, record_of, text
from tools.customers.stripe_shapes import Item, Price, Recurring, of_minor
from tools.http_answer import BackendRefusedError

DAY = 86_400


@asynccontextmanager
async def opened(service: CrmService, folder: Path) -> AsyncIterator[Connected]:
    async with service.serving(), connected(service.table(), folder, CRM_TOKEN=TOKEN) as directory:
        yield directory


async def ana(directory: Connected) -> CustomerRecord:
    found = await directory.find(ANA.email)
    assert found is not None
    return found


async def test_hubspot_shows_the_primary_company_and_tells_staff_of_deals(tmp_path: Path) -> None:
    hubspot = HubSpot()
    hubspot.people = [ANA]
    hubspot.deals[ANA.email] = [
        {"dealname": f"Deal {n}", "dealstage": "closedwon", "amount": "120", "deal_currency_code": "EUR",
         "closedate": f"2026-0{n}-01T00:00:00Z"}
        for n in range(1, 4)
    ]  # fmt: skip
    async with opened(hubspot, tmp_path) as directory:
        found = await ana(directory)
        hubspot.lacks_scope = "deals"
        without = await ana(directory)
    assert (found.company, found.seats, found.status) == ("Cobalt Studio", 14, "customer")
    assert found.notes.split("\n")[0] == "Deal: Deal 3, stage closedwon, 120 EUR, closes 2026-03-01"
    assert (len(found.notes.split("\n")), found.monthly) == (3, None)
    assert (without.company, without.notes) == ("Cobalt Studio", "")


async def test_hubspots_second_addresses_are_somebody_elses(tmp_path: Path) -> None:
    hubspot = HubSpot()
    hubspot.people = [replace(BO, more={"second_email": ANA.email})]
    async with opened(hubspot, tmp_path) as directory:
        assert await directory.find(ANA.email) is None


async def test_zendesk_prefers_end_users_and_forgets_deleted_ones(tmp_path: Path) -> None:
    zendesk = Zendesk()
    agent = replace(ANA, name="Ana the agent", updated=JOINED + 100, more={"role": "agent"})
    gone = replace(ANA, name="Gone Ana", updated=JOINED + 200, more={"active": "no"})
    zendesk.people = [agent, gone, ANA]
    async with opened(zendesk, tmp_path) as directory:
        found = await ana(directory)
        assert (found.name, found.status, found.seats) == ("Ana Ruiz", "active", 14)
        assert any("page=2" in line for line in zendesk.asked)
        zendesk.people = [gone]
        assert await directory.find(ANA.email) is None


@pytest.mark.parametrize("key", ["data", "companies"])
async def test_intercom_prefers_users_to_leads_and_knows_what_they_pay(tmp_path: Path, key: str) -> None:
    intercom = Intercom()
    intercom.companies_key = key
    intercom.people = [replace(ANA, name="A lead", updated=JOINED + 9, more={"role": "lead"}), ANA]
    async with opened(intercom, tmp_path) as directory:
        found = await ana(directory)
    assert (found.name, found.plan, found.seats, found.monthly) == ("Ana Ruiz", "Team", 14, Decimal(126))


async def test_stripe_shows_what_all_customers_of_an_address_paid(tmp_path: Path) -> None:
    stripe = Stripe()
    first = replace(
        ANA,
        plan="",
        history=(Paid(JOINED, Decimal(1250), "JPY", number="A-1"), Paid(JOINED + 9, Decimal(9), status="draft")),
    )
    second = replace(
        ANA, name="Ana R.", updated=JOINED + DAY, more={"billing": "charges"},
        history=(
            Paid(JOINED + DAY, Decimal("12.50"), "EUR", "refunded", "R-1"),
            Paid(JOINED + 2, Decimal(3), status="failed"),
        ),
    )  # fmt: skip
    stripe.people = [first, BO, second]
    async with opened(stripe, tmp_path) as directory:
        found = await ana(directory)
    assert (found.name, found.plan, found.seats, found.since) == ("Ana R.", "Team", 14, "2024-03-19")
    assert (found.monthly, found.currency, found.renews_on) == (Decimal("126.00"), "USD", "2025-03-19")
    lines = [(line.date, str(line.amount), line.currency, line.status) for line in found.billing_history]
    assert lines[0] == ("2024-03-20", "12.50", "EUR", "refunded")
    assert sorted(lines[1:]) == [("2024-03-19", "1250", "JPY", "paid"), ("2024-03-19", "3.00", "USD", "failed")]


async def test_stripes_customers_of_an_address_are_shown_together_however_it_is_written(tmp_path: Path) -> None:
    stripe = Stripe()
    small = replace(ANA, email="o'ruiz@cobalt-studio.example", history=(Paid(JOINED, Decimal(1), number="A-1"),))
    large = replace(small, email="O'Ruiz@Cobalt-Studio.example", history=(Paid(JOINED, Decimal(2), number="A-2"),))
    async with opened(stripe, tmp_path) as directory:
        for people, shown in (([small, large, BO], {"A-1", "A-2"}), ([large, BO], {"A-2"})):
            stripe.people = people
            found = await directory.find(small.email)
            assert found is not None
            assert {line.invoice for line in found.billing_history} == shown


async def test_stripe_tells_of_a_refund_after_a_payment_that_was_declined_at_first(tmp_path: Path) -> None:
    stripe = Stripe()
    history = (Paid(JOINED, Decimal(30), status="refunded", number="A-1"),)
    stripe.people = [replace(ANA, history=history, more={"first_try": "declined"})]
    async with opened(stripe, tmp_path) as directory:
        found = await ana(directory)
    assert [(line.invoice, line.status) for line in found.billing_history] == [("A-1", "refunded")]


def test_what_is_paid_by_use_has_no_price_a_month() -> None:
    price = Price(product="prod_1", currency="usd", unit_amount=5, recurring=Recurring(interval="month"))
    assert Item(price=price, quantity=None).monthly is None
    assert Item(price=price, quantity=2).monthly == Decimal("0.1")


async def test_intercom_says_in_which_currency_the_workspace_counts(tmp_path: Path) -> None:
    intercom = Intercom()
    intercom.people = [ANA]
    async with intercom.serving():
        table = f'{intercom.table()}currency = "EUR"\n'
        async with connected(table, tmp_path, CRM_TOKEN=TOKEN) as directory:
            assert (await ana(directory)).currency == "EUR"


async def test_the_newest_charges_are_shown_in_whatever_order_they_come(tmp_path: Path) -> None:
    paid = tuple(Paid(JOINED + n * DAY, Decimal(n), number=f"INV-{n:03}") for n in range(1, 40))
    plain = OldestFirst()
    plain.people = [replace(ANA, history=paid)]
    async with opened(plain, tmp_path) as directory:
        shown = (await ana(directory)).billing_history
    assert [line.invoice for line in shown] == [f"INV-{n:03}" for n in range(39, 39 - HISTORY, -1)]


async def test_a_history_without_end_does_not_hide_the_customer(tmp_path: Path) -> None:
    plain = Plain()
    plain.per_page = 1
    plain.people = [replace(ANA, history=tuple(Paid(JOINED + n, Decimal(1), number=f"N-{n}") for n in range(40)))]
    async with opened(plain, tmp_path) as directory:
        assert (await ana(directory)).billing_history[0].invoice == "N-39"


async def test_charges_of_somebody_else_are_dropped_where_the_service_says_whose_they_are(tmp_path: Path) -> None:
    plain = Plain()
    plain.says_whose = True
    plain.people = [replace(ANA, history=(Paid(JOINED, Decimal(1), number="OF-ANA"),)),
                    replace(BO, history=(Paid(JOINED + 9, Decimal(1), number="OF-BO"),))]  # fmt: skip
    plain.loose = True
    async with opened(plain, tmp_path) as directory:
        assert [line.invoice for line in (await ana(directory)).billing_history] == ["OF-ANA"]


async def test_what_stands_before_a_token_keeps_its_space(tmp_path: Path) -> None:
    plain = Plain()
    plain.people = [ANA]
    plain.before_the_token = "Token "
    async with plain.serving():
        table = plain.table().replace('"X-Api-Key"', '"X-Api-Key"\nprefix = "Token "')
        async with connected(table, tmp_path, CRM_TOKEN=TOKEN) as directory:
            assert (await ana(directory)).name == "Ana Ruiz"


async def test_an_expression_that_trips_over_an_answer_finds_nothing(tmp_path: Path) -> None:
    plain = Plain()
    plain.people = [ANA]
    async with plain.serving():
        table = plain.table().replace('"account.plan"', '"merge(account, created)"')
        async with connected(table, tmp_path, CRM_TOKEN=TOKEN) as directory:
            assert ((await ana(directory)).name, (await ana(directory)).plan) == ("Ana Ruiz", "")


async def test_a_time_without_a_zone_which_nobody_can_place_is_an_outage(tmp_path: Path) -> None:
    zendesk = Zendesk()
    async with opened(zendesk, tmp_path) as directory:
        zendesk.fault = Fault(
            200, f'{{"users": [{{"id": 1, "email": "{ANA.email}", "updated_at": "0001-01-01T00:00"}}]}}'
        )
        with pytest.raises(ToolUnavailableError, match="another shape"):
            await directory.find(ANA.email)


async def test_zendesk_tells_the_doctor_of_a_token_that_is_nobodys(tmp_path: Path) -> None:
    zendesk = Zendesk()
    async with opened(zendesk, tmp_path) as directory:
        zendesk.fault = Fault(200, '{"user": {"id": null, "name": "Anonymous user", "role": "end-user"}}')
        with pytest.raises(BackendRefusedError, match="does not know the token"):
            await directory.check()


async def test_rows_of_a_history_that_say_they_are_somebody_elses_are_dropped(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "crm.db") as file:
        file.execute("create table payments (mail text, amount text)")
        file.executemany("insert into payments values (?, ?)", [(ANA.email, "1.5"), (BO.email, "2.5")])
    file.close()
    table = """[customers]
kind = "sql"
url_env = "CRM_URL"
query = "select :email as email"
history_query = "select mail as email, amount from payments where mail <> :email or 1 = 1"
"""
    async with connected(table, tmp_path, CRM_URL=f"sqlite:///{tmp_path}/crm.db") as directory:
        assert [line.amount for line in (await ana(directory)).billing_history] == [Decimal("1.5")]


async def test_stripe_without_a_search_still_finds_small_letters(tmp_path: Path) -> None:
    stripe = Stripe()
    stripe.has_search = False
    stripe.people = [ANA, replace(BO, email="Bo@Northpine.example")]
    async with opened(stripe, tmp_path) as directory:
        assert (await ana(directory)).status == "active"
        assert await directory.find(BO.email) is None
        stripe.people = [replace(ANA, plan="")]
        assert (await ana(directory)).status == "no subscription"
        stripe.people = [replace(ANA, more={"subscription": "canceled"})]
        cancelled = await ana(directory)
    assert (cancelled.status, cancelled.renews_on) == ("cancelled", None)


@pytest.mark.parametrize(
    ("minor", "currency", "shown"),
    [(1250, "usd", "12.50"), (1250, "jpy", "1250"), (1250, "KWD", "1.250"), (500, "isk", "5.00"), (500, "ugx", "5.00")],
)
def test_amounts_of_stripe_are_in_the_smallest_unit_of_their_currency(minor: int, currency: str, shown: str) -> None:
    assert f"{of_minor(minor, currency):f}" == shown


@pytest.mark.parametrize(("given", "shown"), [("eur", "EUR"), ("", "USD"), (None, "USD"), (" € ", "€"), ("US$", "US$")])
def test_an_odd_currency_is_never_taken_for_dollars(given: object, shown: str) -> None:
    line = charge_of({"amount": "12.50", "currency": given})
    assert line is not None
    assert line.currency == shown


def test_values_that_do_not_fit_are_left_out() -> None:
    odd = {"name": ["Ana"], "seats": "many", "since": "yesterday", "monthly": float("nan"), "currency": "dollars"}
    found = record_of(ANA.email, odd)
    assert (found.name, found.seats, found.since, found.monthly, found.currency) == ("", None, "", None, "dollars")
    times = (JOINED, JOINED * 1000, str(JOINED * 1000), "2024-03-19T01:02:03Z", "20240319")
    assert text(UUID(int=7)).endswith("-000000000007")
    assert [day(value) for value in times] == ["2024-03-19"] * 5
    assert [day(value) for value in (True, 1e300, 2024, "2024", -JOINED, 0, "soon")] == [""] * 7
    assert [amount(value) for value in ("1e-999999", 10**5000, "9" * 5000, "0e-999999")] == [None] * 4
    assert [amount(value) for value in (0.1 + 0.2, 1 / 3, 0)] == [Decimal(repr(0.1 + 0.2)), Decimal(repr(1 / 3)), 0]
    assert (amount(0.1), amount(" 12.50 "), amount("1e40"), amount([])) == (
        Decimal("0.1"),
        Decimal("12.50"),
        None,
        None,
    )


async def test_somebody_elses_database_cannot_be_written(tmp_path: Path) -> None:
    async with postgres_database() as url:
        engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
        with engine.begin() as connection:
            connection.execute(sa.text("create table seen (email text)"))
            connection.execute(sa.text(
                "create function note(email text) returns text language sql as "
                "'insert into seen values (email) returning email'"
            ))  # fmt: skip
        table = '[customers]\nkind = "sql"\nurl_env = "CRM_URL"\nquery = "select note(:email) as email"'
        async with connected(table, tmp_path, CRM_URL=url) as directory:
            with pytest.raises(ToolUnavailableError) as caught:
                await directory.find(ANA.email)
            assert ANA.email not in repr(caught.value)
        with engine.begin() as connection:
            assert connection.scalar(sa.text("select count(*) from seen")) == 0
        engine.dispose()


async def test_a_sqlite_file_must_be_there_and_is_only_read(tmp_path: Path) -> None:
    table = '[customers]\nkind = "sql"\nurl_env = "CRM_URL"\nquery = "select :email as email, \'Ana\' as name"'
    async with connected(table, tmp_path, CRM_URL=f"sqlite:///{tmp_path}/none.db") as directory:
        with pytest.raises(ToolUnavailableError, match="customers' database failed"):
            await directory.find(ANA.email)
    assert not (tmp_path / "none.db").exists()


async def test_a_query_that_the_database_refuses_is_told_to_the_doctor(tmp_path: Path) -> None:
    async with postgres_database() as url:
        table = '[customers]\nkind = "sql"\nurl_env = "CRM_URL"\nquery = "select * from nowhere where email = :email"'
        async with connected(table, tmp_path, CRM_URL=url) as directory:
            with pytest.raises(BackendRefusedError, match="does not accept the query"):
                await directory.check()


async def test_a_query_without_the_column_of_the_address_is_told_to_the_doctor(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "crm.db").close()
    table = '[customers]\nkind = "sql"\nurl_env = "CRM_URL"\nquery = "select 1 as mail where 1 = 0 and \'x\' = :email"'
    async with connected(table, tmp_path, CRM_URL=f"sqlite:///{tmp_path}/crm.db") as directory:
        with pytest.raises(BackendRefusedError, match="no column `email`"):
            await directory.check()
