"""A CustomerDirectory on Stripe: subscription and billing history of everybody who pays under the address.

Stripe lets any number of customers have one address; all of them are the person who has it, so their charges are shown
together. Invoices are the history; charges without an invoice are added to them.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Literal, TypeVar
from urllib.parse import quote

from pydantic import Field as Key
from pydantic import TypeAdapter

from tools.connector_settings import Connector, SecretFromEnv, ServiceUrl, Wires
from tools.customers.directory import Charge, CustomerRecord
from tools.customers.loose import HISTORY, record_of, text
from tools.customers.match import is_searchable, own
from tools.customers.stripe_shapes import Customer, Identified, Invoice, Listed, Payment, Product, Subscription
from tools.http import HttpBackend
from tools.http_auth import Auth
from tools.ownership import canonical
from tools.paging import Page, first, pages
from tools.side_by_side import all_of, one_failure

_VERSION: Mapping[str, str] = {"Stripe-Version": "2024-06-20"}
"""Pinned, so that shapes stay what `stripe_shapes` says."""
_CUSTOMERS, _PAGES, _PER_PAGE = 10, 5, 100
_LIVE = ("active", "trialing", "past_due", "unpaid", "paused", "incomplete", "canceled")
"""States of a subscription, the most telling first."""
_HIDDEN = frozenset({403, 404})
_STATES: Mapping[str, str] = {"trialing": "trial", "canceled": "cancelled"}
"""In our words; the others are the same."""

M = TypeVar("M", bound=Identified)


class StripeSettings(Connector):
    """`kind = "stripe"`."""

    kind: Literal["stripe"]
    token: SecretFromEnv = Key(alias="token_env")
    """A restricted key (rk_…) that may read customers, subscriptions, products, invoices and charges."""
    url: ServiceUrl = "https://api.stripe.com"

    def open(self, wires: Wires) -> "StripeCustomers":
        """The directory."""
        return StripeCustomers(HttpBackend(wires.session, self.url, Auth.bearer(self.token), name="Stripe"))


class StripeCustomers:
    """Who pays by Stripe."""

    def __init__(self, backend: HttpBackend) -> None:
        self._backend = backend

    async def find(self, email: str) -> CustomerRecord | None:
        asked = canonical(email)
        mine = sorted(await self._customers(asked), key=lambda one: one.created, reverse=True)[:_CUSTOMERS]
        if not mine:
            return None
        with one_failure():
            async with asyncio.TaskGroup() as group:
                bought = [group.create_task(self._list("subscriptions", Subscription, one.id)) for one in mine]
                billed = [group.create_task(self._list("invoices", Invoice, one.id)) for one in mine]
                paid = [group.create_task(self._list("charges", Payment, one.id, _PER_PAGE)) for one in mine]
        subscriptions = [one for task in bought for one in task.result()]
        history = _history([i for task in billed for i in task.result()], [c for task in paid for c in task.result()])
        return record_of(asked, {**_who(mine), **await self._about(subscriptions)}, history)

    async def check(self) -> str:
        await self._backend.get("/v1/customers", params={"limit": 1}, headers=_VERSION)
        return "the key may read customers"

    async def _customers(self, email: str) -> list[Customer]:
        """The list compares letter by letter; the search, which does not, finds those in capitals, and may lag."""
        if not is_searchable(email):
            return []
        listing = self._read("/v1/customers", Customer, {"email": email}, _CUSTOMERS)
        found = await all_of((listing, self._found(email)))
        return own({one.id: one for some in found for one in some}.values(), email, lambda one: one.email)

    async def _found(self, email: str) -> Sequence[Customer]:
        query: dict[str, str | int] = {"query": f'email:"{email}"', "limit": _CUSTOMERS}
        answer = await self._backend.get(
            "/v1/customers/search", params=query, headers=_VERSION, expect={HTTPStatus.BAD_REQUEST}
        )
        if answer.status == HTTPStatus.BAD_REQUEST:  # accounts in India have no search
            return []
        return answer.read(TypeAdapter(Listed[Customer])).data

    async def _about(self, subscriptions: Sequence[Subscription]) -> dict[str, object]:
        """Plan, seats and money of the subscription that tells most."""
        if not subscriptions:
            return {"plan": "", "status": "no subscription"}
        best = min(subscriptions, key=lambda one: (_rank(one.status), -one.created))
        about: dict[str, object] = {
            "status": _STATES.get(best.status, best.status),
            "renews_on": None if best.cancel_at_period_end or best.status == "canceled" else best.current_period_end,
        }
        if best.items.data:
            item = best.items.data[0]
            amounts = [one.monthly for one in best.items.data]
            about |= {
                "plan": item.price.nickname or await self._product(item.price.product),
                "seats": item.quantity,
                "monthly": None if None in amounts else sum(one for one in amounts if one is not None),
                "currency": item.price.currency,
            }
        return about

    async def _product(self, product_id: str) -> str:
        path = f"/v1/products/{quote(product_id, safe='')}"
        answer = await self._backend.get(path, headers=_VERSION, expect=_HIDDEN)
        return "" if answer.status in _HIDDEN else answer.read(Product).name

    async def _list(self, kind: str, shape: type[M], customer: str, most: int = HISTORY) -> tuple[M, ...]:
        params = {"customer": customer, **({"status": "all"} if kind == "subscriptions" else {})}
        return await self._read(f"/v1/{kind}", shape, params, most)

    async def _read(self, path: str, shape: type[M], params: Mapping[str, str], most: int) -> tuple[M, ...]:
        """Newest first, as Stripe lists; no more pages than it takes."""
        listed = TypeAdapter(Listed[shape])  # type: ignore[valid-type]  # a class made at run time, as pydantic has it

        async def page(cursor: str) -> Page[M]:
            after = {"starting_after": cursor} if cursor else {}
            asked: dict[str, str | int] = {**params, "limit": min(most, _PER_PAGE), **after}
            answer = await self._backend.get(path, params=asked, headers=_VERSION)
            found = answer.read(listed)
            return Page(found.data, found.cursor)

        return await first(pages(page, service=self._backend.name, most=_PAGES), most, or_fewer=True)


def _rank(status: str) -> int:
    return _LIVE.index(status) if status in _LIVE else len(_LIVE)


def _who(customers: Sequence[Customer]) -> dict[str, object]:
    """The newest one with a name, since the first; for staff, how many there are and whether a payment is late."""
    notes = [text(one.description) for one in customers if one.description]
    if len(customers) > 1:
        notes.append(f"{len(customers)} Stripe customers have this address; their payments are shown together.")
    if any(one.delinquent for one in customers):
        notes.append("A payment is late.")
    named = [one.name for one in customers if one.name]
    return {"name": named[0] if named else "", "since": customers[-1].created, "notes": "\n".join(notes)}


def _history(invoices: Sequence[Invoice], payments: Sequence[Payment]) -> list[Charge]:
    """Invoices, with what became of their payment; payments without an invoice; drafts are nobody's business yet."""
    known = [one for one in invoices if one.status != "draft"]
    by_id = {one.id: one for one in payments}
    lines = []
    for invoice in known:
        payment = by_id.get(invoice.charge or "")  # of several attempts the last one
        line = invoice.line()
        lines.append(replace(line, status=payment.state) if payment and payment.amount_refunded else line)
    ids = {one.id for one in known}
    return lines + [one.line() for one in payments if one.invoice not in ids]
