"""A CustomerDirectory on Intercom: the contact with the address, and its company with plan and monthly spend."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import AliasChoices, BaseModel
from pydantic import Field as Key

from tools.connector_settings import Connector, SecretFromEnv, ServiceUrl, Wires
from tools.customers.directory import CustomerRecord
from tools.customers.loose import Field, record_of, text
from tools.customers.match import is_searchable, own, with_doubles
from tools.http import HttpBackend
from tools.http_auth import Auth
from tools.ownership import canonical
from tools.paging import Page, first, pages

_VERSION: Mapping[str, str] = {"Intercom-Version": "2.11"}
"""Pinned, so that shapes stay what they are here."""
_CONTACTS, _PAGES = 20, 3
_GONE = frozenset({404})
_OF_COMPANY = "company."


class IntercomSettings(Connector):
    """`kind = "intercom"`."""

    kind: Literal["intercom"]
    token: SecretFromEnv = Key(alias="token_env")
    url: ServiceUrl = "https://api.intercom.io"
    """https://api.eu.intercom.io or https://api.au.intercom.io for workspaces hosted there."""
    fields: Mapping[Field, str] = {}
    """Names of your own attributes, e.g. plan = "plan" of the contact, seats = "company.seats" of the company."""
    currency: Annotated[str, Key(pattern=r"^[A-Z]{3}$")] = "USD"
    """What `monthly_spend` is counted in, which Intercom does not say."""

    def open(self, wires: Wires) -> "IntercomCustomers":
        """The directory."""
        backend = HttpBackend(wires.session, self.url, Auth.bearer(self.token), name="Intercom")
        return IntercomCustomers(backend, self.fields, self.currency)


class _Contact(BaseModel):
    id: str
    role: str = "user"
    email: str | None = None
    name: str | None = None
    created_at: int | None = None
    signed_up_at: int | None = None
    updated_at: int | None = None
    custom_attributes: dict[str, Any] = {}


class _Next(BaseModel):
    starting_after: str | None = None


class _Pages(BaseModel):
    next: _Next | None = None


class _Contacts(BaseModel):
    data: list[_Contact]
    pages: _Pages | None = None

    @property
    def cursor(self) -> str:
        return (self.pages.next.starting_after or "") if self.pages and self.pages.next else ""


class _Plan(BaseModel):
    name: str | None = None


class _Company(BaseModel):
    name: str | None = None
    plan: _Plan | None = None
    monthly_spend: Decimal | None = None
    user_count: int | None = None
    custom_attributes: dict[str, Any] = {}


class _Companies(BaseModel):
    """Intercom's schema names the list `companies`, its recorded examples `data`."""

    companies: list[_Company] = Key(validation_alias=AliasChoices("data", "companies"))


class IntercomCustomers:
    """Contacts of an Intercom workspace."""

    def __init__(self, backend: HttpBackend, fields: Mapping[Field, str], currency: str) -> None:
        self._backend = backend
        self._fields = fields
        self._currency = currency

    async def find(self, email: str) -> CustomerRecord | None:
        asked = canonical(email)
        mine = own(await self._search(asked), asked, lambda contact: contact.email)
        if not mine:
            return None
        contact = max(mine, key=lambda one: (one.role == "user", one.updated_at or 0))
        values = self._values(contact, await self._company(contact))
        return record_of(asked, {**values, "notes": with_doubles(text(values.get("notes")), len(mine))})

    async def check(self) -> str:
        await self._backend.get("/me", headers=_VERSION)
        return "the token is taken"

    async def _search(self, email: str) -> tuple[_Contact, ...]:
        if not is_searchable(email):
            return ()
        wanted = {"field": "email", "operator": "=", "value": email}

        async def page(cursor: str) -> Page[_Contact]:
            paging = {"per_page": _CONTACTS, **({"starting_after": cursor} if cursor else {})}
            body = {"query": wanted, "pagination": paging}
            answer = await self._backend.send("POST", "/contacts/search", body=body, headers=_VERSION, safe=True)
            found = answer.read(_Contacts)
            return Page(found.data, found.cursor)

        return await first(pages(page, service=self._backend.name, most=_PAGES), _CONTACTS)

    async def _company(self, contact: _Contact) -> _Company | None:
        path = f"/contacts/{quote(contact.id, safe='')}/companies"
        answer = await self._backend.get(path, headers=_VERSION, expect=_GONE)
        companies = [] if answer.status in _GONE else answer.read(_Companies).companies
        return companies[0] if companies else None

    def _values(self, contact: _Contact, company: _Company | None) -> dict[str, object]:
        values: dict[str, object] = {
            "name": contact.name,
            "since": contact.signed_up_at or contact.created_at,
            "currency": self._currency,
        }
        if company:
            values |= {
                "company": company.name,
                "plan": company.plan.name if company.plan else "",
                "monthly": company.monthly_spend,
                "seats": company.user_count,
            }
        for field, name in self._fields.items():
            whose = (
                (company.custom_attributes if company else {})
                if name.startswith(_OF_COMPANY)
                else contact.custom_attributes
            )
            values[field] = whose.get(name.removeprefix(_OF_COMPANY))
        return values
