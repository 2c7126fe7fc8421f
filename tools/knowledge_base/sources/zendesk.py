"""A Zendesk help centre as a source: its articles in every language, by the Help Center API.

Drafts are left out. An article that does not say that it is for everybody (by having no user segment) is internal.
Without a token the source reads what everybody can read. The whole list is read every time, since the API has no word
for what was archived; an article whose text, place and audience stayed the same is not converted again.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, StringConstraints, ValidationError

from tools.connector_settings import SecretFromEnv, ServiceUrl, Wires
from tools.http_auth import NO_AUTH, Auth
from tools.knowledge_base.articles import Article, ArticleCategory, Audience, BrokenArticleError
from tools.knowledge_base.html.markdown import address
from tools.knowledge_base.html.page import READER, fragment, iso_date, language
from tools.knowledge_base.sources.base import Document, Found, Known, Skipped, Source, Unchanged
from tools.knowledge_base.sources.connector import KnowledgeConnector
from tools.knowledge_base.sources.converting import converted
from tools.knowledge_base.sources.service import PAGES, Service, checked, complete, line, onward
from tools.paging import Page, pages

_PER_PAGE = 100
_CENTER = "/api/v2/help_center"
_REMEDY = "Check the address, the token and what its user may read."

Category = Annotated[str, StringConstraints(to_lower=True, strip_whitespace=True)]


class ZendeskHelpCenterSettings(KnowledgeConnector):
    """`kind = "zendesk"`."""

    kind: Literal["zendesk"]
    url: ServiceUrl
    """https://<subdomain>.zendesk.com."""
    user: Annotated[str, Field(pattern=r"^[^\s:]+@[^\s:]+$")] | None = None
    """E-mail of the agent whom an API token belongs to; without it the token is an OAuth token."""
    token: SecretFromEnv | None = Field(default=None, alias="token_env")
    """Without one, only what everybody can read."""
    locales: tuple[Annotated[str, Field(pattern=r"^[a-zA-Z]{2,3}(-[a-zA-Z0-9]+)*$")], ...] = ()
    """`["en-us", "de"]`; empty: all that the help centre has."""
    categories: Mapping[Category, ArticleCategory] = {}
    """Our category by the name or number of a section or category there, e.g. "Billing & plans" = "billing"."""
    category: ArticleCategory = "product"
    """Of all other articles."""

    def open(self, wires: Wires) -> Source:
        auth = NO_AUTH
        if self.token is not None:
            auth = Auth.basic(f"{self.user}/token", self.token) if self.user else Auth.bearer(self.token)
        return ZendeskHelpCenter(Service(wires.session, self.url, auth, name="Zendesk"), self)

    @classmethod
    def of_text(cls, rest: str) -> Mapping[str, object]:
        """`zendesk:SUBDOMAIN` for what everybody can read, `zendesk:SUBDOMAIN:AGENT` with ZENDESK_TOKEN for all."""
        place, _, user = rest.partition(":")
        if not place or "/" in rest:
            raise ValueError(
                "write zendesk:SUBDOMAIN, or zendesk:SUBDOMAIN:E-MAIL of the agent whose token is in ZENDESK_TOKEN"
            )
        host = place if "." in place else f"{place}.zendesk.com"
        secret = {"user": user, "token_env": "ZENDESK_TOKEN"} if user else {}
        return {"kind": "zendesk", "url": f"https://{host}", **secret}


class _Meta(BaseModel):
    has_more: bool
    after_cursor: str | None = None


class _Listed(BaseModel):
    meta: _Meta
    """Never left out: a list that does not say how it goes on would be taken for all that there is."""

    @property
    def cursor(self) -> str:
        return onward(self.meta.after_cursor, has_more=self.meta.has_more, service="Zendesk")


class _Articles(_Listed):
    articles: list[dict[str, Any]]


class _Section(BaseModel):
    id: int
    name: str = ""
    category_id: int | None = None
    parent_section_id: int | None = None


class _Sections(_Listed):
    sections: list[_Section]


class _Categories(_Listed):
    categories: list[_Section]


class _Locales(BaseModel):
    locales: list[str]


class _Article(BaseModel):
    id: int
    title: str | None = None
    body: str | None = None
    locale: str = ""
    html_url: str = ""
    draft: bool = False
    section_id: int | None = None
    updated_at: str = ""
    edited_at: str | None = None


@dataclass(frozen=True, slots=True)
class _Shelves:
    """Our category by the number of a section."""

    by_section: Mapping[int, ArticleCategory]
    other: ArticleCategory

    def of(self, section: int | None) -> ArticleCategory:
        return self.by_section.get(section or 0, self.other)


