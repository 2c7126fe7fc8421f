"""What a Web API method works with: the workspace's parts, the caller's arguments, and the app's own messages."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.sandbox import blockkit
from bot.sandbox.config import SandboxConfig
from bot.sandbox.files import Files
from bot.sandbox.grants import Grants
from bot.sandbox.records import Channel
from bot.sandbox.signer import Signer
from bot.sandbox.views import Views
from bot.sandbox.wire import Json, SlackError
from bot.sandbox.workspace import Workspace

_FALSE = {"", "0", "false", "False", "null", "None"}


class Args:
    """The arguments of one call, however they came (query, form or JSON)."""

    def __init__(self, values: Json) -> None:
        self.values = {name: value for name, value in values.items() if value is not None}

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def text(self, name: str, default: str = "") -> str:
        """An optional string."""
        value = self.values.get(name, default)
        if isinstance(value, dict | list):
            raise SlackError("invalid_arguments", f"[ERROR] must be a string [json-pointer:/{name}]")
        return str(value)

    def need(self, name: str, error: str = "invalid_arguments") -> str:
        """A string that must be there."""
        value = self.text(name)
        if not value:
            raise SlackError(error, f"[ERROR] missing required field: {name}")
        return value

    def flag(self, name: str) -> bool:
        """An optional switch: true, 1 and "true" are on."""
        value = self.values.get(name, False)
        return value not in _FALSE if isinstance(value, str) else bool(value)

    def number(self, name: str, default: int) -> int:
        """An optional whole number."""
        try:
            return int(self.text(name) or default)
        except ValueError:
            raise SlackError("invalid_arguments", f"[ERROR] must be an integer [json-pointer:/{name}]") from None

    def data(self, name: str, error: str = "invalid_arguments") -> Any:
        """An optional JSON value: already parsed, or as a string to parse."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise SlackError(error) from None


@dataclass
class Backend:
    """Everything the methods share."""

    config: SandboxConfig
    workspace: Workspace
    views: Views
    files: Files
    grants: Grants
    open_socket: Callable[[], str]
    """Gives a new Socket Mode URL."""
    signer: Signer

    @property
    def me(self) -> str:
        """The user id of the app's bot."""
        return self.config.company.app.user_id

    def channel(self, args: Args, name: str = "channel") -> Channel:
        """The channel the caller means, if the app can see it at all."""
        channel = self.workspace.channel(args.need(name, "channel_not_found"))
        if not self.workspace.may_see(self.me, channel):
            raise SlackError("channel_not_found")
        return channel

    def joined(self, args: Args, name: str = "channel") -> Channel:
        """The channel the caller means; the app must be in it."""
        channel = self.channel(args, name)
        if self.me not in channel.members:
            raise SlackError("not_in_channel")
        return channel

    def own_message(self, channel: Channel, ts: str, error: str) -> Json:
        """A message that the app itself posted."""
        message = self.workspace.message(channel.id, ts)
        if message.get("bot_id") != self.config.company.app.bot_id:
            raise SlackError(error)
        return message

    def bot_profile(self) -> Json:
        """How the app describes itself on its messages."""
        app = self.config.company.app
        return {
            "id": app.bot_id,
            "app_id": app.app_id,
            "user_id": app.user_id,
            "name": app.name,
            "deleted": False,
            "updated": 0,
            "team_id": self.config.company.team.id,
            "icons": {},
        }

    def bot_message(self, content: Json) -> Json:
        """A message of the app with everything Slack adds to it."""
        app = self.config.company.app
        for name in ("blocks", "attachments"):
            if content.get(name) is not None:
                blockkit.fill_ids(blockkit.all_blocks({name: content[name]}), self.workspace.make_id)
        return {
            "user": app.user_id,
            "bot_id": app.bot_id,
            "app_id": app.app_id,
            "team": self.config.company.team.id,
            "bot_profile": self.bot_profile(),
            **content,
        }
