"""The few Block Kit shapes we use, each within Slack's limits whatever it is given."""

import json
from collections.abc import Iterable
from typing import Any, NotRequired, TypedDict

from bot.slack.render.text import escape, shorten, split_text

Block = dict[str, Any]
"""Block Kit's JSON."""

SECTION_TEXT = 3000
CONTEXT_TEXT = 2000
HEADER_TEXT = 150
FIELD_TEXT = 2000
BUTTON_TEXT = 75
BUTTON_VALUE = 2000
VIEW_TITLE = 24
VIEW_BLOCKS = 100
VIEW_BYTES = 240_000
"""Slack takes 250 KB; the rest is for title, ids and metadata."""
MESSAGE_BLOCKS = 50
MARKDOWN_TEXT = 9000
"""Slack takes 12,000 characters of Markdown per message; the rest is room for what it counts differently."""
FALLBACK_TEXT = 3900
"""chat.update refuses texts over 4,000 characters; escapes count."""


class Payload(TypedDict):
    """A message's content: the fallback for notifications and screen readers, and the blocks."""

    text: str
    blocks: list[Block]
    look: NotRequired[dict[str, str]]
    """Name and picture it is posted under; our own without."""


def payload(text: str, blocks: list[Block]) -> Payload:
    """A message; `text` is the plain fallback."""
    return {"text": shorten(escape(text.strip()), FALLBACK_TEXT) or "…", "blocks": blocks[:MESSAGE_BLOCKS]}


def plain(text: str, limit: int) -> Block:
    """A plain_text object."""
    return {"type": "plain_text", "text": shorten(text.strip(), limit) or "…", "emoji": True}


def mrkdwn(text: str, limit: int, *, may_link: bool = False) -> Block:
    """An mrkdwn object. Slack makes links of bare addresses in it only when `may_link` says so: a customer's words on
    a card, or a tool's in a trace, lead nowhere."""
    return {"type": "mrkdwn", "text": shorten(text.strip(), limit) or "…", "verbatim": not may_link}


def header(text: str) -> Block:
    """A headline."""
    return {"type": "header", "text": plain(text, HEADER_TEXT)}


def section(text: str) -> Block:
    """One paragraph of mrkdwn, cut when too long; `sections` cuts nothing off."""
    return {"type": "section", "text": mrkdwn(text, SECTION_TEXT)}


def sections(text: str, *, may_link: bool = False) -> list[Block]:
    """A text of any length over as many sections as it needs."""
    parts = split_text(text, SECTION_TEXT)
    return [{"type": "section", "text": mrkdwn(part, SECTION_TEXT, may_link=may_link)} for part in parts]


def fields(*texts: str) -> Block:
    """Short facts in two columns, at most ten."""
    return {"type": "section", "fields": [mrkdwn(text, FIELD_TEXT) for text in texts[:10]]}


def context(*texts: str) -> Block:
    """Small grey print, at most ten pieces."""
    return {"type": "context", "elements": [mrkdwn(text, CONTEXT_TEXT) for text in texts[:10]]}


def markdown(text: str) -> Block:
    """Standard Markdown; not allowed in forms."""
    return {"type": "markdown", "text": shorten(text, MARKDOWN_TEXT) or "…"}


def divider() -> Block:
    """A line."""
    return {"type": "divider"}


def actions(buttons: Iterable[Block]) -> Block:
    """A row of buttons."""
    return {"type": "actions", "elements": list(buttons)}


def button(action_id: str, label: str, value: str, **extra: Any) -> Block:
    """A button; `value` is an id and nothing else, the truth is read from the database when it is pressed."""
    return {
        "type": "button",
        "action_id": action_id,
        "text": plain(label, BUTTON_TEXT),
        "value": value[:BUTTON_VALUE],
        **extra,
    }


def confirm(title: str, text: str, yes: str, no: str = "Cancel") -> Block:
    """The question before a button takes effect."""
    return {"title": plain(title, 100), "text": plain(text, 300), "confirm": plain(yes, 30), "deny": plain(no, 30)}


def modal(title: str, blocks: list[Block], **extra: Any) -> Block:
    """A form or a page in a window; when it would be too big, its last block says that there was more."""
    shape = {"type": "modal", "title": plain(title, VIEW_TITLE), "close": plain("Close", VIEW_TITLE)}
    return {**shape, "blocks": _fitting(blocks), **extra}


def _fitting(blocks: list[Block]) -> list[Block]:
    """As many blocks as a view may hold, by number and by size on the wire."""
    size = 0
    for index, block in enumerate(blocks):
        size += len(json.dumps(block)) + 2
        if size > VIEW_BYTES or (index == VIEW_BLOCKS - 1 and len(blocks) > VIEW_BLOCKS):
            return [*blocks[:index], context("_The rest does not fit here._")]
    return blocks
