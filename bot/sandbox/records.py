"""The things a workspace is made of: team, app, people, channels, and the change that an observer is told about."""

from dataclasses import dataclass, field
from typing import Literal

from bot.sandbox.wire import Json

Role = Literal["customer", "staff", "admin", "bot"]
ChannelKind = Literal["channel", "group", "im"]
ChangeKind = Literal[
    "posted",
    "edited",
    "refreshed",
    "deleted",
    "ephemeral",
    "ephemeral_deleted",
    "views",
    "home",
    "session",
    "prompts",
    "bot",
    "notice",
    "channels",
    "uninstalled",
]


@dataclass(frozen=True)
class Team:
    """The workspace itself."""

    id: str
    name: str
    domain: str


@dataclass(frozen=True)
class AppIdentity:
    """The app under test as Slack knows it."""

    app_id: str
    bot_id: str
    user_id: str
    name: str
    real_name: str


@dataclass(frozen=True)
class Person:
    """A member of the workspace; another app's bot user has `bot_id` and `app_id`."""

    id: str
    name: str
    real_name: str
    email: str
    role: Role
    title: str = ""
    avatar_color: str = "#4a154b"
    bot_id: str = ""
    app_id: str = ""
    team_id: str = ""
    """Their own workspace, when they are here by Slack Connect; empty: this one."""
    is_guest: bool = False
    locale: str = "en-US"


@dataclass(frozen=True)
class ChannelSeed:
    """A channel as the workspace starts with it."""

    id: str
    name: str
    members: tuple[str, ...]
    topic: str = ""
    is_private: bool = False
    is_shared: bool = False
    """Shared with another organisation (Slack Connect)."""


@dataclass(frozen=True)
class Shortcut:
    """A message shortcut of the app."""

    callback_id: str
    name: str


@dataclass(frozen=True)
class Command:
    """A slash command of the app."""

    command: str
    description: str
    usage_hint: str


@dataclass(frozen=True)
class UserGroup:
    """A user group (`@support-team`)."""

    id: str
    handle: str
    users: tuple[str, ...]


@dataclass(frozen=True)
class Company:
    """Everything a workspace starts with."""

    team: Team
    app: AppIdentity
    people: tuple[Person, ...]
    channels: tuple[ChannelSeed, ...]
    shortcuts: tuple[Shortcut, ...] = ()
    commands: tuple[Command, ...] = ()
    usergroups: tuple[UserGroup, ...] = ()


@dataclass
class Channel:
    """A conversation with its messages, oldest first; `im_user` names the person of a direct message."""

    id: str
    name: str
    members: set[str]
    created: int
    topic: str = ""
    is_private: bool = False
    im_user: str = ""
    is_shared: bool = False
    messages: dict[str, Json] = field(default_factory=dict)

    @property
    def kind(self) -> ChannelKind:
        """Slack's `channel_type`."""
        if self.im_user:
            return "im"
        return "group" if self.is_private else "channel"

    @property
    def payload_name(self) -> str:
        """The name that interaction payloads carry: Slack hides the names of private conversations."""
        return {"im": "directmessage", "group": "privategroup", "channel": self.name}[self.kind]


@dataclass(frozen=True)
class Change:
    """Something happened. `user` limits it to one person; `before` is the message as it was."""

    kind: ChangeKind
    channel: str = ""
    data: Json = field(default_factory=dict)
    user: str = ""
    before: Json | None = None
