"""Installed workspaces: how new ones are taken in, how their tokens come, how they are told to go on."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

import aiohttp

import prompts
from bot.config import Settings, SettingsError
from bot.domain.effects import Outgoing, Place, ShowNotice
from bot.domain.errors import PermanentError, TransientError
from bot.ports.clock import system_clock
from bot.ports.installations import Installation, Installations, Tenant, VaultError
from bot.runtime.background import Errands
from bot.slack.clients import FixedToken, Tokens, WorkspaceClient
from bot.slack.install_pages import InstallPages
from bot.slack.manifest import REDIRECT
from bot.slack.oauth import Credentials, OAuth
from bot.slack.reading import obj, word
from bot.slack.tokens import InstalledTokens
from bot.slack.web import call, slack_client
from bot.store.installations import first_settings
from bot.store.store import SqlStore
from bot.store.vault import Vault

logger = logging.getLogger(__name__)

_REFRESH_SECONDS = 4.0
"""A stop waits at most so long for Slack to tell a new token."""
Notice = Callable[[str], None]
"""Told the id of a workspace that changed."""


@dataclass(frozen=True)
class Lines:
    """Makes clients, all on one session."""

    api_url: str
    session: aiohttp.ClientSession

    def client(self, tokens: Tokens) -> WorkspaceClient:
        """A client for one workspace."""
        return WorkspaceClient(tokens, self.api_url, self.session)


class Tenancy:
    """What there is only with SLACK_CLIENT_ID."""

    def __init__(self, store: SqlStore, installations: Installations, oauth: OAuth, lines: Lines) -> None:
        self.installations = installations
        self._store = store
        self._oauth = oauth
        self._lines = lines
        self._changed: Notice = lambda _: None
        self._errands = Errands()

    @classmethod
    async def open(cls, settings: Settings, store: SqlStore, lines: Lines) -> "Tenancy | None":
        """None when the app is not to be installed elsewhere; SettingsError when TOKEN_KEYS do not open the tokens."""
        if not settings.takes_installations:
            return None
        installations = store.installations(vault_of(settings))
        try:
            await installations.check()
        except VaultError as error:
            raise SettingsError([f"TOKEN_KEYS: {error}."]) from error
        secret = settings.slack_client_secret.get_secret_value()
        credentials = Credentials(settings.slack_client_id, secret, f"{settings.public_url}{REDIRECT}")
        oauth = OAuth(slack_client("", lines.api_url, lines.session), credentials, system_clock)
        return cls(store, installations, oauth, lines)

    def pages(self, public_url: str, changed: Notice) -> InstallPages:
        """The pages people install the app on; `changed` hears of each workspace that was."""
        self._changed = changed
        return InstallPages(self._oauth, self._store.sign_ins, self.welcome, system_clock, public_url=public_url)

    def client_for(self, tenant: Tenant) -> WorkspaceClient:
        """A client whose token is refreshed when it is due."""
        tokens = InstalledTokens(tenant.team_id, self.installations, self._oauth.refresh, system_clock, self._errands)
        return self._lines.client(tokens)

    async def close(self) -> None:
        """Let refreshes of tokens under way end: what Slack answers must be stored."""
        await self._errands.close(grace=_REFRESH_SECONDS)

    async def welcome(self, installation: Installation) -> None:
        """Take a workspace in, and tell whoever installed the app how to go on. Cases go to them until they do."""
        team_id = installation.team_id
        talk = await self._direct_talk(installation) if team_id else installation.installed_by
        settings = replace(first_settings(installation.installed_by), staff_channel=talk)
        await self.installations.save(installation, settings)
        if not team_id:
            return
        self._changed(team_id)
        if not talk:
            return
        words = prompts.sentences()["workspace_welcome"].format(me=f"<@{installation.bot_user_id}>")
        key = f"welcome:{team_id}:{installation.installed_at:.0f}"
        async with self._store.of(team_id).write() as tx:
            await tx.outbox.add(Outgoing(key, ShowNotice(Place(team_id, talk), words), key))

    async def choose_channel(self, team_id: str, channel_id: str) -> None:
        """Let the workspace's cases go to a channel from now on."""
        settings = await self.installations.settings(team_id)
        if settings is not None:
            await self.installations.configure(team_id, replace(settings, staff_channel=channel_id))
        self._changed(team_id)

    async def _direct_talk(self, installation: Installation) -> str:
        """The channel of the direct conversation with the installer; their user id stands for it if Slack is busy."""
        client = self._lines.client(FixedToken(installation.bot_token))
        try:
            answer = await call(client.conversations_open(users=installation.installed_by))
        except (TransientError, PermanentError) as error:
            logger.warning("install.no_direct_talk", extra={"fields": {"error": str(error)}})
            return installation.installed_by
        return word(obj(answer.get("channel")).get("id")) or installation.installed_by


def vault_of(settings: Settings) -> Vault:
    """SettingsError when TOKEN_KEYS cannot be used."""
    try:
        return Vault(settings.keys)
    except ValueError as error:
        raise SettingsError([f"TOKEN_KEYS: {error}."]) from error
