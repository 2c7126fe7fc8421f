"""Finds the text of a page among its menus, banners and footers.

Takes what the page marks as its main part if it does so, else everything; then drops the furniture that stands inside.
No statistics over paragraphs: help articles are short, and a list of three links may be all there is to say.
"""

import re
from collections.abc import Callable, Iterator

from tools.knowledge_base.html.tree import BLOCKS, HEADINGS, Element
from tools.knowledge_base.html.visible import is_hidden

_FURNITURE = frozenset({"nav", "aside", "footer", "form", "dialog", "menu"})
_ROLES = frozenset({"navigation", "banner", "contentinfo", "search", "complementary", "dialog", "alertdialog"})
_WORDS = frozenset({
    "breadcrumb", "breadcrumbs", "byline", "comments", "consent", "cookie", "cookies", "copybutton", "feedback",
    "helpful", "masthead", "newsletter", "pager", "pagination", "promo", "recommended", "related", "share",
    "sharing", "sidebar", "sidenav", "skip", "social", "survey", "toc", "toolbar", "tooltip", "upvote", "vote",
    "votes"
})  # fmt: skip
"""In the class or id of an element: it stands beside the text."""
_BODIES = frozenset({
    "article-body", "article__body", "article-content", "article__content", "article-text", "entry-content",
    "post-content", "post-body", "markdown-body", "page-content", "main-content", "content-body", "kb-article",
    "intercom-interblocks", "rst-content"
})  # fmt: skip
"""Classes and ids that sites give to the text itself."""
_MOST = 0.6
"""Share of the text that a candidate must hold, so that a teaser is not taken for the page."""
_LINKS = 0.8
"""Share of text in links from which a block without marks is a menu, unless a heading introduces it."""


def main_part(root: Element, selector: str = "") -> Element:
    """The element with the text of the page, without furniture (a copy; `root` stays as it is)."""
    if selector:
        return next(filter(_selected(selector), root.elements()), Element("main"))
    sizes = _sizes(root)
    scope = _largest(root, sizes, lambda e: e.tag == "main" or e.get("role").lower() == "main")
    marked = scope is not None
    scope = scope or next((e for e in root.elements() if e.tag == "body"), root)
    inner = _largest(scope, sizes, _is_body) or scope
    if sizes[id(inner)] >= _MOST * sizes[id(scope)] and inner is not scope:
        scope, marked = inner, True
    return _bare(scope, sizes, sizes[id(scope)], marked=marked)


def _is_body(element: Element) -> bool:
    names = {*element.get("class").lower().split(), element.get("id").lower()}
    return element.tag == "article" or element.get("itemprop").lower() == "articlebody" or not names.isdisjoint(_BODIES)


def _selected(selector: str) -> Callable[[Element], bool]:
    if selector.startswith("#"):
        return lambda e: e.get("id") == selector[1:]
    if selector.startswith("."):
        return lambda e: selector[1:] in e.get("class").split()
    return lambda e: e.tag == selector.lower()


def _largest(scope: Element, sizes: dict[int, int], fits: Callable[[Element], bool]) -> Element | None:
    return max(filter(fits, scope.elements()), key=lambda e: sizes[id(e)], default=None)


def _sizes(root: Element) -> dict[int, int]:
    """Characters of visible text in each element, by identity."""
    sizes: dict[int, int] = {}

    def measure(element: Element, *, seen: bool) -> int:
        seen = seen and not (is_hidden(element) and element.tag != "head")
        size = 0
        for child in element.children:
            if isinstance(child, Element):
                size += measure(child, seen=seen)
            elif seen:
                size += len(child.strip())
        sizes[id(element)] = size
        return size

    measure(root, seen=True)
    return sizes


def _bare(element: Element, sizes: dict[int, int], whole: int, *, marked: bool) -> Element:
    """A copy without furniture; what holds most of the text is never furniture, whatever it is called."""
    kept: list[Element | str] = []
    introduced = False
    for child in element.children:
        if isinstance(child, str):
            kept.append(child)
            continue
        if not _is_furniture(child, sizes, whole, marked=marked or introduced):
            kept.append(_bare(child, sizes, whole, marked=marked) if child.children else child)
        introduced = child.tag in HEADINGS
    return Element(element.tag, element.attributes, kept, element.holds_block)


def _is_furniture(element: Element, sizes: dict[int, int], whole: int, *, marked: bool) -> bool:
    size = sizes[id(element)]
    if size > whole / 2:
        return False
    if element.tag in _FURNITURE or element.get("role").lower() in _ROLES:
        return True
    if element.tag == "header":
        return not marked and not any(one.tag == "h1" for one in element.elements())
    names = f"{element.get('class')} {element.get('id')}".lower()
    if not _WORDS.isdisjoint(re.split(r"[\s_-]+", names)):
        return True
    return not marked and element.tag in BLOCKS and _is_menu(element, sizes)


def _is_menu(element: Element, sizes: dict[int, int]) -> bool:
    links = list(_links(element))
    return len(links) > 1 and sum(sizes[id(link)] for link in links) > _LINKS * sizes[id(element)]


def _links(element: Element) -> Iterator[Element]:
    return (one for one in element.elements() if one.tag == "a")
