"""`/slack/install` and `/slack/oauth_redirect` between a browser and the sandbox's consent page."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from bot.config import Settings, SettingsError, check_ready_to_run
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
