"""The customers are in Stripe: what people in Slack notice of it."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.fakes.crm.base import JOINED, TOKEN, Fault, Paid, Person
from tests.fakes.crm.stripe import Stripe
from tests.fakes.desk import Desk

ANA = Person(
    "ana@cobalt-studio.example", "Ana Ruiz", plan="Atelier", seats=3, notes="Difficult.",
    history=(Paid(JOINED, Decimal("12.50"), "EUR", number="EU-77"),),
)  # fmt: skip
BO = Person("bo@northpine.example", "Bo Lind", plan="Palace")


@pytest.fixture
async def stripe(offline: Desk, tmp_path: Path) -> AsyncIterator[Stripe]:
    service, file = Stripe(), tmp_path / "connectors.toml"
    service.people = [ANA, BO]
    async with service.serving():
        file.write_text(service.table(), encoding="utf-8")
        await offline.restart(CONNECTORS_FILE=str(file), CRM_TOKEN=TOKEN)
        yield service
        await offline.bot.stop()
    assert TOKEN not in offline.logs.getvalue()


async def test_p7_one_sees_what_stripe_knows_of_oneself_and_nothing_of_others(offline: Desk, stripe: Stripe) -> None:
    ana = await offline.customer().in_dm()
    thread = await ana.asks("What plan am I on, and what did I pay on my last invoices?")
    told = (await thread.answer()).text
    assert "Atelier" in told
    assert "12.50 EUR" in told
    assert "EU-77" in told
    stripe.loose = True
    await ana.says("And what plan is bo@northpine.example on?", thread)
    told = (await thread.answer(2)).text
    assert not any(word in told for word in ("Palace", "Bo Lind", "Difficult"))


async def test_p11_a_stripe_that_is_down_is_told_honestly(offline: Desk, stripe: Stripe) -> None:
    offline.expects_errors = True
    stripe.fault = Fault(401)
    thread = await offline.customer().asks("What plan am I on?")
    told = (await thread.answer()).text
    assert not any(word in told for word in ("Atelier", "Stripe", "401", "internal detail"))
    assert stripe.asked
