"""What the address of a page asks for. Nonsense in it counts as nothing: people type addresses, too."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from math import isfinite
from typing import TypeVar
from urllib.parse import urlencode

from bot.domain.browsing import ConversationFilter, Position

E = TypeVar("E", bound=StrEnum)
MOST_WORDS = 5
_LONGEST = 200
_SHORTEST_WORD = 2
_PIECES = re.compile(r'"([^"]+)"|(\S+)')
_PERMALINK = re.compile(r"https?://[^\s/]+/archives/([A-Z0-9]+)/p(\d{9,11})(\d{6})(?:\?\S*?thread_ts=(\d+\.\d{6})\S*)?")
_USER = re.compile(r"<?@?([UW](?=[A-Z0-9]*\d)[A-Z0-9]{4,})>?")
_BETWEEN = "~"

Query = Mapping[str, str]


def text(query: Query, name: str) -> str:
    """A field as typed, without blanks around it; cut when it is absurdly long."""
    return query.get(name, "").strip()[:_LONGEST]


def choice(query: Query, name: str, kind: type[E]) -> E | None:
    """One of several."""
    try:
        return kind(query.get(name, ""))
    except ValueError:
        return None


def yes_no(query: Query, name: str) -> bool | None:
    """`yes` or `no`."""
    return {"yes": True, "no": False}.get(query.get(name, ""))


def amount(query: Query, name: str) -> Decimal | None:
    """USD, from nothing upwards."""
    try:
        usd = Decimal(text(query, name).removeprefix("$").replace(",", ""))
    except InvalidOperation:
        return None
    return usd if usd.is_finite() and 0 <= usd < 10**9 else None


def number(query: Query, name: str, usual: int, most: int) -> int:
    """A count from 1 on."""
    given = text(query, name)
    return int(given) if given.isdecimal() and len(given) < 7 and 1 <= int(given) <= most else usual  # noqa: PLR2004


def day(query: Query, name: str) -> date | None:
    """An ISO date."""
    try:
        found = date.fromisoformat(text(query, name))
    except ValueError:
        return None
    return found if found.year in range(2000, 2200) else None


def midnight(one: date, zone: tzinfo) -> float:
    """When a day begins."""
    return datetime.combine(one, time(), zone).timestamp()


def position(query: Query) -> Position | None:
    """Behind which row the page begins."""
    at, _, row_id = text(query, "after").partition(_BETWEEN)
    try:
        found = float(at)
    except ValueError:
        return None
    return Position(found, row_id) if isfinite(found) else None


def after(place: Position) -> str:
    """The same, to be put into an address."""
    return f"{place.at!r}{_BETWEEN}{place.id}"


def address(path: str, query: Query, **changes: str) -> str:
    """An address with some fields of the query changed, and without empty ones."""
    fields = {name: value for name, value in {**query, **changes}.items() if value}
    return f"{path}?{urlencode(fields)}" if fields else path


def conversation_filter(query: Query, team_id: str, zone: tzinfo) -> ConversationFilter:
    """Search and filters of the conversations."""
    since, until = day(query, "from"), day(query, "to")
    return replace(
        _searched(text(query, "q"), team_id),
        owner=text(query, "owner"),
        channel=text(query, "channel"),
        profile=text(query, "profile"),
        prompt_version=text(query, "version"),
        since=midnight(since, zone) if since else None,
        until=midnight(until + timedelta(days=1), zone) if until else None,
        cost_over=amount(query, "cost"),
        escalated=yes_no(query, "escalated"),
    )


def _searched(typed: str, team_id: str) -> ConversationFilter:
    """A link or id leads to a conversation or person; everything else are words, those in quotes together."""
    if link := _PERMALINK.fullmatch(typed):
        channel, seconds, micros, thread = link.groups()
        return ConversationFilter(conversation_id=f"{team_id}:{channel}:{thread or f'{seconds}.{micros}'}")
    if typed.startswith(f"{team_id}:"):
        return ConversationFilter(conversation_id=typed)
    if user := _USER.fullmatch(typed):
        return ConversationFilter(user=user[1])
    pieces = (quoted or plain for quoted, plain in _PIECES.findall(typed))
    return ConversationFilter(words=tuple(one for one in pieces if len(one) >= _SHORTEST_WORD)[:MOST_WORDS])
