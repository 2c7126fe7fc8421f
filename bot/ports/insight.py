"""What the dashboard needs to know, and who may look. Every question names the workspace it is about."""

from datetime import date, tzinfo
from typing import Protocol

from bot.domain.insight import Choices, Overview, Selection, ToolDay
from bot.domain.viewer import Viewer


class Insight(Protocol):
    """Figures of a workspace, from sums that are kept up to date: no question reads traces."""

    async def zone(self, team_id: str) -> tzinfo:
        """Whose days these are."""
        ...

    async def overview(self, team_id: str, selection: Selection) -> Overview:
        """The first page."""
        ...

    async def version(self, team_id: str) -> int:
        """Rises with every change of a figure of the workspace; 0 before the first."""
        ...

    async def choices(self, team_id: str) -> Choices:
        """Channels, profiles and prompt versions of the last three months."""
        ...

    async def tools(self, team_id: str, first: date, last: date) -> list[ToolDay]:
        """Use of tools, by day and name."""
        ...


class Roller(Protocol):
    """Keeps those sums up to date."""

    async def roll(self) -> int:
        """Count some conversations something has happened in, in one transaction; how many, 0 when none is left."""
        ...


class ChannelNames(Protocol):
    """What channels are called."""

    async def name(self, team_id: str, channel_id: str) -> str:
        """Without #; the id when Slack does not tell."""
        ...


class Viewers(Protocol):
    """Who may look."""

    async def viewer(self, team_id: str, user_id: str) -> Viewer | None:
        """The person when they are staff or admin right now; None when they are not, or Slack does not tell."""
        ...


class Sessions(Protocol):
    """Browsers that are signed in, and links to sign in by. What a browser holds is stored as a hash only."""

    async def begin(self, secret: str, team_id: str, user_id: str, *, at: float, until: float) -> None:
        """Let a browser in."""
        ...

    async def find(self, secret: str, *, at: float) -> tuple[str, str] | None:
        """(team, user) of a session that has not ended."""
        ...

    async def end(self, secret: str) -> None:
        """Sign out."""
        ...

    async def end_all(self, team_id: str, user_id: str) -> None:
        """Sign a person out everywhere."""
        ...

    async def offer(self, secret: str, team_id: str, user_id: str, *, at: float, until: float) -> None:
        """Keep a link to sign in by; an earlier one of the same person is good no more."""
        ...

    async def peek(self, secret: str, *, at: float) -> tuple[str, str] | None:
        """For whom a link is, if it still is good; it stays so."""
        ...

    async def redeem(self, secret: str, *, at: float) -> tuple[str, str] | None:
        """For whom a link was; it is good once."""
        ...


class Invitations(Protocol):
    """Links to sign in by, for people Slack has told us of."""

    async def offer(self, team_id: str, user_id: str) -> str:
        """A link for one person, good once and for five minutes; empty when there is nowhere to lead to."""
        ...


class SlackSignIn(Protocol):
    """Sign in with Slack."""

    @property
    def origin(self) -> str:
        """Scheme and host to which browsers are sent."""
        ...

    def address(self, state: str, nonce: str) -> str:
        """Where a person signs in."""
        ...

    async def who(self, code: str, nonce: str) -> tuple[str, str]:
        """(team, user) that signed in. PermanentError when it cannot be believed, TransientError without an answer."""
        ...
