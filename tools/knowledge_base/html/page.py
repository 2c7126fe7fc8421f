"""A web page as an article: its main text without what stands around it on every page, and what it says of itself."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice
from urllib.parse import urljoin

from tools.knowledge_base.articles import LARGEST, BrokenArticleError
from tools.knowledge_base.html.main_part import main_part
from tools.knowledge_base.html.markdown import address, markdown, words
from tools.knowledge_base.html.tree import Element, parse

READER = "1"
"""Changes when the same HTML would become another article."""
_LONGEST_TITLE = 300
_MOST_LINKS = 5000
"""Of one page; the rest leads nowhere new."""
_MODIFIED = (
    "article:modified_time", "og:updated_time", "datemodified", "last-modified", "dcterms.modified", "date.modified",
    "article:published_time", "datepublished",
)  # fmt: skip
"""Names under which pages say when they were changed, the best first."""
_SITE = re.compile(r"\s+[|\N{EN DASH}\N{EM DASH}\N{MIDDLE DOT}\N{RIGHT-POINTING DOUBLE ANGLE QUOTATION MARK}-]\s+")
"""Between the title of a page and the name of its site."""


@dataclass(frozen=True, slots=True)
class Page:
    """What a page says."""

    title: str
    body: str
    """Markdown; does not repeat the title as its first heading."""
    url: str
    """Canonical address; the one it was read from when it names none."""
    language: str
    """ISO 639-1; empty when it does not say."""
    updated: str
    """ISO date; empty when it does not say."""
    links: tuple[str, ...]
    """Absolute addresses that the page, or what stands around it, leads to, in its order."""
    robots: frozenset[str]
    """What it asks of robots: `noindex`, `nofollow`."""

    def article_text(self) -> tuple[str, str]:
        """Title and body; BrokenArticleError when one is missing, or there is more text than an article may have."""
        if not self.body:
            raise BrokenArticleError("no text")
        if not self.title:
            raise BrokenArticleError("no title")
        if len(self.body.encode()) > LARGEST:
            raise BrokenArticleError(f"more than {LARGEST // 1_000_000} MB of text")
        return self.title, self.body


def read_page(markup: str, base: str = "", *, selector: str = "") -> Page:
    """The page; BrokenArticleError when it is too large or too deep.

    `base` is the address it was read from. `selector` (`main`, `#id`, `.class`) names the element with the text.
    """
    root = parse(markup)
    base = _base(root, base) if base else ""
    main = main_part(root, selector)
    heading = next((words(one) for one in main.elements() if one.tag == "h1"), "")
    title = (heading or _title(root))[:_LONGEST_TITLE].strip()
    return Page(
        title, _without_title(markdown(main, base), title), _canonical(root, base), language(_language(root)),
        _updated(root), _first_links(root, base), frozenset(_robots(root)),
    )  # fmt: skip


def _base(root: Element, here: str) -> str:
    """What relative addresses on the page are relative to."""
    try:
        return urljoin(here, _first(root, "base", "href"))
    except ValueError:
        return here


def language(code: str) -> str:
    """`de` of `de-AT` or `de_AT`; empty when it is no language code of two letters."""
    found = re.match(r"\s*([a-zA-Z]{2})(?=[-_]|\s*$)", code)
    return found.group(1).lower() if found else ""


def iso_date(text: str) -> str:
    """The date a text begins with (`2026-03-04T10:00:00Z`); empty when it begins with none."""
    try:
        return date.fromisoformat(text.strip()[:10]).isoformat()
    except ValueError:
        return ""


def fragment(markup: str, base: str = "", *, xml: bool = False) -> str:
    """A part of a page that is all text, as the services' interfaces give it, in Markdown; BrokenArticleError."""
    return markdown(parse(markup, xml=xml), base)


def asked_of_robots(text: str) -> frozenset[str]:
    """`noindex` and `nofollow` of what a page, or the header X-Robots-Tag, asks; none is singled out by its name."""
    asked = set(re.split(r"[,:\s]+", text.lower()))
    return frozenset({"noindex", "nofollow"} if "none" in asked else asked & {"noindex", "nofollow"})


def _without_title(body: str, title: str) -> str:
    first, _, rest = body.partition("\n")
    return rest.strip() if first.lstrip("#").strip() == title and first.startswith("#") else body


def _title(root: Element) -> str:
    """For a page without a first heading: the title that it tells others, without the name of its site."""
    named = _meta(root).get("og:title") or next((words(one) for one in root.elements() if one.tag == "title"), "")
    plain = " ".join(named.split())
    return _SITE.split(plain)[0] if plain else next((words(one) for one in root.elements() if one.tag == "h2"), "")


def _meta(root: Element) -> dict[str, str]:
    """What the page says of itself, by name in lower case; the first of each counts."""
    told: dict[str, str] = {}
    for one in root.elements():
        name = (one.get("property") or one.get("name") or one.get("itemprop") or one.get("http-equiv")).strip().lower()
        if name and one.tag in {"meta", "time"}:
            told.setdefault(name, one.get("content") or one.get("datetime"))
    return told


def _language(root: Element) -> str:
    told = _meta(root)
    return _first(root, "html", "lang") or told.get("content-language", "") or told.get("og:locale", "")


def _updated(root: Element) -> str:
    told = {**_linked_data(root), **_meta(root)}
    return next((day for name in _MODIFIED if (day := iso_date(told.get(name, "")))), "")


def _linked_data(root: Element) -> dict[str, str]:
    """The dates in the page's JSON-LD, which may hold one thing or a list or graph of them."""
    told: dict[str, str] = {}
    for script in root.elements():
        if script.tag == "script" and script.get("type").strip().lower() == "application/ld+json":
            for thing in _things(script.text()):
                dates = {
                    name.lower(): value for name in ("dateModified", "datePublished") if (value := thing.get(name))
                }
                told.update({name: str(value) for name, value in dates.items()})
    return told


def _things(text: str) -> Iterator[dict[str, object]]:
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return
    graph = told.get("@graph", [told]) if isinstance(told, dict) else told
    yield from (thing for thing in (graph if isinstance(graph, list) else []) if isinstance(thing, dict))


def _canonical(root: Element, base: str) -> str:
    for one in root.elements():
        if one.tag == "link" and "canonical" in one.get("rel").lower().split():
            return address(one.get("href"), base) or base
    return base


def _robots(root: Element) -> Iterator[str]:
    for one in root.elements():
        if one.tag == "meta" and one.get("name").strip().lower() == "robots":
            yield from asked_of_robots(one.get("content"))


def _first_links(root: Element, base: str) -> tuple[str, ...]:
    return tuple(islice(dict.fromkeys(_links(root, base)), _MOST_LINKS))


def _links(root: Element, base: str) -> Iterator[str]:
    for one in root.elements():
        if one.tag in {"a", "area"} and "nofollow" not in one.get("rel").lower().split():
            target = address(one.get("href"), base)
            if target.startswith(("http://", "https://")):
                yield target.partition("#")[0]


def _first(root: Element, tag: str, attribute: str) -> str:
    return next((one.get(attribute) for one in root.elements() if one.tag == tag and one.get(attribute)), "")
