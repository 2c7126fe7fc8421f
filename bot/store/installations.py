"""Queries of the installed workspaces, their settings, and installations under way."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.workspace import SETTINGS, WorkspaceSettings
from bot.ports.clock import Clock
from bot.ports.installations import Installation, Tenant, VaultError
from bot.store.dialect import AnyRow, insert_new, upsert
from bot.store.leaving import close_workspace
from bot.store.tables import installations, workspaces
from bot.store.vault import Vault

Opener = Callable[[], AbstractAsyncContextManager[AsyncConnection]]
"""Opens a connection in a transaction."""

_LATE_SECONDS = 5.0
"""How far Slack's clock may be from ours when it says the app was removed before it was installed anew."""
_SERVES = sa.and_(
    workspaces.c.enterprise_id == installations.c.enterprise_id,
    sa.or_(installations.c.team_id == workspaces.c.team_id, installations.c.team_id == ""),
)
"""Which installation serves which workspace."""


class SqlInstallations:
    """ports.installations.Installations."""

    def __init__(self, read: Opener, write: Opener, vault: Vault | None, clock: Clock) -> None:
        """Without a vault no token can be read or written."""
        self._read = read
        self._write = write
        self._vault_or_none = vault
        self._clock = clock

    async def tenant(self, team_id: str) -> Tenant | None:
        query = (
            sa.select(installations, workspaces.c.settings, workspaces.c.version.label("settings_version"))
            .join(workspaces, _SERVES)
            .where(workspaces.c.team_id == team_id, installations.c.revoked_at.is_(None))
            .order_by(installations.c.team_id.desc())
        )
        async with self._read() as connection:
            row = (await connection.execute(query.limit(1))).first()
        if row is None:
            return None
        return Tenant(team_id, SETTINGS.validate_json(row.settings), row.settings_version, self._opened(row))

    async def join(self, enterprise_id: str, team_id: str) -> bool:
        async with self._write() as connection:
            found = await connection.execute(
                sa.select(installations.c.installed_by).where(
                    installations.c.enterprise_id == enterprise_id,
                    installations.c.team_id == "",
                    installations.c.revoked_at.is_(None),
                )
            )
            row = found.first()
            if row is None:
                return False
            await self._introduce(connection, enterprise_id, team_id, first_settings(row.installed_by))
        return True

    async def save(self, installation: Installation, settings: WorkspaceSettings) -> None:
        key = {"enterprise_id": installation.enterprise_id, "team_id": installation.team_id}
        async with self._write() as connection:
            before = await connection.scalar(sa.select(installations.c.version).filter_by(**key))
            row = {**key, **self._columns(installation), "version": (before or 0) + 1}
            await connection.execute(upsert(connection, installations, row))
            if installation.team_id:
                await self._introduce(connection, installation.enterprise_id, installation.team_id, settings)

    async def revoke(self, enterprise_id: str, team_id: str, *, at: float, before: float) -> list[str]:
        meant = (
            installations.c.team_id == team_id
            if team_id
            else sa.and_(installations.c.team_id == "", installations.c.enterprise_id == enterprise_id)
        )
        live = sa.and_(installations.c.revoked_at.is_(None), installations.c.installed_at <= before + _LATE_SECONDS)
        emptied = {"bot_token": "", "refresh_token": "", "expires_at": None, "revoked_at": at}
        async with self._write() as connection:
            result = await connection.execute(
                sa.update(installations).where(meant, live).values(version=installations.c.version + 1, **emptied)
            )
            left = await _unserved(connection, enterprise_id, team_id) if result.rowcount else []
            for one in left:
                await close_workspace(connection, one, at=at)
            return left

    async def withdraw(self, enterprise_id: str, team_ids: Sequence[str], *, at: float) -> list[str]:
        async with self._write() as connection:
            left = [one for one in team_ids if await self._part(connection, enterprise_id, one, at)]
            for one in left:
                await close_workspace(connection, one, at=at)
            return left

    async def all(self) -> list[Installation]:
        query = sa.select(installations).order_by(installations.c.installed_at)
        async with self._read() as connection:
            return [_installation(row, "", "") for row in await connection.execute(query)]

    async def organisation_of(self, team_id: str) -> str:
        query = sa.select(installations.c.enterprise_id).join(workspaces, _SERVES)
        whole = (installations.c.team_id == "", installations.c.revoked_at.is_(None))
        async with self._read() as connection:
            return await connection.scalar(query.where(workspaces.c.team_id == team_id, *whole)) or ""

    async def settings(self, team_id: str) -> WorkspaceSettings | None:
        query = sa.select(workspaces.c.settings).where(workspaces.c.team_id == team_id)
        async with self._read() as connection:
            found = await connection.scalar(query)
        return None if found is None else SETTINGS.validate_json(found)

    async def configure(self, team_id: str, settings: WorkspaceSettings) -> bool:
        values = {"settings": SETTINGS.dump_json(settings).decode(), "changed_at": self._clock()}
        async with self._write() as connection:
            result = await connection.execute(
                sa.update(workspaces)
                .where(workspaces.c.team_id == team_id)
                .values(version=workspaces.c.version + 1, **values)
            )
        return bool(result.rowcount)

    async def begin_refresh(self, installation: Installation, *, at: float, until: float) -> bool:
        free = sa.or_(installations.c.refreshing_until.is_(None), installations.c.refreshing_until < at)
        async with self._write() as connection:
            result = await connection.execute(
                sa.update(installations)
                .where(_is(installation), installations.c.version == installation.version, free)
                .values(refreshing_until=until)
            )
        return bool(result.rowcount)

    async def refreshed(self, installation: Installation) -> None:
        columns = self._columns(installation)
        values = {name: columns[name] for name in ("bot_token", "refresh_token", "expires_at", "refreshing_until")}
        same = installations.c.installed_at == installation.installed_at
        async with self._write() as connection:
            await connection.execute(
                sa.update(installations)
                .where(_is(installation), same, installations.c.revoked_at.is_(None))
                .values(version=installations.c.version + 1, **values)
            )

    async def check(self) -> None:
        async with self._read() as connection:
            for row in await connection.execute(sa.select(installations)):
                self._opened(row)

    async def rotate_keys(self) -> int:
        async with self._write() as connection:
            rows = (await connection.execute(sa.select(installations).where(installations.c.bot_token != ""))).all()
            for row in rows:
                columns = self._columns(self._opened(row))
                tokens = {name: columns[name] for name in ("bot_token", "refresh_token")}
                same = sa.and_(_is(_installation(row, "", "")), installations.c.version == row.version)
                await connection.execute(sa.update(installations).where(same).values(tokens))
        return len(rows)

    async def _part(self, connection: AsyncConnection, enterprise_id: str, team_id: str, at: float) -> bool:
        """Nobody serves the workspace any more; a revoked row of its own says since when, for whoever tidies up."""
        org = sa.select(installations).where(
            installations.c.enterprise_id == enterprise_id, installations.c.team_id == ""
        )
        row = (await connection.execute(org)).mappings().first()
        own = installations.c.team_id == team_id, installations.c.revoked_at.is_(None)
        if not enterprise_id or row is None or await connection.scalar(sa.select(sa.exists().where(*own))):
            return False
        known = sa.and_(workspaces.c.team_id == team_id, workspaces.c.enterprise_id == enterprise_id)
        parted = await connection.execute(sa.update(workspaces).where(known).values(enterprise_id=""))
        if not parted.rowcount:
            return False
        parting = {"team_id": team_id, "bot_token": "", "refresh_token": "", "expires_at": None, "revoked_at": at}
        await connection.execute(upsert(connection, installations, {**row, **parting}))
        return True

    async def _introduce(
        self, connection: AsyncConnection, enterprise_id: str, team_id: str, settings: WorkspaceSettings
    ) -> None:
        """Note a workspace; one that was here before keeps its settings."""
        new = {"settings": SETTINGS.dump_json(settings).decode(), "version": 1, "changed_at": self._clock()}
        row = {"team_id": team_id, "enterprise_id": enterprise_id, **new}
        if not await insert_new(connection, workspaces, row):
            known = sa.update(workspaces).where(workspaces.c.team_id == team_id)
            await connection.execute(known.values(enterprise_id=enterprise_id))

    @property
    def _vault(self) -> Vault:
        if self._vault_or_none is None:
            raise VaultError("missing, and stored tokens cannot be opened without; set the key that locked them")
        return self._vault_or_none

    def _columns(self, one: Installation) -> Mapping[str, object]:
        return {
            "name": one.name,
            "app_id": one.app_id,
            "bot_user_id": one.bot_user_id,
            "bot_id": one.bot_id,
            "scopes": ",".join(one.scopes),
            "installed_by": one.installed_by,
            "installed_at": one.installed_at,
            "bot_token": self._vault.lock(one.bot_token, _place(one.enterprise_id, one.team_id, "bot")),
            "refresh_token": self._vault.lock(one.refresh_token, _place(one.enterprise_id, one.team_id, "refresh")),
            "expires_at": one.expires_at,
            "refreshing_until": None,
            "revoked_at": one.revoked_at,
        }

    def _opened(self, row: AnyRow) -> Installation:
        ids = (row.enterprise_id, row.team_id)
        bot = self._vault.open(row.bot_token, _place(*ids, "bot"))
        return _installation(row, bot, self._vault.open(row.refresh_token, _place(*ids, "refresh")))


