"""Sitemaps and feeds: which pages a site says it has.

Sitemaps are read as a row of `<loc>`s and with no XML parser, so that no entity of theirs is ever expanded. A feed may
stand in the place of a sitemap (sitemaps.org), but holds only what is new.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass

from yarl import URL

from tools.knowledge_base.html.tree import plain
from tools.knowledge_base.sources.feeds import links_of
from tools.knowledge_base.sources.site import XML, PageError, Site, clean, unpacked

_LOCATION = re.compile(r"<(?:\w{1,20}:)?loc\s*>\s*(?:<!\[CDATA\[)?\s*([^<\]]{1,2000})")
_ROOT = re.compile(r"<(?:\w{1,20}:)?(urlset|sitemapindex|rss|feed|rdf)\b", re.IGNORECASE)
_END = re.compile(r"</(?:\w{1,20}:)?(urlset|sitemapindex|rss|feed|rdf)\s*>", re.IGNORECASE)
_ENDINGS = (".xml", ".xml.gz", ".rss", ".atom", ".rdf")
_LARGEST = 20_000_000
"""Bytes of one sitemap, unpacked."""
_MOST = 200
"""Sitemaps that one leads to."""
_MOST_PAGES = 50_000
"""Of one sitemap, by the protocol (sitemaps.org)."""


@dataclass(frozen=True, slots=True)
class Listed:
    """What one of them names."""

    urls: list[URL]
    is_all: bool = True
    """False: of a feed, whose older entries may still be there."""


async def pages_of(site: Site, sitemap: URL) -> AsyncGenerator[Listed]:
    """All pages of the site that a sitemap or feed names, or each of the sitemaps that it names.

    After each of these, their pages, if only none. PageError when one cannot be read.
    """
    waiting, seen = [sitemap], {sitemap}
    while waiting:
        here = waiting.pop()
        found = await site.fetch(here, types=XML, most=_LARGEST)
        kind, named = await asyncio.to_thread(_named, found.body, found.url)
        own = [url for url in named if site.is_own(url)]
        if kind != "sitemapindex":
            yield Listed(own, is_all=kind == "urlset")
            continue
        yield Listed([])
        fresh = [url for url in own if url not in seen]
        seen.update(fresh)
        waiting.extend(reversed(fresh))
        if len(seen) > _MOST:
            raise PageError(f"there are more than {_MOST} sitemaps")


def is_sitemap(url: URL) -> bool:
    """Whether an address looks like that of a sitemap or feed."""
    return url.path.lower().endswith(_ENDINGS)


def _named(body: bytes, here: URL) -> tuple[str, list[URL]]:
    """The element that all of it stands in, and what is named in it, each once: pages, of `sitemapindex` sitemaps."""
    text = unpacked(body, _LARGEST).decode("utf-8", "replace")
    root = _ROOT.search(text)
    kind = root.group(1).lower() if root else ""
    if not any(end.group(1).lower() == kind for end in _END.finditer(text)):
        raise PageError("is no sitemap or feed, or one cut short")  # the pages that it leaves out would count as gone
    found = _places(text, here) if kind in {"urlset", "sitemapindex"} else links_of(text, here)
    return kind, list(dict.fromkeys(found))


def _places(text: str, here: URL) -> Iterator[URL]:
    """What a sitemap names; PageError when that is more than it may be."""
    places: dict[str, None] = {}
    for found in _LOCATION.finditer(text):
        places[found.group(1)] = None
        if len(places) > _MOST_PAGES:
            raise PageError(f"lists more than {_MOST_PAGES} pages")
    yield from (url for place in places if (url := clean(plain(place), here)) is not None)
