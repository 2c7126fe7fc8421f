"""A Web API client for one workspace, whose token is asked for at each call: tokens change while work is under way."""

import logging
from typing import Any, Protocol

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.slack.web import PacedClient, is_local, quiet_logger

logger = logging.getLogger(__name__)

_STALE = frozenset({"token_expired", "invalid_auth", "token_revoked", "account_inactive"})
"""Errors after which there may be a newer token."""


class Tokens(Protocol):
    """The bot token of one workspace."""

    async def current(self) -> str:
        """The token to use now. TransientError when nobody can tell, PermanentError when there is none any more."""
        ...

    async def after(self, refused: str) -> str | None:
        """Another token than the one Slack refused, or None."""
        ...


class FixedToken:
    """The token of the settings."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def current(self) -> str:
        """Always the same."""
        return self._token

    async def after(self, refused: str) -> str | None:  # noqa: ARG002 - there is no other
        """There is no other."""
        return None


class WorkspaceClient(PacedClient):
    """Never repeats a call by itself, except that a call Slack did not begin for an old token is made with the new."""

    def __init__(self, tokens: Tokens, base_url: str, session: aiohttp.ClientSession) -> None:
        """`session` stays the caller's."""
        super().__init__(base_url=base_url, session=session, retry_handlers=[], logger=quiet_logger("bot.slack.sdk"))
        if is_local(base_url):
            self.proxy = None
        self._tokens = tokens

    async def fresh_token(self) -> str:
        """The token to use now."""
        return await self._tokens.current()

    async def call_now(self, api_method: str, **request: Any) -> AsyncSlackResponse:
        """One call with the current token."""
        if any((request.get(kind) or {}).get("token") for kind in ("params", "json")):
            return await super().call_now(api_method, **request)
        used = await self._tokens.current()
        try:
            return await self._with(used, api_method, request)
        except SlackApiError as error:
            if _error(error) not in _STALE:
                raise
            newer = await self._tokens.after(used)
            if newer is None:
                raise
            logger.info("slack.token_renewed", extra={"fields": {"method": api_method, "error": _error(error)}})
            return await self._with(newer, api_method, request)

    async def _with(self, token: str, api_method: str, request: dict[str, Any]) -> AsyncSlackResponse:
        self.token = token  # read by the SDK before it waits for anything, so calls side by side do not mix
        return await super().call_now(api_method, **request)


def _error(error: SlackApiError) -> str:
    data = getattr(error.response, "data", None)
    return str(data.get("error", "")) if isinstance(data, dict) else ""
