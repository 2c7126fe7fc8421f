"""How a sandbox is set up: where it listens, how it reaches the app, how strict and how fast it is."""

import secrets
import time
from dataclasses import dataclass, field

from bot.sandbox.records import Company
from bot.sandbox.sample import fernway
from bot.sandbox.wire import Clock, MakeId

DEFAULT_SCOPES = frozenset(
    (
        "app_mentions:read",
        "assistant:write",
        "channels:history",
        "channels:read",
        "chat:write",
        "chat:write.customize",
        "commands",
        "files:read",
        "files:write",
        "groups:history",
        "groups:read",
        "im:history",
        "im:read",
        "im:write",
        "reactions:read",
        "reactions:write",
        "usergroups:read",
        "users:read",
        "users:read.email",
    )
)
DEFAULT_EVENTS = frozenset(
    (
        "agent_session_stopped",
        "agent_session_title_changed",
        "app_context_changed",
        "app_home_opened",
        "app_mention",
        "app_uninstalled",
        "message.channels",
        "message.groups",
        "message.im",
        "reaction_added",
        "team_access_revoked",
        "tokens_revoked",
    )
)


def random_id(prefix: str) -> str:
    """An id that no earlier run of a sandbox has used either (an app may remember old ones in its database)."""
    return prefix + secrets.token_hex(5).upper()


@dataclass(frozen=True)
class SandboxConfig:
    """Settings of one sandbox. Seconds throughout; tokens are those the app must present."""

    host: str = "127.0.0.1"
    port: int = 0
    request_url: str | None = None
    """Where signed HTTP goes; None means Socket Mode."""
    bot_token: str = "xoxb-sandbox"  # noqa: S105 - the sandbox's public, pretended token
    app_token: str = "xapp-sandbox"  # noqa: S105 - the sandbox's public, pretended token
    signing_secret: str = "sandbox-signing-secret"  # noqa: S105 - the sandbox's public, pretended secret
    client_id: str = "1.1"
    client_secret: str = "sandbox-client-secret"  # noqa: S105 - the sandbox's public, pretended secret
    token_seconds: float | None = None
    """Token rotation: tokens that come by OAuth expire after so long."""
    scopes: frozenset[str] = DEFAULT_SCOPES
    events: frozenset[str] = DEFAULT_EVENTS
    ack_seconds: float = 3.0
    """An event or interaction must be acknowledged within this time."""
    retry_delays: tuple[float, ...] = (0.0, 60.0, 300.0)
    """Waits before the redeliveries of an event nobody acknowledged (Slack: at once, 1 minute, 5 minutes)."""
    strict: bool = True
    """Refuse what Slack refuses in blocks, views and lengths."""
    rate_limits: bool = False
    """Answer 429 as Slack does when a method's tier is exceeded."""
    stream_seconds: float = 300.0
    """A stream that is not stopped ends by itself after this time."""
    stream_bytes: int = 10_600
    """UTF-8 bytes that all appends of one stream may add up to."""
    company: Company = field(default_factory=fernway)
    clock: Clock = time.time
    make_id: MakeId = random_id