class ZendeskHelpCenter:
    """All articles of a help centre, each language by itself."""

    def __init__(self, service: Service, settings: ZendeskHelpCenterSettings) -> None:
        self._service = service
        self._settings = settings
        self._host = urlsplit(settings.url).netloc

    @property
    def name(self) -> str:
        return f"zendesk:{self._host}"

    async def check(self) -> str:
        """What answered; ToolUnavailableError when nothing did."""
        told = await self._service.once(f"{_CENTER}/locales.json", _Locales)
        return f"a help centre in {', '.join(told.locales)}"

    def read(self, known: Known) -> AsyncIterator[Found]:
        """What each article is now."""
        return complete(self._all(known), _REMEDY)

    async def _all(self, known: Known) -> AsyncIterator[Found]:
        shelves = await self._shelves()
        for locale in await self._locales():
            async for told in pages(partial(self._page, locale), service="Zendesk", most=PAGES):
                found = await self._found(told, locale, shelves, known)
                if found is not None:
                    yield found

    async def _locales(self) -> tuple[str, ...]:
        if self._settings.locales:
            return tuple(dict.fromkeys(code.lower() for code in self._settings.locales))
        told = await self._service.get(f"{_CENTER}/locales.json", _Locales)
        return tuple(dict.fromkeys(code.lower() for code in told.locales))

    async def _page(self, locale: str, cursor: str) -> Page[dict[str, Any]]:
        told = await self._service.get(f"{_CENTER}/{locale}/articles.json", _Articles, _from(cursor))
        return Page(told.articles, told.cursor)

    async def _shelves(self) -> _Shelves:
        wanted = self._settings.categories
        if not wanted:
            return _Shelves({}, self._settings.category)
        sections = [one async for one in pages(self._sections, service="Zendesk", most=PAGES)]
        categories = [one async for one in pages(self._categories, service="Zendesk", most=PAGES)]
        named = {one.id: our for one in (*categories, *sections) if (our := _ours(one, wanted))}
        parents = {one.id: one.parent_section_id or one.category_id for one in sections}
        return _Shelves(
            {
                one: next((named[up] for up in _upwards(one, parents) if up in named), self._settings.category)
                for one in parents
            },
            self._settings.category,
        )

    async def _sections(self, cursor: str) -> Page[_Section]:
        told = await self._service.get(f"{_CENTER}/sections.json", _Sections, _from(cursor))
        return Page(told.sections, told.cursor)

    async def _categories(self, cursor: str) -> Page[_Section]:
        told = await self._service.get(f"{_CENTER}/categories.json", _Categories, _from(cursor))
        return Page(told.categories, told.cursor)

    async def _found(self, told: dict[str, Any], locale: str, shelves: _Shelves, known: Known) -> Found | None:
        name = str(told.get("html_url") or told.get("title") or told.get("id") or "an article")
        audience = _audience(told)
        try:
            article = _Article.model_validate(told)
        except ValidationError:
            slug = self._slug(told.get("id"), locale)
            return Skipped(name, "not of the shape that Zendesk documents", known.kept(slug, audience))
        if article.draft:
            return None
        slug, category = self._slug(article.id, locale), shelves.of(article.section_id)
        validator = f"{READER} {article.updated_at} {article.edited_at} {audience} {category} {article.html_url}"
        if validator == known.validator(slug):
            return Unchanged(slug)
        try:
            made = partial(_convert, article, slug, category, audience, locale)
            return Document(await asyncio.to_thread(converted, made), validator)
        except BrokenArticleError as error:
            return Skipped(name, str(error), known.kept(slug, audience))

    def _slug(self, number: object, locale: str) -> str:
        return f"{self._host}/{locale}/{number}"


def _audience(told: Mapping[str, Any]) -> Audience:
    """Public only when it says that it is for everybody: with no segment by null, or by an empty list of them."""
    says = "user_segment_id" in told or "user_segment_ids" in told
    closed = told.get("user_segment_id") is not None or bool(told.get("user_segment_ids"))
    return Audience.PUBLIC if says and not closed else Audience.INTERNAL


def _convert(told: _Article, slug: str, category: ArticleCategory, audience: Audience, locale: str) -> Article:
    title = line(told.title or "")
    if not title:
        raise BrokenArticleError("no title")
    body = checked(fragment(told.body or "", told.html_url))
    updated = iso_date(told.edited_at or told.updated_at)
    return Article(
        slug, title, category, address(told.html_url), updated, audience, body, language(told.locale or locale)
    )


def _from(cursor: str) -> dict[str, str | int]:
    first: dict[str, str | int] = {"page[size]": _PER_PAGE}
    return {**first, "page[after]": cursor} if cursor else first


def _ours(one: _Section, wanted: Mapping[str, ArticleCategory]) -> ArticleCategory | None:
    return wanted.get(str(one.id)) or wanted.get(one.name.strip().lower())


def _upwards(section: int, parents: Mapping[int, int | None]) -> list[int]:
    """The section, those it lies in, and its category."""
    path: list[int] = []
    here: int | None = section
    while here is not None and here not in path:
        path.append(here)
        here = parents.get(here)
    return path
