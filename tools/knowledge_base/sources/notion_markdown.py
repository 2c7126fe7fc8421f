"""Notion's Markdown as everybody's: without the tags and attributes that only Notion understands.

Its text is kept, tables become Markdown tables, links to files (which expire within the hour) their descriptions. What
stands in code stays as it is.
"""

import re

from tools.knowledge_base.html.markdown import markdown
from tools.knowledge_base.html.tree import parse, shown

_FENCE = re.compile(r"^\s*```")
_TABLE = re.compile(r"<table[\s>][^<]*(?:<(?!/?table[\s>])[^<]*)*</table>")
"""An innermost one. (Possessive quantifiers match too little before Python 3.11.5.)"""
_ATTRIBUTES = re.compile(
    r"[ \t]{0,9}\{(?:color|toggle)=\"[^\"{}\n]{0,80}\"(?: (?:color|toggle)=\"[^\"{}\n]{0,80}\")?\}[ \t]*$", re.MULTILINE
)
_DATE = re.compile(r"<mention-date\s[^<>]{0,200}?start=\"([^\"<>]{1,40})\"[^<>]{0,200}>")
_SUMMARY = re.compile(r"<summary>([^\n]{0,1000}?)</summary>")
_TAG = re.compile(r"(?<!\\)</?[a-z][a-z0-9_-]{0,40}(?:\s[^<>\n]{0,2000})?/?>")
_IMAGE = re.compile(r"!\[([^\[\]\n]{0,2000})\]\([^()\n]{0,4000}\)")
_ESCAPED = re.compile(r"\\([<>{}$^~|\[\]])")
_CODE = re.compile(r"(`[^`\n]+`)")
_ITEM = re.compile(r"(?:[-*]|\d+\.)\s")
_EMPTY = re.compile(r"\n{3,}")


def plain_markdown(text: str) -> str:
    """The same text without what is Notion's own."""
    parts: list[str] = []
    held: list[str] = []
    fenced = False
    for line in shown(text).split("\n"):
        if _FENCE.match(line):
            if not fenced:
                parts.append(_prose("\n".join(held)))
                held = []
            fenced = not fenced
            parts.append(line.lstrip("\t"))
        elif fenced:
            parts.append(line)
        else:
            held.append(line)
    parts.append(_prose("\n".join(held)))
    return _EMPTY.sub("\n\n", "\n".join(parts)).strip()


def _prose(text: str) -> str:
    text = _TABLE.sub(lambda found: f"\n{markdown(parse(found.group()))}\n", text)
    pieces = _CODE.split(text)
    pieces[::2] = map(_cleaned, pieces[::2])
    return "\n".join(map(_indented, "".join(pieces).split("\n")))


def _cleaned(text: str) -> str:
    text = _DATE.sub(r"\1", _SUMMARY.sub(r"**\1**", text))
    text = _IMAGE.sub(lambda found: f"[image: {found.group(1)}]" if found.group(1) else "", text)
    text = text.replace("<br>", "\n")
    return _ESCAPED.sub(r"\1", _ATTRIBUTES.sub("", _TAG.sub("", text)))


def _indented(line: str) -> str:
    """Tabs before a list item are its depth; before anything else they would make it code."""
    inner = line.lstrip("\t")
    return ("  " * (len(line) - len(inner)) if _ITEM.match(inner) else "") + inner.rstrip()
