"""Slack's OAuth: where people consent, and what their consent is exchanged for."""

from dataclasses import dataclass, field, replace
from urllib.parse import urlencode, urlsplit

from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import PermanentError
from bot.ports.clock import Clock
from bot.ports.installations import Installation
from bot.slack.identity import identity_of
from bot.slack.manifest import GROUP_SCOPES, RELAY_SCOPES, SCOPES
from bot.slack.reading import Json, count, obj, word
from bot.slack.web import call


@dataclass(frozen=True, slots=True)
class Credentials:
    """Of the app itself (Basic Information → App Credentials)."""

    client_id: str
    client_secret: str = field(repr=False)
    redirect_url: str = ""
    """Where Slack sends the browser back to; must be among the app's redirect URLs."""


class OAuth:
    """Asks Slack for tokens. Repeats nothing: codes and refresh tokens are good once."""

    def __init__(self, client: AsyncWebClient, credentials: Credentials, clock: Clock) -> None:
        """`client` shows how to reach Slack; it needs no token."""
        self._client = client
        self._credentials = credentials
        self._clock = clock

    def consent_url(self, state: str) -> str:
        """Where a person consents to the installation."""
        origin = urlsplit(self._client.base_url)
        query = {
            "client_id": self._credentials.client_id,
            "scope": ",".join((*SCOPES, *GROUP_SCOPES, *RELAY_SCOPES)),
            "state": state,
            "redirect_uri": self._credentials.redirect_url,
        }
        return f"{origin.scheme}://{origin.netloc}/oauth/v2/authorize?{urlencode(query)}"

    async def exchange(self, code: str) -> Installation:
        """The installation a consent led to. TransientError or PermanentError when Slack does not tell."""
        answer = await self._access(code=code, redirect_uri=self._credentials.redirect_url)
        one = self._installation(answer)
        me = identity_of(await call(self._client.auth_test(token=one.bot_token)))
        return replace(one, bot_id=me.bot_id, bot_user_id=one.bot_user_id or me.user_id)

    async def refresh(self, one: Installation) -> Installation:
        """The same installation with a new token; the old refresh token is spent."""
        answer = await self._access(grant_type="refresh_token", refresh_token=one.refresh_token)
        token = _token(answer)
        refresh = word(answer.get("refresh_token")) or one.refresh_token
        return replace(one, bot_token=token, refresh_token=refresh, expires_at=self._expiry(answer))

    async def _access(self, **wish: str) -> Json:
        """oauth.v2.access; the SDK's own method needs what aiohttp is about to drop."""
        app = {"client_id": self._credentials.client_id, "client_secret": self._credentials.client_secret}
        return await call(self._client.api_call("oauth.v2.access", data={**app, **wish}))

    def _installation(self, answer: Json) -> Installation:
        team, enterprise = obj(answer.get("team")), obj(answer.get("enterprise"))
        of_org = answer.get("is_enterprise_install") is True
        one = Installation(
            enterprise_id=word(enterprise.get("id")),
            team_id="" if of_org else word(team.get("id")),
            name=word((enterprise if of_org else team).get("name")),
            app_id=word(answer.get("app_id")),
            bot_user_id=word(answer.get("bot_user_id")),
            bot_id="",
            scopes=tuple(filter(None, word(answer.get("scope")).split(","))),
            installed_by=word(obj(answer.get("authed_user")).get("id")),
            installed_at=self._clock(),
            bot_token=_token(answer),
            refresh_token=word(answer.get("refresh_token")),
            expires_at=self._expiry(answer),
        )
        if not (one.enterprise_id if of_org else one.team_id):
            raise PermanentError("Slack did not say which workspace it is")
        return one

    def _expiry(self, answer: Json) -> float | None:
        seconds = count(answer.get("expires_in"))
        return self._clock() + seconds if seconds else None


def _token(answer: Json) -> str:
    token = word(answer.get("access_token"))
    if not token or answer.get("token_type") not in (None, "bot"):
        raise PermanentError("Slack gave no bot token")
    return token
