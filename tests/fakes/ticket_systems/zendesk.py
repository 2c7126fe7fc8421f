"""Zendesk Support, API v2: as much of it as tickets need."""

from datetime import UTC, datetime

from aiohttp import encode_basic_auth, web

from tests.fakes.ticket_systems.base import Json, TicketSystem
from tests.fakes.tools import HeldClock

AGENT, TOKEN = "agent@acme.example", "zd-token-12345678"
_KEY_SECONDS = 7200.0


class ZendeskServer(TicketSystem):
    def __init__(self, clock: HeldClock) -> None:
        super().__init__(clock)
        self.users: dict[str, Json] = {}
        self.role = "agent"
        self._keys: dict[str, tuple[float, bytes, Json]] = {}

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/api/v2/tickets.json", self._create),
            web.get("/api/v2/tickets.json", self._list),
            web.get("/api/v2/tickets/show_many.json", self._many),
            web.get("/api/v2/users/search.json", self._users),
            web.get("/api/v2/users/me.json", self._me),
            web.get("/api/v2/users/{id}/tickets/requested.json", self._requested),
        ]

    def is_create(self, request: web.Request, body: Json) -> bool:
        return request.method == "POST"

    def is_allowed(self, request: web.Request) -> bool:
        """Zendesk answers /users/me to anybody."""
        known = request.headers.get("Authorization") == encode_basic_auth(f"{AGENT}/token", TOKEN)
        return known or request.path.endswith("/me.json")

    def solve(self, id_: str) -> None:
        next(one for one in self.tickets if f"#{one['id']}" == id_)["status"] = "solved"

    def walk_in(self, email: str, subject: str, *, tags: tuple[str, ...] = ()) -> Json:
        """A ticket that came by e-mail."""
        return self._open({"subject": subject, "comment": {"body": "…"}, "requester": {"email": email}, "tags": tags})

    def _user(self, email: str) -> Json:
        return self.users.setdefault(
            email.lower(), {"id": 9000 + len(self.users), "email": email.lower(), "role": "end-user"}
        )

    def _open(self, asked: Json) -> Json:
        ticket = {
            "id": 35436 + len(self.tickets),
            "external_id": asked.get("external_id"),
            "subject": asked["subject"],
            "description": asked["comment"]["body"],
            "priority": asked.get("priority"),
            "status": "new",
            "tags": [tag.lower() for tag in asked.get("tags", ())],
            "requester_id": self._user(asked["requester"]["email"])["id"],
            "created_at": datetime.fromtimestamp(self.clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "_at": self.clock(),
        }
        self.tickets.append(ticket)
        return ticket

    async def _create(self, request: web.Request) -> web.Response:
        key, raw = request.headers.get("Idempotency-Key", ""), await request.read()
        known = self._keys.get(key)
        if known and self.clock() - known[0] < _KEY_SECONDS:
            if known[1] != raw:
                return web.json_response({"error": "IdempotentRequestError"}, status=400)
            return web.json_response({"ticket": known[2]}, status=201, headers={"x-idempotency-lookup": "hit"})
        ticket = self._open((await request.json())["ticket"])
        if key:
            self._keys[key] = (self.clock(), raw, ticket)
        return web.json_response({"ticket": ticket}, status=201, headers={"x-idempotency-lookup": "miss"})

    async def _list(self, request: web.Request) -> web.Response:
        mark = request.query["external_id"]
        found = [one for one in self.found(self.tickets) if one["external_id"] == mark]
        return web.json_response({"tickets": found, "next_page": None, "count": len(found)})

    async def _many(self, request: web.Request) -> web.Response:
        ids = {int(one) for one in request.query["ids"].split(",")}
        return web.json_response({"tickets": [one for one in self.tickets if one["id"] in ids]})

    async def _users(self, request: web.Request) -> web.Response:
        """Finds more than was asked for, as the real one does."""
        word = request.query["query"].removeprefix("email:").strip('"').partition("@")[0]
        return web.json_response({"users": [user for email, user in self.users.items() if word in email]})

    async def _me(self, request: web.Request) -> web.Response:
        known = request.headers.get("Authorization") == encode_basic_auth(f"{AGENT}/token", TOKEN)
        user = {"id": 1, "role": self.role} if known else {"id": None, "name": "Anonymous user", "role": "end-user"}
        return web.json_response({"user": user})

    async def _requested(self, request: web.Request) -> web.Response:
        own = [one for one in self.tickets if one["requester_id"] == int(request.match_info["id"])]
        own.sort(key=lambda one: (one["created_at"], one["id"]), reverse=True)
        return web.json_response({"tickets": own[: int(request.query["per_page"])]})
