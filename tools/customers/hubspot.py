"""A CustomerDirectory on HubSpot: the contact with the address, its company, and its deals as notes for staff."""

from collections.abc import Mapping, Sequence
from typing import Literal
from urllib.parse import quote

from pydantic import BaseModel
from pydantic import Field as Key

from tools.connector_settings import Connector, SecretFromEnv, ServiceUrl, Wires
from tools.customers.directory import CustomerRecord
from tools.customers.loose import Field, day, record_of, text
from tools.customers.match import is_searchable, own, with_doubles
from tools.http import HttpBackend
from tools.http_auth import Auth
from tools.ownership import canonical
from tools.paging import Page, first, pages
from tools.side_by_side import all_of

_API = "/crm/objects/2026-09"
"""HubSpot names its versions after their month; the numbered ones before (v3, v4) end in 2027."""
_CONTACT = ("email", "firstname", "lastname", "company", "lifecyclestage", "createdate", "lastmodifieddate")
_COMPANY = ("name", "domain", "lifecyclestage")
_DEAL = ("dealname", "dealstage", "amount", "deal_currency_code", "closedate")
_CONTACTS, _RELATED, _PER_PAGE, _PAGES = 20, 10, 100, 3
_PRIMARY = 1
"""HubSpot's type of the association of a contact with its primary company."""
_HIDDEN = frozenset({403, 404})
"""Gone, or beyond the scopes of the token: a contact without its company and deals is better than none."""
_OF_COMPANY = "company."


class HubSpotSettings(Connector):
    """`kind = "hubspot"`."""

    kind: Literal["hubspot"]
    token: SecretFromEnv = Key(alias="token_env")
    """Of a private app that may read contacts, companies and deals."""
    url: ServiceUrl = "https://api.hubapi.com"
    fields: Mapping[Field, str] = {}
    """Names of your own properties, e.g. plan = "plan_name" of the contact, seats = "company.seats" of the company."""

    def open(self, wires: Wires) -> "HubSpotCustomers":
        """The directory."""
        backend = HttpBackend(wires.session, self.url, Auth.bearer(self.token), name="HubSpot")
        return HubSpotCustomers(backend, self.fields)


class _Thing(BaseModel):
    """A contact, company or deal: HubSpot's properties are all text or null."""

    id: str
    properties: dict[str, str | None] = {}

    def get(self, name: str) -> str:
        return self.properties.get(name) or ""


class _Found(BaseModel):
    results: list[_Thing]


class _AssociationType(BaseModel):
    category: str = ""
    type_id: int = Key(0, alias="typeId")


class _Association(BaseModel):
    to: int = Key(alias="toObjectId")
    types: list[_AssociationType] = Key([], alias="associationTypes")

    @property
    def is_primary(self) -> bool:
        """Whether this is the company that the contact belongs to before all others."""
        return any(one.category == "HUBSPOT_DEFINED" and one.type_id == _PRIMARY for one in self.types)


class _After(BaseModel):
    after: str


class _Paging(BaseModel):
    next: _After | None = None


class _Associations(BaseModel):
    results: list[_Association]
    paging: _Paging | None = None

    @property
    def cursor(self) -> str:
        return self.paging.next.after if self.paging and self.paging.next else ""


