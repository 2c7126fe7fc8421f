"""Pages of a Notion workspace as a source, as Markdown by Notion's own rendering.

Reads the named data sources (databases) to their end, or all pages shared with the integration. Notion's search does
not promise to find everything, so a page that it does not name any more is asked for by itself before it counts as
gone. Pages are internal unless the settings say otherwise.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError

from tools.connector_settings import SecretFromEnv, ServiceUrl, Wires
from tools.http_answer import BackendRefusedError
from tools.http_auth import Auth
from tools.knowledge_base.articles import Article, ArticleCategory, Audience, BrokenArticleError
from tools.knowledge_base.html.markdown import address
from tools.knowledge_base.html.page import iso_date
from tools.knowledge_base.sources.base import Document, Found, Known, Skipped, Source, SourceError, Unchanged
from tools.knowledge_base.sources.connector import KnowledgeConnector
from tools.knowledge_base.sources.notion_markdown import plain_markdown
from tools.knowledge_base.sources.service import PAGES, Service, checked, complete, kept, line, onward
from tools.paging import Page, pages

_READER = "1"
VERSION = {"Notion-Version": "2025-09-03"}
_PER_PAGE = 100
_PARTS = 50
"""Cut-off parts of one page that are fetched by themselves."""
_GONE = frozenset({400, 404})
_FRESH_SECONDS = 120.0
"""Notion tells the minute of the last change: what changed just now may change again within it."""
_SEARCH = "/v1/search"
_SPLIT = "Divide it into several of at most 10,000 pages."
_REMEDY = "Check the token, and that the pages are shared with its integration."


class NotionSettings(KnowledgeConnector):
    """`kind = "notion"`."""

    kind: Literal["notion"]
    url: ServiceUrl = "https://api.notion.com"
    token: SecretFromEnv = Field(alias="token_env")
    """Of an internal integration that may read content."""
    data_sources: tuple[Annotated[str, Field(pattern=r"^[0-9a-fA-F-]{32,36}$")], ...] = ()
    """Ids of databases' data sources; empty: every page that is shared with the integration."""
    categories: Mapping[str, ArticleCategory] = {}
    """Our category by what a page has chosen in the property `category_property`."""
    category_property: str = "Category"
    category: ArticleCategory = "product"
    """Of all other pages."""
    audience: Audience = Audience.INTERNAL
    language: Annotated[str, Field(pattern=r"^([a-z]{2})?$")] = ""

    def open(self, wires: Wires) -> Source:
        service = Service(wires.session, self.url, Auth.bearer(self.token), name="Notion", headers=VERSION)
        return NotionPages(service, self, wires.clock)

    @classmethod
    def of_text(cls, rest: str) -> Mapping[str, object]:
        """`notion:` for everything that is shared, `notion:ID` for a data source; the token is in NOTION_TOKEN."""
        return {"kind": "notion", "token_env": "NOTION_TOKEN", "data_sources": [rest] if rest else []}


class _Status(BaseModel):
    type: str = ""


class _Listed(BaseModel):
    results: list[dict[str, Any]]
    has_more: bool
    next_cursor: str | None = None
    request_status: _Status | None = None
    """`incomplete`: there are more pages than one query hands out (10,000)."""


class _Page(BaseModel):
    id: str
    object: Literal["page"]
    last_edited_time: str
    url: str = ""
    public_url: str | None = None
    archived: bool = False
    in_trash: bool = False
    properties: dict[str, dict[str, Any]] = {}

    @property
    def title(self) -> str:
        return next(
            (_written(value["title"]) for value in self.properties.values() if value.get("type") == "title"), ""
        )

    def chosen(self, name: str) -> list[str]:
        """What is selected in a property."""
        value = self.properties.get(name, {})
        told = value.get(value.get("type", ""))
        several = told if isinstance(told, list) else [told]
        return [str(one["name"]) for one in several if isinstance(one, dict) and "name" in one]


class _Markdown(BaseModel):
    markdown: str
    truncated: bool = False
    unknown_block_ids: list[str] = []


class _User(BaseModel):
    name: str | None = None


