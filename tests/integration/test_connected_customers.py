"""Customers of another system: as the tool shows them, as the bot is composed with them, as the doctor tries them."""

import asyncio
import json
from contextlib import AsyncExitStack
from decimal import Decimal
from pathlib import Path

import pytest
from aiohttp import web

from bot.app import run_bot
from bot.cli.connections import Connections
from bot.config import SettingsError, load_settings
from bot.doctor import Finding, Verdict
from bot.store.engine import create_engine
from tests.contract.test_customer_directories import ANA
from tests.fakes.crm.base import TOKEN, Fault
from tests.fakes.crm.hubspot import HubSpot
from tests.fakes.crm.stripe import Stripe
from tests.fakes.loopback import served
from tests.fakes.tools import HeldClock, MemoryCustomers, asked_by, lookup_of
from tools.backends import open_backends
from tools.base import ToolError
from tools.billing.books import Books
from tools.billing.tool import IssueRefund
from tools.connector_settings import Wires
from tools.connectors import load_connectors
from tools.customers.directory import Charge, CustomerDirectory, CustomerRecord
from tools.customers.hubspot import HubSpotCustomers
from tools.guards import Guards
from tools.http import http_session
from tools.resilience import Guard

YEN = CustomerRecord(
    ANA.email, "Ana Ruiz", "", "Team", "active", None, "2024-03-19", None, Decimal(1250), "Pays late.",
    (Charge("2026-11-18", "monthly", Decimal(1250), "paid", "INV-2", "JPY"),
     Charge("2026-10-18", "monthly", Decimal("9.5"), "paid", "INV-1")),
    currency="JPY",
)  # fmt: skip


async def looked_up(directory: CustomerDirectory, books: Books | None = None) -> str:
    lookup = lookup_of(directory, Guards(HeldClock().instruments).of, books=books)
    output = await lookup.call(json.dumps({"email": ANA.email}), asked_by(ANA.email))
    assert isinstance(output.content, str)
    return output.content


async def test_what_is_not_known_is_not_shown_and_money_names_its_currency() -> None:
    shown = json.loads(await looked_up(MemoryCustomers(YEN)))
    assert (shown["monthly"], shown["plan"]) == ("1250 JPY", "Team")
    assert not {"company", "seats", "staff_notes", "monthly_usd"} & shown.keys()
    assert [line.get("amount", line.get("amount_usd")) for line in shown["billing_history"]] == ["1250 JPY", "9.50"]


async def test_a_vendor_that_is_down_reads_like_any_outage(tmp_path: Path) -> None:
    stripe = Stripe()
    stripe.people = [ANA]
    async with stripe.serving(), AsyncExitStack() as closing:
        directory = await _directory(stripe.table(), tmp_path, closing)
        assert json.loads(await looked_up(directory))["plan"] == "Team"
        for fault in (Fault(500), Fault(401), Fault(429, headers={"Retry-After": "40"})):
            stripe.fault = fault
            with pytest.raises(ToolError, match="does not answer right now") as caught:
                await looked_up(directory)
            assert not any(word in str(caught.value) for word in ("Stripe", "HTTP", "internal detail", TOKEN))


async def _directory(table: str, folder: Path, closing: AsyncExitStack) -> CustomerDirectory:
    (folder / "connectors.toml").write_text(table)
    settings = load_connectors(str(folder / "connectors.toml"), {"CRM_TOKEN": TOKEN}).customers
    assert settings is not None
    return settings.open(Wires(await closing.enter_async_context(http_session()), closing))


