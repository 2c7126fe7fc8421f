"""ports.pager.Pager by webhook, in the words of PagerDuty's Events API v2 or of Opsgenie's Alert API.

Both know an alert by a key of ours, so an attempt of which nobody knows whether it worked can be repeated.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from urllib.parse import quote

import aiohttp

from bot.domain.errors import PermanentError, TransientError
from bot.ports.pager import Alert

_SECONDS = 10.0
_SUMMARY, _MESSAGE = 1024, 130
"""Characters the services take (PagerDuty's summary, Opsgenie's message)."""
_SOURCE = "deskhand"
_LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


class PagerKind(StrEnum):
    """In whose words."""

    PAGERDUTY = "pagerduty"
    OPSGENIE = "opsgenie"


DEFAULT_URLS: Mapping[PagerKind, str] = {
    PagerKind.PAGERDUTY: "https://events.pagerduty.com/v2/enqueue",
    PagerKind.OPSGENIE: "https://api.opsgenie.com/v2/alerts",
}


@dataclass(frozen=True, slots=True)
class _Call:
    """One request."""

    url: str
    body: Mapping[str, object]
    headers: Mapping[str, str]
    gone_is_fine: bool = False


class _PagerDuty:
    """Events API v2: the routing key stands in the body."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._key = key

    def trigger(self, alert: Alert) -> _Call:
        payload = {
            "summary": alert.summary[:_SUMMARY],
            "source": _SOURCE,
            "severity": "critical" if alert.is_urgent else "warning",
        }
        links = [{"href": alert.link, "text": "Open in Slack"}] if alert.link else []
        return self._event("trigger", alert.key, payload=payload, links=links)

    def resolve(self, key: str) -> _Call:
        return self._event("resolve", key)

    def _event(self, action: str, key: str, **more: object) -> _Call:
        body = {"routing_key": self._key, "event_action": action, "dedup_key": key, **more}
        return _Call(self._url, body, {})


class _Opsgenie:
    """Alert API: the key stands in a header, alerts are closed by their alias."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"GenieKey {key}"}

    def trigger(self, alert: Alert) -> _Call:
        body = {
            "message": alert.summary[:_MESSAGE],
            "alias": alert.key,
            "description": f"{alert.summary}\n{alert.link}".strip(),
            "source": _SOURCE,
            "priority": "P1" if alert.is_urgent else "P3",
        }
        return _Call(self._url, body, self._headers)

    def resolve(self, key: str) -> _Call:
        url = f"{self._url}/{quote(key, safe='')}/close?identifierType=alias"
        return _Call(url, {"source": _SOURCE}, self._headers, gone_is_fine=True)


_WORDS: Mapping[PagerKind, Callable[[str, str], _PagerDuty | _Opsgenie]] = {
    PagerKind.PAGERDUTY: _PagerDuty,
    PagerKind.OPSGENIE: _Opsgenie,
}


class WebhookPager:
    """One attempt per call; whoever calls repeats it."""

    def __init__(self, kind: PagerKind, key: str, url: str, session: aiohttp.ClientSession) -> None:
        """`url` empty: the service's own."""
        self._words = _WORDS[kind](url or DEFAULT_URLS[kind], key)
        self._session = session

    async def trigger(self, alert: Alert) -> None:
        """Open an alert, once per key."""
        await self._send(self._words.trigger(alert))

    async def resolve(self, key: str) -> None:
        """Close an alert."""
        await self._send(self._words.resolve(key))

    async def _send(self, call: _Call) -> None:
        try:
            async with (
                asyncio.timeout(_SECONDS),
                self._session.post(call.url, json=call.body, headers=call.headers, allow_redirects=False) as answer,
            ):
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise TransientError(f"the pager did not answer ({type(error).__name__})") from None  # holds URL and key
        if status in _LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise TransientError(f"the pager answered {status}")
        if status >= HTTPStatus.MULTIPLE_CHOICES and not (call.gone_is_fine and status == HTTPStatus.NOT_FOUND):
            raise PermanentError(f"the pager refused with {status}")
