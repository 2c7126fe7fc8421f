"""Spaces of Confluence Cloud as a source: every current page, by the REST API v2.

Pages are internal unless the settings make the spaces public; even then a page stays internal that some reader is kept
from, or that lies below such a page or below something whose restrictions we cannot see (a folder, for example).
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, ValidationError

from tools.connector_settings import SecretFromEnv, ServiceUrl, Wires
from tools.http_auth import Auth
from tools.knowledge_base.articles import Article, ArticleCategory, Audience, BrokenArticleError
from tools.knowledge_base.html.markdown import address, markdown
from tools.knowledge_base.html.page import READER, iso_date
from tools.knowledge_base.sources.base import Document, Found, Known, Skipped, Source, SourceError, Unchanged
from tools.knowledge_base.sources.confluence_audience import Readers
from tools.knowledge_base.sources.confluence_storage import html_of
from tools.knowledge_base.sources.connector import KnowledgeConnector
from tools.knowledge_base.sources.converting import converted
from tools.knowledge_base.sources.service import PAGES, Service, checked, complete, line
from tools.paging import Page, pages

_READER = f"1.{READER}"
_API = "/wiki/api/v2"
_PER_PAGE = 50
_REMEDY = "Check the address, the token and what its user may read."

_Key = Annotated[str, Field(pattern=r"^~?[A-Za-z0-9._-]{1,255}$")]


class ConfluenceSettings(KnowledgeConnector):
    """`kind = "confluence"`."""

    kind: Literal["confluence"]
    url: ServiceUrl
    """https://<site>.atlassian.net, or https://api.atlassian.com/ex/confluence/<cloud id> with a scoped token."""
    user: Annotated[str, Field(pattern=r"^[^\s:]+@[^\s:]+$")] | None = None
    """E-mail of the account whom an API token belongs to; without it the token is an OAuth token."""
    token: SecretFromEnv = Field(alias="token_env")
    spaces: tuple[_Key, ...] = Field(min_length=1)
    """Their keys: `["HELP"]`."""
    audience: Audience = Audience.INTERNAL
    """`public`: customers may read what everybody in the site may read."""
    categories: Mapping[str, ArticleCategory] = {}
    """Our category by the key of a space."""
    category: ArticleCategory = "product"
    """Of all other spaces."""
    language: Annotated[str, Field(pattern=r"^([a-z]{2})?$")] = ""

    def open(self, wires: Wires) -> Source:
        auth = Auth.basic(self.user, self.token) if self.user else Auth.bearer(self.token)
        return ConfluenceSpaces(Service(wires.session, self.url, auth, name="Confluence"), self)

    @classmethod
    def of_text(cls, rest: str) -> Mapping[str, object]:
        """`confluence:SITE/SPACE,SPACE:E-MAIL`; the token of that account is in CONFLUENCE_TOKEN."""
        place, _, user = rest.partition(":")
        site, _, spaces = place.partition("/")
        if not site or not spaces or not user:
            raise ValueError("write confluence:SITE/SPACE:E-MAIL, with the token of that account in CONFLUENCE_TOKEN")
        host = site if "." in site else f"{site}.atlassian.net"
        return {
            "kind": "confluence", "url": f"https://{host}", "user": user, "token_env": "CONFLUENCE_TOKEN",
            "spaces": spaces.split(","),
        }  # fmt: skip


class _Links(BaseModel):
    next: str | None = None
    base: str | None = None
    webui: str | None = None


class _Listed(BaseModel):
    results: list[dict[str, Any]]
    links: _Links = Field(default=_Links(), alias="_links")


class _Space(BaseModel):
    id: str
    key: str


class _Spaces(BaseModel):
    results: list[_Space]


class _Version(BaseModel):
    number: int
    created: str = Field(default="", alias="createdAt")


class _Storage(BaseModel):
    value: str


class _Body(BaseModel):
    storage: _Storage


class _Page(BaseModel):
    id: str
    title: str
    status: str = "current"
    version: _Version
    body: _Body
    links: _Links = Field(default=_Links(), alias="_links")


