"""Zendesk: search of users by its loose search syntax, organizations, offset pagination by next_page."""

import base64
import re
from datetime import UTC, datetime

from aiohttp import web

from tests.fakes.crm.base import JOINED, TOKEN, CrmService, Json, Person

_PER_PAGE = 2


class Zendesk(CrmService):
    """Users 1…, the organization of a user 100 higher."""

    kind = "zendesk"
    agent = "agent@fernway.example"

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v2/users/me.json", self._me),
            web.get("/api/v2/users/search.json", self._search),
            web.get("/api/v2/organizations/{id}.json", self._organization),
        ]

    def is_allowed(self, request: web.Request) -> bool:
        pair = base64.b64encode(f"{self.agent}/token:{TOKEN}".encode()).decode()
        wants_json = request.headers["Accept"] == "application/json"
        return wants_json and request.headers.get("Authorization") == f"Basic {pair}"

    def refuse(self) -> web.Response:
        return web.json_response({"error": "Couldn't authenticate you"}, status=401)

    def table(self) -> str:
        return f'{super().table()}user = "{self.agent}"\nfields.plan = "plan"\nfields.seats = "organization.seats"\n'

    async def _me(self, _: web.Request) -> web.Response:
        return web.json_response({"user": {"id": 1, "name": "Agent", "email": self.agent, "role": "agent"}})

    async def _search(self, request: web.Request) -> web.Response:
        wanted = re.fullmatch(r'email:"([^"]+)"', request.query["query"])
        assert wanted, "a query that means something else"
        found = self.matching(wanted[1])
        page = int(request.query.get("page", 1))
        start = (page - 1) * _PER_PAGE
        onward = request.url.update_query(page=page + 1) if len(found) > start + _PER_PAGE else None
        users = [_user(n, p) for n, p in found[start : start + _PER_PAGE]]
        return web.json_response({"users": users, "next_page": str(onward) if onward else None, "count": len(found)})

    async def _organization(self, request: web.Request) -> web.Response:
        person = self.people[int(request.match_info["id"]) - 101]
        body = {"id": 1, "name": person.company, "notes": None, "organization_fields": {"seats": person.seats}}
        return web.json_response({"organization": body})


def _user(number: int, person: Person) -> Json:
    return {
        "id": number,
        "name": person.name,
        "email": person.email,
        "role": person.more.get("role", "end-user"),
        "active": person.more.get("active", "yes") == "yes",
        "suspended": False,
        "organization_id": number + 100 if person.company else None,
        "created_at": datetime.fromtimestamp(JOINED, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "updated_at": datetime.fromtimestamp(person.updated, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "notes": person.notes,
        "details": "",
        "user_fields": {"plan": person.plan},
    }
