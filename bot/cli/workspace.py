"""`deskhand workspace`: the workspaces that installed the app, and what each has set for itself."""

import argparse
import asyncio
import json
import math
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import prompts
from bot.app import open_store
from bot.cli.database import check_database
from bot.config import Settings, SettingsError, load_settings
from bot.domain.workspace import SETTINGS, WorkspaceSettings
from bot.logs import configure_logging
from bot.ports.clock import system_clock
from bot.ports.installations import Installation, VaultError
from bot.store.installations import SqlInstallations
from bot.store.store import SqlStore
from bot.store.vault import new_key
from bot.workspaces.tenancy import vault_of

_OF_ORG = (
    "{team} is still served: its organisation {org} installed the app for all its workspaces. "
    "`deskhand workspace remove {org}` removes it from all of them."
)
_UNKNOWN = "No workspace {team}; `deskhand workspace list` names those there are."


@dataclass(frozen=True)
class _Books:
    """Where a command looks and writes."""

    store: SqlStore
    installations: SqlInstallations
    arguments: argparse.Namespace


def run(arguments: argparse.Namespace) -> int:
    """Carry out one of the actions; 1 when the workspace is unknown."""
    if arguments.action == "new-key":
        print(new_key())
        return 0
    settings = load_settings()
    configure_logging("WARNING")
    return asyncio.run(_carry_out(_ACTIONS[arguments.action], settings, arguments))


async def _carry_out(action: "_Action", settings: Settings, arguments: argparse.Namespace) -> int:
    await check_database(settings.database_url)
    vault = vault_of(settings) if arguments.action == "rotate-keys" or settings.keys else None
    async with open_store(settings) as store:
        try:
            return await action(_Books(store, store.installations(vault), arguments))
        except VaultError as error:
            raise SettingsError([f"TOKEN_KEYS: {error}."]) from error


async def _list(books: _Books) -> int:
    found = await books.installations.all()
    rows = [(one, await books.installations.settings(one.team_id) if one.team_id else None) for one in found]
    if books.arguments.json:
        print(json.dumps([_row(*row) for row in rows], indent=2, ensure_ascii=False))
    elif not rows:
        print("The app is installed in no further workspace. The one of SLACK_BOT_TOKEN is not listed here.")
    for one, settings in () if books.arguments.json else rows:
        print(_line(one, settings))
    return 0


async def _set(books: _Books) -> int:
    settings = await books.installations.settings(books.arguments.team)
    if settings is None:
        print(_UNKNOWN.format(team=books.arguments.team))
        return 1
    for wish in books.arguments.wishes:
        name, sign, value = wish.partition("=")
        try:
            if not sign:
                raise ValueError(f"{wish}: write it as name=value")  # noqa: TRY301 - told like the others
            settings = settings.with_value(name, value)
        except ValueError as error:
            raise SettingsError([f"{error}. Nothing was changed."]) from None
    if unknown := sorted(set(settings.agent_profiles.values()) - set(prompts.agent_names())):
        raise SettingsError([f"agent_profiles: there is no profile {unknown[0]}. Nothing was changed."])
    await books.installations.configure(books.arguments.team, settings)
    print("\n".join(f"{name} = {value}" for name, value in _plain(settings).items()))
    return 0


async def _remove(books: _Books) -> int:
    team = books.arguments.team
    found = await books.installations.all()
    is_org = any(not one.team_id and one.enterprise_id == team for one in found)
    if not is_org and await books.installations.settings(team) is None:
        print(_UNKNOWN.format(team=team))
        return 1
    key = (team, "") if is_org else ("", team)
    left = await books.installations.revoke(*key, at=system_clock(), before=math.inf)
    if org := await books.installations.organisation_of(team):
        print(_OF_ORG.format(team=team, org=org))
        return 1
    print(f"The token of {team} is deleted; nothing is sent there any more. In Slack the app may still be listed.")
    for one in (left if is_org else [team]) if books.arguments.data else ():
        print(f"{await books.store.delete_workspace(one)} rows of {one} are deleted.")
    return 0


async def _rotate_keys(books: _Books) -> int:
    count = await books.installations.rotate_keys()
    print(f"{count} tokens are now locked with the first of TOKEN_KEYS. The other keys are needed no more.")
    return 0


_Action = Callable[[_Books], Awaitable[int]]
_ACTIONS: dict[str, _Action] = {"list": _list, "set": _set, "remove": _remove, "rotate-keys": _rotate_keys}


def _line(one: Installation, settings: WorkspaceSettings | None) -> str:
    since = f"{datetime.fromtimestamp(one.installed_at, UTC):%Y-%m-%d}"
    state = "removed" if one.revoked_at else f"since {since}, by {one.installed_by}"
    where = one.team_id or f"{one.enterprise_id} (whole organisation)"
    staff = f"  cases go to {settings.staff_channel or 'nobody'}" if settings else ""
    return f"{where}  {one.name}  {state}{staff}"


def _row(one: Installation, settings: WorkspaceSettings | None) -> dict[str, object]:
    known = {name: value for name, value in asdict(one).items() if "token" not in name}
    return {**known, "settings": _plain(settings) if settings else None}


def _plain(settings: WorkspaceSettings) -> dict[str, object]:
    plain: dict[str, object] = SETTINGS.dump_python(settings, mode="json")
    return plain
