"""What every customer directory promises, asked of each one there is, from the connectors file on."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Protocol

import psycopg
import pytest

from bot.store.engine import create_engine
from tests.fakes.crm.base import JOINED, TOKEN, CrmService, Fault, Paid, Person
from tests.fakes.crm.hubspot import HubSpot
from tests.fakes.crm.intercom import Intercom
from tests.fakes.crm.plain import Plain
from tests.fakes.crm.stripe import Stripe
from tests.fakes.crm.zendesk import Zendesk
from tests.fakes.postgres import postgres_database
from tools.base import ToolUnavailableError
from tools.connector_settings import Checkable, Wires
from tools.connectors import load_connectors
from tools.customers.directory import CustomerDirectory, CustomerRecord, SqlCustomers
from tools.customers.loose import HISTORY
from tools.database import create_tables
from tools.http import http_session
from tools.http_answer import BackendRefusedError

ANA = Person("ana@cobalt-studio.example", "Ana Ruiz", "Cobalt Studio", "Team", 14, "Pays late.")
BO = Person("bo@northpine.example", "Bo Lind", "Northpine", "Enterprise", 90, "Secret of Bo.")
SERVICES: dict[str, type[CrmService]] = {
    "http": Plain, "hubspot": HubSpot, "zendesk": Zendesk, "intercom": Intercom, "stripe": Stripe,
}  # fmt: skip
DATABASES = ["sql-sqlite", "sql-postgresql"]
KINDS = ["own", *DATABASES, *SERVICES]
OTHERS = (
    "cy@cobalt-studio.example", "a@cobalt-studio.example", "", "%", "*", "ana%", "ana*@cobalt-studio.example",
    "ana@cobalt-studio.example' or '1'='1", 'x" OR email:"ana@cobalt-studio.example', "../ana@cobalt-studio.example",
    "ana@cobalt-studio.example?x=", "ana@cobalt-studio.example\0",
    "\N{FULLWIDTH LATIN SMALL LETTER A}na@cobalt-studio.example",
)  # fmt: skip
"""Addresses of nobody."""
_TABLES = (
    "create table people (mail text, full_name text, firm text, plan text, seats integer, joined text, note text)",
    "create table payments (mail text, day text, amount numeric, currency text, status text, number text)",
)
_SQL = """[customers]
kind = "sql"
url_env = "CRM_URL"
query = '''select mail as email, full_name as name, firm as company, plan, seats, joined as since, note as notes
  from people where lower(mail) = :email'''
history_query = '''select day as date, amount, currency, status, number as invoice
  from payments where lower(mail) = :email order by day desc limit 100;'''
"""


class Connected(CustomerDirectory, Checkable, Protocol):
    """A directory that stands in the connectors file."""


@asynccontextmanager
async def connected(table: str, folder: Path, **environment: str) -> AsyncIterator[Connected]:
    (folder / "connectors.toml").write_text(table)
    settings = load_connectors(str(folder / "connectors.toml"), environment).customers
    assert settings is not None
    async with AsyncExitStack() as closing:
        session = await closing.enter_async_context(http_session())
        yield settings.open(Wires(session, closing))


class House:
    """A directory, and the way people get into what it reads."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.folder = folder
        self.service = SERVICES[kind]() if kind in SERVICES else None
        self.kind = kind
        self._stack = AsyncExitStack()
        self._url = ""

    async def __aenter__(self) -> "House":
        if self.service:
            await self._stack.enter_async_context(self.service.serving())
        elif self.kind == "sql-postgresql":
            self._url = await self._stack.enter_async_context(postgres_database())
        else:
            self._url = f"sqlite:///{self.folder}/crm.db"
        if self.kind in DATABASES:
            self._execute(*((table, ()) for table in _TABLES))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def open(self, *people: Person) -> CustomerDirectory:
        """The directory, with these people in it."""
        if self.kind == "own":
            engine = create_engine(self._url)
            self._stack.push_async_callback(engine.dispose)
            await create_tables(engine)
            customers = SqlCustomers(engine)
            await customers.seed(_record(person) for person in people)
            return customers
        return await self.connect(*people)

    async def connect(self, *people: Person) -> Connected:
        """The same, for those of the connectors file."""
        if self.service:
            self.service.people = list(people)
            opening = connected(self.service.table(), self.folder, CRM_TOKEN=TOKEN)
        else:
            for person in people:
                self._put(person)
            opening = connected(_SQL, self.folder, CRM_URL=self._url)
        return await self._stack.enter_async_context(opening)

    def _put(self, person: Person) -> None:
        joined, mail = _day(JOINED), person.email
        row = (mail, person.name, person.company, person.plan, person.seats, joined, person.notes)
        self._execute(
            ("insert into people values (?, ?, ?, ?, ?, ?, ?)", row),
            *(
                ("insert into payments values (?, ?, ?, ?, ?, ?)",
                 (mail, _day(one.at), str(one.amount), one.currency, one.status, one.number))
                for one in person.history
            ),
        )  # fmt: skip

    def _execute(self, *statements: tuple[str, tuple[object, ...]]) -> None:
        if self.kind == "sql-postgresql":
            with psycopg.connect(self._url) as server:
                for statement, values in statements:
                    server.execute(statement.replace("?", "%s").encode(), values)
            return
        with sqlite3.connect(self.folder / "crm.db") as file:
            for statement, values in statements:
                file.execute(statement, values)
        file.close()


def _day(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).date().isoformat()


def _record(person: Person) -> CustomerRecord:
    return CustomerRecord(
        person.email, person.name, person.company, person.plan, "active", person.seats, _day(JOINED), None,
        Decimal(126), person.notes, (),
    )  # fmt: skip


