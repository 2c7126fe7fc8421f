"""Stripe (API version 2024-06-20): lists with starting_after, a case-sensitive filter by address, and the search."""

import re
from decimal import Decimal

from aiohttp import web

from tests.fakes.crm.base import JOINED, CrmService, Json, Paid, Person, page_of

_WHOLE = {"JPY"}


class Stripe(CrmService):
    """Customers cus_1…; history is invoices, each with its charge, unless a person's `more` says otherwise."""

    kind = "stripe"
    has_search = True

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/v1/customers/search", self._search),
            web.get("/v1/customers", self._customers),
            web.get("/v1/subscriptions", self._subscriptions),
            web.get("/v1/invoices", self._invoices),
            web.get("/v1/charges", self._charges),
            web.get("/v1/products/{id}", self._product),
        ]

    def is_allowed(self, request: web.Request) -> bool:
        return super().is_allowed(request) and request.headers.get("Stripe-Version") == "2024-06-20"

    def refuse(self) -> web.Response:
        error = {"message": "Invalid API Key provided: tok-****", "type": "invalid_request_error"}
        return web.json_response({"error": error}, status=401)

    async def _search(self, request: web.Request) -> web.Response:
        wanted = re.fullmatch(r'email:"([^"\\]+)"', request.query["query"])
        if not wanted or not self.has_search:
            return web.json_response({"error": {"type": "invalid_request_error"}}, status=400)
        data = [_customer(n, p) for n, p in self.matching(wanted[1])]
        return web.json_response({"object": "search_result", "data": data, "has_more": False, "next_page": None})

    async def _customers(self, request: web.Request) -> web.Response:
        email = request.query.get("email", "")
        found = [(n, p) for n, p in self.matching(email) if self.loose or p.email == email]
        return _listed(request, [_customer(n, p) for n, p in found])

    def _whose(self, request: web.Request) -> tuple[int, Person]:
        number = int(request.query["customer"].removeprefix("cus_"))
        return number, self.people[number - 1]

    async def _subscriptions(self, request: web.Request) -> web.Response:
        assert request.query["status"] == "all"
        number, person = self._whose(request)
        return _listed(request, [_subscription(number, person)] if person.plan else [])

    async def _invoices(self, request: web.Request) -> web.Response:
        number, person = self._whose(request)
        if person.more.get("billing") == "charges":
            return _listed(request, [])
        return _listed(request, [_invoice(f"in_{number}_{i}", one) for i, one in enumerate(person.history)])

    async def _charges(self, request: web.Request) -> web.Response:
        number, person = self._whose(request)
        own = person.more.get("billing") == "charges"
        charges = [
            _charge(f"ch_{number}_{i}", one, None if own else f"in_{number}_{i}")
            for i, one in enumerate(person.history)
            if one.status != "draft"
        ]
        declined = [{**one, "id": f"{one['id']}_0", "created": one["created"] - 1, "status": "failed",
                     "amount_refunded": 0, "refunded": False} for one in charges if not own]  # fmt: skip
        return _listed(request, charges + declined if person.more.get("first_try") == "declined" else charges)

    async def _product(self, request: web.Request) -> web.Response:
        name = request.match_info["id"].removeprefix("prod_")
        return web.json_response({"id": f"prod_{name}", "object": "product", "name": name})


def _listed(request: web.Request, items: list[Json]) -> web.Response:
    newest_first = sorted(items, key=lambda one: one["created"], reverse=True)
    limit = min(int(request.query.get("limit", 10)), 10)  # pages are smaller than asked for, to see the next one
    data, more = page_of(newest_first, request.query.get("starting_after", ""), limit)
    return web.json_response({"object": "list", "url": request.path, "has_more": more, "data": data})


def _customer(number: int, person: Person) -> Json:
    return {
        "id": f"cus_{number}",
        "object": "customer",
        "email": person.email,
        "name": person.name,
        "created": person.updated,
        "delinquent": False,
        "description": person.notes or None,
    }


def _minor(amount: Decimal, currency: str) -> int:
    return int(amount if currency in _WHOLE else amount * 100)


def _subscription(number: int, person: Person) -> Json:
    price = {
        "id": "price_1",
        "object": "price",
        "nickname": None,
        "product": f"prod_{person.plan}",
        "currency": "usd",
        "unit_amount": 10_800,
        "recurring": {"interval": "year", "interval_count": 1},
    }
    return {
        "id": f"sub_{number}",
        "object": "subscription",
        "status": person.more.get("subscription", "active"),
        "created": JOINED,
        "current_period_end": JOINED + 365 * 86_400,
        "cancel_at_period_end": False,
        "items": {"object": "list", "data": [{"id": "si_1", "price": price, "quantity": person.seats}]},
    }


def _invoice(id_: str, one: Paid) -> Json:
    return {
        "id": id_,
        "object": "invoice",
        "number": one.number or None,
        "status": {"failed": "uncollectible", "refunded": "paid"}.get(one.status, one.status),
        "created": one.at,
        "total": _minor(one.amount, one.currency),
        "currency": one.currency.lower(),
        "description": one.description,
        "charge": id_.replace("in_", "ch_"),
    }


def _charge(id_: str, one: Paid, invoice: str | None) -> Json:
    amount = _minor(one.amount, one.currency)
    return {
        "id": id_,
        "object": "charge",
        "amount": amount,
        "amount_refunded": amount if one.status == "refunded" else 0,
        "refunded": one.status == "refunded",
        "currency": one.currency.lower(),
        "created": one.at,
        "status": {"paid": "succeeded", "refunded": "succeeded", "open": "pending"}.get(one.status, "failed"),
        "description": one.description,
        "invoice": invoice,
        "receipt_number": one.number or None,
    }
