"""The workspaces a request can come from, as Slack's listeners need them."""

from dataclasses import dataclass
from typing import Protocol

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.desk_port import Desk
from bot.slack.identity import Identity


@dataclass(frozen=True, slots=True)
class Workspace:
    """One workspace: who we are there, how to call it, and the desk that serves it."""

    me: Identity
    client: AsyncWebClient
    desk: Desk


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request says it comes from."""

    enterprise_id: str
    """Of the first workspace; empty outside Enterprise Grid, or when it is not told."""
    team_ids: tuple[str, ...]
    """The most telling first: in a shared channel a press may name several workspaces."""


@dataclass(frozen=True, slots=True)
class Departure:
    """The app was removed, or its bot token was revoked."""

    enterprise_id: str
    team_id: str
    """Empty when a whole organisation removed it."""
    at: float
    """Unix seconds; an installation made later is not meant."""
    withdrawn: tuple[str, ...] = ()
    """Workspaces an organisation took away from its app, which goes on in the others; then `team_id` is empty."""


class Workspaces(Protocol):
    """Finds the workspace of a request."""

    async def find(self, origin: Origin) -> Workspace | None:
        """The workspace, or None when the app is not installed there."""
        ...

    async def leave(self, departure: Departure) -> None:
        """Stop working for a workspace: nothing is sent there any more."""
        ...
