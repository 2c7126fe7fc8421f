"""Slack's Web API client: how it is made, and what its failures mean."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.domain.errors import LockedOutError, PermanentError, TransientError
from bot.runtime.pace import Pace
from bot.slack import silence
from bot.slack.rates import Rates

TOTAL_SECONDS = 15.0
CONNECT_SECONDS = 5.0
_OK = 200
_SERVER_ERROR = 500
_LIMITED = 429
_DEFAULT_WAIT = 5.0
_LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})
_LOCKED_OUT = frozenset(
    {
        *("account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked"),
        *("invalid_refresh_token", "invalid_client_id", "bad_client_secret"),
    }
)
"""Errors that say nothing about the call: with another token it would work."""
_READING = ("auth.", "bots.", "conversations.", "team.", "users.", "usergroups.", "chat.getPermalink")
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


class SlackLockedOutError(SlackRefusalError, LockedOutError):
    """Slack does not take our token (any more)."""


@dataclass(frozen=True, slots=True)
class Manners:
    """How our calls behave: at Slack's pace, and only while this replica may act."""

    pace: Pace
    rates: Rates = field(default_factory=Rates)
    may_act: Callable[[], bool] = lambda: True
    """False when another replica may have taken over our work: nothing may be changed in Slack then."""


class PacedClient(AsyncWebClient):
    """Slack's client of one workspace; what it calls goes at Slack's pace once it was told to behave."""

    manners: Manners | None = None
    workspace: str = ""

    def behave(self, manners: Manners, team_id: str) -> None:
        """From now on."""
        self.manners, self.workspace = manners, team_id

    async def api_call(self, api_method: str, **request: Any) -> AsyncSlackResponse:
        """As the SDK's. TransientError when the call may not be made now; nothing was sent then."""
        manners = self.manners
        if manners is None:
            return await self.call_now(api_method, **request)
        tolls = manners.rates.tolls(self.workspace, api_method, _channel(request))
        is_reading = api_method.startswith(_READING)
        await manners.pace.admit(tolls, reading=is_reading)
        if not manners.may_act() and not is_reading:
            raise TransientError("this replica may not act any more")
        try:
            return await self.call_now(api_method, **request)
        except SlackApiError as error:
            if isinstance(meaning := _classified(error.response), TransientError) and meaning.retry_after is not None:
                await manners.pace.refused(tolls, meaning.retry_after)
            raise

    async def call_now(self, api_method: str, **request: Any) -> AsyncSlackResponse:
        """The call itself, once its turn has come; OvertakenError when its words may not be said any more."""
        await silence.check(api_method)
        return await super().api_call(api_method, **request)


async def has_room(client: AsyncWebClient, method: str, channel_id: str = "") -> bool:
    """Whether there is ample room for a call that may be left out; the caller makes it at once then, or not at all."""
    if not isinstance(client, PacedClient) or client.manners is None:
        return True
    return await client.manners.pace.has_room(client.manners.rates.tolls(client.workspace, method, channel_id))


async def is_free(client: AsyncWebClient, method: str, channel_id: str = "") -> bool:
    """Whether a call can be made right now; the caller makes it at once then, or does without it."""
    if not isinstance(client, PacedClient) or client.manners is None:
        return True
    tolls = client.manners.rates.tolls(client.workspace, method, channel_id)
    return await client.manners.pace.has_room(tolls, left=0.0)


def quiet_logger(name: str, level: int = logging.WARNING) -> logging.Logger:
    """A logger for Slack's libraries; what they write below `level` (whole bodies, parameters) stays out of our log."""
    logger = logging.getLogger(name)
    logger.setLevel(level)
    return logger


def slack_session(total_seconds: float = TOTAL_SECONDS) -> aiohttp.ClientSession:
    """The one HTTP session all calls to Slack share; whoever asked for it closes it."""
    timeout = aiohttp.ClientTimeout(total=total_seconds, connect=CONNECT_SECONDS)
    return aiohttp.ClientSession(timeout=timeout)


def slack_client(token: str, base_url: str, session: aiohttp.ClientSession) -> PacedClient:
    """A client that never repeats a call by itself: that is the outbox's business, which can look before it sends."""
    client = PacedClient(
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
    needed = str(data.get("needed", "")) if isinstance(data, dict) else ""
    return (SlackLockedOutError if error in _LOCKED_OUT else SlackRefusalError)(str(error), needed=needed)


def refusal_of(status: int) -> TransientError | PermanentError | None:
    """What the status of a plain request to Slack means; None when it worked."""
    if status == _LIMITED or status >= _SERVER_ERROR:
        return TransientError(f"Slack failed (HTTP {status})")
    return None if status == _OK else PermanentError(f"Slack refused (HTTP {status})")


def _channel(request: dict[str, Any]) -> str:
    """The channel among a call's arguments, however the SDK passes them."""
    for part in ("json", "params", "data"):
        given = request.get(part)
        if isinstance(given, dict) and given.get("channel"):
            return str(given["channel"])
    return ""


def _retry_after(response: Any) -> float:
    headers = getattr(response, "headers", None) or {}
    try:
        return max(0.0, float(headers.get("Retry-After", _DEFAULT_WAIT)))
    except (TypeError, ValueError):
        return _DEFAULT_WAIT
