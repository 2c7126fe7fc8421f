"""What one person may see of the workspace, as the page wants it."""

from collections.abc import Callable

from bot.sandbox.records import Change, Channel
from bot.sandbox.views import Views
from bot.sandbox.wire import Json
from bot.sandbox.workspace import Workspace


def people_json(workspace: Workspace) -> list[Json]:
    """Everybody, for menus and avatars."""
    names = ("id", "name", "real_name", "email", "role", "title", "avatar_color", "bot_id")
    return [{name: getattr(person, name) for name in names} for person in workspace.people.values()]


def channels_json(workspace: Workspace, user: str) -> list[Json]:
    """The conversations in this person's sidebar."""
    return [_channel(channel, user) for channel in workspace.channels_of(user)]


def _channel(channel: Channel, user: str) -> Json:
    return {
        "id": channel.id,
        "name": channel.name or "deskhand",
        "is_im": channel.kind == "im",
        "is_private": channel.is_private,
        "is_member": user in channel.members,
        "topic": channel.topic,
        "unread": 0,
    }


def snapshot(workspace: Workspace, views: Views, user: str, *, connected: bool) -> Json:
    """Everything this person's page needs to draw itself."""
    channels = list(workspace.channels_of(user))
    ids = {channel.id for channel in channels}
    return {
        "type": "snapshot",
        "me": user,
        "team": {"id": workspace.company.team.id, "name": workspace.company.team.name},
        "people": people_json(workspace),
        "channels": channels_json(workspace, user),
        "messages": {channel.id: list(channel.messages.values()) for channel in channels},
        "ephemerals": workspace.ephemerals.get(user, []),
        "views": views.stack(user),
        "home": views.homes.get(user),
        "sessions": [_session(workspace, *key) for key in workspace.sessions if key[0] in ids],
        "prompts": {channel: prompts for channel, prompts in workspace.prompts.items() if channel in ids},
        "bot_connected": connected,
    }


def _session(workspace: Workspace, channel: str, thread_ts: str) -> Json:
    session = workspace.session(channel, thread_ts) or {}
    return {name: value for name, value in session.items() if name != "expires_at"}


_MESSAGE_FRAMES: dict[str, Callable[[Change], Json]] = {
    "posted": lambda change: {"type": "message", "channel": change.channel, "message": change.data},
    "edited": lambda change: {"type": "message", "channel": change.channel, "message": change.data},
    "refreshed": lambda change: {"type": "message", "channel": change.channel, "message": change.data},
    "deleted": lambda change: {"type": "message_deleted", "channel": change.channel, "ts": change.data["ts"]},
    "ephemeral": lambda change: {"type": "ephemeral", "channel": change.channel, "message": change.data},
    "ephemeral_deleted": lambda change: {
        "type": "ephemeral_deleted",
        "channel": change.channel,
        "ts": change.data["ts"],
    },
    "views": lambda change: {"type": "view", **change.data},
    "home": lambda change: {"type": "home", **change.data},
    "session": lambda change: {"type": "session", **{k: v for k, v in change.data.items() if k != "expires_at"}},
    "prompts": lambda change: {"type": "prompts", "channel": change.channel, **change.data},
    "bot": lambda change: {"type": "bot", **change.data},
    "notice": lambda change: {"type": "notice", **change.data},
}


def frame(workspace: Workspace, change: Change, user: str) -> Json | None:
    """What this person's page is told about a change; None if it is not theirs to see."""
    if change.user and change.user != user:
        return None
    channel = workspace.channels.get(change.channel)
    if channel is not None and not workspace.may_see(user, channel):
        return None
    if change.kind == "channels":
        return {"type": "channels", "channels": channels_json(workspace, user)}
    if change.kind == "deleted" and channel is not None and change.data["ts"] in channel.messages:
        return None  # a tombstone took its place and was shown already
    return _MESSAGE_FRAMES[change.kind](change)
