"""Slack's Web API client: how it is made, and what its failures mean."""

import logging
from collections.abc import Awaitable
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.domain.errors import PermanentError, TransientError

TOTAL_SECONDS = 15.0
CONNECT_SECONDS = 5.0
_SERVER_ERROR = 500
_LIMITED = 429
_DEFAULT_WAIT = 5.0
_LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})
_SERVER_FAULTS = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})
"""Errors in a 200 answer after which nobody knows whether the call took effect."""


class SlackRefusalError(PermanentError):
    """Slack said no, and would say no again."""

    def __init__(self, error: str, *, needed: str = "") -> None:
        super().__init__(f"Slack refused: {error}" + (f" (needs scope {needed})" if needed else ""))
        self.error = error
        """Slack's name of the error, e.g. `message_not_found`."""
        self.needed = needed
        """The missing scope, when that was the reason."""


def quiet_logger(name: str, level: int = logging.WARNING) -> logging.Logger:
    """A logger for Slack's libraries; what they write below `level` (whole bodies, parameters) stays out of our log."""
    logger = logging.getLogger(name)
    logger.setLevel(level)
    return logger


def slack_session() -> aiohttp.ClientSession:
    """The one HTTP session all calls to Slack share; whoever asked for it closes it."""
    timeout = aiohttp.ClientTimeout(total=TOTAL_SECONDS, connect=CONNECT_SECONDS)
    return aiohttp.ClientSession(timeout=timeout)


def slack_client(token: str, base_url: str, session: aiohttp.ClientSession) -> AsyncWebClient:
    """A client that never repeats a call by itself: that is the outbox's business, which can look before it sends."""
    client = AsyncWebClient(
        token=token, base_url=base_url, session=session, retry_handlers=[], logger=quiet_logger("bot.slack.sdk")
    )
    if is_local(base_url):
        client.proxy = None
    return client


def is_local(url: str) -> bool:
    """Whether a URL points at this machine (the sandbox), where a proxy from the environment must not be used."""
    return urlsplit(url).hostname in _LOCAL


async def call(waiting: Awaitable[AsyncSlackResponse]) -> dict[str, Any]:
    """Wait for a Web API call and return its answer; its failures become TransientError or SlackRefusalError."""
    try:
        response = await waiting
    except SlackApiError as error:
        raise _classified(error.response) from error
    except aiohttp.ClientConnectorError as error:
        raise TransientError(f"Slack cannot be reached: {type(error).__name__}") from error
    except (aiohttp.ClientError, TimeoutError, SlackClientError, OSError) as error:
        raise TransientError(f"the call to Slack broke off: {type(error).__name__}", ambiguous=True) from error
    except (AttributeError, ValueError) as error:  # the SDK trips over a plain-text answer (a proxy's page) like this
        raise TransientError("Slack's answer could not be read", ambiguous=True) from error
    return response.data if isinstance(response.data, dict) else {}


def _classified(response: Any) -> TransientError | SlackRefusalError:
    """What an error answer means; `response` is the SDK's, or aiohttp's when the body could not be read."""
    data = getattr(response, "data", None)
    status = getattr(response, "status_code", getattr(response, "status", 0))
    error = data.get("error") if isinstance(data, dict) else None
    if status == _LIMITED or error == "ratelimited":
        return TransientError("Slack asks us to slow down", retry_after=_retry_after(response))
    if error is None or status >= _SERVER_ERROR or error in _SERVER_FAULTS:
        return TransientError(f"Slack failed (HTTP {status})", ambiguous=True)
    return SlackRefusalError(str(error), needed=str(data.get("needed", "")) if isinstance(data, dict) else "")


def _retry_after(response: Any) -> float:
    headers = getattr(response, "headers", None) or {}
    try:
        return max(0.0, float(headers.get("Retry-After", _DEFAULT_WAIT)))
    except (TypeError, ValueError):
        return _DEFAULT_WAIT
