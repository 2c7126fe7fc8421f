"""What a service answered, and the failures that an answer can be."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, NoReturn, TypeVar

import aiohttp
from pydantic import TypeAdapter, ValidationError

from tools.base import OutcomeUnknownError, ToolUnavailableError

T = TypeVar("T")
_CHUNK = 65_536
_USUAL_WAIT, _LONGEST_WAIT = 5.0, 3600.0
"""Seconds: after a 429 without a word, and what no service's word goes beyond."""
_UNKNOWN = (
    "The service that this is kept in gave no clear answer: nobody knows whether it was done. Do not say that it was."
)


class BackendRefusedError(ToolUnavailableError):
    """The service understood and said no; nothing was done, and it would say no again."""

    will_pass = False

    def __init__(self, message: str, *, status: int = 0) -> None:
        super().__init__(message)
        self.status = status
        """Of HTTP; 0 when we did not even ask."""

    @property
    def is_lockout(self) -> bool:
        """True when our token, or what it may do, is the reason."""
        return self.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


class AnswerTooLongError(Exception):
    """More came than an answer may hold."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    service: str
    """Name for errors."""
    status: int
    headers: Mapping[str, str]
    """Letter case of names does not matter."""
    body: bytes = field(repr=False)
    url: str = field(repr=False)
    """Where it came from in the end, after redirects."""
    safe: bool = True
    """Whether the request may be sent again."""
    next_link: str = field(default="", repr=False)
    """Address of the next page by the Link header; empty: none."""

    def json(self) -> Any:
        """The body as JSON; numbers with a point are floats."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            give_up(f"{self.service} answered something that is not JSON", safe=self.safe)

    def read(self, shape: type[T] | TypeAdapter[T]) -> T:
        """The body as this pydantic shape; amounts keep their digits when the shape says Decimal."""
        adapter = shape if isinstance(shape, TypeAdapter) else TypeAdapter(shape)
        try:
            return adapter.validate_json(self.body)
        except ValidationError:
            give_up(f"{self.service} answered something of another shape than it documents", safe=self.safe)


def give_up(message: str, *, safe: bool) -> NoReturn:
    """Fail for a request that went out and brought nothing usable back.

    The model reads what a write raises, which therefore does not say why; its cause does.
    """
    why = ToolUnavailableError(message)
    if safe:
        raise why from None
    raise OutcomeUnknownError(_UNKNOWN) from why


async def read_within(response: aiohttp.ClientResponse, most: int) -> bytes:
    """The unpacked body; AnswerTooLongError as soon as it is longer than `most` bytes."""
    if (response.content_length or 0) > most:
        raise AnswerTooLongError
    parts, size = [], 0
    async for part in response.content.iter_chunked(_CHUNK):
        size += len(part)
        if size > most:
            raise AnswerTooLongError
        parts.append(part)
    return b"".join(parts)


def wait_asked_for(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds of Retry-After, given as a number or as a date; None without one that makes sense."""
    told = headers.get("Retry-After", "").strip()
    try:
        seconds = float(told)
    except ValueError:
        moment = _date(told, parsedate_to_datetime)
        if moment is None:
            return None
        seconds = (moment - (now or datetime.now(UTC))).total_seconds()
    return min(max(0.0, seconds), _LONGEST_WAIT) if math.isfinite(seconds) else None


def pause_of(status: int, headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds for which the service wants to be left alone; None when it does not say so.

    Whatever failure comes with Retry-After will pass: HubSpot sends it with 477, GitHub with 403, Jira with any 5xx.
    After a 429 some say when the next calls are free instead: X-RateLimit-Reset, in Unix seconds or as an ISO date.
    """
    if status < HTTPStatus.BAD_REQUEST:
        return None
    asked = wait_asked_for(headers, now)
    if asked is not None or status != HTTPStatus.TOO_MANY_REQUESTS:
        return asked
    reset = _until_reset(headers, now or datetime.now(UTC))
    return _USUAL_WAIT if reset is None else reset


def _until_reset(headers: Mapping[str, str], now: datetime) -> float | None:
    told = headers.get("X-RateLimit-Reset", "").strip()
    if told.isascii() and told.isdigit():
        wait = float(told) - now.timestamp()
    else:
        moment = _date(told, datetime.fromisoformat)
        wait = (moment - now).total_seconds() if moment else -1.0
    return wait if 0 <= wait <= _LONGEST_WAIT else None


def _date(told: str, read: Callable[[str], datetime]) -> datetime | None:
    """A date as this one reads it, in UTC where no zone is named; None when it is none."""
    try:
        moment = read(told)
    except (TypeError, ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
