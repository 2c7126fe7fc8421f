"""What the settings of all connectors have in common. Each adapter keeps its model, a `Connector`, beside itself.

Secrets never stand in the file: a key that ends with `_env` names an environment variable, and the model holds its
value, put there while the file is read (`SecretFromEnv`).
"""

import re
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from time import time
from typing import Annotated, Protocol, runtime_checkable
from urllib.parse import urlsplit

import aiohttp
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, SecretStr, ValidationInfo

from tools.http_auth import Auth

_NAME = re.compile(r"[A-Z_][A-Z0-9_]*", re.ASCII)
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


class Connector(BaseModel):
    """Base of a connector's settings: unknown keys are refused, values are not repeated in errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, str_strip_whitespace=True)


@dataclass(frozen=True, slots=True)
class Wires:
    """What a connector is built with."""

    session: aiohttp.ClientSession
    """The one session of the process; not the connector's to close."""
    closing: AsyncExitStack
    """Takes what has to be closed when the process stops."""
    clock: Callable[[], float] = field(default=time)
    """Unix seconds."""


@runtime_checkable
class Checkable(Protocol):
    """A connector that can be tried without changing anything."""

    async def check(self) -> str:
        """What answered, in a few words; ToolUnavailableError (BackendRefusedError) when it did not."""
        ...


def _from_environment(name: object, info: ValidationInfo) -> SecretStr:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError("write the name of an environment variable, e.g. HELPDESK_TOKEN; not the secret itself")
    value = (info.context or {}).get(name, "").strip()
    if not value:
        raise ValueError(f"the environment variable {name} is not set. Set it there or in .env")
    try:
        Auth.bearer(SecretStr(value))
    except ValueError:
        raise ValueError(f"the environment variable {name} holds characters that no token has. Copy it anew") from None
    return SecretStr(value)


SecretFromEnv = Annotated[SecretStr, BeforeValidator(_from_environment)]
"""In the file the name of an environment variable, in the model its value. Use with `Field(alias="…_env")`."""


def is_here(url: str) -> bool:
    """Whether a URL points at this machine."""
    return urlsplit(url).hostname in _HERE


def _service_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        well = bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        well = False
    if not well or parts.scheme not in {"https", "http"} or (parts.scheme == "http" and not is_here(value)):
        raise ValueError("use an address that starts with https:// (http:// only on this machine)")
    if parts.username or parts.password:
        raise ValueError("use an address without a user name or password; secrets belong into the environment")
    return value.rstrip("/")


ServiceUrl = Annotated[str, AfterValidator(_service_url)]
"""An https:// address (http:// on this machine), without credentials and without the slash at its end."""
