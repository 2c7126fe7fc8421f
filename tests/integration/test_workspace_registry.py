"""Several processes agree on who is served, within seconds; none holds more offices than it needs."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from bot.domain.conversation import ThreadKey
from bot.domain.workspace import WorkspaceSettings
from bot.ports.installations import Installation, Tenant
from bot.slack.workspace import Departure, Origin
from bot.store.installations import SqlInstallations
from bot.store.store import SqlStore
from bot.store.vault import Vault, new_key
from bot.workspaces import registry as registry_module
from bot.workspaces.registry import FRESH_SECONDS, Registry
from tests.contract.store_kit import KINDS, NOW, database, message, open_store

T1 = ThreadKey("T1", "C1", "1.0")


@dataclass
class FakeOffice:
    """What a registry hands out, without a desk."""

    me: Any
    client: str
    settings: WorkspaceSettings
    desk: str = "desk"


@dataclass
class FakeOffices:
    """Remembers what was set up."""

    opened: list[str] = field(default_factory=list)

    def open_guest(self, me: Any, client: str, settings: WorkspaceSettings, choose_channel: Any) -> FakeOffice:
        self.opened.append(me.team_id)
        return FakeOffice(me, client, settings)


@dataclass
class FakeTenancy:
    installations: SqlInstallations

    def client_for(self, tenant: Tenant) -> str:
        return f"client of {tenant.team_id}"

    async def choose_channel(self, team_id: str, channel_id: str) -> None:
        raise AssertionError


@dataclass
class World:
    store: SqlStore
    installations: SqlInstallations
    now: float = NOW

    def process(self) -> tuple[Registry, FakeOffices]:
        """The registry of another process on the same database."""
        offices: Any = FakeOffices()
        tenancy: Any = FakeTenancy(self.installations)
        return Registry(offices, clock=lambda: self.now, home=None, tenancy=tenancy), offices

    async def hears(self, ts: str) -> None:
        """A message of T1 waits to be answered."""
        async with self.store.write() as tx:
            came = message(ts, thread=T1)
            await tx.inbox.add(f"i{ts}", came, conversation_id=T1.id, partition=T1.id)

    async def open_causes(self) -> int:
        async with self.store.read() as tx:
            return len(await tx.inbox.unfinished(before=self.now + 1))

    async def rename(self, old: str, new: str) -> None:
        async with self.store.write() as tx:
            await tx.connection.execute(sa.text(f"alter table {old} rename to {new}"))

    async def install(self, team: str, **changes: Any) -> None:
        one = Installation("", team, "Name", "A1", "U0BOT", "B0BOT", (), "U1", self.now, bot_token="xoxb-1")
        await self.installations.save(replace(one, **changes), WorkspaceSettings(staff_channel="C1"))


@pytest.fixture(params=KINDS)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with database(request.param, tmp_path) as url, open_store(url) as store:
        yield World(store, store.installations(Vault([new_key()])))


async def test_an_office_is_set_up_once_and_kept(world: World) -> None:
    await world.install("T1")
    one, offices = world.process()
    first = await one.of("T1")
    assert first is not None
    assert first.me.bot_id == "B0BOT"
    assert await one.of("T1") is first
    world.now += FRESH_SECONDS + 1
    assert await one.of("T1") is first
    assert offices.opened == ["T1"]
    assert await one.of("T2") is None


async def test_all_processes_notice_new_settings_within_seconds(world: World) -> None:
    await world.install("T1")
    processes = [world.process()[0] for _ in range(2)]
    for one in processes:
        await one.of("T1")
    await world.installations.configure("T1", WorkspaceSettings(staff_channel="C2"))
    world.now += FRESH_SECONDS + 1
    for one in processes:
        office: Any = await one.of("T1")
        assert office.settings.staff_channel == "C2"


async def test_all_processes_notice_that_a_workspace_left_and_came_back(world: World) -> None:
    await world.install("T1")
    (one, _), (other, _) = world.process(), world.process()
    assert await other.of("T1")
    await world.hears("1.0")
    await one.leave(Departure("", "T1", world.now))
    assert await world.open_causes() == 0
    assert await one.of("T1") is None
    world.now += FRESH_SECONDS + 1
    assert await other.of("T1") is None
    await world.install("T1")
    world.now += FRESH_SECONDS + 1
    assert await other.of("T1")
    assert await one.of("T1")


async def test_a_removal_that_is_told_again_leaves_a_new_installation_alone(world: World) -> None:
    await world.install("T1")
    one, _ = world.process()
    left = Departure("", "T1", world.now)
    await one.leave(left)
    world.now += 60
    await world.install("T1")
    await world.hears("1.0")
    await one.leave(left)
    assert await world.open_causes() == 1
    assert await one.of("T1")


async def test_a_removal_that_broke_off_is_complete_when_slack_tells_it_again(world: World) -> None:
    await world.install("T1")
    await world.hears("1.0")
    one, _ = world.process()
    await world.rename("runs", "elsewhere")
    with pytest.raises(DBAPIError):
        await one.leave(Departure("", "T1", world.now))
    await world.rename("elsewhere", "runs")
    assert await world.open_causes() == 1
    await one.leave(Departure("", "T1", world.now))
    assert await world.open_causes() == 0
    assert await one.of("T1") is None


async def test_a_request_is_for_the_first_workspace_it_names_that_is_ours(world: World) -> None:
    await world.install("T1")
    one, _ = world.process()
    found = await one.find(Origin("", ("T0OTHER", "T1")))
    assert found is not None
    assert found.me.team_id == "T1"
    assert await one.find(Origin("", ("T0OTHER",))) is None
    assert await one.find(Origin("", ())) is None


async def test_a_workspace_of_an_organisation_is_served_from_its_first_request_on(world: World) -> None:
    await world.install("", enterprise_id="E1")
    one, _ = world.process()
    assert await one.of("T7") is None
    found = await one.find(Origin("E1", ("T7",)))
    assert found is not None
    assert found.me.team_id == "T7"
    assert await one.of("T7") is not None
    assert await one.find(Origin("E2", ("T8",))) is None


async def test_the_offices_not_needed_for_longest_are_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_module, "MOST_OFFICES", 2)
    one, offices = world.process()
    for team in ("T1", "T2", "T3"):
        await world.install(team)
        await one.of(team)
    await one.of("T3")
    await one.of("T1")
    assert offices.opened == ["T1", "T2", "T3", "T1"]
