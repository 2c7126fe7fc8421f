"""Which elements nobody sees: what is hidden from readers must not be read by the model either.

Looks at the element itself (attributes, inline style, the usual class names). What a style sheet hides cannot be known
here; the text of an article is untrusted anyway, and this only takes away the cheap hiding places.
"""

import re

from tools.knowledge_base.html.tree import Element

_NEVER = frozenset({
    "audio", "base", "button", "canvas", "datalist", "embed", "head", "iframe", "link", "map", "meta", "nav",
    "noembed", "noframes", "noscript", "object", "param", "script", "select", "source", "style", "svg",
    "template", "textarea", "title", "track", "video", "xmp"
})  # fmt: skip
_CLASSES = frozenset({
    "d-none", "hide", "invisible", "is-hidden", "offscreen", "screen-reader-only", "screen-reader-text",
    "sr-only", "u-hidden", "visually-hidden", "visuallyhidden"
})  # fmt: skip
_END = r"(?=;|$|!)"
_ZERO = rf"[-+]?(?:0+(?:\.0*)?|\.0+)(?:[a-z]+|%)?{_END}"
_OFF = r"-\d{3,}"
_STYLES = re.compile(
    rf"(?:^|;)(?:display:none|visibility:(?:hidden|collapse)|content-visibility:hidden|opacity:0*(?:\.0\d*)?%?{_END}"
    rf"|font-size:(?:{_ZERO}|[01]?(?:\.\d+)?px{_END})|font:[^;]*\b0(?:px|pt|em|%)?/|text-indent:{_OFF}"
    rf"|(?:left|top|right|bottom|margin-left|margin-top):{_OFF}|clip:rect\(|clip-path:inset\((?:50|100)%"
    rf"|color:(?:transparent|rgba\([^)]*,0?\.?0*\))|transform:scale\(0(?:\.0\d*)?[,)]|zoom:{_ZERO})"
)
_NO_ROOM = re.compile(rf"(?:^|;)(?:max-)?(?:height|width):{_ZERO}")
_CUT = re.compile(r"(?:^|;)overflow(?:-[xy])?:(?:hidden|clip)")
_LONGEST_STYLE = 2000
_ESCAPE = re.compile(r"\\([0-9a-fA-F]{1,6})\s?")
_NOISE = re.compile(r"/\*.*?\*/|\s+", re.DOTALL)


def is_hidden(element: Element) -> bool:
    """Whether a reader of the page never sees the element."""
    if element.tag in _NEVER:
        return True
    if not element.attributes:
        return element.tag == "dialog"
    if element.tag == "dialog" and "open" not in element.attributes:
        return True
    if "hidden" in element.attributes or "popover" in element.attributes:
        return True
    if element.get("aria-hidden").strip().lower() == "true" or element.get("type").lower() == "hidden":
        return True
    return _is_hidden_by_class(element.get("class")) or _is_hidden_by_style(element.get("style"))


def _is_hidden_by_class(names: str) -> bool:
    classes = names.lower().split()
    if "hidden" in classes and not any(":" in name for name in classes):  # `hidden md:block` shows on wide screens
        return True
    return not _CLASSES.isdisjoint(classes)


def _is_hidden_by_style(style: str) -> bool:
    if not style:
        return False
    if len(style) > _LONGEST_STYLE:
        return True
    unescaped = _ESCAPE.sub(lambda found: chr(min(int(found.group(1), 16), 0xFFFD)), style)
    plain = _NOISE.sub("", unescaped).lower()
    return bool(_STYLES.search(plain) or (_NO_ROOM.search(plain) and _CUT.search(plain)))
