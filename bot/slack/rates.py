"""How often each method may be called, and what an effect's first call costs.

Slack publishes tiers ("20+, 50+, 100+ calls a minute, short bursts tolerated"), per method, workspace and app, and for
chat.postMessage one a second per channel with short bursts plus a cap per workspace of "several hundred a minute"
(docs.slack.dev/apis/web-api/rate-limits and each method's page).
"""

from bot.domain.effects import (
    Outgoing,
    Reader,
    RelayFile,
    Remove,
    SetSession,
    ShowHome,
    ShowLive,
    SuggestPrompts,
    Whisper,
)
from bot.ports.pace import Toll
from bot.ports.slack import Target

TIER2, TIER3, TIER4 = 20, 50, 100
"""Calls a minute."""
_BURST_SHARE = 4
"""A quarter of a minute's calls may come at once; the rest evenly."""
_POSTS = "chat.postMessage"
_POST_INTERVAL = 1.05
"""Seconds between messages in one channel: one, and a little for what the network moves together."""
_POST_BURST = 2
_WORKSPACE_POSTS, _WORKSPACE_BURST = 240, 30
"""A minute, in all channels together."""
_UNKNOWN = TIER3

TIERS = {
    "agents.sessions.setStatus": TIER3,
    "assistant.threads.setSuggestedPrompts": TIER4,
    "chat.appendStream": TIER4,
    "chat.delete": TIER3,
    "chat.getPermalink": TIER4,  # "special": hundreds a minute
    "chat.postEphemeral": TIER4,
    "chat.startStream": TIER2,
    "chat.stopStream": TIER2,
    "chat.update": TIER3,
    "conversations.history": TIER3,
    "conversations.info": TIER3,
    "conversations.members": TIER4,
    "conversations.open": TIER3,
    "conversations.replies": TIER3,
    "files.completeUploadExternal": TIER4,
    "files.delete": TIER3,
    "files.getUploadURLExternal": TIER4,
    "users.info": TIER4,
    "views.open": TIER4,
    "views.publish": TIER4,
    "views.push": TIER4,
    "views.update": TIER4,
}

_FIRST_CALLS: dict[type, str] = {
    RelayFile: "files.getUploadURLExternal",
    SetSession: "agents.sessions.setStatus",
    ShowHome: "views.publish",
    SuggestPrompts: "assistant.threads.setSuggestedPrompts",
    Whisper: "chat.postEphemeral",
}
"""Of the effects that do not begin as a message."""


class Rates:
    """Slack's published limits times `speed`; 0 means no limits of our own, only those Slack tells by a refusal."""

    def __init__(self, speed: float = 1.0) -> None:
        self._speed = speed

    def tolls(self, team_id: str, method: str, channel_id: str = "") -> tuple[Toll, ...]:
        """What one call costs, the narrowest key first."""
        if method == _POSTS:
            return (
                self._toll(f"{team_id}|{method}|{channel_id}", _POST_INTERVAL, _POST_BURST),
                self._toll(f"{team_id}|{method}", 60 / _WORKSPACE_POSTS, _WORKSPACE_BURST),
            )
        per_minute = TIERS.get(method, _UNKNOWN)
        return (self._toll(f"{team_id}|{method}", 60 / per_minute, per_minute // _BURST_SHARE),)

    def opening(self, outgoing: Outgoing, target: Target) -> tuple[Toll, ...]:
        """What the first call of an effect costs; all others pay on their way out."""
        effect, place = outgoing.effect, outgoing.effect.place
        match effect:
            case ShowLive(reader=Reader()):
                return ()  # a stream when there is room for one, a plain line otherwise: decided then
            case SetSession() if target.edit and target.edit.session is effect.status:
                return ()  # nothing is called
            case _ if target.edit and target.edit.streamed:
                method = "chat.stopStream"
            case Remove() if target.edit and target.edit.is_file:
                method = "files.delete"
            case Remove():
                method = "chat.delete"
            case _ if type(effect) in _FIRST_CALLS:
                method = _FIRST_CALLS[type(effect)]
            case _:
                method = "chat.update" if target.edit else _POSTS
        channel = target.under.channel_id if target.under else place.channel_id
        return self.tolls(place.team_id, method, channel)

    def _toll(self, key: str, interval: float, burst: int) -> Toll:
        return Toll(key, interval / self._speed if self._speed else 0.0, burst)
