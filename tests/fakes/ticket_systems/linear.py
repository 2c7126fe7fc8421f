"""Linear's GraphQL API: issues of one team."""

import re

from aiohttp import web

from tests.fakes.ticket_systems.base import Fault, Json, TicketSystem

TEAM, TOKEN = "9cfb482a-81e3-4154-b5b9-2c805e70a02d", "lin_api_12345678"
_UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_INPUT = {"id", "teamId", "title", "description", "priority", "labelIds"}


class LinearServer(TicketSystem):
    kind_of_refusal = "invalid input"

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/graphql", self._graphql)]

    def is_create(self, request: web.Request, body: Json) -> bool:
        return "issueCreate" in body["query"]

    def is_allowed(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == TOKEN

    def solve(self, id_: str) -> None:
        next(one for one in self.tickets if one["identifier"] == id_)["state"] = {"type": "completed"}

    def slow_down(self) -> web.Response:
        resets = str(int((self.clock() + 7) * 1000))
        headers = {"X-RateLimit-Requests-Remaining": "0", "X-RateLimit-Requests-Reset": resets}
        return self._error("ratelimited", "RATELIMITED", status=400, headers=headers)

    async def _fail(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        if fault is Fault.REFUSED:
            return self._error(self.kind_of_refusal, "INPUT_ERROR")
        return await super()._fail(request, fault)

    def _error(self, kind: str, code: str, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
        error = {"message": "secret-internal-detail", "extensions": {"type": kind, "code": code}}
        return web.json_response({"data": None, "errors": [error]}, status=status, headers=headers)

    async def _graphql(self, request: web.Request) -> web.Response:
        asked = await request.json()
        query, variables = asked["query"], asked["variables"]
        if "issueCreate" in query:
            return self._create(variables["input"])
        if "team(" in query:
            known = variables["id"] == TEAM
            team = {"id": TEAM, "key": "SUP", "name": "Support"}
            return web.json_response({"data": {"team": team}}) if known else self._error("invalid input", "INPUT_ERROR")
        found = [one for one in self.found(self.tickets) if one["id"] in variables["ids"]][: variables["first"]]
        return web.json_response({"data": {"issues": {"nodes": found}}})

    def _create(self, asked: Json) -> web.Response:
        known = any(one["id"] == asked["id"] for one in self.tickets)
        if known or not _UUID4.fullmatch(asked["id"]) or asked["teamId"] != TEAM or set(asked) - _INPUT:
            return self._error("invalid input", "INPUT_ERROR")
        issue = {
            "id": asked["id"],
            "identifier": f"SUP-{len(self.tickets) + 1}",
            "title": asked["title"],
            "description": asked["description"],
            "priority": asked["priority"],
            "trashed": None,
            "state": {"type": "triage"},
            "_at": self.clock(),
        }
        self.tickets.append(issue)
        return web.json_response({"data": {"issueCreate": {"success": True, "issue": issue}}})
