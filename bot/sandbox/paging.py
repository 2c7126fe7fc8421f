"""Slack's cursors: opaque text that says where the next page begins."""

import base64
import binascii
from typing import TypeVar

from bot.sandbox.backend import Args
from bot.sandbox.wire import SlackError

LARGEST_PAGE = 1000
_PREFIX = "next_index:"

T = TypeVar("T")


def page(items: list[T], args: Args, default: int = 100) -> tuple[list[T], str]:
    """The items of the asked page and the cursor of the next one ('' at the end)."""
    limit = args.number("limit", default)
    if not 0 < limit <= LARGEST_PAGE:
        raise SlackError("invalid_limit")
    start = _decode(args.text("cursor"))
    end = start + limit
    return items[start:end], _encode(end) if end < len(items) else ""


def _encode(index: int) -> str:
    return base64.b64encode(f"{_PREFIX}{index}".encode()).decode()


def _decode(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        plain = base64.b64decode(cursor, validate=True).decode()
        return int(plain.removeprefix(_PREFIX))
    except (ValueError, binascii.Error):
        raise SlackError("invalid_cursor") from None
