"""What the workspace has allowed the app: tokens that are good, codes and refresh tokens to be exchanged."""

import secrets

from bot.sandbox.config import SandboxConfig
from bot.sandbox.wire import Json, SlackError


class Grants:
    """The token of the settings is good from the beginning; others come by OAuth. All end when the app is removed."""

    def __init__(self, config: SandboxConfig) -> None:
        self._config = config
        self._tokens: dict[str, float | None] = {config.bot_token: None}
        self._codes: dict[str, tuple[str, str]] = {}
        self._refresh: set[str] = set()

    def consent(self, redirect_url: str, user: str) -> str:
        """A code for the app, good once."""
        code = secrets.token_hex(16)
        self._codes[code] = (redirect_url, user)
        return code

    def check(self, token: str) -> None:
        """Slack's error unless the bot token is good."""
        if token not in self._tokens:
            raise SlackError("invalid_auth")
        until = self._tokens[token]
        if until is not None and until <= self._config.clock():
            raise SlackError("token_expired")

    def allows(self, token: str) -> bool:
        """Whether the bot token is good."""
        until = self._tokens.get(token, 0.0)
        return until is None or until > self._config.clock()

    def knows(self, secret: str) -> bool:
        """Whether a token, code or refresh token is this workspace's."""
        return secret in self._tokens or secret in self._codes or secret in self._refresh

    def exchange(self, client_id: str, client_secret: str, code: str, redirect_url: str) -> Json:
        """oauth.v2.access for a code."""
        self._check_app(client_id, client_secret)
        known = self._codes.pop(code, None)
        if known is None:
            raise SlackError("invalid_code")
        if known[0] != redirect_url:
            raise SlackError("bad_redirect_uri")
        company = self._config.company
        team = {"id": company.team.id, "name": company.team.name}
        return {
            **self._new_token(),
            "app_id": company.app.app_id,
            "bot_user_id": company.app.user_id,
            "team": team,
            "enterprise": None,
            "is_enterprise_install": False,
            "authed_user": {"id": known[1]},
        }

    def refresh(self, client_id: str, client_secret: str, refresh_token: str) -> Json:
        """oauth.v2.access for a refresh token, which is spent; the token before it stays good until it expires."""
        self._check_app(client_id, client_secret)
        if refresh_token not in self._refresh:
            raise SlackError("invalid_refresh_token")
        self._refresh.discard(refresh_token)
        return self._new_token()

    def forget(self, token: str) -> None:
        """One token is good no more."""
        self._tokens.pop(token, None)

    def revoke(self) -> None:
        """No token is good any more."""
        self._tokens.clear()
        self._refresh.clear()

    def _check_app(self, client_id: str, client_secret: str) -> None:
        if client_id != self._config.client_id:
            raise SlackError("invalid_client_id")
        if client_secret != self._config.client_secret:
            raise SlackError("bad_client_secret")

    def _new_token(self) -> Json:
        answer: Json = {
            "ok": True,
            "token_type": "bot",
            "access_token": f"xoxb-{secrets.token_hex(12)}",
            "scope": ",".join(sorted(self._config.scopes)),
        }
        until = None
        if self._config.token_seconds is not None:
            until = self._config.clock() + self._config.token_seconds
            answer |= {"expires_in": int(self._config.token_seconds), "refresh_token": f"xoxe-{secrets.token_hex(12)}"}
            self._refresh.add(answer["refresh_token"])
        self._tokens[answer["access_token"]] = until
        return answer
