"""RSS (0.9x, 1.0, 2.0) and Atom: which pages the entries of a feed lead to.

Read by the parser for other people's HTML, which expands no entity of theirs and ends in time. What entries hold is
not looked at: their pages are read.
"""

from collections.abc import Iterator

from yarl import URL

from tools.knowledge_base.articles import BrokenArticleError
from tools.knowledge_base.html.tree import LARGEST, Element, parse
from tools.knowledge_base.sources.site import PageError, clean

_ENTRIES = frozenset({"entry", "item"})
_PAGE = frozenset({"", "alternate"})
"""What `rel` says of a link to the page itself; others lead to comments, files, the feed."""


def links_of(feed: str, here: URL) -> Iterator[URL]:
    """The address of each entry that has one, in the order of the feed; PageError when it is too large or too deep."""
    if len(feed) > LARGEST:
        raise PageError(f"larger than {LARGEST // 1_000_000} MB")
    try:
        root = parse(feed, xml=True)
    except BrokenArticleError as error:
        raise PageError(str(error)) from None
    base = here
    for one in root.elements():
        name = _name(one)
        if name == "feed":
            base = _base(one, here)
        elif name in _ENTRIES:
            link = next(_links(one), "")
            url = clean(link, _base(one, base)) if link else None
            if url is not None:
                yield url


def _links(entry: Element) -> Iterator[str]:
    """The best first: the link of RSS or Atom, then a permanent id that is an address."""
    parts = [child for child in entry.children if isinstance(child, Element)]
    links = [one for one in parts if _name(one) == "link" and one.get("rel").strip().lower() in _PAGE]
    ids = [one for one in parts if _name(one) == "guid" and one.get("ispermalink").strip().lower() != "false"]
    yield from filter(None, ((one.get("href") or one.text()).strip() for one in links))
    yield from filter(_is_address, (one.text().strip() for one in ids))


def _is_address(text: str) -> bool:
    return text.startswith(("http://", "https://"))


def _name(element: Element) -> str:
    """Without the prefix of its namespace."""
    return element.tag.rpartition(":")[2]


def _base(element: Element, outer: URL) -> URL:
    return clean(element.get("xml:base"), outer) or outer
