"""A CustomerDirectory on any HTTP service with JSON answers: its address is a template, JMESPath finds the fields."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlsplit

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import AfterValidator, StringConstraints, field_validator, model_validator
from pydantic import Field as Key

from tools.connector_settings import Connector, SecretFromEnv, ServiceUrl, Wires
from tools.customers.directory import Charge, CustomerRecord
from tools.customers.loose import HISTORY, Field, HistoryField, charge_of, record_of, text
from tools.customers.match import is_searchable, own, own_lines, with_doubles
from tools.http import HttpBackend
from tools.http_answer import Answer
from tools.http_auth import NO_AUTH, Auth
from tools.ownership import canonical
from tools.paging import Page, first, pages

_PAGES = 10
_MISSING = frozenset({404})
_MINOR = {"major": 0, "minor": 2}
_NOBODY = "nobody@customer.invalid"


def _path(value: str) -> str:
    try:
        jmespath.compile(value)
    except JMESPathError:
        raise ValueError("is no JMESPath expression; see jmespath.org") from None
    return value


_Path = Annotated[str, AfterValidator(_path)]


class HttpRecordSettings(Connector):
    """`kind = "http"`."""

    kind: Literal["http"]
    url: ServiceUrl
    """With {email} where the address belongs; it is percent-encoded there."""
    token: SecretFromEnv | None = Key(None, alias="token_env")
    header: Annotated[str, Key(pattern=r"^[A-Za-z0-9-]{1,100}$")] = "Authorization"
    """Where the token is sent."""
    prefix: Annotated[str, StringConstraints(strip_whitespace=False, pattern=r"^[ -~]*$")] | None = None
    """What stands before the token, its space included; by default `Bearer ` in Authorization and nothing elsewhere."""
    records: _Path = "@"
    """JMESPath of the customer, or of a list of candidates."""
    email: _Path = "email"
    """JMESPath of a candidate's address, from the candidate on; so are `fields`."""
    fields: Mapping[Field, _Path] = {}
    history: _Path | None = None
    """JMESPath of the list of charges: from the candidate on, or in the answer of `history_url`."""
    history_fields: Mapping[HistoryField, _Path] = {}
    """With `email`, charges of any other address are dropped: for services that search loosely."""
    history_url: ServiceUrl | None = None
    """With {email}, for services that keep charges elsewhere; when there are many pages, the newest come first."""
    history_next: _Path | None = None
    """JMESPath of the address of the next page, at the same service."""
    amounts: Literal["major", "minor"] = "major"
    """`minor`: amounts are in hundredths, e.g. cents."""

    @field_validator("url", "history_url")
    @classmethod
    def _names_the_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if "{" in parts.netloc or "{email}" not in parts.path + parts.query:
            raise ValueError("put {email} where the address of the customer belongs, behind the name of the server")
        return value

    @model_validator(mode="after")
    def _one_service(self) -> "HttpRecordSettings":
        if self.history_url and urlsplit(self.history_url)[:2] != urlsplit(self.url)[:2]:
            raise ValueError("history_url must be at the same server as url, which the token is for")
        if self.history and not {"amount"} <= self.history_fields.keys():
            raise ValueError("history needs history_fields, with `amount` at least")
        return self

    def open(self, wires: Wires) -> "HttpRecordCustomers":
        """The directory."""
        prefix = ("Bearer " if self.header.lower() == "authorization" else "") if self.prefix is None else self.prefix
        auth = Auth.header(self.header, self.token, prefix) if self.token else NO_AUTH
        scheme, host = urlsplit(self.url)[:2]
        return HttpRecordCustomers(HttpBackend(wires.session, f"{scheme}://{host}", auth, name="The CRM"), self)


class HttpRecordCustomers:
    """Customers of somebody else's service."""

    def __init__(self, backend: HttpBackend, settings: HttpRecordSettings) -> None:
        self._backend = backend
        self._settings = settings

    async def find(self, email: str) -> CustomerRecord | None:
        asked = canonical(email)
        if not is_searchable(asked):
            return None
        answer = await self._get(_filled(self._settings.url, asked))
        mine = own(self._candidates(answer), asked, lambda one: _found(self._settings.email, one))
        if not mine:
            return None
        values: dict[str, object] = {name: _found(path, mine[0]) for name, path in self._settings.fields.items()}
        values["notes"] = with_doubles(text(values.get("notes")), len(mine))
        return record_of(asked, values, await self._history(asked, mine[0]))

    async def check(self) -> str:
        answer = await self._get(_filled(self._settings.url, _NOBODY))
        return f"it answers with HTTP {answer.status} for somebody it does not know"

    async def _get(self, url: str) -> Answer:
        return await self._backend.get(url, expect=_MISSING)

    def _candidates(self, answer: Answer) -> list[object]:
        if answer.status in _MISSING:
            return []
        found = _found(self._settings.records, _json(answer))
        return found if isinstance(found, list) else [found]

    async def _history(self, email: str, candidate: object) -> tuple[Charge, ...]:
        settings = self._settings
        if settings.history is None:
            return ()
        if settings.history_url is None:
            return tuple(self._lines(candidate, email))
        start = _filled(settings.history_url, email)

        async def page(cursor: str) -> Page[Charge]:
            answer = await self._get(cursor or start)
            body = None if answer.status in _MISSING else _json(answer)
            onward = _found(settings.history_next, body) if settings.history_next else None
            return Page(self._lines(body, email), onward if isinstance(onward, str) else "")

        return await first(pages(page, service=self._backend.name, most=_PAGES), HISTORY, or_fewer=True)

    def _lines(self, root: object, email: str) -> list[Charge]:
        found = _list(_found(self._settings.history or "@", root))
        scale, fields = _MINOR[self._settings.amounts], self._settings.history_fields
        told: list[Mapping[str, object]] = [{name: _found(path, one) for name, path in fields.items()} for one in found]
        lines = [charge_of(values, scale) for values in own_lines(told, email)]
        return [line for line in lines if line is not None]


def _json(answer: Answer) -> Any:
    return answer.read(object)


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _found(path: str, value: object) -> object:
    """What the expression finds; nothing where it does not fit this value."""
    try:
        return jmespath.search(path, value)
    except (JMESPathError, TypeError, ValueError, AttributeError):  # of functions that do not check what they get
        return None


def _filled(template: str, email: str) -> str:
    return template.replace("{email}", quote(email, safe=""))
