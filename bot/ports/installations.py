"""Where the app is installed, with which token, and what each workspace has set for itself."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bot.domain.errors import LockedOutError
from bot.domain.workspace import WorkspaceSettings


class VaultError(LockedOutError):
    """A stored token cannot be opened: no key of the settings fits."""


@dataclass(frozen=True, slots=True)
class Installation:
    """The app in one workspace, or (`team_id` empty) in a whole organisation. Its repr holds no tokens."""

    enterprise_id: str
    """Empty outside Enterprise Grid."""
    team_id: str
    name: str
    """Of the workspace or organisation, for people."""
    app_id: str
    bot_user_id: str
    bot_id: str
    scopes: tuple[str, ...]
    installed_by: str
    installed_at: float
    bot_token: str = field(default="", repr=False)
    """Empty when revoked."""
    refresh_token: str = field(default="", repr=False)
    """Empty without token rotation."""
    expires_at: float | None = None
    """Unix seconds; None when the token does not expire."""
    revoked_at: float | None = None
    version: int = 0
    """Rises with each change."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """A workspace in which the app is installed, itself or through its organisation."""

    team_id: str
    settings: WorkspaceSettings
    settings_version: int
    installation: Installation

    @property
    def version(self) -> tuple[float, int, int]:
        """Differs after every change of the installation or the settings."""
        return (self.installation.installed_at, self.installation.version, self.settings_version)


class Installations(Protocol):
    """The installed workspaces. Every method is its own short transaction; VaultError when no key opens a token."""

    async def tenant(self, team_id: str) -> Tenant | None:
        """The workspace, or None when the app is not (or no longer) installed there."""
        ...

    async def join(self, enterprise_id: str, team_id: str) -> bool:
        """Note a workspace of an organisation that installed the app as a whole; False when it did not."""
        ...

    async def save(self, installation: Installation, settings: WorkspaceSettings) -> None:
        """Store an installation, new or anew; settings a workspace has already are kept."""
        ...

    async def revoke(self, enterprise_id: str, team_id: str, *, at: float, before: float) -> list[str]:
        """Delete the tokens of an installation made before a moment; the workspaces that lost the app.

        In the same transaction what is under way there ends: effects voided, causes closed, runs asked to stop.
        """
        ...

    async def withdraw(self, enterprise_id: str, team_ids: Sequence[str], *, at: float) -> list[str]:
        """Take workspaces from an organisation's installation, which stays; those that lost the app, ended likewise.

        One that installed the app by itself keeps it. `join` brings a workspace back.
        """
        ...

    async def all(self) -> list[Installation]:
        """Every installation, revoked ones too, tokens left out."""
        ...

    async def organisation_of(self, team_id: str) -> str:
        """The organisation whose installation as a whole serves a workspace; empty when there is none."""
        ...

    async def settings(self, team_id: str) -> WorkspaceSettings | None:
        """What a workspace has set; None when it is unknown."""
        ...

    async def configure(self, team_id: str, settings: WorkspaceSettings) -> bool:
        """Replace a workspace's settings; False when it is unknown."""
        ...

    async def begin_refresh(self, installation: Installation, *, at: float, until: float) -> bool:
        """Claim the right to refresh the token this installation was read with; one process gets it."""
        ...

    async def refreshed(self, installation: Installation) -> None:
        """Store a refreshed token and give the claim back, unless the app was removed or installed anew meanwhile."""
        ...

    async def check(self) -> None:
        """VaultError unless every stored token can be opened."""
        ...

    async def rotate_keys(self) -> int:
        """Encrypt every token with the newest key; how many there were."""
        ...


class SignIns(Protocol):
    """Installations under way: each `state` is good once, for one browser, for a few minutes."""

    async def begin(self, state: str, browser: str, *, at: float, until: float) -> bool:
        """Remember a state; False when far too many are under way."""
        ...

    async def take(self, state: str, browser: str, *, at: float) -> bool:
        """Use a state up; False when it is unknown, used, too old or another browser's."""
        ...
