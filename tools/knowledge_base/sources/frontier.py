"""Which pages of a site are still to be read: each once, within the limits, nearest first."""

import re
from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from yarl import URL

from tools.knowledge_base.sources.base import Skipped
from tools.knowledge_base.sources.site import Site

_LONGEST = 400
"""Characters of an address; longer ones are generated."""
_REPEATED = 3
"""Times that a part of a path may come again: calendars and broken relative links never end."""
_NO_PAGES = (
    ".7z", ".atom", ".avi", ".bmp", ".css", ".csv", ".doc", ".docx", ".exe", ".gif", ".gz", ".ico", ".jpeg", ".jpg",
    ".js", ".json", ".mov", ".mp3", ".mp4", ".pdf", ".png", ".ppt", ".pptx", ".rdf", ".rss", ".svg", ".tar", ".txt",
    ".webm", ".webp", ".woff", ".woff2", ".xls", ".xlsx", ".xml", ".zip",
)  # fmt: skip
_FILE = re.compile(r"\.[A-Za-z]{2,5}$")
"""`/help/index.html` is a page in a folder, `/docs/v1.2` a folder."""
_TRACKING = ("utm_", "fbclid", "gclid", "mc_cid", "mc_eid")


@dataclass(frozen=True, slots=True)
class Task:
    """A page to be read."""

    url: URL
    depth: int
    """Links from the start."""


class Frontier:
    """The pages of a site that are known by now."""

    def __init__(self, site: Site, start: URL | None, most: int, deepest: int, exclude: Collection[str]) -> None:
        """`start`: the address below which pages lie; None: anywhere on the site."""
        self._site = site
        self._folder = _folder(start.path) if start is not None else ""
        self._most = most
        self._deepest = deepest
        self._exclude = exclude
        self._waiting: deque[Task] = deque()
        self._seen: set[URL] = set()
        self.faults: list[Skipped] = []
        """Sitemaps that could not be read to their end."""
        self.overflow: URL | None = None
        """The first page for which there was no room."""

    @property
    def count(self) -> int:
        """Pages that were met."""
        return len(self._seen)

    def fresh(self, urls: Iterable[URL]) -> list[URL]:
        """Those that belong to what is read, and were not met yet; changes nothing, and may run in a thread.

        Takes 0.02 ms for each, or thousands of times that when somebody made a robots.txt for it.
        """
        return [url for url in dict.fromkeys(map(normal, urls)) if url not in self._seen and self.takes(url)]

    def add(self, fresh: Iterable[URL], *, depth: int) -> None:
        """Pages to be read, as `fresh` gave them."""
        if depth <= self._deepest:
            self._waiting.extend(Task(url, depth) for url in fresh if self.claim(url))

    def takes(self, url: URL) -> bool:
        """Whether a page belongs to what is read."""
        path = url.path
        parts = [part for part in path.split("/") if part]
        return (
            self._site.is_own(url)
            and (path == self._folder or path.startswith(f"{self._folder}/"))
            and not path.lower().endswith(_NO_PAGES)
            and not any(part in path for part in self._exclude)
            and len(str(url)) <= _LONGEST
            and all(parts.count(part) <= _REPEATED for part in parts)
            and self._site.is_allowed(url)
        )

    def claim(self, url: URL) -> bool:
        """True for whoever asks first for a page, as long as there is room."""
        url = normal(url)
        if url in self._seen:
            return False
        if len(self._seen) >= self._most:
            self.overflow = self.overflow or url
            return False
        self._seen.add(url)
        return True

    def next(self, most: int) -> list[Task]:
        """Some pages to be read now; none: it is done."""
        return [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]


def _folder(path: str) -> str:
    """`/help` of `/help`, `/help/` and `/help/index.html`: the path below which a site is read."""
    above, _, last = path.rpartition("/")
    return above if not last or _FILE.search(last) else path


def normal(url: URL) -> URL:
    """One address for one page: with a path, without fragment and tracking parameters."""
    kept = [(name, value) for name, value in url.query.items() if not name.lower().startswith(_TRACKING)]
    plain = url.with_fragment(None)
    if str(plain.origin()) == str(plain).partition("?")[0]:
        plain = plain.with_path("/", keep_query=True)
    return plain if len(kept) == len(url.query) else plain.with_query(kept or None)