@dataclass(frozen=True, slots=True)
class _Shelf:
    """What holds for all pages of a space."""

    category: ArticleCategory
    readers: Readers


class ConfluenceSpaces:
    """All current pages of some spaces."""

    def __init__(self, service: Service, settings: ConfluenceSettings) -> None:
        self._service = service
        self._settings = settings
        self._place = urlsplit(settings.url).netloc + urlsplit(settings.url).path

    @property
    def name(self) -> str:
        return f"confluence:{self._place}/{','.join(sorted(self._settings.spaces))}"

    async def check(self) -> str:
        """What answered; ToolUnavailableError when nothing did."""
        told = await self._service.once(f"{_API}/spaces", _Spaces, self._wanted)
        shown = {one.key for one in told.results} & set(self._settings.spaces)
        return f"{len(shown)} of {len(self._settings.spaces)} spaces can be read"

    def read(self, known: Known) -> AsyncIterator[Found]:
        """What each page is now."""
        return complete(self._all(known), _REMEDY)

    async def _all(self, known: Known) -> AsyncIterator[Found]:
        for space in await self._spaces():
            shelf = _Shelf(
                self._settings.categories.get(space.key, self._settings.category), await self._readers(space)
            )
            path = f"{_API}/spaces/{space.id}/pages"
            async for told, base in pages(partial(self._list, path), service="Confluence", most=PAGES):
                found = await self._found(told, base, shelf, known)
                if found is not None:
                    yield found

    async def _spaces(self) -> list[_Space]:
        """Those of the settings; SourceError when one is not there for us, because its pages would count as gone."""
        wanted = set(self._settings.spaces)
        told = await self._service.get(f"{_API}/spaces", _Spaces, self._wanted)
        spaces = [one for one in told.results if one.key in wanted]
        missing = sorted(wanted - {one.key for one in spaces})
        if missing:
            raise SourceError(f"Confluence shows no space {', '.join(missing)}. {_REMEDY} Nothing was changed.")
        return spaces

    @property
    def _wanted(self) -> dict[str, str | int]:
        return {"keys": ",".join(sorted(self._settings.spaces)), "limit": 250}

    async def _readers(self, space: _Space) -> Readers:
        if self._settings.audience is Audience.INTERNAL:
            return Readers.nobody()
        return await Readers.of_space(self._service, space.id, space.key)

    async def _list(self, path: str, cursor: str) -> Page[tuple[dict[str, Any], str]]:
        """Some pages, each with the address that its links begin with."""
        params: dict[str, str | int] = {"body-format": "storage", "status": "current", "limit": _PER_PAGE}
        told = await self._service.get(cursor or path, _Listed, None if cursor else params)
        base = told.links.base or f"{self._settings.url}/wiki"
        return Page([(one, base) for one in told.results], told.links.next or "")

    async def _found(self, told: dict[str, Any], base: str, shelf: _Shelf, known: Known) -> Found | None:
        name, slug = str(told.get("title") or told.get("id") or "a page"), f"{self._place}/{told.get('id')}"
        audience = Audience.PUBLIC if shelf.readers.are_all(str(told.get("id"))) else Audience.INTERNAL
        try:
            page = _Page.model_validate(told)
        except ValidationError:
            return Skipped(name, "not of the shape that Confluence documents", known.kept(slug, audience))
        if page.status != "current":
            return None
        told_of = (str(page.version.number), page.links.webui or "", audience, shelf.category, self._settings.language)
        validator = " ".join((_READER, *told_of))
        if validator == known.validator(slug):
            return Unchanged(slug)
        try:
            text = await asyncio.to_thread(converted, partial(_convert, page.body.storage.value, base))
            body = checked(text)
        except BrokenArticleError as error:
            return Skipped(name, str(error), known.kept(slug, audience))
        url = address(f"{base}{page.links.webui}") if page.links.webui else ""
        title, updated = line(page.title), iso_date(page.version.created)
        article = Article(slug, title, shelf.category, url, updated, audience, body, self._settings.language)
        return Document(article, validator)


def _convert(storage: str, base: str) -> str:
    return markdown(html_of(storage), base)
