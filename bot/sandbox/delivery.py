"""Getting payloads to the app: the transport they travel by, and what counts as an acknowledgement."""

from dataclasses import dataclass, field
from typing import Literal, Protocol

from bot.sandbox.wire import Json

PayloadKind = Literal["events_api", "interactive", "slash_commands"]


@dataclass(frozen=True)
class Retry:
    """Which redelivery this is, and why there is one."""

    attempt: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Ack:
    """How the app took a payload: its answer, or why there was none."""

    ok: bool
    payload: Json = field(default_factory=dict)
    reason: str = ""
    no_retry: bool = False


FIRST = Retry()


class Transport(Protocol):
    """Carries payloads to the app (Socket Mode or signed HTTP)."""

    @property
    def connected(self) -> bool:
        """Whether the app can be reached, as far as Slack knows."""
        ...

    async def send(self, kind: PayloadKind, payload: Json, retry: Retry = FIRST) -> Ack:
        """Deliver once and wait for the acknowledgement, at most the acknowledgement time."""
        ...

    async def wait_until_connected(self, seconds: float) -> bool:
        """Wait until the app can be reached, at most that long."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
