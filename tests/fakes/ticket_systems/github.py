"""GitHub's REST API: issues of one repository."""

from datetime import UTC, datetime

from aiohttp import web

from tests.fakes.ticket_systems.base import Json, TicketSystem
from tests.fakes.tools import HeldClock

REPOSITORY, TOKEN = "acme/support", "github_pat_12345678"


class GitHubServer(TicketSystem):
    def __init__(self, clock: HeldClock) -> None:
        super().__init__(clock)
        self.private = True
        self.has_issues = True
        self.full_name = REPOSITORY
        """Another one after people have renamed it; the old address leads there."""
        self.shows_itself = True
        """Whether the token may see the repository; otherwise GitHub says that there is nothing."""
        self.says_when = True
        """Whether a limit comes with the time to come back."""
        self.page = 100
        """Issues on a page at most."""

    def routes(self) -> list[web.RouteDef]:
        base = f"/repos/{REPOSITORY}"
        return [
            web.get(base, self._repository),
            web.post(f"{base}/issues", self._create),
            web.get(f"{base}/issues", self._list),
            web.get(f"{base}/issues/{{number}}", self._one),
        ]

    def is_create(self, request: web.Request, body: Json) -> bool:
        return request.method == "POST"

    def refusal(self, request: web.Request) -> web.Response | None:
        return None if self.shows_itself else web.json_response({"message": "Not Found"}, status=404)

    def is_allowed(self, request: web.Request) -> bool:
        told = request.headers
        known = told.get("Authorization") == f"Bearer {TOKEN}" and "User-Agent" in told
        return known and told.get("X-GitHub-Api-Version") == "2022-11-28"

    def solve(self, id_: str) -> None:
        self.tickets[int(id_[1:]) - 1]["state"] = "closed"

    def slow_down(self) -> web.Response:
        """The secondary limit."""
        message = "You have exceeded a secondary rate limit."
        headers = {"Retry-After": "7"} if self.says_when else {"x-ratelimit-remaining": "4711"}
        return web.json_response({"message": message}, status=403, headers=headers)

    async def _repository(self, request: web.Request) -> web.Response:
        told = {"full_name": self.full_name, "private": self.private, "has_issues": self.has_issues}
        return web.json_response(told)

    async def _create(self, request: web.Request) -> web.Response:
        asked = await request.json()
        issue = {
            "number": len(self.tickets) + 1,
            "state": "open",
            "title": asked["title"],
            "body": asked["body"],
            "labels": [{"name": name} for name in asked["labels"]],
            "created_at": self._iso(self.clock()),
            "_at": self.clock(),
        }
        self.tickets.append(issue)
        return web.json_response(issue, status=201)

    async def _list(self, request: web.Request) -> web.Response:
        since = datetime.fromisoformat(request.query["since"]).timestamp()
        found = [one for one in reversed(self.found(self.tickets)) if one["_at"] >= since]
        page, size = int(request.query.get("page", "1")), min(self.page, int(request.query["per_page"]))
        headers = {}
        if len(found) > page * size:
            onward = request.url.update_query(page=page + 1)
            headers["Link"] = f'<{onward}>; rel="next", <{onward}>; rel="last"'
        return web.json_response(found[(page - 1) * size : page * size], headers=headers)

    async def _one(self, request: web.Request) -> web.Response:
        number = int(request.match_info["number"])
        if number > len(self.tickets):
            return web.json_response({"message": "Not Found"}, status=404)
        return web.json_response(self.tickets[number - 1])

    def _iso(self, at: float) -> str:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
