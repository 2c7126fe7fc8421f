"""Tickets as customer requests of Jira Service Management (Cloud).

Jira does not recognise a repeated request. Our mark stands at the end of the description as a reference; requests made
since then are read and looked through for it, because the index of words is less reliable than that of dates. A request
is raised on behalf of the customer, who becomes a customer of the service desk if they are not one yet.
"""

import json
import math
import re
from collections.abc import Collection, Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, Field, RootModel

from tools.connector_settings import Connector, SecretFromEnv, ServiceUrl, Wires
from tools.http import HttpBackend
from tools.http_answer import BackendRefusedError
from tools.http_auth import Auth
from tools.ownership import canonical
from tools.paging import Page, first, pages
from tools.tickets.desk import Priority, TicketCategory
from tools.tickets.vendor import LIMITS, OPEN, PENDING, SOLVED, Order, Ref, Standing, Theirs, when

_SETTLE_SECONDS = 120.0
"""Jira's index is usually seconds behind."""
_SLACK_MINUTES = 10
_PAGES, _PER_PAGE, _SHOWN = 10, 100, 50
_API = "/rest/servicedeskapi"
_OPT_IN = {"X-ExperimentalApi": "opt-in"}
_WORKSPACE = "Slack workspace: "
_REFERENCE = "Reference: "
_NO_ADMIN = "; only an administrator may add customers: requests of unknown ones will be its own"


class JiraTicketSettings(Connector):
    """`[tickets] kind = "jira"`."""

    kind: Literal["jira"]
    url: ServiceUrl
    """https://<site>.atlassian.net"""
    user: str
    """E-mail address of the account whose API token it is; an agent of the service project."""
    token: SecretFromEnv = Field(alias="token_env")
    project: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]+$")]
    """Key of the service project, as in SUP-12."""
    service_desk: Annotated[str, Field(pattern=r"^[0-9]+$")]
    """Its number as a service desk (`GET /rest/servicedeskapi/servicedesk`)."""
    request_type: Annotated[str, Field(pattern=r"^[0-9]+$")]
    """Number of the request type; its fields summary and description are filled in."""
    request_types: Mapping[TicketCategory, Annotated[str, Field(pattern=r"^[0-9]+$")]] = {}
    """Others for some categories."""
    priorities: Mapping[Priority, str] = {}
    """Jira's name for each priority; the request type must have the field. Without this, none is sent."""
    pending: tuple[str, ...] = ("Waiting for customer", "Pending")
    """Names of statuses in which the customer is asked something."""
    add_customers: bool = True
    """Whether somebody unknown becomes a customer, which Jira lets only its administrators do.

    Otherwise such a request is raised in the account's own name.
    """

    def open(self, wires: Wires) -> "JiraTickets":
        """The adapter."""
        auth = Auth.basic(self.user, self.token)
        return JiraTickets(self, HttpBackend(wires.session, self.url, auth, name="Jira", limits=LIMITS))


