"""`/slack/install` and `/slack/oauth_redirect` between a browser and the sandbox's consent page."""

import re
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from yarl import URL

from bot.config import Settings, SettingsError, check_ready_to_run
from bot.domain.workspace import SETTINGS, WorkspaceSettings
from bot.store.vault import new_key
from bot.workspaces.tenancy import vault_of
from tests.fakes.workspaces import SECOND, TwoWorkspaces, two_workspaces


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[TwoWorkspaces]:
    async with two_workspaces(tmp_path) as opened:
        yield opened


async def text_of(both: TwoWorkspaces, address: str) -> tuple[int, str]:
    async with both.http.get(address) as answer:
        return answer.status, await answer.text()


async def test_the_install_page_says_what_it_is_and_has_one_button(both: TwoWorkspaces) -> None:
    async with both.http.get(f"{both.url}/slack/install") as answer:
        page, headers = await answer.text(), answer.headers
    assert answer.status == 200
    assert page.count("<button") == 1
    assert '<html lang="en">' in page
    assert "<h1>" in page
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src")
    assert headers["X-Frame-Options"] == "DENY"
    assert "Set-Cookie" not in headers
    assert both.first.rows("select count(*) from sign_ins") == [(0,)]


async def test_the_button_leads_to_slack_with_our_scopes_and_a_state(both: TwoWorkspaces) -> None:
    address = await both.begin_install()
    query = parse_qs(urlsplit(address).query)
    assert urlsplit(address).path == "/oauth/v2/authorize"
    assert query["client_id"] == ["1.1"]
    assert query["redirect_uri"] == [f"{both.url}/slack/oauth_redirect"]
    assert "chat:write" in query["scope"][0].split(",")
    assert len(query["state"][0]) > 40
    cookie = next(iter(both.http.cookie_jar))
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/slack")


async def test_a_consent_ends_in_an_installed_workspace_with_a_locked_token(both: TwoWorkspaces) -> None:
    page = await both.install(both.second)
    assert "Deskhand is now in Kumo Games" in page
    [(team, locked, by)] = both.second.rows("select team_id, bot_token, installed_by from installations")
    assert (team, by) == (SECOND.id, "U0GRACE")
    assert locked
    assert "xoxb" not in locked
    assert not re.search(r"xox[a-z]-", both.second.logs.getvalue())


async def test_a_state_is_good_once(both: TwoWorkspaces) -> None:
    back = await both.consent(both.second, await both.begin_install())
    assert (await text_of(both, back))[0] == 200
    status, page = await text_of(both, back)
    assert status == 400
    assert "This link was used already" in page
    assert 'href="/slack/install"' in page


async def test_a_link_opened_in_another_browser_installs_nothing(both: TwoWorkspaces) -> None:
    """Otherwise somebody could be made to put the app of another's workspace into their own session."""
    back = await both.consent(both.second, await both.begin_install())
    async with aiohttp.ClientSession() as stranger, stranger.get(back) as answer:
        assert answer.status == 400
    assert both.second.rows("select count(*) from installations") == [(0,)]
    assert (await text_of(both, back))[0] == 200


async def test_an_old_or_invented_state_installs_nothing(both: TwoWorkspaces) -> None:
    await both.begin_install()
    for query in ("", "?state=", "?state=invented&code=1", "?code=1"):
        status, page = await text_of(both, f"{both.url}/slack/oauth_redirect{query}")
        assert status == 400
        assert "Nothing was installed" in page


async def test_a_refused_consent_is_told_in_words(both: TwoWorkspaces) -> None:
    back = await both.consent(both.second, await both.begin_install(), allow=False)
    status, page = await text_of(both, back)
    assert status == 400
    assert "cancelled" in page
    assert "access_denied" not in page


async def test_a_wrong_code_is_told_in_words(both: TwoWorkspaces) -> None:
    back = await both.consent(both.second, await both.begin_install())
    status, page = await text_of(both, re.sub(r"code=\w+", "code=<b>x</b>", back))
    assert status == 400
    assert "did not confirm" in page
    assert "<b>" not in page


async def test_several_installations_at_once_in_one_browser_all_work(both: TwoWorkspaces) -> None:
    addresses = [await both.begin_install(), await both.begin_install()]
    for desk, address in zip((both.first, both.second), addresses, strict=True):
        assert (await text_of(both, await both.consent(desk, address)))[0] == 200
    assert len(both.first.rows("select 1 from installations")) == 2


