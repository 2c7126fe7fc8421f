"""Tickets as issues of a Linear team, by its GraphQL API.

Linear lets the caller choose an issue's id. Ours is the mark, so that a repeated order can never open a second issue.
Linear knows no customers; what a customer has is in our own book.
"""

from collections.abc import Collection, Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from tools.base import ToolUnavailableError
from tools.connector_settings import Connector, SecretFromEnv, ServiceUrl, Wires
from tools.http import HttpBackend
from tools.http_answer import Answer, BackendRefusedError, give_up, wait_asked_for
from tools.http_auth import Auth
from tools.tickets.desk import Priority, TicketCategory
from tools.tickets.vendor import FOR_EVER, LIMITS, OPEN, SOLVED, Order, Ref, Standing, fenced

_UUID = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_PRIORITIES: Mapping[Priority, int] = {"urgent": 1, "high": 2, "medium": 3, "low": 4}
_DONE = frozenset({"completed", "canceled", "duplicate"})
_USUAL_PAUSE, _LONGEST_PAUSE = 60.0, 3600.0
_RESETS = ("X-RateLimit-Requests-Reset", "X-RateLimit-Complexity-Reset", "X-RateLimit-Endpoint-Requests-Reset")
_SLOW_DOWN = "ratelimited"
_LOCKED_OUT = frozenset({"authentication error", "forbidden"})
_OUR_FAULT = frozenset(
    {"invalid input", "input error", "bad user input", "user error", "graphql error", "graphql validation failed"}
) | {"feature not accessible", "usage limit exceeded", *_LOCKED_OUT}
"""Kinds of errors after which nothing was done; of all others nobody knows."""
_CREATE = """
mutation OpenTicket($input: IssueCreateInput!) { issueCreate(input: $input) { success issue { id identifier } } }
"""
_READ = """
query Tickets($ids: [ID!]!, $first: Int!) {
  issues(filter: { id: { in: $ids } }, first: $first, includeArchived: true) {
    nodes { id identifier trashed state { type } }
  }
}
"""
_TEAM = "query Team($id: String!) { team(id: $id) { id key name } }"


class LinearTicketSettings(Connector):
    """`[tickets] kind = "linear"`."""

    kind: Literal["linear"]
    team: Annotated[str, Field(pattern=_UUID)]
    """The team's UUID (⌘K → Copy model UUID)."""
    token: SecretFromEnv = Field(alias="token_env")
    """A personal API key, or an OAuth token with `oauth = true`."""
    oauth: bool = False
    url: ServiceUrl = "https://api.linear.app"
    labels: Mapping[TicketCategory, Annotated[str, Field(pattern=_UUID)]] = {}
    """UUID of the label for each category."""
    priorities: Mapping[Priority, Annotated[int, Field(ge=0, le=4)]] = {}
    """Linear's number for each priority, where it is not the usual one."""

    def open(self, wires: Wires) -> "LinearTickets":
        """The adapter."""
        auth = Auth.header("Authorization", self.token, "Bearer " if self.oauth else "")
        return LinearTickets(self, HttpBackend(wires.session, self.url, auth, name="Linear", limits=LIMITS), wires)


