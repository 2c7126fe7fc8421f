"""The bytes of a page as text."""

import codecs
import re

_NAMED = re.compile(rb"charset\s*=\s*[\"']?([A-Za-z0-9_-]{1,40})")
_HEAD = 2048
"""Bytes in which a page names its encoding."""
NO_PAGES = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "utf-7"})
"""Codecs of Python that no page is written in, by the names they give themselves; some take for ever."""
_LATIN = frozenset({"iso8859-1", "ascii"})
"""What pages say that are written in windows-1252, by the rules of HTML."""


def decoded(body: bytes, told: str = "") -> str:
    """By the charset that the answer (`told`) or else the page names, else as UTF-8; what does not fit is U+FFFD."""
    if body.startswith(codecs.BOM_UTF8):
        return body.removeprefix(codecs.BOM_UTF8).decode("utf-8", "replace")
    found = _NAMED.search(body[:_HEAD])
    name = told or (found.group(1).decode() if found else "utf-8")
    try:
        codec = codecs.lookup(name).name
        known = "utf-8" if codec in NO_PAGES else "windows-1252" if codec in _LATIN else codec
        return body.decode(known, "replace")
    except (LookupError, ValueError):
        return body.decode("utf-8", "replace")
