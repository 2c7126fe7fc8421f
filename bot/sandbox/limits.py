"""The optional rate limits: a token bucket per method (and channel, for posting)."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.sandbox.wire import Clock

TIER2, TIER3, TIER4 = 20, 50, 100
"""Calls a minute."""

POSTS = 300
"""A minute in all channels together; Slack says "several hundred"."""
POST_BURST = 3
"""Slack lets short bursts of posts through before it holds an app to one a second."""

_TIERS: Mapping[str, int] = {
    "chat.update": TIER3,
    "chat.delete": TIER3,
    "chat.startStream": TIER2,
    "chat.stopStream": TIER2,
    "chat.appendStream": TIER4,
    "chat.postEphemeral": TIER4,
    "agents.sessions.setStatus": TIER3,
    "assistant.threads.setSuggestedPrompts": TIER4,
    "conversations.replies": TIER3,
    "conversations.history": TIER3,
    "conversations.info": TIER3,
    "conversations.open": TIER3,
    "conversations.members": TIER4,
    "users.info": TIER4,
    "users.list": TIER2,
    "usergroups.users.list": TIER2,
    "reactions.add": TIER3,
    "reactions.remove": TIER2,
    "views.open": TIER4,
    "views.push": TIER4,
    "views.update": TIER4,
    "views.publish": TIER4,
}


@dataclass
class _Bucket:
    tokens: float
    at: float


class RateLimits:
    """Says how long a caller has to wait."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, str], _Bucket] = {}

    def wait(self, method: str, channel: str) -> float:
        """Seconds until this call would be allowed; 0 takes one call from the bucket."""
        if method == "chat.postMessage":
            return self._take((method, channel), POST_BURST, 1.0) or self._take((method, "*"), POSTS, POSTS / 60)
        per_minute = _TIERS.get(method)
        return self._take((method, ""), per_minute, per_minute / 60) if per_minute else 0.0

    def _take(self, key: tuple[str, str], size: float, per_second: float) -> float:
        now = self._clock()
        bucket = self._buckets.setdefault(key, _Bucket(size, now))
        bucket.tokens = min(size, bucket.tokens + (now - bucket.at) * per_second)
        bucket.at = now
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return 0.0
        return (1 - bucket.tokens) / per_second
