"""What a browser keeps of us: the secret of its session, and what binds a sign-in by Slack to it."""

import hashlib
import hmac
import re
from dataclasses import dataclass

from aiohttp import web

_OURS = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
"""What `secrets.token_urlsafe(32)` gives; anything else is not from us."""


@dataclass(frozen=True, slots=True)
class Cookie:
    """One cookie. Over https its name begins with `__Host-`: no other host and no plain http can set it."""

    name: str

    def read(self, request: web.Request) -> str:
        """Its value; empty when there is none that could be ours."""
        return ours(request.cookies.get(self._full_name(request)))

    def write(self, request: web.Request, response: web.StreamResponse, value: str, seconds: float) -> None:
        """Keep a value for so long."""
        response.set_cookie(
            self._full_name(request), value, max_age=int(seconds), path="/", httponly=True,
            secure=is_https(request), samesite="Lax",
        )  # fmt: skip

    def forget(self, request: web.Request, response: web.StreamResponse) -> None:
        """Let the browser forget it."""
        response.del_cookie(self._full_name(request), path="/", httponly=True, secure=is_https(request), samesite="Lax")

    def _full_name(self, request: web.Request) -> str:
        return f"__Host-{self.name}" if is_https(request) else self.name


HTTPS = web.RequestKey("https", bool)
"""Whether the browser came by https (a proxy in front of us ends it)."""
SESSION = Cookie("deskhand")
SIGNING_IN = Cookie("deskhand_signing_in")


def is_https(request: web.Request) -> bool:
    """Whether the browser came by https."""
    return bool(request.get(HTTPS, False))


def ours(secret: str | None) -> str:
    """A secret if it has the shape of ours, else empty."""
    return secret if secret is not None and _OURS.fullmatch(secret) else ""


def derived(secret: str, purpose: str) -> str:
    """Another secret, from which the first cannot be told."""
    return hmac.new(secret.encode(), purpose.encode(), hashlib.sha256).hexdigest()


def same(one: str, other: str) -> bool:
    """Compare secrets without telling by the time it takes how much of them is right."""
    return hmac.compare_digest(one.encode(), other.encode())
