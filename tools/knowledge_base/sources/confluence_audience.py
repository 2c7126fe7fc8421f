"""Who may read the pages of a Confluence space: everybody, or not.

A restriction holds for the page and for all below it. What we cannot see counts as restricted.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from pydantic import BaseModel, Field

from tools.knowledge_base.sources.service import PAGES, Service
from tools.paging import Page, pages

_EXPAND = "restrictions.read.restrictions.user,restrictions.read.restrictions.group"
_PER_PAGE = 100


class _Links(BaseModel):
    next: str | None = None
    context: str | None = None


class _Searched(BaseModel):
    results: list[dict[str, Any]]
    links: _Links = Field(default=_Links(), alias="_links")


class _Placed(BaseModel):
    id: str
    parent: str | None = Field(default=None, alias="parentId")


class _Places(BaseModel):
    results: list[_Placed]
    links: _Links = Field(default=_Links(), alias="_links")


class Readers:
    """Pages that everybody may read."""

    def __init__(self, parents: Mapping[str, str | None], open_pages: frozenset[str]) -> None:
        """`parents`: what each page lies below; `open_pages`: those without a restriction of their own."""
        self._parents = parents
        self._open = open_pages

    @classmethod
    def nobody(cls) -> "Readers":
        """No page is for everybody."""
        return cls({}, frozenset())

    @classmethod
    async def of_space(cls, service: Service, number: str, key: str) -> "Readers":
        """As the service tells; its failures are the caller's."""
        places = pages(
            partial(_places, service, f"/wiki/api/v2/spaces/{number}/pages"), service=service.name, most=PAGES
        )
        parents = {one.id: one.parent async for one in places}
        searched = pages(partial(_searched, service, key), service=service.name, most=PAGES)
        return cls(parents, frozenset([str(one.get("id")) async for one in searched if _is_open(one)]))

    def are_all(self, page: str) -> bool:
        """Whether everybody may read a page: it and all it lies below are known and open."""
        here: str | None = page
        passed: set[str] = set()
        while here is not None:
            if here not in self._open or here not in self._parents or here in passed:
                return False
            passed.add(here)
            here = self._parents[here]
        return True


async def _places(service: Service, path: str, cursor: str) -> Page[_Placed]:
    told = await service.get(cursor or path, _Places, None if cursor else {"status": "current", "limit": 250})
    return Page(told.results, told.links.next or "")


async def _searched(service: Service, key: str, cursor: str) -> Page[dict[str, Any]]:
    """The first API is the only one that tells restrictions of many pages at once; its links leave out `/wiki`."""
    asked: dict[str, str | int] = {"cql": f'space="{key}" and type=page', "expand": _EXPAND, "limit": _PER_PAGE}
    told = await service.get(cursor or "/wiki/rest/api/content/search", _Searched, None if cursor else asked)
    onward = told.links.next
    return Page(told.results, f"{told.links.context or '/wiki'}{onward}" if onward else "")


def _is_open(found: Mapping[str, Any]) -> bool:
    """Whether a page says clearly that it has no restriction of its own."""
    try:
        told = found["restrictions"]["read"]["restrictions"]
        return bool(told["user"]["size"] == 0 and told["group"]["size"] == 0)
    except (KeyError, TypeError):
        return False
