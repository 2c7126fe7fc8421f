"""Sitemaps: which pages a site says it has.

Read as a row of `<loc>`s and with no XML parser, so that no entity of theirs is ever expanded.
"""

import asyncio
import re
from collections.abc import AsyncGenerator
from itertools import islice

from yarl import URL

from tools.knowledge_base.html.tree import plain
from tools.knowledge_base.sources.site import XML, PageError, Site, clean, unpacked

_LOCATION = re.compile(r"<(?:\w{1,20}:)?loc\s*>\s*(?:<!\[CDATA\[)?\s*([^<\]]{1,2000})")
_END = re.compile(r"</(?:\w{1,20}:)?(?:urlset|sitemapindex)\s*>")
_INDEX = re.compile(r"<(?:\w{1,20}:)?sitemapindex\b")
_LARGEST = 20_000_000
"""Bytes of one sitemap, unpacked."""
_MOST = 200
"""Sitemaps that one leads to."""
_MOST_PAGES = 50_000
"""Of one sitemap, by the protocol (sitemaps.org)."""


async def pages_of(site: Site, sitemap: URL) -> AsyncGenerator[list[URL]]:
    """All pages of the site that a sitemap names, or each of the sitemaps that it names.

    After each of these, their pages, if only none. PageError when one cannot be read.
    """
    waiting, seen = [sitemap], {sitemap}
    while waiting:
        here = waiting.pop()
        found = await site.fetch(here, types=XML, most=_LARGEST)
        named, is_index = await asyncio.to_thread(_named, found.body, here)
        own = [url for url in named if site.is_own(url)]
        yield [] if is_index else own
        if not is_index:
            continue
        fresh = [url for url in own if url not in seen]
        seen.update(fresh)
        waiting.extend(reversed(fresh))
        if len(seen) > _MOST:
            raise PageError(f"there are more than {_MOST} sitemaps")


def is_sitemap(url: URL) -> bool:
    """Whether an address looks like that of a sitemap."""
    return url.path.lower().endswith((".xml", ".xml.gz"))


def _named(body: bytes, here: URL) -> tuple[list[URL], bool]:
    """What a sitemap names, each once, and whether that are sitemaps again."""
    text = unpacked(body, _LARGEST).decode("utf-8", "replace")
    if not _END.search(text):
        raise PageError("is no sitemap, or one cut short")  # the pages that it leaves out would count as gone
    places = dict.fromkeys(found.group(1) for found in islice(_LOCATION.finditer(text), _MOST_PAGES + 1))
    if len(places) > _MOST_PAGES:
        raise PageError(f"lists more than {_MOST_PAGES} pages")
    urls = (clean(plain(place), here) for place in places)
    return list(dict.fromkeys(url for url in urls if url is not None)), bool(_INDEX.search(text))
