"""Sign in with Slack (OpenID Connect): where a browser is sent, and who came back.

What Slack says of a person is believed only as a signed ID token: for us, from Slack, for the very sign-in that this
browser began (nonce), and not expired. Proof keys (PKCE) are for apps without a secret; declaring an app one of those
cannot be undone in Slack, so we, who have a secret, do without.
"""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
import jwt
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import PermanentError, TransientError
from bot.ports.clock import Clock
from bot.slack.oauth import Credentials
from bot.slack.reading import word
from bot.slack.web import call, is_local

logger = logging.getLogger(__name__)

_KEYS_SECONDS = 3600.0
_KEYS_AGAIN_SECONDS = 30.0
"""So often at most Slack is asked for keys because a token names one we do not know."""
_LEEWAY_SECONDS = 60
_SECONDS = 8.0
_TEAM, _USER = "https://slack.com/team_id", "https://slack.com/user_id"
_REQUIRED = ["iss", "sub", "aud", "exp", "iat", "nonce", _TEAM, _USER]


@dataclass(frozen=True, slots=True)
class _Keys:
    by_id: dict[str, jwt.PyJWK]
    asked_at: float


class OpenId:
    """ports.insight.SlackSignIn."""

    def __init__(
        self, client: AsyncWebClient, session: aiohttp.ClientSession, credentials: Credentials, clock: Clock
    ) -> None:
        """`client` shows how to reach Slack; it needs no token."""
        self._client = client
        self._session = session
        self._credentials = credentials
        self._clock = clock
        address = urlsplit(client.base_url)
        self.origin = f"{address.scheme}://{address.netloc}"
        self._keys: _Keys | None = None
        self._asking = asyncio.Lock()

    def address(self, state: str, nonce: str) -> str:
        """Where a person signs in."""
        query = {
            "response_type": "code",
            "scope": "openid profile",
            "client_id": self._credentials.client_id,
            "state": state,
            "nonce": nonce,
            "redirect_uri": self._credentials.redirect_url,
        }
        return f"{self.origin}/openid/connect/authorize?{urlencode(query)}"

    async def who(self, code: str, nonce: str) -> tuple[str, str]:
        """(team, user) that signed in. PermanentError when it cannot be believed, TransientError without an answer."""
        answer = await call(
            self._client.api_call(
                "openid.connect.token",
                data={
                    "client_id": self._credentials.client_id,
                    "client_secret": self._credentials.client_secret,
                    "code": code,
                    "grant_type": "authorization_code",
                    "redirect_uri": self._credentials.redirect_url,
                },
            )
        )
        claims = await self._claims(word(answer.get("id_token")))
        if claims.get("nonce") != nonce:
            raise PermanentError("the ID token belongs to another sign-in")
        team, user = word(claims.get(_TEAM)), word(claims.get(_USER))
        if not team or not user:
            raise PermanentError("the ID token names nobody")
        return team, user

    async def _claims(self, token: str) -> dict[str, Any]:
        try:
            key = await self._key(word(jwt.get_unverified_header(token).get("kid")))
            claims: dict[str, Any] = jwt.decode(
                token, key, algorithms=["RS256"], audience=self._credentials.client_id, issuer=self.origin,
                leeway=_LEEWAY_SECONDS, options={"require": _REQUIRED},
            )  # fmt: skip
        except jwt.PyJWTError as error:
            raise PermanentError(f"the ID token is not good: {type(error).__name__}") from error
        return claims

    async def _key(self, key_id: str) -> jwt.PyJWK:
        async with self._asking:
            age = float("inf") if self._keys is None else self._clock() - self._keys.asked_at
            is_known = self._keys is not None and key_id in self._keys.by_id
            if self._keys is None or age > _KEYS_SECONDS or (not is_known and age > _KEYS_AGAIN_SECONDS):
                self._keys = _Keys(await self._ask_keys(), self._clock())
            if key_id not in self._keys.by_id:
                raise PermanentError("the ID token is signed with a key that is not Slack's")
            return self._keys.by_id[key_id]

    async def _ask_keys(self) -> dict[str, jwt.PyJWK]:
        url = f"{self.origin}/openid/connect/keys"
        proxy = None if is_local(url) else self._client.proxy
        try:
            async with asyncio.timeout(_SECONDS), self._session.get(url, proxy=proxy, allow_redirects=False) as answer:
                answer.raise_for_status()
                found = jwt.PyJWKSet.from_dict(await answer.json(content_type=None))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, jwt.PyJWTError) as error:
            raise TransientError(f"Slack did not tell its keys: {type(error).__name__}") from error
        return {key.key_id: key for key in found.keys if key.key_id}
