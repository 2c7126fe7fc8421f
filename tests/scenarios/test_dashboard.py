"""The dashboard from outside: how people get in, what they see, and how they are kept out."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.store.vault import new_key
from tests.fakes import brute_force
from tests.fakes.dashboard_browser import Browser, browser
from tests.fakes.desk import Desk, open_desk
from tests.fakes.sandbox_driver import eventually
from tests.fakes.workspaces import free_port


@pytest.fixture
async def desk(tmp_path: Path, template: Path) -> AsyncIterator[Desk]:
    """One that can be signed in to by Slack."""
    port = free_port()
    app = {"SLACK_CLIENT_ID": "1.1", "SLACK_CLIENT_SECRET": "sandbox-client-secret", "TOKEN_KEYS": new_key()}
    address = {"PUBLIC_URL": f"http://127.0.0.1:{port}", "HTTP_PORT": str(port), "TIMEZONE": "UTC"}
    async with open_desk(tmp_path, template=template, **app, **address) as opened:
        yield opened


def url_of(desk: Desk) -> str:
    address = desk.bot.address  # type: ignore[union-attr]  # a bot in this process
    assert address is not None
    return address.url


async def sign_in(one: Browser, user: str) -> str:
    """By Slack, as somebody; where the browser ends, and what it was told there."""
    begun = await one.sends("/sign-in")
    assert begun.status == 303, begun.text
    choice = await one.opens(begun.location)
    link = next(link for link in re.findall(r'href="([^"]+)"', choice.text) if f"user={user}" in link)
    back = await one.opens(begun.location.partition("/openid")[0] + link.replace("&amp;", "&"))
    assert back.status == 302
    return back.location


async def test_staff_sign_in_by_slack_see_the_figures_and_sign_out(desk: Desk) -> None:
    ana = desk.customer("U0ANA")
    answered = await ana.asks("How do I invite a guest?")
    await answered.answer()
    await (await desk.customer("U0BO").asks("I want to talk to a human")).answer()
    await desk.staff().presses("Take over", await desk.card())
    await desk.settled()
    async with browser(url_of(desk)) as sam, browser(url_of(desk)) as stranger:
        assert (await sam.opens("/", follow=True)).url.endswith("/sign-in")
        back = await sign_in(sam, "U0SAM")
        assert (await stranger.opens(back)).status == 400  # another browser's sign-in
        arrived = await sam.opens(back)
        assert (arrived.status, arrived.location) == (303, "/dashboard/")
        cookie = arrived.headers["Set-Cookie"]
        assert all(word in cookie for word in ("HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=43200"))
        assert (await sam.opens(back)).status == 400  # good once
        await _figures_are_exact(desk)
        page = await sam.opens("/")
        assert "Sam Porter" in page.text
        assert re.search(r"Resolved by the bot</dt>\s*<dd><strong>50", page.text)
        assert re.search(r"A person involved</dt>\s*<dd><strong>50", page.text)
        assert "1 case is with people" in page.text
        assert "script-src 'self'" in page.headers["Content-Security-Policy"]
        assert not re.search(r"<style|style=|<script>|https?://(?!127)", page.text)
        await _events_end_with_the_session(sam, page.csrf)
        assert (await sam.opens("/")).location.endswith("/sign-in")
    assert not re.search(r"xox[a-z]-|eyJ", desk.logs.getvalue())


async def _figures_are_exact(desk: Desk) -> None:
    """What the page will show is what a count of every row gives."""
    await eventually(lambda: _is_counted(desk))
    tables = {}
    for name in brute_force.NAMES:
        columns = [row[1] for row in desk.rows(f"pragma table_info({name})")]
        tables[name] = [dict(zip(columns, row, strict=True)) for row in desk.rows(f"select * from {name}")]  # noqa: S608 - our names
    kept = {row[:-1]: row[-1] for row in desk.rows("select * from figures where value != 0")}
    assert kept == dict(brute_force.figures(tables, ZoneInfo("UTC")))
    tools = {row[:-1]: row[-1] for row in desk.rows("select * from tool_figures where value != 0")}
    assert tools == dict(brute_force.tool_figures(tables, ZoneInfo("UTC")))


async def _is_counted(desk: Desk) -> bool:
    return desk.rows("select count(*) from uncounted") == [(0,)]


async def _events_end_with_the_session(one: Browser, csrf: str) -> None:
    async with asyncio.timeout(60), one.http.get(f"{one.url}/dashboard/events?seen=0") as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        assert stream.headers["X-Accel-Buffering"] == "no"
        told = b""
        while b"event: figures" not in told:
            told += await stream.content.readany()
        assert re.search(rb"id: \d+", told)
        assert (await one.sends("/sign-out", csrf="wrong")).status == 403
        assert (await one.sends("/sign-out", origin="https://evil.example", csrf=csrf)).status == 403
        assert (await one.sends("/sign-out", csrf=csrf)).status == 303
        rest = await stream.content.read()
    assert b"event: signed-out" in told + rest


async def test_who_is_not_staff_gets_nowhere(desk: Desk) -> None:
    async with browser(url_of(desk)) as ana:
        refused = await ana.opens(await sign_in(ana, "U0ANA"))
        assert refused.status == 403
        assert "not a member of the staff channel" in refused.text
        assert (await ana.opens("/")).location.endswith("/sign-in")
        begun = await ana.sends("/sign-in")
        state = begun.location.partition("state=")[2].partition("&")[0]
        assert (await ana.opens(f"/sign-in/slack?state={state}&error=access_denied")).status == 400
        for path in ("/", "/conversations", "/events", "/tools", "/no-such-page", "/sign-in/../", "//"):
            answer = await ana.opens(path)
            assert answer.status in (303, 403, 404), path
            assert "Ana Ruiz" not in answer.text
        assert (await ana.opens("/", Host="evil.example")).status == 421
        assert (await ana.sends("/sign-in", origin="")).status == 403
        assert (await ana.sends("/sign-in", origin="null")).status == 403
    assert desk.rows("select count(*) from dashboard_sessions") == [(0,)]
    told = await desk.customer("U0ANA").types()
    assert "/dashboard/" not in told


async def test_the_link_from_slack_lets_one_person_in_once(desk: Desk) -> None:
    async def link_of(user: str) -> str:
        told = await desk.staff(user).types()
        found = re.search(r"<(http[^|>]+/dashboard/enter/[\w-]+)\|", told)
        assert found, told
        return found[1]

    old = await link_of("U0SAM")
    link = await link_of("U0SAM")
    assert old != link
    secret = link.rpartition("/")[2]
    assert desk.rows("select count(*) from dashboard_links") == [(1,)]
    assert secret not in str(desk.rows("select * from dashboard_links"))
    async with browser(url_of(desk)) as sam, browser(url_of(desk)) as thief:
        assert (await sam.opens(old)).status == 410  # only the newest is good
        assert await thief.heads(link) == 200
        for _ in range(2):  # what previews links opens them
            shown = await thief.opens(link)
            assert (shown.status, "Sign in as Sam Porter" in shown.text) == (200, True)
        assert (await thief.sends(link, origin="https://evil.example")).status == 403
        assert thief.cookies == {}
        assert (await sam.sends(link)).location == "/dashboard/"
        assert "Sam Porter" in (await sam.opens("/")).text
        assert (await thief.sends(link)).status == 410
        assert (await thief.opens("/")).location.endswith("/sign-in")
    assert secret not in desk.logs.getvalue()
