"""Which scope a Web API method needs; a token without it gets `missing_scope`."""

from collections.abc import Mapping

from bot.sandbox.records import ChannelKind
from bot.sandbox.wire import SlackError

_FIXED: Mapping[str, str] = {
    "auth.test": "",
    "blocks.validate": "",
    "apps.connections.open": "",
    "bots.info": "users:read",
    "team.info": "team:read",
    "users.info": "users:read",
    "users.list": "users:read",
    "users.lookupByEmail": "users:read.email",
    "usergroups.users.list": "usergroups:read",
    "usergroups.list": "usergroups:read",
    "chat.postMessage": "chat:write",
    "chat.postEphemeral": "chat:write",
    "chat.update": "chat:write",
    "chat.delete": "chat:write",
    "chat.getPermalink": "",
    "chat.startStream": "chat:write",
    "chat.appendStream": "chat:write",
    "chat.stopStream": "chat:write",
    "agents.sessions.setStatus": "chat:write",
    "agents.sessions.rename": "chat:write",
    "assistant.threads.setStatus": "chat:write",
    "assistant.threads.setTitle": "assistant:write",
    "assistant.threads.setSuggestedPrompts": "assistant:write",
    "conversations.join": "channels:join",
    "conversations.open": "im:write",
    "reactions.add": "reactions:write",
    "reactions.remove": "reactions:write",
    "files.getUploadURLExternal": "files:write",
    "files.completeUploadExternal": "files:write",
    "files.delete": "files:write",
    "files.info": "files:read",
    "views.open": "",
    "views.push": "",
    "views.update": "",
    "views.publish": "",
}
_BY_KIND: Mapping[str, str] = {
    "conversations.info": "read",
    "conversations.members": "read",
    "conversations.list": "read",
    "conversations.history": "history",
    "conversations.replies": "history",
}
_PREFIX: Mapping[ChannelKind, str] = {"channel": "channels", "group": "groups", "im": "im"}


def require(method: str, granted: frozenset[str], kind: ChannelKind | None) -> None:
    """Raise `missing_scope` (with `needed` and `provided`) unless the token may call `method` on such a channel."""
    verb = _BY_KIND.get(method)
    needed = f"{_PREFIX[kind or 'channel']}:{verb}" if verb else _FIXED.get(method, "")
    if needed and needed not in granted:
        raise SlackError("missing_scope", needed=needed, provided=",".join(sorted(granted)))


def listing_kinds(granted: frozenset[str]) -> frozenset[str]:
    """The channel kinds that conversations.list may show with these scopes."""
    return frozenset(kind for kind, prefix in _PREFIX.items() if f"{prefix}:read" in granted)
