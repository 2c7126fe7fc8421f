"""The settings that the README of the tools shows are taken as they stand, and work on the services they name."""

import re
from contextlib import AsyncExitStack
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.contract.test_customer_directories import ANA, House, connected
from tests.contract.ticket_kit import NEW, SECRETS, posted
from tests.fakes.crm.base import JOINED, TOKEN, Paid
from tests.fakes.crm.hubspot import HubSpot
from tests.fakes.loopback import served
from tools.connector_settings import Wires
from tools.connectors import load_connectors
from tools.customers.directory import CustomerRecord
from tools.tickets.outside import Around, OutsideTickets

README = Path(__file__).parents[2] / "tools" / "README.md"
BLOCKS = re.findall(r"```toml\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)


def example(table: str, kind: str) -> str:
    [block] = [one for one in BLOCKS if f"[{table}]" in one and f'kind = "{kind}"' in one]
    return str(block)


async def looked_up(table: str, folder: Path, **environment: str) -> CustomerRecord:
    async with connected(table, folder, **environment) as directory:
        found = await directory.find(ANA.email)
        assert found is not None
        return found


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: " ".join(block.split()[:4]))
def test_every_example_of_the_readme_is_taken(block: str, tmp_path: Path) -> None:
    (tmp_path / "connectors.toml").write_text(block, encoding="utf-8")
    names = re.findall(r'"([A-Z][A-Z0-9_]+)"', block)
    environment = {name: "sqlite:///crm.db" if name.endswith("_URL") else TOKEN for name in names}
    assert load_connectors(str(tmp_path / "connectors.toml"), environment).model_fields_set


async def test_the_example_for_hubspot_finds_a_customer(tmp_path: Path) -> None:
    hubspot = HubSpot()
    hubspot.people = [ANA]
    async with hubspot.serving():
        table = f'{example("customers", "hubspot")}url = "{hubspot.url}"\n'
        found = await looked_up(table, tmp_path, HUBSPOT_TOKEN=TOKEN)
    assert (found.name, found.plan, found.seats) == (ANA.name, "Team", 14)


async def test_the_example_for_a_database_finds_a_customer(tmp_path: Path) -> None:
    async with House("sql-sqlite", tmp_path) as house:
        await house.open(replace(ANA, history=(Paid(JOINED, Decimal("12.50"), "EUR", number="A-1"),)))
        found = await looked_up(
            example("customers", "sql"), tmp_path, CRM_DATABASE_URL=f"sqlite:///{tmp_path}/crm.db"
        )  # fmt: skip
    assert (found.name, found.plan, found.seats, found.since) == (ANA.name, "Team", 14, "2024-03-19")
    assert [(line.invoice, line.amount, line.currency) for line in found.billing_history] == [
        ("A-1", Decimal("12.5"), "EUR")
    ]


async def test_the_example_for_a_service_of_ones_own_finds_a_customer(tmp_path: Path) -> None:
    async def customer(request: web.Request) -> web.Response:
        assert request.headers["X-Api-Key"] == TOKEN
        paid = {"paid_at": "2026-11-18", "cents": 1250, "currency": "EUR", "state": "paid", "number": "A-1"}
        contact = {"mail": request.match_info["email"], "name": ANA.name}
        return web.json_response({"data": {"contact": contact, "account": {"plan": "Team"}, "payments": [paid]}})

    app = web.Application()
    app.router.add_get("/api/customers/{email}", customer)
    async with served(app) as url:
        table = example("customers", "http").replace("https://crm.example.com", url)
        found = await looked_up(table, tmp_path, CRM_TOKEN=TOKEN)
    [line] = found.billing_history
    assert (found.name, found.plan) == (ANA.name, "Team")
    assert (line.date, line.invoice, line.amount, line.currency, line.status) == (
        "2026-11-18", "A-1", Decimal("12.50"), "EUR", "paid",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "address", "priority"),
    [
        ("zendesk", "https://acme.zendesk.com", lambda told: told["priority"] == "high"),
        ("jira", "https://acme.atlassian.net", lambda told: told["fields"]["priority"] == {"name": "Highest"}),
    ],
)
async def test_the_examples_for_tickets_open_one(kind: str, address: str, priority: Any, tmp_path: Path) -> None:
    async with posted(kind, tmp_path) as post:
        file = tmp_path / "connectors.toml"
        file.write_text(example("tickets", kind).replace(address, post.system.url), encoding="utf-8")
        settings = load_connectors(str(file), {f"{kind.upper()}_TOKEN": SECRETS[kind]}).tickets
        assert settings is not None
        vendor = settings.open(Wires(post.session, AsyncExitStack(), post.clock))
        asked = replace(NEW, priority="urgent", category="technical")
        await OutsideTickets.on(post.engine, vendor, Around(post.clock)).open(asked, "run:1")
        [told] = post.system.tickets
        assert priority(told)
