"""ID tokens of people who signed in, and the key they are signed with."""

import json
import secrets
from functools import cached_property

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.sandbox.config import SandboxConfig
from bot.sandbox.wire import Json, SlackError

_TOKEN_SECONDS = 300
_KEY_ID = "sandbox-key"


class Signer:
    """Signs what is said of people; the key is made when it is first needed."""

    def __init__(self, config: SandboxConfig) -> None:
        self._config = config
        self.issuer = ""
        """Our own address, once we listen."""
        self._codes: dict[str, tuple[str, str, str]] = {}

    @cached_property
    def key(self) -> rsa.RSAPrivateKey:
        """The private key."""
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def public_keys(self) -> Json:
        """As a JSON Web Key Set."""
        one = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [{**one, "kid": _KEY_ID, "alg": "RS256", "use": "sig"}]}

    def signed_in(self, redirect_url: str, user: str, nonce: str) -> str:
        """A code for the app, good once."""
        code = secrets.token_hex(16)
        self._codes[code] = (redirect_url, user, nonce)
        return code

    def redeem(self, code: str, redirect_url: str) -> str:
        """The ID token behind a code."""
        known = self._codes.pop(code, None)
        if known is None:
            raise SlackError("invalid_code")
        if known[0] != redirect_url:
            raise SlackError("bad_redirect_uri")
        return self.token(user=known[1], nonce=known[2])

    def token(self, **about: str) -> str:
        """An ID token; `about` may hold other claims than the true ones."""
        now = int(self._config.clock())
        team, user = self._config.company.team.id, about.pop("user")
        claims = {
            "iss": self.issuer,
            "sub": user,
            "aud": self._config.client_id,
            "iat": now,
            "exp": now + _TOKEN_SECONDS,
            "https://slack.com/team_id": team,
            "https://slack.com/user_id": user,
            **about,
        }
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": _KEY_ID})
