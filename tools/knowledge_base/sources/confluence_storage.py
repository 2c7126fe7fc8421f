"""Confluence's storage format as HTML: macros become what they show, or nothing."""

from collections.abc import Callable, Iterable, Mapping

from tools.knowledge_base.html.tree import Element, made, parse

_SHOWING = frozenset({"details", "excerpt", "expand", "info", "note", "panel", "section", "column", "tip", "warning"})
"""Macros that show the text in them."""
_CODES = frozenset({"code", "noformat"})
_SILENT = frozenset({"ac:parameter", "ac:placeholder", "ac:adf-node", "ac:task-id", "ac:task-uuid", "ri:user"})
_RENAMED = {"ac:task-list": "ul", "ac:layout": "div", "ac:layout-section": "div", "ac:layout-cell": "div"}

Node = Element | str


def html_of(storage: str) -> Element:
    """The page as a tree of HTML; BrokenArticleError when it is too large or too deep."""
    return made("div", {}, _all(parse(storage, xml=True).children))


def _all(nodes: Iterable[Node]) -> list[Node]:
    return [new for node in nodes for new in ([node] if isinstance(node, str) else _one(node))]


def _one(element: Element) -> list[Node]:
    if element.tag in _SILENT:
        return []
    special = _SPECIAL.get(element.tag)
    if special is not None:
        return special(element)
    if element.tag.startswith(("ac:", "ri:")) and element.tag not in _RENAMED:
        return _all(element.children)
    return [made(_RENAMED.get(element.tag, element.tag), element.attributes, _all(element.children))]


def _macro(element: Element) -> list[Node]:
    name, told = element.get("ac:name").lower(), _parameters(element)
    if name in _CODES:
        text = "".join(body.text() for body in _bodies(element))
        return [made("pre", {"data-language": told.get("language", "").lower()}, [text])]
    if name == "status":
        return [told.get("title", "")]
    if name not in _SHOWING:
        return []
    title: list[Node] = [made("summary", {}, [told["title"]])] if told.get("title") else []
    return [made("div", {}, title + [new for body in _bodies(element) for new in _all(body.children)])]


def _parameters(element: Element) -> Mapping[str, str]:
    parameters = (child for child in element.children if isinstance(child, Element) and child.tag == "ac:parameter")
    return {one.get("ac:name").lower(): one.text().strip() for one in parameters}


def _bodies(element: Element) -> list[Element]:
    return [
        child
        for child in element.children
        if isinstance(child, Element) and child.tag in {"ac:rich-text-body", "ac:plain-text-body"}
    ]


def _link(element: Element) -> list[Node]:
    """The words of a link; without any, the title of the page it leads to."""
    inside = _all(element.children)
    if any(child.strip() if isinstance(child, str) else child.text().strip() for child in inside):
        return inside
    return [next((title for one in element.elements() if (title := one.get("ri:content-title"))), "")]


def _image(element: Element) -> list[Node]:
    return [made("img", {"alt": element.get("ac:alt") or element.get("ac:title")}, [])]


def _task(element: Element) -> list[Node]:
    parts = {child.tag: child for child in element.children if isinstance(child, Element)}
    done = "ac:task-status" in parts and parts["ac:task-status"].text().strip() == "complete"
    box = made("input", {"type": "checkbox", **({"checked": ""} if done else {})}, [])
    body = parts.get("ac:task-body")
    return [made("li", {}, [box, *(_all(body.children) if body else [])])]


def _emoticon(element: Element) -> list[Node]:
    return [element.get("ac:emoji-fallback")]


def _time(element: Element) -> list[Node]:
    return [element.get("datetime") or element.text()]


_SPECIAL: Mapping[str, Callable[[Element], list[Node]]] = {
    "ac:structured-macro": _macro,
    "ac:macro": _macro,
    "ac:link": _link,
    "ac:image": _image,
    "ac:task": _task,
    "ac:emoticon": _emoticon,
    "time": _time,
}
