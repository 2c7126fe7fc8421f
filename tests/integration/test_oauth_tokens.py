"""Tokens that expire: refreshed by one process for all, and asked for at each call."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.domain.errors import LockedOutError, PermanentError, TransientError, WorkspaceLeftError
from bot.domain.workspace import WorkspaceSettings
from bot.ports.installations import Installation
from bot.runtime.background import Errands
from bot.slack.clients import WorkspaceClient
from bot.slack.oauth import Credentials, OAuth
from bot.slack.tokens import InstalledTokens
from bot.slack.web import call, slack_client
from bot.store.installations import SqlInstallations
from bot.store.vault import Vault, new_key
from tests.contract.store_kit import KINDS, database, open_store
from tests.fakes.sandbox_driver import FAST, SandboxDriver, sandbox_running

TEAM = "T0FERNWAY"
HOURS = 12 * 3600.0


@dataclass
class World:
    """An installed workspace, its Slack, and as many processes of the bot as a test wants."""

    slack: SandboxDriver
    session: aiohttp.ClientSession
    installations: SqlInstallations
    oauth: OAuth
    now: float
    errands: Errands = field(default_factory=Errands)

    def clock(self) -> float:
        return self.now

    def tokens(self) -> InstalledTokens:
        """As one process keeps them."""
        return InstalledTokens(TEAM, self.installations, self.oauth.refresh, self.clock, self.errands)

    def client(self) -> WorkspaceClient:
        return WorkspaceClient(self.tokens(), self.slack.server.api_url, self.session)

    async def installed(self) -> Installation:
        tenant = await self.installations.tenant(TEAM)
        assert tenant is not None
        return tenant.installation

    async def refreshes(self) -> int:
        calls = await self.slack.calls("oauth.v2.access")
        return sum(1 for one in calls if one["args"].get("grant_type") == "refresh_token" and one["ok"])


@asynccontextmanager
async def world(kind: str, folder: Path) -> AsyncIterator[World]:
    made: list[World] = []
    config = replace(FAST, token_seconds=HOURS, clock=lambda: made[0].now if made else 1_000_000.0)
    async with (
        sandbox_running(config) as slack,
        aiohttp.ClientSession() as session,
        database(kind, folder) as url,
        open_store(url) as store,
    ):
        plain = slack_client("", slack.server.api_url, session)
        credentials = Credentials(config.client_id, config.client_secret, "http://127.0.0.1/slack/oauth_redirect")
        oauth = OAuth(plain, credentials, lambda: made[0].now)
        made.append(World(slack, session, store.installations(Vault([new_key()])), oauth, 1_000_000.0))
        code = slack.server.grants.consent(credentials.redirect_url, "U0GRACE")
        await made[0].installations.save(await oauth.exchange(code), WorkspaceSettings())
        yield made[0]


@pytest.fixture(params=KINDS)
async def ours(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with world(request.param, tmp_path) as opened:
        yield opened


async def test_a_token_with_hours_to_go_is_used_as_it_is(ours: World) -> None:
    first = await ours.installed()
    assert first.expires_at == ours.now + HOURS
    assert first.bot_id == "B0DESKHAND"
    ours.now += HOURS - 3600
    assert await ours.tokens().current() == first.bot_token
    assert await ours.refreshes() == 0


async def test_many_processes_refresh_an_expired_token_once(ours: World) -> None:
    ours.now += HOURS + 1
    answers = await asyncio.gather(*(call(ours.client().auth_test()) for _ in range(12)))
    assert {answer["team_id"] for answer in answers} == {TEAM}
    assert await ours.refreshes() == 1


async def test_while_the_old_token_is_good_nobody_waits_for_its_refresh(ours: World) -> None:
    old = await ours.installed()
    ours.now += HOURS - 600
    assert await ours.installations.begin_refresh(old, at=ours.now, until=ours.now + 20)
    assert await ours.tokens().current() == old.bot_token
    assert await ours.refreshes() == 0


async def test_work_begun_before_a_refresh_goes_on_with_the_new_token(ours: World) -> None:
    client = ours.client()
    await call(client.auth_test())
    ours.now += HOURS + 1
    await ours.tokens().current()  # another process
    assert await ours.refreshes() == 1
    ours.now -= HOURS  # what the client keeps looks fresh to it, and is refused by Slack
    ours.slack.server.grants.forget(client.token or "")
    await call(client.chat_postMessage(channel="C0SUPPORT", text="hello"))
    assert await ours.slack.texts() == ["hello"]
    assert await ours.refreshes() == 1


async def test_a_refresh_that_fails_does_no_harm_while_the_old_token_is_good(ours: World) -> None:
    await ours.slack.call("fault", method="oauth.v2.access", kind="error", error="internal_error", times=-1)
    ours.now += HOURS - 600
    old = await ours.installed()
    assert await ours.tokens().current() == old.bot_token
    await ours.slack.call("faults/clear")
    ours.now += 30
    assert await ours.tokens().current() != old.bot_token


async def test_a_spent_refresh_token_is_told_and_does_not_loop(ours: World) -> None:
    ours.slack.server.grants.revoke()
    ours.now += HOURS + 1
    with pytest.raises(PermanentError, match="invalid_refresh_token"):
        await ours.tokens().current()


async def test_after_the_app_was_removed_there_is_no_token(ours: World) -> None:
    tokens = ours.tokens()
    await tokens.current()
    assert await ours.installations.revoke("", TEAM, at=ours.now, before=ours.now) == [TEAM]
    ours.now += 60
    with pytest.raises(WorkspaceLeftError):
        await tokens.current()
    assert await ours.installations.tenant(TEAM) is None


async def test_a_removal_told_late_does_not_undo_a_new_installation(ours: World) -> None:
    assert await ours.installations.revoke("", TEAM, at=ours.now, before=ours.now - 300) == []
    assert (await ours.installed()).bot_token


async def test_tokens_are_locked_anew_with_a_new_key_and_bound_to_their_row(tmp_path: Path) -> None:
    old, new = new_key(), new_key()
    one = Installation("", "T1", "One", "A1", "U1", "B1", (), "U9", 1.0, bot_token="xoxb-1", refresh_token="xoxe-1")
    async with database("sqlite", tmp_path) as url, open_store(url) as store:
        await store.installations(Vault([old])).save(one, WorkspaceSettings())
        assert await store.installations(Vault([new, old])).rotate_keys() == 1
        tenant = await store.installations(Vault([new])).tenant("T1")
        assert tenant is not None
        assert (tenant.installation.bot_token, tenant.installation.refresh_token) == ("xoxb-1", "xoxe-1")
        assert "xox" not in repr(tenant)
        with pytest.raises(PermanentError, match="put the key back"):
            await store.installations(Vault([old])).tenant("T1")
    vault = Vault([new])
    with pytest.raises(PermanentError, match="does not belong"):
        vault.open(vault.lock("xoxb-1", "|T1|bot"), "|T2|bot")


async def test_an_organisations_installation_serves_each_of_its_workspaces(tmp_path: Path) -> None:
    org = Installation("E1", "", "Org", "A1", "U1", "B1", (), "U9", 1.0, bot_token="xoxb-org")
    async with database("sqlite", tmp_path) as url, open_store(url) as store:
        books = store.installations(Vault([new_key()]))
        await books.save(org, WorkspaceSettings())
        assert await books.tenant("T1") is None
        assert not await books.join("E2", "T1")
        assert await books.join("E1", "T1")
        tenant = await books.tenant("T1")
        assert tenant is not None
        assert (tenant.installation.bot_token, tenant.settings.admins) == ("xoxb-org", ("U9",))
        assert await books.revoke("E1", "", at=2.0, before=2.0) == ["T1"]
        assert await books.tenant("T1") is None


async def test_a_caller_who_gives_up_does_not_lose_the_new_token(ours: World) -> None:
    """The refresh token is spent once Slack has answered: its answer is stored, whoever waited for it."""
    answered, go_on = asyncio.Event(), asyncio.Event()

    async def slow(one: Installation) -> Installation:
        new = await ours.oauth.refresh(one)
        answered.set()
        await go_on.wait()
        return new

    ours.now += HOURS + 1
    tokens = InstalledTokens(TEAM, ours.installations, slow, ours.clock, ours.errands)
    caller = asyncio.ensure_future(tokens.current())
    await answered.wait()
    caller.cancel()
    await asyncio.wait({caller})
    assert caller.cancelled()
    go_on.set()
    await ours.errands.close(grace=5.0)
    assert (await ours.installed()).version == 2
    await call(ours.client().auth_test())
    assert await ours.refreshes() == 1


async def test_a_new_token_is_stored_although_the_database_stumbles(ours: World, monkeypatch: Any) -> None:
    fails = [OSError("away"), OSError("away")]
    store = ours.installations.refreshed

    async def refreshed(one: Installation) -> None:
        if fails:
            raise fails.pop()
        await store(one)

    monkeypatch.setattr(ours.installations, "refreshed", refreshed)
    ours.now += HOURS + 1
    assert await ours.tokens().current() == (await ours.installed()).bot_token
    assert not fails
    assert await ours.refreshes() == 1


async def test_a_token_that_cannot_be_read_now_may_be_read_later(ours: World, monkeypatch: Any) -> None:
    async def tenant(team_id: str) -> None:
        raise OSError(f"the database of {team_id} is away")

    monkeypatch.setattr(ours.installations, "tenant", tenant)
    with pytest.raises(TransientError) as caught:
        await call(ours.client().chat_postMessage(channel="C0SUPPORT", text="hello"))
    assert not caught.value.ambiguous


async def test_a_refresh_that_ends_after_a_new_installation_does_not_put_the_old_token_back(ours: World) -> None:
    old = await ours.installed()
    assert await ours.installations.begin_refresh(old, at=ours.now, until=ours.now + 20)
    await ours.installations.revoke("", TEAM, at=ours.now, before=ours.now)
    again = replace(old, bot_token="xoxb-again", refresh_token="xoxe-again", installed_at=ours.now + 10)
    await ours.installations.save(again, WorkspaceSettings())
    await ours.installations.refreshed(replace(old, bot_token="xoxb-late", refresh_token="xoxe-late"))
    assert (await ours.installed()).bot_token == "xoxb-again"


async def test_what_cannot_be_sent_for_a_spent_refresh_token_waits_for_a_new_installation(ours: World) -> None:
    ours.slack.server.grants.revoke()
    ours.now += HOURS + 1
    with pytest.raises(LockedOutError):
        await ours.tokens().current()


async def test_a_workspace_that_its_organisation_still_serves_has_not_lost_the_app(tmp_path: Path) -> None:
    org = Installation("E1", "", "Org", "A1", "U1", "B1", (), "U9", 1.0, bot_token="xoxb-org")
    async with database("sqlite", tmp_path) as url, open_store(url) as store:
        books = store.installations(Vault([new_key()]))
        await books.save(replace(org, team_id="T1", bot_token="xoxb-own"), WorkspaceSettings())
        await books.save(org, WorkspaceSettings())
        assert await books.revoke("E1", "T1", at=2.0, before=2.0) == []
        tenant = await books.tenant("T1")
        assert tenant is not None
        assert tenant.installation.bot_token == "xoxb-org"
        assert await books.revoke("E1", "", at=3.0, before=3.0) == ["T1"]


async def test_an_organisation_takes_the_app_from_one_workspace_and_gives_it_back(tmp_path: Path) -> None:
    org = Installation("E1", "", "Org", "A1", "U1", "B1", (), "U9", 1.0, bot_token="xoxb-org")
    async with database("sqlite", tmp_path) as url, open_store(url) as store:
        books = store.installations(Vault([new_key()]))
        await books.save(org, WorkspaceSettings())
        await books.save(replace(org, team_id="T3", bot_token="xoxb-own"), WorkspaceSettings())
        assert await books.join("E1", "T1")
        assert await books.join("E1", "T2")
        assert await books.withdraw("E2", ["T1"], at=2.0) == []
        assert await books.withdraw("", ["T1"], at=2.0) == []
        assert await books.withdraw("E1", ["T1", "T3", "T9"], at=2.0) == ["T1"]
        assert await books.withdraw("E1", ["T1"], at=2.5) == []
        assert await books.tenant("T1") is None
        assert await books.tenant("T2") is not None
        assert await books.tenant("T3") is not None
        assert await store.archive.left(before=3.0) == ["T1"]
        assert await books.join("E1", "T1")
        assert (await books.tenant("T1")) is not None
        assert await store.archive.left(before=3.0) == []


async def test_clearing_what_an_earlier_installation_left_spares_the_present_one(tmp_path: Path) -> None:
    """Somebody installs the app again while housekeeping is at work."""
    one = Installation("", "T1", "One", "A1", "U1", "B1", (), "U9", 1.0, bot_token="xoxb-1")
    async with database("sqlite", tmp_path) as url, open_store(url) as store:
        books = store.installations(Vault([new_key()]))
        await books.save(one, WorkspaceSettings())
        await books.revoke("", "T1", at=2.0, before=2.0)
        await books.save(replace(one, installed_at=30.0), WorkspaceSettings())
        await store.delete_workspace("T1")
        assert await books.tenant("T1")
        await books.revoke("", "T1", at=40.0, before=40.0)
        assert await store.delete_workspace("T1") == 2


async def test_nobody_waits_long_for_a_refresh_of_another_process(ours: World) -> None:
    """Deliveries of one workspace must not hold the places of all others."""

    async def sleep(seconds: float) -> None:
        ours.now += seconds

    ours.now += HOURS + 1
    assert await ours.installations.begin_refresh(await ours.installed(), at=ours.now, until=ours.now + 20)
    began = ours.now
    tokens = InstalledTokens(TEAM, ours.installations, ours.oauth.refresh, ours.clock, ours.errands, sleep=sleep)
    with pytest.raises(TransientError, match="by another process"):
        await tokens.current()
    assert 1 < ours.now - began < 5
    assert await ours.refreshes() == 0
