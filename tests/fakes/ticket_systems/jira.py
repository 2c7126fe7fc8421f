"""Jira Service Management (Cloud): one service project."""

import re
from datetime import UTC, datetime

from aiohttp import encode_basic_auth, web

from tests.fakes.ticket_systems.base import Json, TicketSystem
from tests.fakes.tools import HeldClock

AGENT, TOKEN, PROJECT = "bot@acme.example", "atl-token-12345678", "SUP"
_AGE = re.compile(r'project = "SUP" AND created >= "-(\d+)m"(?: AND created <= "-([1-9]\d*)m")? ORDER BY created ASC')
_REPORTER = re.compile(r'project = "SUP" AND reporter = "([^"]+)" ORDER BY created DESC')


class JiraServer(TicketSystem):
    def __init__(self, clock: HeldClock) -> None:
        super().__init__(clock)
        self.customers: dict[str, str] = {}
        """Account by address, of those who are customers of the service desk."""
        self.accounts: dict[str, str] = {}
        self.shows_addresses = True
        """Whether people let others see their address."""
        self.is_admin = True
        """Whether the account may create customers and add them to the service desk."""
        self.page = 100
        self.moved: dict[str, str] = {}
        """The present key of issues that went to another project, by their first one."""
        self.shows_issues = True
        """Whether the account may see the project's issues; otherwise Jira says that there are none."""

    def routes(self) -> list[web.RouteDef]:
        api = "/rest/servicedeskapi"
        return [
            web.post(f"{api}/request", self._create),
            web.post(f"{api}/customer", self._new_customer),
            web.get(f"{api}/servicedesk/4/customer", self._find_customers),
            web.post(f"{api}/servicedesk/4/customer", self._add_customer),
            web.get(f"{api}/servicedesk/4", self._desk),
            web.get(f"{api}/servicedesk/4/requesttype/25", self._type),
            web.get("/rest/api/2/mypermissions", self._permissions),
            web.get("/rest/api/2/user/search", self._people),
            web.post("/rest/api/2/search/jql", self._search),
            web.post("/rest/api/2/issue/bulkfetch", self._bulk),
            web.get("/rest/api/2/issue/{key}", self._one),
        ]

    def is_create(self, request: web.Request, body: Json) -> bool:
        return request.path == "/rest/servicedeskapi/request"

    def is_allowed(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == encode_basic_auth(AGENT, TOKEN)

    def solve(self, id_: str) -> None:
        self._status(id_, "Resolved", "done")

    def move(self, id_: str) -> None:
        """People put this ticket into another project."""
        self.moved[id_] = f"OPS-{len(self.moved) + 1}"
        next(one for one in self.tickets if one["key"] == id_)["key"] = self.moved[id_]

    def refusal(self, request: web.Request) -> web.Response | None:
        hidden = request.path.startswith("/rest/servicedeskapi/servicedesk") and not self.shows_issues
        if hidden:
            return web.json_response({"errorMessage": "not found"}, status=404)
        for_admins = request.method == "POST" and request.path.endswith("/customer")
        refused = for_admins and not self.is_admin
        return web.json_response({"errorMessage": "you may not"}, status=403) if refused else None

    def ask_back(self, id_: str) -> None:
        self._status(id_, "Waiting for customer", "indeterminate")

    def _status(self, id_: str, name: str, category: str) -> None:
        ticket = next(one for one in self.tickets if one["key"] == id_)
        ticket["fields"]["status"] = {"name": name, "statusCategory": {"key": category}}

    async def _create(self, request: web.Request) -> web.Response:
        asked = await request.json()
        assert (asked["serviceDeskId"], asked["requestTypeId"]) == ("4", "25")
        fields = asked["requestFieldValues"]
        if "\n" in fields["summary"]:
            return web.json_response({"errorMessage": "The summary must not contain line breaks"}, status=400)
        reporter = asked.get("raiseOnBehalfOf", "bot-account")
        key = f"{PROJECT}-{len(self.tickets) + 1}"
        created = datetime.fromtimestamp(self.clock(), UTC)
        self.tickets.append({
            "id": str(10000 + len(self.tickets)),
            "key": key,
            "fields": {
                "summary": fields["summary"],
                "description": fields["description"],
                "priority": fields.get("priority", {"name": "Medium"}),
                "status": {"name": "Waiting for support", "statusCategory": {"key": "indeterminate"}},
                "reporter": {"accountId": reporter},
                "created": created.strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
            },
            "_at": self.clock(),
        })  # fmt: skip
        told = {
            "issueId": self.tickets[-1]["id"],
            "issueKey": key,
            "createdDate": {"epochMillis": int(self.clock() * 1000)},
            "currentStatus": {"status": "Waiting for support", "statusCategory": "INDETERMINATE"},
        }
        return web.json_response(told, status=201)

    async def _new_customer(self, request: web.Request) -> web.Response:
        email = (await request.json())["email"]
        if email in self.accounts:
            return web.json_response({"errorMessage": "An account already exists"}, status=400)
        self.accounts[email] = f"qm:{len(self.accounts)}"
        return web.json_response({"accountId": self.accounts[email], "emailAddress": email}, status=201)

    async def _find_customers(self, request: web.Request) -> web.Response:
        """Matches beginnings of names and addresses, not whole ones."""
        assert request.headers["X-ExperimentalApi"] == "opt-in"
        word = request.query["query"].partition("@")[0]
        found = [{"accountId": id_, "emailAddress": email} for email, id_ in self.customers.items() if word in email]
        return web.json_response({"values": found, "isLastPage": True, "size": len(found)})

    async def _permissions(self, request: web.Request) -> web.Response:
        assert request.query["permissions"] == "ADMINISTER"
        admin = {"id": "0", "key": "ADMINISTER", "type": "GLOBAL", "havePermission": self.is_admin}
        return web.json_response({"permissions": {"ADMINISTER": admin}})

    async def _people(self, request: web.Request) -> web.Response:
        word = request.query["query"].partition("@")[0]
        found = [{"accountId": id_, "emailAddress": email} for email, id_ in self.accounts.items() if word in email]
        if not self.shows_addresses:
            found = [{"accountId": one["accountId"]} for one in found]
        return web.json_response(found)

    async def _add_customer(self, request: web.Request) -> web.Response:
        ids = (await request.json())["accountIds"]
        self.customers |= {email: id_ for email, id_ in self.accounts.items() if id_ in ids}
        return web.Response(status=204)

    async def _desk(self, request: web.Request) -> web.Response:
        return web.json_response({"id": "4", "projectId": "10005", "projectKey": PROJECT})

    async def _type(self, request: web.Request) -> web.Response:
        return web.json_response({"id": "25", "name": "Get help"})

    async def _search(self, request: web.Request) -> web.Response:
        asked = await request.json()
        young, of = _AGE.fullmatch(asked["jql"]), _REPORTER.fullmatch(asked["jql"])
        found = [one for one in self.found(self.tickets) if one["key"].startswith(f"{PROJECT}-")]
        if young:
            begin, end = (self.clock() - 60 * int(minutes or 0) for minutes in young.groups())
            found = [one for one in found if begin <= one["_at"] <= end]
        elif of:
            found = [one for one in reversed(found) if one["fields"]["reporter"]["accountId"] == of[1]]
        else:
            return web.json_response({"errorMessages": ["Error in the JQL Query"]}, status=400)
        begin, size = int(asked.get("nextPageToken", "0")), min(self.page, asked["maxResults"])
        told: Json = {"issues": found[begin : begin + size], "isLast": len(found) <= begin + size}
        return web.json_response(told if told["isLast"] else {**told, "nextPageToken": str(begin + size)})

    async def _bulk(self, request: web.Request) -> web.Response:
        """Follows issues to their present keys, and does not tell which was asked for by which."""
        keys = [self.moved.get(key, key) for key in (await request.json())["issueIdsOrKeys"]]
        found = [one for one in self.tickets if one["key"] in keys and self.shows_issues]
        return web.json_response({"issues": found, "issueErrors": []})

    async def _one(self, request: web.Request) -> web.Response:
        key = self.moved.get(request.match_info["key"], request.match_info["key"])
        found = [one for one in self.tickets if one["key"] == key and self.shows_issues]
        return web.json_response(found[0]) if found else web.json_response({"errorMessages": []}, status=404)
