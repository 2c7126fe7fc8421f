"""A CRM of somebody's own: one address for a customer, another for what they paid, page by page."""

from aiohttp import web

from tests.fakes.crm.base import JOINED, TOKEN, CrmService, Json


class Plain(CrmService):
    """Answers 404 for somebody it does not know."""

    kind = "http"
    per_page = 10
    before_the_token = ""
    says_whose = False
    """True: the settings name where a charge has its address."""

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/api/customers/{email}", self._customer), web.get("/api/payments", self._payments)]

    def is_allowed(self, request: web.Request) -> bool:
        return request.headers.get("X-Api-Key") == f"{self.before_the_token}{TOKEN}"

    def table(self) -> str:
        return f"""
[customers]
kind = "http"
url = "{self.url}/api/customers/{{email}}"
token_env = "CRM_TOKEN"
header = "X-Api-Key"
records = "data"
email = "contact.mail"
history_url = "{self.url}/api/payments?of={{email}}"
history = "payments"
history_next = "links.next"
amounts = "minor"
[customers.fields]
name = "contact.name"
company = "account.name"
plan = "account.plan"
seats = "account.seats"
since = "created"
notes = "join(', ', notes)"
[customers.history_fields]
date = "at"
description = "what"
amount = "cents"
currency = "currency"
status = "state"
invoice = "number"
{'email = "payer"' if self.says_whose else ""}
"""

    async def _customer(self, request: web.Request) -> web.Response:
        found = self.matching(request.match_info["email"])
        if not found:
            return web.json_response({"error": "not found"}, status=404)
        data: list[Json] = [
            {
                "contact": {"mail": p.email, "name": p.name},
                "account": {"name": p.company, "plan": p.plan, "seats": p.seats},
                "created": JOINED * 1000,
                "notes": [p.notes] if p.notes else [],
            }
            for _, p in found
        ]
        return web.json_response({"data": data})

    async def _payments(self, request: web.Request) -> web.Response:
        paid = [(one, p.email) for _, p in self.matching(request.query["of"]) for one in p.history]
        start = int(request.query.get("from", 0))
        shown = [
            {
                "at": one.at,
                "what": one.description,
                "cents": int(one.amount * 100),
                "currency": one.currency,
                "state": one.status,
                "number": one.number,
                "payer": email,
            }
            for one, email in sorted(paid, key=lambda one: one[0].at, reverse=True)[start : start + self.per_page]
        ]
        more = len(paid) > start + self.per_page
        onward = str(request.url.update_query({"from": start + self.per_page})) if more else None
        return web.json_response({"payments": shown, "links": {"next": onward}})


class OldestFirst(Plain):
    """Tells of payments in the same answer, the oldest first."""

    def table(self) -> str:
        lines = super().table().splitlines()
        kept = [line for line in lines if not line.startswith(("history_url", "history_next"))]
        return "\n".join(kept)

    async def _customer(self, request: web.Request) -> web.Response:
        [(_, person)] = self.matching(request.match_info["email"])
        paid = [
            {"at": one.at, "what": one.description, "cents": int(one.amount * 100), "number": one.number}
            for one in sorted(person.history, key=lambda one: one.at)
        ]
        return web.json_response({"data": {"contact": {"mail": person.email}, "payments": paid}})
