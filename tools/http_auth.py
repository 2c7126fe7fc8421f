"""How a request proves who sends it: headers whose values are secrets."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import SecretStr

_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")


@dataclass(frozen=True, slots=True)
class Auth:
    """Headers for the service's own origin."""

    headers: Mapping[str, SecretStr] = field(default_factory=dict)

    @classmethod
    def header(cls, name: str, secret: SecretStr, prefix: str = "") -> "Auth":
        """`name: <prefix><secret>`. ValueError when the secret cannot stand in a header."""
        value = secret.get_secret_value().strip()
        if not value or _UNPRINTABLE.search(value):
            raise ValueError("the token is empty or holds characters that no token has")
        return cls({name: SecretStr(f"{prefix}{value}")})

    @classmethod
    def bearer(cls, token: SecretStr) -> "Auth":
        """`Authorization: Bearer …`."""
        return cls.header("Authorization", token, "Bearer ")

    @classmethod
    def basic(cls, user: str, password: SecretStr) -> "Auth":
        """`Authorization: Basic …`."""
        pair = f"{user}:{password.get_secret_value()}".encode()
        return cls.header("Authorization", SecretStr(base64.b64encode(pair).decode()), "Basic ")

    def plain(self) -> dict[str, str]:
        """The headers as they are sent."""
        return {name: value.get_secret_value() for name, value in self.headers.items()}


NO_AUTH = Auth()