class JiraTickets:
    """tools.tickets.vendor.TicketVendor on the service desk API and Jira's search."""

    repeatable_seconds = 0.0
    settle_seconds = _SETTLE_SECONDS

    def __init__(self, settings: JiraTicketSettings, http: HttpBackend) -> None:
        self._settings = settings
        self._http = http

    @property
    def name(self) -> str:
        return f"jira:{self._settings.url.partition('://')[2]}/{self._settings.project}"

    async def create(self, order: Order) -> str:
        asked, settings = order.ticket, self._settings
        account = await self._account(asked.customer_email)
        if account is None and settings.add_customers:
            account = await self._new_account(asked.customer_email)
        fields: dict[str, Any] = {"summary": asked.subject, "description": _description(order)}
        if asked.priority in settings.priorities:
            fields["priority"] = {"name": settings.priorities[asked.priority]}
        request = {
            "serviceDeskId": settings.service_desk,
            "requestTypeId": settings.request_types.get(asked.category, settings.request_type),
            "requestFieldValues": fields,
            **({"raiseOnBehalfOf": account} if account else {}),
        }
        return (await self._http.send("POST", f"{_API}/request", body=request)).read(_Request).key

    async def find(self, order: Order) -> str | None:
        """The oldest request with our mark, of all that were made while the order may have arrived."""
        earliest = math.ceil(order.age / 60) + _SLACK_MINUTES
        latest = max(0, math.floor((order.quiet - _SETTLE_SECONDS) / 60) - _SLACK_MINUTES)
        span = f'created >= "-{earliest}m"' + (f' AND created <= "-{latest}m"' if latest else "")
        jql = f'project = "{self._settings.project}" AND {span} ORDER BY created ASC'
        search = pages(self._searching(jql), service="Jira", most=_PAGES)
        async for issue in search:
            if f"{_REFERENCE}{order.mark}" in (issue.fields.description or ""):
                return issue.key
        return None

    async def standings(self, tickets: Sequence[Ref]) -> Collection[Standing]:
        asked = {"issueIdsOrKeys": [ticket.id for ticket in tickets], "fields": ["status"]}
        answer = await self._http.send("POST", "/rest/api/2/issue/bulkfetch", body=asked, safe=True)
        here = {issue.key: Standing(issue.key, self._status(issue)) for issue in answer.read(_Issues).issues}
        elsewhere = [await self._moved(ticket.id) for ticket in tickets if ticket.id not in here]
        if None in elsewhere:
            await self._project()  # if it hides itself as well, nothing is known of its issues
        return [*(here[ticket.id] for ticket in tickets if ticket.id in here), *(one for one in elsewhere if one)]

    async def of_customer(self, email: str) -> Sequence[Theirs]:
        account = await self._account(email)
        if account is None:
            return ()
        jql = f'project = "{self._settings.project}" AND reporter = {json.dumps(account)} ORDER BY created DESC'
        found = await first(pages(self._searching(jql), service="Jira", most=_PAGES), _SHOWN)
        return [self._theirs(issue, email) for issue in found if issue.is_of(account)]

    async def check(self) -> str:
        project = await self._project()
        path = f"{_API}/servicedesk/{self._settings.service_desk}/requesttype/{self._settings.request_type}"
        found = f"{project}, request type {(await self._http.get(path)).read(_RequestType).name}"
        return found if await self._may_add() else found + _NO_ADMIN

    async def _project(self) -> str:
        desk = (await self._http.get(f"{_API}/servicedesk/{self._settings.service_desk}")).read(_ServiceDesk)
        if desk.project != self._settings.project:
            raise BackendRefusedError(f"service desk {self._settings.service_desk} belongs to project {desk.project}")
        return desk.project

    async def _may_add(self) -> bool:
        """Whether somebody unknown can become a customer, as far as that is wanted: for this Jira wants an admin."""
        if not self._settings.add_customers:
            return True
        answer = await self._http.get("/rest/api/2/mypermissions", params={"permissions": "ADMINISTER"})
        return any(one.have for one in answer.read(_Permissions).permissions.values())

    async def _moved(self, key: str) -> Standing | None:
        """What became of an issue that has another key by now; people know it by the one it had first."""
        path, gone = f"/rest/api/2/issue/{key}", (HTTPStatus.NOT_FOUND,)
        answer = await self._http.get(path, params={"fields": "status"}, expect=gone)
        return None if answer.status in gone else Standing(key, self._status(answer.read(_Issue)))

    async def _account(self, email: str) -> str | None:
        """The account of the customer with exactly this address."""
        path = f"{_API}/servicedesk/{self._settings.service_desk}/customer"
        answer = await self._http.get(path, params={"query": email}, headers=_OPT_IN)
        return _with_address(answer.read(_Users).values, email)

    async def _new_account(self, email: str) -> str | None:
        """Doing it twice leads to the same; whoever has an account on the site keeps it, if its address can be seen.

        None when we may not do it: then nobody's request is lost for it.
        """
        person, hidden = {"email": email, "displayName": email}, (HTTPStatus.FORBIDDEN,)
        taken = (HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT, *hidden)
        answer = await self._http.send("POST", f"{_API}/customer", body=person, safe=True, expect=taken)
        if answer.status in taken:
            answer = await self._http.get("/rest/api/2/user/search", params={"query": email}, expect=hidden)
            account = None if answer.status in hidden else _with_address(answer.read(_People).root, email)
        else:
            account = answer.read(_User).account
        if account is None:
            return None
        path = f"{_API}/servicedesk/{self._settings.service_desk}/customer"
        added = await self._http.send("POST", path, body={"accountIds": [account]}, safe=True, expect=hidden)
        return None if added.status in hidden else account

    def _searching(self, jql: str) -> "_Search":
        return _Search(self._http, jql)

    def _theirs(self, issue: "_Issue", email: str) -> Theirs:
        body = issue.fields.description or ""
        _, sign, workspace = body.rpartition(_WORKSPACE)
        ours = {word: name for name, word in self._settings.priorities.items()}
        priority = issue.fields.priority.name if issue.fields.priority else ""
        return Theirs(
            issue.key, email, issue.fields.summary or "", body, ours.get(priority, priority.lower() or "medium"), "",
            self._status(issue), when(issue.fields.created), workspace.split()[0] if sign and workspace.split() else "",
        )  # fmt: skip

    def _status(self, issue: "_Issue") -> str:
        status = issue.fields.status
        if status is None:
            return OPEN
        if status.category.key == "done":
            return SOLVED
        return PENDING if status.name in self._settings.pending else OPEN


