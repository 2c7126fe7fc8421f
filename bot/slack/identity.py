"""Who we are in this workspace."""

import asyncio
from dataclasses import dataclass

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.web import call


@dataclass(frozen=True, slots=True)
class Identity:
    """Our own ids, as auth.test tells them."""

    team_id: str
    bot_id: str
    user_id: str
    url: str = ""
    team: str = ""


class OwnIdentity:
    """Asks auth.test once and remembers the answer; a failure is not remembered."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._lock = asyncio.Lock()
        self._known: Identity | None = None

    async def get(self) -> Identity:
        """Our ids. TransientError or PermanentError when Slack does not tell."""
        async with self._lock:
            if self._known is None:
                self._known = identity_of(await call(self._client.auth_test()))
            return self._known


def identity_of(answer: dict[str, object]) -> Identity:
    """Read auth.test's answer."""

    def word(name: str) -> str:
        value = answer.get(name)
        return value if isinstance(value, str) else ""

    return Identity(word("team_id"), word("bot_id"), word("user_id"), word("url"), word("team"))
