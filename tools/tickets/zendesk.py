"""Tickets in Zendesk Support.

Zendesk knows a repeated request by its `Idempotency-Key` for two hours; beyond that, and to find a ticket again, our
mark stands in `external_id`. The customer is the requester, so Zendesk's own notifications reach them. Tags say where
it came from: `deskhand`, `deskhand-<Slack team>`, and one for the category.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from pydantic import AwareDatetime, BaseModel, Field

from tools.connector_settings import Connector, SecretFromEnv, ServiceUrl, Wires
from tools.customers.match import is_searchable
from tools.http import HttpBackend
from tools.http_answer import BackendRefusedError
from tools.http_auth import Auth
from tools.ownership import canonical
from tools.tickets.desk import Priority, TicketCategory
from tools.tickets.vendor import LIMITS, OPEN, PENDING, SOLVED, Order, Ref, Standing, Theirs, when

_TAG = "deskhand"
_KEY_SECONDS = 6600.0
"""Of the two hours after which Zendesk forgets a key."""
_SETTLE_SECONDS = 60.0
_SHOWN = 50
"""Tickets of a customer that are read, so that ten are left of each workspace."""
_STATUSES: Mapping[str, str] = {"pending": PENDING, "hold": PENDING, "solved": SOLVED, "closed": SOLVED}
_PRIORITIES: Mapping[Priority, str] = {"low": "low", "medium": "normal", "high": "high", "urgent": "urgent"}


class ZendeskTicketSettings(Connector):
    """`[tickets] kind = "zendesk"`."""

    kind: Literal["zendesk"]
    url: ServiceUrl
    """https://<subdomain>.zendesk.com"""
    user: str = ""
    """E-mail address of the agent whose API token it is; empty: the token is an OAuth access token."""
    token: SecretFromEnv = Field(alias="token_env")
    priorities: Mapping[Priority, Literal["low", "normal", "high", "urgent"]] = {}
    """Zendesk's word for each of ours, where it is not the usual one."""
    tags: Mapping[TicketCategory, str] = {}
    """The tag for each category, where it is not the category's own name."""
    group_id: int | None = None
    brand_id: int | None = None

    def open(self, wires: Wires) -> "ZendeskTickets":
        """The adapter."""
        auth = Auth.basic(f"{self.user}/token", self.token) if self.user else Auth.bearer(self.token)
        return ZendeskTickets(self, HttpBackend(wires.session, self.url, auth, name="Zendesk", limits=LIMITS))


class ZendeskTickets:
    """tools.tickets.vendor.TicketVendor on the Support API v2."""

    repeatable_seconds = _KEY_SECONDS
    settle_seconds = _SETTLE_SECONDS

    def __init__(self, settings: ZendeskTicketSettings, http: HttpBackend) -> None:
        self._settings = settings
        self._http = http
        self._tags = {category: settings.tags.get(category, category) for category in _CATEGORIES}
        self._priorities = {**_PRIORITIES, **settings.priorities}

    @property
    def name(self) -> str:
        return f"zendesk:{self._settings.url.partition('://')[2]}"

    async def create(self, order: Order) -> str:
        answer = await self._http.send(
            "POST", "/api/v2/tickets.json", body={"ticket": self._fields(order)},
            headers={"Idempotency-Key": order.mark},
        )  # fmt: skip
        return _id(answer.read(_OneTicket).ticket)

    async def find(self, order: Order) -> str | None:
        answer = await self._http.get("/api/v2/tickets.json", params={"external_id": order.mark})
        found = [ticket for ticket in answer.read(_Tickets).tickets if ticket.external_id == order.mark]
        return _id(min(found, key=lambda ticket: ticket.id)) if found else None

    async def standings(self, tickets: Sequence[Ref]) -> Collection[Standing]:
        ids = ",".join(ticket.id.removeprefix("#") for ticket in tickets)
        answer = await self._http.get("/api/v2/tickets/show_many.json", params={"ids": ids})
        return [Standing(_id(ticket), _STATUSES.get(ticket.status, OPEN)) for ticket in answer.read(_Tickets).tickets]

    async def of_customer(self, email: str) -> Sequence[Theirs]:
        if not is_searchable(email):
            return ()
        found = await self._http.get("/api/v2/users/search.json", params={"query": f'email:"{email}"'})
        users = [user for user in found.read(_Users).users if canonical(user.email or "") == email]
        theirs: list[Theirs] = []
        for user in users[:1]:  # an address is one user's only
            newest: dict[str, str | int] = {"sort_by": "created_at", "sort_order": "desc", "per_page": _SHOWN}
            answer = await self._http.get(f"/api/v2/users/{user.id}/tickets/requested.json", params=newest)
            theirs += [
                self._theirs(ticket, user.email or "") for ticket in answer.read(_Tickets).tickets if ticket.of(user)
            ]
        return theirs

    async def check(self) -> str:
        user = (await self._http.get("/api/v2/users/me.json")).read(_OneUser).user
        if not user.id:
            raise BackendRefusedError("Zendesk does not know the token", status=401)
        if user.role == "end-user":
            raise BackendRefusedError("Zendesk takes the token for a customer's: use one of an agent", status=403)
        return f"answers as {user.role or 'agent'}"

    def _fields(self, order: Order) -> dict[str, object]:
        asked = order.ticket
        fields: dict[str, object] = {
            "subject": _plain(asked.subject),
            "comment": {"body": _plain(asked.body)},
            "requester": {"email": asked.customer_email, "name": asked.customer_email},
            "external_id": order.mark,
            "priority": self._priorities[asked.priority],
            "tags": [_TAG, self._tags[asked.category], *([f"{_TAG}-{order.workspace}"] if order.workspace else [])],
        }
        places = {"group_id": self._settings.group_id, "brand_id": self._settings.brand_id}
        return fields | {name: value for name, value in places.items() if value is not None}

    def _theirs(self, ticket: "_Ticket", email: str) -> Theirs:
        workspaces = [tag.removeprefix(f"{_TAG}-") for tag in ticket.tags if tag.startswith(f"{_TAG}-")]
        ours = {word: name for name, word in self._priorities.items()}
        return Theirs(
            _id(ticket), email, ticket.subject or "", ticket.description or "",
            ours.get(ticket.priority or "", ticket.priority or "medium"),
            next((category for category, tag in self._tags.items() if tag in ticket.tags), ""),
            _STATUSES.get(ticket.status, OPEN), when(ticket.created_at),
            workspaces[0].upper() if workspaces else "",  # Zendesk writes tags in small letters
        )  # fmt: skip


_CATEGORIES: tuple[TicketCategory, ...] = ("billing", "technical", "account", "product")


def _id(ticket: "_Ticket") -> str:
    return f"#{ticket.id}"


def _plain(text: str) -> str:
    """Text of a customer in which Zendesk fills in nothing: the comment is an agent's, whose placeholders work."""
    return re.sub(r"\{(?=[{%])", "{ ", text)


class _User(BaseModel):
    id: int | None = None
    email: str | None = None
    role: str | None = None


class _OneUser(BaseModel):
    user: _User


class _Users(BaseModel):
    users: list[_User] = []


class _Ticket(BaseModel):
    id: int
    external_id: str | None = None
    subject: str | None = None
    description: str | None = None
    priority: str | None = None
    status: str = "open"
    tags: list[str] = []
    requester_id: int | None = None
    created_at: AwareDatetime | None = None

    def of(self, user: _User) -> bool:
        return self.requester_id == user.id


class _OneTicket(BaseModel):
    ticket: _Ticket


class _Tickets(BaseModel):
    tickets: list[_Ticket] = []