class _Search:
    """Pages of issues by JQL."""

    def __init__(self, http: HttpBackend, jql: str) -> None:
        self._http = http
        self._asked: dict[str, Any] = {
            "jql": jql,
            "fields": ["summary", "description", "status", "priority", "created", "reporter"],
            "maxResults": _PER_PAGE,
        }

    async def __call__(self, cursor: str) -> "Page[_Issue]":
        asked = {**self._asked, "nextPageToken": cursor} if cursor else self._asked
        answer = await self._http.send("POST", "/rest/api/2/search/jql", body=asked, safe=True)
        found = answer.read(_Issues)
        return Page(found.issues, found.next_page or "")


def _description(order: Order) -> str:
    """Jira's wiki text, with the customer's words as they are: no mention, picture or macro of theirs works."""
    words = re.sub(r"\{(?=noformat)", "{ ", order.ticket.body, flags=re.IGNORECASE)
    workspace = f"\n{_WORKSPACE}{order.workspace}" if order.workspace else ""
    return (
        f"{{noformat}}\n{words}\n{{noformat}}\n\nCustomer: {order.ticket.customer_email}\n"
        f"{_REFERENCE}{order.mark}{workspace}"
    )


class _User(BaseModel):
    account: str = Field(alias="accountId")
    email: str | None = Field(None, alias="emailAddress")


class _People(RootModel[list[_User]]):
    pass


def _with_address(users: Sequence[_User], email: str) -> str | None:
    """The account whose address is exactly this one; searches find others as well."""
    return next((user.account for user in users if canonical(user.email or "") == canonical(email)), None)


class _Users(BaseModel):
    values: list[_User] = []


class _Request(BaseModel):
    key: str = Field(alias="issueKey")


class _ServiceDesk(BaseModel):
    project: str = Field(alias="projectKey")


class _RequestType(BaseModel):
    name: str


class _Permission(BaseModel):
    have: bool = Field(alias="havePermission")


class _Permissions(BaseModel):
    permissions: dict[str, _Permission]


class _Named(BaseModel):
    name: str


class _StatusCategory(BaseModel):
    key: str


class _Status(BaseModel):
    name: str
    category: _StatusCategory = Field(alias="statusCategory")


class _Fields(BaseModel):
    summary: str | None = None
    description: str | None = None
    status: _Status | None = None
    priority: _Named | None = None
    created: AwareDatetime | None = None
    reporter: _User | None = None


class _Issue(BaseModel):
    key: str
    fields: _Fields = _Fields()

    def is_of(self, account: str) -> bool:
        return self.fields.reporter is not None and self.fields.reporter.account == account


class _Issues(BaseModel):
    issues: list[_Issue] = []
    next_page: str | None = Field(None, alias="nextPageToken")
