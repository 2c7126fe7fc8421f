"""Tokens at rest: encrypted with the first of TOKEN_KEYS, opened with any of them."""

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from bot.ports.installations import VaultError

_HOW = "make one with `deskhand workspace new-key`"


class Vault:
    """Locks and opens tokens. What is locked is bound to its place: a copy in another row does not open."""

    def __init__(self, keys: Sequence[str]) -> None:
        """ValueError, a sentence without the key, when there is none or one is malformed."""
        if not keys:
            raise ValueError(f"no key to encrypt tokens with; {_HOW}")
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except (ValueError, TypeError):
            raise ValueError(f"a key is not 32 bytes in URL-safe base64; {_HOW}") from None

    def lock(self, token: str, place: str) -> str:
        """The token as it may be stored; an empty one stays empty."""
        return self._fernet.encrypt(f"{place}\n{token}".encode()).decode() if token else ""

    def open(self, locked: str, place: str) -> str:
        """The token; VaultError when no key opens it or it was not locked for this place."""
        if not locked:
            return ""
        try:
            found, _, token = self._fernet.decrypt(locked).decode().partition("\n")
        except InvalidToken:
            raise VaultError("none of TOKEN_KEYS opens the stored token; put the key back that locked it") from None
        if found != place:
            raise VaultError("a stored token stands in a row it does not belong to")
        return token


def new_key() -> str:
    """A key for TOKEN_KEYS."""
    return Fernet.generate_key().decode()
