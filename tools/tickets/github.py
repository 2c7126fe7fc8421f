"""Tickets as issues of a private GitHub repository.

GitHub does not recognise a repeated request, and its search lags behind. So our mark stands in a comment in the issue's
text, invisible in the rendered page, and is looked for in the list of issues, which hardly does. GitHub knows no
customers; what a customer has is in our own book. A public repository is refused: tickets hold what customers wrote.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, Field, RootModel

from tools.base import ToolUnavailableError
from tools.connector_settings import Connector, SecretFromEnv, ServiceUrl, Wires
from tools.http import HttpBackend
from tools.http_answer import Answer, BackendRefusedError, wait_asked_for
from tools.http_auth import Auth
from tools.paging import Page, pages
from tools.side_by_side import all_of
from tools.tickets.desk import Priority, TicketCategory
from tools.tickets.vendor import LIMITS, OPEN, SOLVED, Order, Ref, Standing, fenced, when

_SETTLE_SECONDS = 60.0
_SLACK_SECONDS = 600.0
"""By which their clock may differ from ours."""
_PAGES, _PER_PAGE = 30, 100
_VERSION = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
_SECONDARY_PAUSE, _LONGEST_PAUSE = 60.0, 3600.0


class GitHubTicketSettings(Connector):
    """`[tickets] kind = "github"`."""

    kind: Literal["github"]
    repository: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$")]
    """owner/name"""
    token: SecretFromEnv = Field(alias="token_env")
    """May read the repository's metadata, and read and write its issues."""
    url: ServiceUrl = "https://api.github.com"
    labels: Mapping[TicketCategory, str] = {}
    """The label for each category; without one, the category's own name."""
    priorities: Mapping[Priority, str] = {}
    """The label for each priority; without one, `priority: <ours>`."""

    def open(self, wires: Wires) -> "GitHubTickets":
        """The adapter."""
        http = HttpBackend(wires.session, self.url, Auth.bearer(self.token), name="GitHub", limits=LIMITS)
        return GitHubTickets(self, http, wires)


class GitHubTickets:
    """tools.tickets.vendor.TicketVendor on the REST API."""

    repeatable_seconds = 0.0
    settle_seconds = _SETTLE_SECONDS

    def __init__(self, settings: GitHubTicketSettings, http: HttpBackend, wires: Wires) -> None:
        self._settings = settings
        self._http = http
        self._clock = wires.clock
        self._repository = f"/repos/{settings.repository}"

    @property
    def name(self) -> str:
        return f"github:{self._settings.repository}"

    async def create(self, order: Order) -> str:
        await self.check()
        asked = order.ticket
        labels = [
            self._settings.labels.get(asked.category, asked.category),
            self._settings.priorities.get(asked.priority, f"priority: {asked.priority}"),
        ]
        body = f"Customer: `{asked.customer_email}`\n\n{fenced(asked.body)}\n\n{_mark(order)}"
        issue = {"title": asked.subject, "body": body, "labels": labels}
        return _id((await self._send("POST", f"{self._repository}/issues", body=issue)).read(_Issue))

    async def find(self, order: Order) -> str | None:
        """The oldest issue with our mark, of all that were opened since the order was first made."""
        begin = self._clock() - order.age - _SLACK_SECONDS
        since = datetime.fromtimestamp(begin, UTC)
        asked: dict[str, str | int] = {
            "state": "all", "since": since.strftime("%Y-%m-%dT%H:%M:%SZ"), "sort": "created", "direction": "desc",
            "per_page": _PER_PAGE,
        }  # fmt: skip

        async def fetch(cursor: str) -> Page[_Issue]:
            answer = await self._send("GET", cursor or f"{self._repository}/issues", params={} if cursor else asked)
            return Page(answer.read(_Issues).root, answer.next_link)

        found = None
        async for issue in pages(fetch, service="GitHub", most=_PAGES):
            if when(issue.created_at) < begin:
                break  # newest first
            if _mark(order) in (issue.body or ""):
                found = issue
        return _id(found) if found else None

    async def standings(self, tickets: Sequence[Ref]) -> Collection[Standing]:
        found = [one for one in await all_of(map(self._standing, tickets)) if one]
        if len(found) < len(tickets):
            await self._send("GET", self._repository)  # if it hides itself as well, nothing is known of its issues
        return found

    async def of_customer(self, email: str) -> None:  # noqa: ARG002 - GitHub knows no customers
        return None

    async def check(self) -> str:
        repository = (await self._send("GET", self._repository)).read(_Repository)
        if repository.full_name.lower() != self._settings.repository.lower():  # reading follows, writing does not
            raise BackendRefusedError(f"{self._settings.repository} has another name now: {repository.full_name}")
        if not repository.private:
            raise BackendRefusedError(f"{self._settings.repository} is public: tickets hold what customers wrote")
        if not repository.has_issues:
            raise BackendRefusedError(f"{self._settings.repository} has its issues switched off")
        return f"{self._settings.repository} is private and takes issues"

    async def _standing(self, ticket: Ref) -> Standing | None:
        path = f"{self._repository}/issues/{ticket.id.removeprefix('#')}"
        answer = await self._send("GET", path, expect=(HTTPStatus.NOT_FOUND, HTTPStatus.GONE))
        if answer.status != HTTPStatus.OK:
            return None
        return Standing(ticket.id, SOLVED if answer.read(_Issue).state == "closed" else OPEN)

    async def _send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        body: object = None,
        expect: Collection[int] = (),
    ) -> Answer:
        """Rate limits also come as 403."""
        answer = await self._http.send(
            method, path, params=params, body=body, headers=_VERSION, expect=(*expect, HTTPStatus.FORBIDDEN)
        )
        if answer.status != HTTPStatus.FORBIDDEN:
            return answer
        pause = self._pause(answer)
        if pause is None:
            raise BackendRefusedError("GitHub refused our request (HTTP 403)", status=answer.status)
        raise ToolUnavailableError("GitHub asks us to slow down (HTTP 403)", retry_after=pause)

    def _pause(self, answer: Answer) -> float | None:
        """Seconds to wait after a rate limit, of which the secondary ones may tell in words only; None: it is none."""
        asked = wait_asked_for(answer.headers)
        if asked is not None:
            return asked
        if answer.headers.get("x-ratelimit-remaining") != "0":
            return _SECONDARY_PAUSE if b"rate limit" in answer.body.lower() else None
        reset = answer.headers.get("x-ratelimit-reset", "")
        return min(max(0.0, float(reset) - self._clock()), _LONGEST_PAUSE) if reset.isdecimal() else _LONGEST_PAUSE


def _id(issue: "_Issue") -> str:
    return f"#{issue.number}"


def _mark(order: Order) -> str:
    return f"<!-- deskhand {order.mark} -->"


class _Repository(BaseModel):
    full_name: str
    private: bool
    has_issues: bool = True


class _Issue(BaseModel):
    number: int
    state: str = "open"
    body: str | None = None
    created_at: AwareDatetime | None = None


class _Issues(RootModel[list[_Issue]]):
    pass
