"""Pages of a Notion workspace as a source; `notion_text` makes Markdown of each.

Reads the named data sources (databases) to their end, or all pages shared with the integration. Notion's search does
not promise to find everything, so a page that it does not name any more is asked for by itself before it counts as
gone. Pages are internal unless the settings say otherwise.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError

from tools.base import ToolUnavailableError
from tools.connector_settings import SecretFromEnv, ServiceUrl, Wires
from tools.http_answer import BackendRefusedError
from tools.http_auth import Auth
from tools.knowledge_base.articles import Article, ArticleCategory, Audience, BrokenArticleError
from tools.knowledge_base.html.markdown import address
from tools.knowledge_base.html.page import iso_date
from tools.knowledge_base.sources.base import Document, Found, Known, Skipped, Source, SourceError, Unchanged
from tools.knowledge_base.sources.connector import KnowledgeConnector
from tools.knowledge_base.sources.notion_text import NOT_THERE, PageText
from tools.knowledge_base.sources.service import PAGES, Service, checked, complete, line, onward
from tools.paging import Page, pages

_READER = "2"
VERSION = {"Notion-Version": "2025-09-03"}
_PER_PAGE = 100
_FAILURES = 5
"""Pages in a row whose text did not come, after which Notion is taken for broken."""
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


class _User(BaseModel):
    name: str | None = None


@dataclass(slots=True)
class _Reading:
    """One reading, under way."""

    known: Known
    failures: int = 0
    """Pages in a row whose text did not come."""

    def failed(self, error: ToolUnavailableError) -> None:
        """One page may be too much for Notion; when one after the other fails it is Notion that does."""
        self.failures += 1
        if self.failures >= _FAILURES:
            raise error


class NotionPages:
    """All pages that an integration may read, or those of some databases."""

    def __init__(self, service: Service, settings: NotionSettings, clock: Callable[[], float]) -> None:
        self._service = service
        self._settings = settings
        self._clock = clock
        self._text = PageText(service)
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
        reading = _Reading(known)
        for path in [f"/v1/data_sources/{one}/query" for one in self._settings.data_sources] or [_SEARCH]:
            async for listed in pages(partial(self._list, path), service="Notion", most=PAGES):
                slug = self._slug(listed.get("id"))
                if slug not in told:
                    told.add(slug)
                    found = await self._found(listed, slug, reading)
                    if found is not None:
                        yield found
        if not self._settings.data_sources:
            for slug in known:
                if slug not in told and (found := await self._forgotten(slug, reading)) is not None:
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

    async def _forgotten(self, slug: str, reading: _Reading) -> Found | None:
        """A page of the last import that the search does not name: None when it is gone."""
        try:
            number = slug.removeprefix(self._prefix)
            listed: dict[str, Any] = await self._service.get(f"/v1/pages/{number}", dict[str, Any])
        except BackendRefusedError as error:
            if error.status in NOT_THERE:
                return None
            raise
        return await self._found(listed, slug, reading)

    async def _found(self, listed: dict[str, Any], slug: str, reading: _Reading) -> Found | None:
        name = str(listed.get("url") or listed.get("id") or "a page")
        stays = reading.known.kept(slug, self._settings.audience)
        try:
            page = _Page.model_validate(listed)
            title = line(page.title)
        except (ValidationError, KeyError, TypeError):
            return Skipped(name, "not of the shape that Notion documents", stays)
        if page.archived or page.in_trash:
            return None
        category, validator = self._category(page), self._validator(page)
        if validator and validator == reading.known.validator(slug):
            return Unchanged(slug)
        try:
            article = await self._article(page, title, slug, category)
        except BrokenArticleError as error:
            return Skipped(title or name, str(error), stays)
        except BackendRefusedError as error:
            if error.is_lockout:
                raise
            return Skipped(title or name, f"Notion does not hand it out (HTTP {error.status})", stays)
        except ToolUnavailableError as error:
            reading.failed(error)
            return Skipped(title or name, str(error), stays)
        reading.failures = 0
        return Document(article, validator)

    async def _article(self, page: _Page, title: str, slug: str, category: ArticleCategory) -> Article:
        if not title:
            raise BrokenArticleError("no title")
        told = self._settings
        body = checked(await self._text.of(page.id))
        url = address((page.public_url or "") if told.audience is Audience.PUBLIC else page.url)
        updated = iso_date(page.last_edited_time)
        return Article(slug, title, category, url, updated, told.audience, body, told.language)

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