class NotionPages:
    """All pages that an integration may read, or those of some databases."""

    def __init__(self, service: Service, settings: NotionSettings, clock: Callable[[], float]) -> None:
        self._service = service
        self._settings = settings
        self._clock = clock
        self._prefix = f"notion/{'+'.join(settings.data_sources) or 'all'}/"

    @property
    def name(self) -> str:
        return f"notion:{'+'.join(self._settings.data_sources)}"

    async def check(self) -> str:
        """What answered; ToolUnavailableError when nothing did."""
        told = await self._service.once("/v1/users/me", _User)
        return f"the integration {told.name or 'without a name'}"

    def read(self, known: Known) -> AsyncIterator[Found]:
        """What each page is now."""
        return complete(self._all(known), _REMEDY)

    async def _all(self, known: Known) -> AsyncIterator[Found]:
        told: set[str] = set()
        for path in [f"/v1/data_sources/{one}/query" for one in self._settings.data_sources] or [_SEARCH]:
            async for listed in pages(partial(self._list, path), service="Notion", most=PAGES):
                slug = self._slug(listed.get("id"))
                if slug not in told:
                    told.add(slug)
                    found = await self._found(listed, slug, known)
                    if found is not None:
                        yield found
        if not self._settings.data_sources:
            for slug in known:
                if slug not in told and (found := await self._forgotten(slug, known)) is not None:
                    yield found

    async def _list(self, path: str, cursor: str) -> Page[dict[str, Any]]:
        body: dict[str, object] = {"page_size": _PER_PAGE}
        if path == _SEARCH:
            body["filter"] = {"property": "object", "value": "page"}
        if cursor:
            body["start_cursor"] = cursor
        told = await self._service.search(path, _Listed, body)
        cut_short = told.request_status is not None and told.request_status.type == "incomplete"
        if cut_short and path != _SEARCH:  # what the search leaves out is asked for page by page
            raise SourceError(
                f"Notion hands out only a part of a data source this large. {_SPLIT} Nothing was changed."
            )
        return Page(told.results, onward(told.next_cursor, has_more=told.has_more, service="Notion"))

    async def _forgotten(self, slug: str, known: Known) -> Found | None:
        """A page of the last import that the search does not name: None when it is gone."""
        try:
            number = slug.removeprefix(self._prefix)
            listed: dict[str, Any] = await self._service.get(f"/v1/pages/{number}", dict[str, Any])
        except BackendRefusedError as error:
            if error.status in _GONE:
                return None
            raise
        return await self._found(listed, slug, known)

    async def _found(self, listed: dict[str, Any], slug: str, known: Known) -> Found | None:
        name = str(listed.get("url") or listed.get("id") or "a page")
        stays = kept(slug, known, self._settings.audience)
        try:
            page = _Page.model_validate(listed)
            title = line(page.title)
        except (ValidationError, KeyError, TypeError):
            return Skipped(name, "not of the shape that Notion documents", stays)
        if page.archived or page.in_trash:
            return None
        category, validator = self._category(page), self._validator(page)
        if validator and validator == known.validator(slug):
            return Unchanged(slug)
        try:
            return Document(await self._article(page, title, slug, category), validator)
        except BrokenArticleError as error:
            return Skipped(title or name, str(error), stays)
        except BackendRefusedError as error:
            if error.is_lockout:
                raise
            return Skipped(title or name, f"Notion does not hand it out (HTTP {error.status})", stays)

    async def _article(self, page: _Page, title: str, slug: str, category: ArticleCategory) -> Article:
        if not title:
            raise BrokenArticleError("no title")
        told = self._settings
        text = checked(await self._markdown(page.id))
        body = checked(await asyncio.to_thread(plain_markdown, text))
        url = address((page.public_url or "") if told.audience is Audience.PUBLIC else page.url)
        updated = iso_date(page.last_edited_time)
        return Article(slug, title, category, url, updated, told.audience, body, told.language)

    async def _markdown(self, number: str) -> str:
        """The whole page; parts that Notion left out of a long one are put behind it."""
        told = await self._service.get(f"/v1/pages/{number}/markdown", _Markdown)
        if not told.truncated:
            return told.markdown
        if len(told.unknown_block_ids) > _PARTS:
            raise BrokenArticleError("too long for Notion to hand out")
        parts = [
            (await self._service.get(f"/v1/pages/{part}/markdown", _Markdown)).markdown
            for part in told.unknown_block_ids
        ]
        return "\n\n".join((told.markdown, *parts))

    def _category(self, page: _Page) -> ArticleCategory:
        chosen = page.chosen(self._settings.category_property)
        ours = (self._settings.categories.get(name) for name in chosen)
        return next((one for one in ours if one), self._settings.category)

    def _validator(self, page: _Page) -> str:
        """Empty for what was changed within the last minutes."""
        try:
            changed = datetime.fromisoformat(page.last_edited_time).astimezone(UTC).timestamp()
        except ValueError:
            return ""
        if self._clock() - changed < _FRESH_SECONDS:
            return ""
        told = self._settings
        of_ours = (self._category(page), told.audience, told.language, page.public_url or "")
        return " ".join((_READER, page.last_edited_time, *of_ours))

    def _slug(self, number: object) -> str:
        return f"{self._prefix}{number}"


def _written(parts: list[dict[str, Any]]) -> str:
    return "".join(str(part.get("plain_text", "")) for part in parts)