def first_settings(installed_by: str) -> WorkspaceSettings:
    """Of a workspace nobody has set up yet: whoever installed the app is admin, and cases go to them."""
    return WorkspaceSettings(staff_channel=installed_by, admins=(installed_by,) if installed_by else ())


async def _unserved(connection: AsyncConnection, enterprise_id: str, team_id: str) -> list[str]:
    """The workspace, or those of an organisation, that no installation serves (any more)."""
    meant = workspaces.c.team_id == team_id if team_id else workspaces.c.enterprise_id == enterprise_id
    served = sa.exists().where(_SERVES, installations.c.revoked_at.is_(None))
    return list(await connection.scalars(sa.select(workspaces.c.team_id).where(meant, ~served)))


def _is(one: Installation) -> sa.ColumnElement[bool]:
    return sa.and_(installations.c.enterprise_id == one.enterprise_id, installations.c.team_id == one.team_id)


def _place(enterprise_id: str, team_id: str, kind: str) -> str:
    return f"{enterprise_id}|{team_id}|{kind}"


def _installation(row: AnyRow, bot_token: str, refresh_token: str) -> Installation:
    return Installation(
        enterprise_id=row.enterprise_id,
        team_id=row.team_id,
        name=row.name,
        app_id=row.app_id,
        bot_user_id=row.bot_user_id,
        bot_id=row.bot_id,
        scopes=tuple(filter(None, row.scopes.split(","))),
        installed_by=row.installed_by,
        installed_at=row.installed_at,
        bot_token=bot_token,
        refresh_token=refresh_token,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        version=row.version,
    )
