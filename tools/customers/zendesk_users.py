"""A CustomerDirectory on Zendesk's users: the end user with the address, and their organization."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel
from pydantic import Field as Key

from tools.connector_settings import Connector, SecretFromEnv, ServiceUrl, Wires
from tools.customers.directory import CustomerRecord
from tools.customers.loose import Field, record_of, text
from tools.customers.match import is_searchable, own, with_doubles
from tools.http import HttpBackend
from tools.http_answer import BackendRefusedError
from tools.http_auth import Auth
from tools.ownership import canonical
from tools.paging import Page, first, pages

_USERS, _PAGES = 20, 3
_HIDDEN = frozenset({403, 404})
_OF_ORGANIZATION = "organization."


class ZendeskUsersSettings(Connector):
    """`kind = "zendesk"`."""

    kind: Literal["zendesk"]
    url: ServiceUrl
    """https://<subdomain>.zendesk.com."""
    user: Annotated[str, Key(pattern=r"^[^\s:]+@[^\s:]+$")] | None = None
    """E-mail of the agent whom an API token belongs to; without it the token is an OAuth token."""
    token: SecretFromEnv = Key(alias="token_env")
    fields: Mapping[Field, str] = {}
    """Keys of your own user fields, e.g. plan = "plan", seats = "organization.seats" for an organization field."""

    def open(self, wires: Wires) -> "ZendeskUsers":
        """The directory."""
        auth = Auth.basic(f"{self.user}/token", self.token) if self.user else Auth.bearer(self.token)
        return ZendeskUsers(HttpBackend(wires.session, self.url, auth, name="Zendesk"), self.fields)


class _User(BaseModel):
    id: int
    name: str = ""
    email: str | None = None
    active: bool = True
    suspended: bool = False
    role: str | None = None
    organization_id: int | None = None
    created_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None
    notes: str | None = None
    details: str | None = None
    user_fields: dict[str, Any] | None = None


class _Users(BaseModel):
    users: list[_User]
    next_page: str | None = None


class _Organization(BaseModel):
    name: str = ""
    notes: str | None = None
    details: str | None = None
    organization_fields: dict[str, Any] | None = None


class _OneOrganization(BaseModel):
    organization: _Organization


class _Myself(BaseModel):
    id: int | None = None
    role: str | None = None


class _Me(BaseModel):
    user: _Myself


class ZendeskUsers:
    """Users of a Zendesk account."""

    def __init__(self, backend: HttpBackend, fields: Mapping[Field, str]) -> None:
        self._backend = backend
        self._fields = fields

    async def find(self, email: str) -> CustomerRecord | None:
        asked = canonical(email)
        mine = [user for user in own(await self._search(asked), asked, lambda user: user.email) if user.active]
        if not mine:
            return None
        user = max(mine, key=lambda one: (one.role == "end-user", one.updated_at.timestamp() if one.updated_at else 0))
        organization = await self._organization(user)
        values = self._values(user, organization)
        notes = with_doubles(_notes(user, organization), len(mine))
        return record_of(asked, {"notes": notes, **values})

    async def check(self) -> str:
        me = (await self._backend.get("/api/v2/users/me.json")).read(_Me).user
        if me.id is None:  # Zendesk answers strangers, too
            raise BackendRefusedError("Zendesk does not know the token", status=HTTPStatus.UNAUTHORIZED)
        return f"the token is that of somebody whose role is {me.role or 'unknown'}"

    async def _search(self, email: str) -> tuple[_User, ...]:
        """Zendesk's search is loose and also looks into further addresses; what is not the asked one is dropped."""
        if not is_searchable(email):
            return ()

        async def page(cursor: str) -> Page[_User]:
            query: dict[str, str | int] = {"query": f'email:"{email}"', "per_page": _USERS}
            path = cursor or "/api/v2/users/search.json"
            found = (await self._backend.get(path, params=None if cursor else query)).read(_Users)
            return Page(found.users, found.next_page or "")

        return await first(pages(page, service=self._backend.name, most=_PAGES), _USERS)

    async def _organization(self, user: _User) -> _Organization | None:
        if user.organization_id is None:
            return None
        answer = await self._backend.get(f"/api/v2/organizations/{user.organization_id}.json", expect=_HIDDEN)
        return None if answer.status in _HIDDEN else answer.read(_OneOrganization).organization

    def _values(self, user: _User, organization: _Organization | None) -> dict[str, object]:
        of_organization = (organization.organization_fields or {}) if organization else {}
        values: dict[str, object] = {
            "name": user.name,
            "company": organization.name if organization else "",
            "status": "suspended" if user.suspended else "active",
            "since": user.created_at,
        }
        for field, name in self._fields.items():
            whose = of_organization if name.startswith(_OF_ORGANIZATION) else (user.user_fields or {})
            values[field] = whose.get(name.removeprefix(_OF_ORGANIZATION))
        return values


def _notes(user: _User, organization: _Organization | None) -> str:
    of_organization = (organization.details, organization.notes) if organization else ()
    return "\n".join(text(part) for part in (user.details, user.notes, *of_organization) if part)