@pytest.fixture(params=KINDS)
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    async with House(request.param, tmp_path) as one:
        yield one


@pytest.fixture(params=list(SERVICES))
async def rented(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    """A house that belongs to a vendor."""
    async with House(request.param, tmp_path) as one:
        yield one


async def test_a_customer_is_found_by_address_in_any_letter_case(house: House) -> None:
    directory = await house.open(BO, ANA)
    for asked in ("ana@cobalt-studio.example", " ANA@Cobalt-Studio.example "):
        found = await directory.find(asked)
        assert found is not None
        assert (found.email, found.name, found.plan, found.seats) == (ANA.email, "Ana Ruiz", "Team", 14)
        assert (found.since, found.currency) == ("2024-03-19", "USD")
        assert found.company == ("" if house.kind == "stripe" else "Cobalt Studio")


async def test_somebody_written_in_capitals_is_found_too(house: House) -> None:
    directory = await house.open(replace(ANA, email="Ana@Cobalt-Studio.Example"), BO)
    found = await directory.find(ANA.email)
    assert found is not None
    assert (found.email, found.name) == (ANA.email, "Ana Ruiz")


async def test_nobody_is_found_by_any_other_address(house: House) -> None:
    directory = await house.open(ANA, BO)
    for asked in OTHERS:
        assert await directory.find(asked) is None, asked


async def test_an_address_with_signs_is_found_as_it_is(house: House) -> None:
    odd = replace(ANA, email="ana+desk&co=1/2#x'y@cobalt-studio.example", name="Odd")
    plus = replace(ANA, email="ana+desk@cobalt-studio.example", name="Plus")
    directory = await house.open(ANA, plus, odd)
    found = await directory.find(plus.email)
    assert found is not None
    assert found.name == "Plus"
    assert (await directory.find("ana desk@cobalt-studio.example")) is None
    strange = await directory.find(odd.email)
    assert strange is None or strange.name == "Odd"


async def test_what_a_service_finds_beside_the_asked_one_is_dropped(rented: House) -> None:
    directory = await rented.connect(BO, replace(BO, email="bo2@northpine.example"), ANA)
    assert rented.service
    rented.service.loose = True
    found = await directory.find(ANA.email)
    assert found is not None
    assert found.name == "Ana Ruiz"
    assert "Bo" not in repr(found)
    assert await directory.find("cy@cobalt-studio.example") is None


async def test_one_of_several_records_is_shown_and_staff_is_told(house: House) -> None:
    if house.kind == "own":
        pytest.skip("our own database holds an address once")
    older = replace(ANA, name="Old Ana", updated=JOINED - 1000)
    directory = await house.open(ANA, BO, older)
    found = await directory.find(ANA.email)
    assert found is not None
    assert found.name == "Ana Ruiz"
    assert found.notes.split("\n")[-1].startswith("2 ")
    assert "Pays late." in found.notes or house.kind in {"hubspot", "intercom"}
    assert "Bo" not in repr(found)


@pytest.mark.parametrize("house", [*DATABASES, "http", "stripe"], indirect=True)
async def test_the_newest_of_a_long_history_are_shown_with_their_own_currency(house: House) -> None:
    history = tuple(
        Paid(JOINED + n * 86_400, Decimal(f"{n}.50"), "USD" if n % 2 else "EUR", number=f"INV-{n:03}")
        for n in range(1, 40)
    )
    directory = await house.open(replace(ANA, history=history), replace(BO, history=history))
    found = await directory.find(ANA.email)
    assert found is not None
    shown = found.billing_history
    assert [line.invoice for line in shown] == [f"INV-{n:03}" for n in range(39, 39 - HISTORY, -1)]
    assert (shown[0].date, shown[0].amount, shown[0].currency) == ("2024-04-27", Decimal("39.50"), "USD")
    assert (shown[1].amount, shown[1].currency, shown[1].status) == (Decimal("38.50"), "EUR", "paid")


async def test_a_service_that_fails_is_an_outage_and_says_when_it_may_be_asked_again(rented: House) -> None:
    directory = await rented.connect(ANA)
    assert rented.service
    other_shape = Fault(200, '["a.b"]' if rented.kind != "http" else "unexpected")  # http: a path that finds nothing
    for fault in (Fault(500), Fault(503), Fault(200, "<html>"), other_shape):
        rented.service.fault = fault
        with pytest.raises(ToolUnavailableError) as caught:
            await directory.find(ANA.email)
        assert not any(word in f"{caught.value!r}" for word in ("internal detail", TOKEN, ANA.email))
    rented.service.fault = Fault(429, headers={"Retry-After": "11"})
    with pytest.raises(ToolUnavailableError) as slower:
        await directory.find(ANA.email)
    assert slower.value.retry_after is not None
    assert 10 < slower.value.retry_after <= 11


async def test_the_doctor_learns_whether_it_works(rented: House) -> None:
    directory = await rented.connect(ANA)
    assert rented.service
    assert await directory.check()
    rented.service.fault = Fault(401)
    with pytest.raises(BackendRefusedError, match="HTTP 401"):
        await directory.check()
    with pytest.raises(BackendRefusedError) as caught:
        await directory.find(ANA.email)
    assert caught.value.is_lockout
    assert TOKEN not in repr(directory) + repr(vars(directory)) + repr(caught.value)


async def test_no_address_of_ours_goes_anywhere_but_into_the_question(rented: House) -> None:
    directory = await rented.connect(ANA)
    assert rented.service
    await directory.check()
    assert not any("cobalt" in line for line in rented.service.asked)