class HubSpotCustomers:
    """Contacts of a HubSpot account."""

    def __init__(self, backend: HttpBackend, fields: Mapping[Field, str]) -> None:
        self._backend = backend
        self._fields = fields

    async def find(self, email: str) -> CustomerRecord | None:
        asked = canonical(email)
        mine = own(await self._contacts(asked), asked, lambda contact: contact.get("email"))
        if not mine:
            return None
        contact = mine[0]
        wanted = {"companies": self._wanted(_COMPANY, _OF_COMPANY), "deals": _DEAL}
        companies, deals = await all_of(self._related(contact, kind, names) for kind, names in wanted.items())
        company = companies[0] if companies else None
        notes = with_doubles(_told(deals), len(mine))
        return record_of(asked, {**self._values(contact, company), "notes": notes})

    async def check(self) -> str:
        await self._backend.get(f"{_API}/contacts", params={"limit": 1, "properties": "email"})
        return "the token may read contacts"

    def _values(self, contact: _Thing, company: _Thing | None) -> Mapping[str, object]:
        values: dict[str, object] = {
            "name": f"{contact.get('firstname')} {contact.get('lastname')}".strip(),
            "company": (company.get("name") if company else "") or contact.get("company"),
            "status": contact.get("lifecyclestage"),
            "since": contact.get("createdate"),
        }
        for field, name in self._fields.items():
            whose = company if name.startswith(_OF_COMPANY) else contact
            values[field] = whose.get(name.removeprefix(_OF_COMPANY)) if whose else ""
        return values

    def _wanted(self, usual: Sequence[str], prefix: str = "") -> list[str]:
        mapped = [name.removeprefix(prefix) for name in self._fields.values() if _is_of(name, prefix)]
        return list(dict.fromkeys((*usual, *mapped)))

    async def _contacts(self, email: str) -> list[_Thing]:
        """HubSpot also finds contacts that have the address as a second one; they are sorted out afterwards."""
        if not is_searchable(email):
            return []
        wanted = {"propertyName": "email", "operator": "EQ", "value": email}
        body = {
            "filterGroups": [{"filters": [wanted]}],
            "properties": self._wanted(_CONTACT),
            "sorts": [{"propertyName": "lastmodifieddate", "direction": "DESCENDING"}],
            "limit": _CONTACTS,
        }
        answer = await self._backend.send("POST", f"{_API}/contacts/search", body=body, safe=True)
        return answer.read(_Found).results

    async def _related(self, contact: _Thing, kind: str, properties: Sequence[str]) -> list[_Thing]:
        """What is associated with the contact, at most `_RELATED`; a primary company first, newest deals first."""
        path = f"{_API}/contacts/{quote(contact.id, safe='')}/associations/{kind}"

        async def page(cursor: str) -> Page[_Association]:
            params: dict[str, str | int] = {"limit": _PER_PAGE, **({"after": cursor} if cursor else {})}
            answer = await self._backend.get(path, params=params, expect=_HIDDEN)
            if answer.status in _HIDDEN:
                return Page(())
            found = answer.read(_Associations)
            return Page(found.results, found.cursor)

        related = await first(pages(page, service=self._backend.name, most=_PAGES), _PER_PAGE * _PAGES, or_fewer=True)
        ids = [str(one.to) for one in sorted(related, key=lambda one: (one.is_primary, one.to), reverse=True)]
        if not ids:
            return []
        body = {"properties": list(properties), "inputs": [{"id": one} for one in ids[:_RELATED]]}
        answer = await self._backend.send("POST", f"{_API}/{kind}/batch/read", body=body, safe=True, expect=_HIDDEN)
        if answer.status in _HIDDEN:
            return []
        by_id = {one.id: one for one in answer.read(_Found).results}
        return [by_id[one] for one in ids if one in by_id]


def _is_of(name: str, prefix: str) -> bool:
    return name.startswith(prefix) if prefix else not name.startswith(_OF_COMPANY)


def _told(deals: Sequence[_Thing]) -> str:
    """One line a deal, the latest first."""
    latest = sorted(deals, key=lambda deal: deal.get("closedate"), reverse=True)
    lines = (
        f"Deal: {text(deal.get('dealname'))}, stage {deal.get('dealstage') or 'unknown'}, "
        f"{deal.get('amount') or 'no amount'} {deal.get('deal_currency_code')}".rstrip()
        + (f", closes {day(deal.get('closedate'))}" if deal.get("closedate") else "")
        for deal in latest
    )
    return "\n".join(lines)