async def test_tokens_that_no_key_opens_stop_the_start_with_a_remedy(both: TwoWorkspaces) -> None:
    await both.install(both.second)
    await both.bot.stop()
    old = both.bot.settings["TOKEN_KEYS"]
    both.bot.settings["TOKEN_KEYS"] = new_key()
    with pytest.raises(SettingsError, match="TOKEN_KEYS: none of TOKEN_KEYS opens the stored token"):
        await both.bot.start()
    both.bot.settings["TOKEN_KEYS"] = f"{new_key()},{old}"
    await both.bot.start()


@pytest.mark.parametrize("missing", ["SLACK_CLIENT_SECRET", "TOKEN_KEYS", "PUBLIC_URL"])
def test_what_installations_need_is_named_before_the_start(missing: str) -> None:
    given = {
        "SLACK_CLIENT_ID": "1.1", "SLACK_CLIENT_SECRET": "s", "TOKEN_KEYS": new_key(),
        "PUBLIC_URL": "https://bot.example", "SLACK_SIGNING_SECRET": "s",
    }  # fmt: skip
    check_ready_to_run(Settings.model_validate(given))
    with pytest.raises(SettingsError, match=f"{missing}: missing"):
        check_ready_to_run(Settings.model_validate({k: v for k, v in given.items() if k != missing}))


def test_a_malformed_key_is_refused_without_being_shown() -> None:
    with pytest.raises(SettingsError, match="not 32 bytes") as caught:
        vault_of(Settings.model_validate({"TOKEN_KEYS": "hunter2"}))
    assert "hunter2" not in str(caught.value)


async def test_nonsense_in_cookie_or_address_is_answered_in_words_and_not_sent_back(both: TwoWorkspaces) -> None:
    for cookie in (b"\xff\xfe", b"<script>", b"x" * 4000, b'"a\\015\\012Set-Cookie: b=c"'):
        headers = {"Cookie": f"deskhand_install={cookie.decode('latin-1')}"}
        async with aiohttp.ClientSession() as stranger:
            begin = stranger.post(f"{both.url}/slack/install", headers=headers, allow_redirects=False)
            async with begin as answer:
                assert answer.status == 303
                [given] = answer.headers.getall("Set-Cookie")
                assert re.match(r"deskhand_install=[\w-]{43};", given)
            for state in ("%ED%A0%80", "%00", "%ff", "a" * 4000):
                back = URL(f"{both.url}/slack/oauth_redirect?state={state}&code=1", encoded=True)
                async with stranger.get(back, headers=headers) as answer:
                    assert answer.status == 400
                    assert "Nothing was installed" in await answer.text()
    assert "web.request_failed" not in both.first.logs.getvalue()


async def test_while_the_database_is_away_the_page_still_speaks_in_words(both: TwoWorkspaces) -> None:
    back = await both.consent(both.second, await both.begin_install())
    with sqlite3.connect(both.second.database) as database:
        database.execute("alter table sign_ins rename to elsewhere")
    for asking in (both.http.get(back), both.http.post(f"{both.url}/slack/install")):
        async with asking as answer:
            page = await answer.text()
        assert answer.status == 500
        assert 'role="alert"' in page
        assert "Please try again" in page
        assert 'href="/slack/install"' in page
    with sqlite3.connect(both.second.database) as database:
        database.execute("alter table elsewhere rename to sign_ins")
    assert (await text_of(both, back))[0] == 200


async def test_an_installation_by_nobody_in_particular_does_not_break_the_workspace(both: TwoWorkspaces) -> None:
    [state] = parse_qs(urlsplit(await both.begin_install()).query)["state"]
    code = both.second.driver.server.grants.consent(f"{both.url}/slack/oauth_redirect", "")
    assert (await text_of(both, f"{both.url}/slack/oauth_redirect?state={state}&code={code}"))[0] == 200
    [(settings,)] = both.second.rows("select settings from workspaces")
    assert SETTINGS.validate_json(settings) == WorkspaceSettings()
    assert both.second.rows("select count(*) from outbox") == [(0,)]


@pytest.mark.parametrize("of_org", [True, False])
async def test_an_answer_that_does_not_say_what_was_installed_installs_nothing(
    both: TwoWorkspaces, monkeypatch: pytest.MonkeyPatch, *, of_org: bool
) -> None:
    """Above all, a workspace without a name must not count as a whole organisation."""
    grants = both.second.driver.server.grants
    exchange = grants.exchange

    def vague(*given: str) -> dict[str, object]:
        known = {"team": {"id": "T1"}} if of_org else {"team": None, "enterprise": {"id": "E1"}}
        return {**exchange(*given), **known, "is_enterprise_install": of_org}

    monkeypatch.setattr(grants, "exchange", vague)
    status, page = await text_of(both, await both.consent(both.second, await both.begin_install()))
    assert (status, "did not confirm" in page) == (400, True)
    assert both.second.rows("select count(*) from installations") == [(0,)]