async def test_the_back_ends_take_the_directory_of_the_file_and_no_sample_customer(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/bot.db")
    (tmp_path / "connectors.toml").write_text('[customers]\nkind = "hubspot"\ntoken_env = "CRM_TOKEN"')
    connectors = load_connectors(str(tmp_path / "connectors.toml"), {"CRM_TOKEN": TOKEN})
    async with AsyncExitStack() as closing:
        wires = Wires(await closing.enter_async_context(http_session()), closing)
        backends = await open_backends(engine, seed_sample=True, connectors=connectors, wires=wires)
        assert isinstance(backends.of_home("T1").customers, HubSpotCustomers)
        assert isinstance(backends.of_guest("T2", trusted=True).customers, HubSpotCustomers)
        assert await backends.of_guest("T2", trusted=False).customers.find(ANA.email) is None
        refund = IssueRefund(backends.books, Guard("billing")).tool()
        wanted = json.dumps({"customer_email": ANA.email, "amount_usd": 30, "reason": "Charged twice."})
        with pytest.raises(ToolError, match=r"kept in another system\. Nothing was refunded.*escalate_to_human"):
            await refund.call(wanted, asked_by(ANA.email))
        shown = await looked_up(MemoryCustomers(YEN), books=backends.books)
        assert json.loads(shown)["refunds_issued"].startswith("not known here")
    await engine.dispose()


async def test_the_bot_does_not_start_with_a_file_it_cannot_use(tmp_path: Path) -> None:
    given = {"CONNECTORS_FILE": str(tmp_path / "none.toml"), "DATABASE_URL": f"sqlite:///{tmp_path}/bot.db"}
    with pytest.raises(SettingsError, match=r"CONNECTORS_FILE: .*none.toml: cannot be read"):
        await run_bot(load_settings(given, env_file=tmp_path / ".env"))


class Clinic:
    """A connectors file, and what the doctor says of it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "connectors.toml"

    async def findings(self, table: str) -> list[Finding]:
        self.file.write_text(table)
        settings = load_settings(
            {"CONNECTORS_FILE": str(self.file), "CRM_TOKEN": TOKEN}, env_file=self.file.parent / ".env"
        )
        found = [one async for one in Connections(settings).findings()]
        assert TOKEN not in "".join(map(str, found))
        return found


async def test_the_doctor_says_in_one_line_what_is_wrong(tmp_path: Path) -> None:
    clinic, hubspot = Clinic(tmp_path), HubSpot()
    async with hubspot.serving():
        [good] = await clinic.findings(hubspot.table())
        assert (good.verdict, good.text) == (Verdict.GOOD, "Customers: hubspot: the token may read contacts.")
        hubspot.fault = Fault(401)
        [refused] = await clinic.findings(hubspot.table())
        assert refused.verdict is Verdict.BAD
        assert "HubSpot refused our request (HTTP 401)." in refused.text
        assert "token is not taken" in refused.remedy
        hubspot.fault = Fault(503)
        [down] = await clinic.findings(hubspot.table())
        assert "try again" in down.remedy
    [away] = await clinic.findings(hubspot.table())
    assert "cannot be reached" in away.text
    [wrong] = await clinic.findings('[customers]\nkind = "hubspot"')
    assert "customers.token_env: missing" in wrong.text
    assert "does not start" in wrong.remedy
    assert await clinic.findings("") == []


async def test_the_doctor_tries_all_services_side_by_side(tmp_path: Path) -> None:
    both = asyncio.Barrier(2)

    async def answer(_: web.Request) -> web.Response:
        await both.wait()
        return web.Response(status=500)

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    async with served(app) as url:
        entry = f'url = "{url}"\ntoken_env = "CRM_TOKEN"\n'
        table = f'[customers]\nkind = "hubspot"\n{entry}[[knowledge]]\nkind = "notion"\n{entry}'
        found = await Clinic(tmp_path).findings(table)
    assert [one.text.split(":")[0] for one in found] == ["Customers", "Articles"]
    assert all("failed (HTTP 500)" in one.text for one in found)


async def test_the_doctor_knows_when_two_sources_would_take_each_others_articles_away(tmp_path: Path) -> None:
    twice = f'[[knowledge]]\nkind = "folder"\npath = "{tmp_path}"\n' * 2
    [bad] = await Clinic(tmp_path).findings(twice)
    assert (bad.verdict, "two sources called folder" in bad.text) == (Verdict.BAD, True)
    assert "does not start" in bad.remedy