class LinearTickets:
    """tools.tickets.vendor.TicketVendor on the GraphQL API."""

    repeatable_seconds = FOR_EVER
    settle_seconds = 0.0

    def __init__(self, settings: LinearTicketSettings, http: HttpBackend, wires: Wires) -> None:
        self._settings = settings
        self._http = http
        self._clock = wires.clock

    @property
    def name(self) -> str:
        return f"linear:{self._settings.team}"

    async def create(self, order: Order) -> str:
        asked, settings = order.ticket, self._settings
        label = settings.labels.get(asked.category)
        issue = {
            "id": order.mark,
            "teamId": settings.team,
            "title": asked.subject,
            "description": f"Customer: `{asked.customer_email}`\n\n{fenced(asked.body)}",
            "priority": {**_PRIORITIES, **settings.priorities}[asked.priority],
            **({"labelIds": [label]} if label else {}),
        }
        made = (await self._ask(_CREATE, {"input": issue}, safe=False)).created
        if made is None or made.issue is None:
            give_up("Linear opened no issue and does not say why", safe=False)
        return made.issue.identifier

    async def find(self, order: Order) -> str | None:
        found = await self._read([order.mark])
        return found[0].identifier if found else None

    async def standings(self, tickets: Sequence[Ref]) -> Collection[Standing]:
        """An issue that has moved to another team has another identifier; we go on with the one people know."""
        known = {ticket.mark: ticket.id for ticket in tickets}
        read = [issue for issue in await self._read(list(known)) if issue.id in known and not issue.trashed]
        return [Standing(known[issue.id], SOLVED if issue.is_done else OPEN) for issue in read]

    async def of_customer(self, email: str) -> None:  # noqa: ARG002 - Linear knows no customers
        return None

    async def check(self) -> str:
        team = (await self._ask(_TEAM, {"id": self._settings.team})).team
        if team is None:
            raise BackendRefusedError("Linear knows no such team")
        return f"team {team.name} ({team.key})"

    async def _read(self, ids: list[str]) -> "list[_Issue]":
        issues = (await self._ask(_READ, {"ids": ids, "first": len(ids)})).issues
        return issues.nodes if issues else []

    async def _ask(self, query: str, variables: Mapping[str, Any], *, safe: bool = True) -> "_Data":
        """GraphQL's failures come with 200 or 400, a rate limit with 400."""
        asked = {"query": query, "variables": variables}
        answer = await self._http.send("POST", "/graphql", body=asked, safe=safe, expect=(HTTPStatus.BAD_REQUEST,))
        told = answer.read(_Told)
        kinds = {kind for error in told.errors for kind in error.extensions.kinds}
        if _SLOW_DOWN in kinds:
            raise ToolUnavailableError("Linear asks us to slow down", retry_after=self._pause(answer))
        if kinds & _OUR_FAULT or answer.status == HTTPStatus.BAD_REQUEST:
            status = HTTPStatus.FORBIDDEN if kinds & _LOCKED_OUT else HTTPStatus.BAD_REQUEST
            raise BackendRefusedError("Linear refused our request", status=status)
        if kinds or told.data is None:
            give_up("Linear failed", safe=safe)
        return told.data

    def _pause(self, answer: Answer) -> float:
        """Until the limit that is used up is full again; Linear tells milliseconds of Unix time, if no Retry-After."""
        asked = wait_asked_for(answer.headers)
        if asked is not None:
            return asked
        used = [name for name in _RESETS if answer.headers.get(name.replace("Reset", "Remaining")) == "0"]
        told = [answer.headers.get(name, "") for name in used]
        pauses = [float(reset) / 1000 - self._clock() for reset in told if reset.isdecimal()]
        return min(max(0.0, *pauses), _LONGEST_PAUSE) if pauses else _USUAL_PAUSE


class _State(BaseModel):
    type: str


class _Issue(BaseModel):
    id: str
    identifier: str
    trashed: bool | None = None
    state: _State | None = None

    @property
    def is_done(self) -> bool:
        return self.state is not None and self.state.type in _DONE


class _Issues(BaseModel):
    nodes: list[_Issue] = []


class _Created(BaseModel):
    success: bool = False
    issue: _Issue | None = None


class _Team(BaseModel):
    key: str
    name: str


class _Data(BaseModel):
    created: _Created | None = Field(None, alias="issueCreate")
    issues: _Issues | None = None
    team: _Team | None = None


class _Extensions(BaseModel):
    code: str | None = None
    type: str | None = None

    @property
    def kinds(self) -> set[str]:
        """By its type, its code, or both; `AUTHENTICATION_ERROR` and `authentication error` are the same."""
        return {told.lower().replace("_", " ") for told in (self.type, self.code) if told} or {"unknown"}


class _Error(BaseModel):
    extensions: _Extensions = _Extensions()


class _Told(BaseModel):
    data: _Data | None = None
    errors: list[_Error] = []
