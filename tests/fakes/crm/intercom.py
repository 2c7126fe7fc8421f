"""Intercom (API 2.11): search of contacts with a cursor in the body, companies of a contact."""

from aiohttp import web

from tests.fakes.crm.base import JOINED, CrmService, Json, Person, page_of

_PER_PAGE = 2


class Intercom(CrmService):
    """Contacts c1…; their plan belongs to their company."""

    kind = "intercom"
    companies_key = "data"
    """So in the recorded examples of the description; its schema says `companies`."""

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/me", self._me),
            web.post("/contacts/search", self._search),
            web.get("/contacts/{id}/companies", self._companies),
        ]

    def is_allowed(self, request: web.Request) -> bool:
        return super().is_allowed(request) and request.headers.get("Intercom-Version") == "2.11"

    def refuse(self) -> web.Response:
        errors = [{"code": "unauthorized", "message": "Access Token Invalid"}]
        return web.json_response({"type": "error.list", "request_id": "1", "errors": errors}, status=401)

    async def _me(self, _: web.Request) -> web.Response:
        return web.json_response({"type": "admin", "id": "1", "email": "agent@fernway.example"})

    async def _search(self, request: web.Request) -> web.Response:
        body = await request.json()
        query = body["query"]
        assert (query["field"], query["operator"]) == ("email", "=")
        found = [_contact(n, p) for n, p in self.matching(query["value"])]
        data, more = page_of(found, body["pagination"].get("starting_after", ""), _PER_PAGE)
        paging: Json = {"type": "pages", "page": 1, "per_page": _PER_PAGE, "total_pages": len(found) // _PER_PAGE + 1}
        if more:
            paging["next"] = {"page": 2, "starting_after": data[-1]["id"]}
        return web.json_response({"type": "list", "data": data, "total_count": len(found), "pages": paging})

    async def _companies(self, request: web.Request) -> web.Response:
        person = self.people[int(request.match_info["id"].removeprefix("c")) - 1]
        company = {
            "type": "company",
            "id": "1",
            "company_id": "acme",
            "name": person.company,
            "plan": {"type": "plan", "id": "1", "name": person.plan} if person.plan else {},
            "monthly_spend": 126,
            "user_count": person.seats,
            "custom_attributes": {},
        }
        companies = [company] if person.company else []
        paging = {"type": "pages", "next": None, "page": 1, "per_page": 50, "total_pages": 1}
        body = {"type": "list", self.companies_key: companies, "pages": paging, "total_count": len(companies)}
        return web.json_response(body)


def _contact(number: int, person: Person) -> Json:
    return {
        "type": "contact",
        "id": f"c{number}",
        "role": person.more.get("role", "user"),
        "email": person.email,
        "name": person.name,
        "created_at": JOINED,
        "signed_up_at": None,
        "updated_at": person.updated,
        "custom_attributes": {},
    }
