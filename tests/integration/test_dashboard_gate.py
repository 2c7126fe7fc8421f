"""Rights end, sign-ins are counted, and what is open stays within this machine."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, tzinfo
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.config import Settings, SettingsError
from bot.dashboard import address_of, everybody_here
from bot.domain.insight import Choices, Overview, Selection, ToolDay
from bot.domain.viewer import Viewer
from bot.slack.identity import Identity
from bot.store.insight.sessions import SqlSessions
from bot.store.store import SqlStore
from bot.web.application import build_web
from bot.web.dashboard.frame import VIEWER, Frame, render
from bot.web.dashboard.gate import RECHECK_SECONDS, Gate, Hosts
from bot.web.dashboard.live import MOST_EACH, LiveEvents
from bot.web.dashboard.sign_in import SESSION_SECONDS, SignInPages
from bot.web.dashboard.site import dashboard
from bot.web.dashboard.throttle import Throttle
from tests.contract.store_kit import open_store
from tests.fakes.dashboard_browser import Browser, browser


class Staff:
    """ports.insight.Viewers."""

    def __init__(self) -> None:
        self.members = {("T1", "U1"), ("T2", "U1")}
        self.asked = 0

    async def viewer(self, team_id: str, user_id: str) -> Viewer | None:
        self.asked += 1
        return Viewer(team_id, user_id, f"<b>{team_id}</b>") if (team_id, user_id) in self.members else None


class NoFigures:
    """ports.insight.Insight."""

    async def zone(self, team_id: str) -> tzinfo:
        return UTC

    async def overview(self, team_id: str, selection: Selection) -> Overview:
        raise NotImplementedError

    async def choices(self, team_id: str) -> Choices:
        return Choices()

    async def version(self, team_id: str) -> int:
        return 1

    async def tools(self, team_id: str, first: date, last: date) -> list[ToolDay]:
        return []


class House:
    """A dashboard with one page that shows whose it is, and one that breaks."""

    def __init__(self, store: SqlStore, *, open_to: Viewer | None = None, public_url: str = "") -> None:
        self.now = 1_000_000.0
        self.staff = Staff()
        self.sessions: SqlSessions = store.sessions
        clock = lambda: self.now  # noqa: E731 - the test moves it
        gate = Gate(store.sessions, self.staff, NoFigures(), clock, Hosts(public_url), open_to=open_to)
        pages = SignInPages(gate, store.sessions, store.sign_ins, None, Throttle(clock), clock)
        routes = [*pages.routes(), web.get("/", _mine), web.get("/broken/{secret}", _broken)]
        self.app = dashboard(gate, Frame(), LiveEvents(gate, NoFigures(), look_seconds=0.05), routes)


async def _mine(request: web.Request) -> web.StreamResponse:
    return render(request, "problem.html", title="Mine", words=f"team {request[VIEWER].team_id}")


async def _broken(_: web.Request) -> web.StreamResponse:
    raise RuntimeError("customer's words")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    async with open_store(f"sqlite:///{tmp_path}/test.db") as opened:
        yield opened


@asynccontextmanager
async def served(house: House) -> AsyncIterator[Browser]:
    async def fine() -> dict[str, bool]:
        return {}

    app = build_web(slack_endpoint=None, ready=fine, dashboard=house.app)
    async with TestServer(app, host="127.0.0.1") as server, browser(str(server.make_url("")).rstrip("/")) as one:
        yield one


async def enters(house: House, one: Browser, team_id: str = "T1") -> str:
    secret = team_id[-1] * 43
    await house.sessions.offer(secret, team_id, "U1", at=house.now, until=house.now + 300)
    answer = await one.sends(f"/enter/{secret}")
    return answer.location


async def test_rights_end_within_minutes_and_a_session_within_hours(store: SqlStore) -> None:
    house = House(store)
    async with served(house) as one:
        assert await enters(house, one) == "/dashboard/"
        page = await one.opens("/")
        assert "team T1" in page.text
        assert "&lt;b&gt;T1" in page.text  # names are text
        asked = house.staff.asked
        house.staff.members.clear()
        assert (await one.opens("/")).status == 200
        assert house.staff.asked == asked  # not asked for every page
        house.now += RECHECK_SECONDS + 1
        assert (await one.opens("/")).status == 403
        assert (await one.opens("/events")).status == 403
        house.staff.members.add(("T1", "U1"))
        house.now += 60
        assert (await one.opens("/")).status == 200
        house.now += SESSION_SECONDS
        assert (await one.opens("/")).location.endswith("/sign-in")
        secret = "9" * 43
        await house.sessions.offer(secret, "T1", "U1", at=house.now, until=house.now + 300)
        house.now += 301
        assert (await one.opens(f"/enter/{secret}")).status == 410
        assert (await one.sends(f"/enter/{secret}")).status == 410


async def test_a_viewer_of_one_workspace_is_none_of_another(store: SqlStore) -> None:
    house = House(store)
    async with served(house) as one:
        await enters(house, one, "T2")
        assert "team T2" in (await one.opens("/")).text
        await enters(house, one, "T1")
        assert "team T1" in (await one.opens("/")).text


async def test_a_page_that_breaks_says_so_without_its_reasons(
    store: SqlStore, caplog: pytest.LogCaptureFixture
) -> None:
    house = House(store)
    async with served(house) as one:
        await enters(house, one)
        page = await one.opens("/broken/of-a-link")
        assert "of-a-link" not in str([vars(record) for record in caplog.records if "dashboard" in record.name])
        assert page.status == 500
        assert "customer's words" not in page.text
        assert (await one.opens("/nothing-here")).status == 404
        assert (await one.opens("/?channel=%00")).status == 404  # PostgreSQL takes no such character
        assert await one.heads("/events") == 405  # a stream that would show nothing


async def test_attempts_to_sign_in_are_limited(store: SqlStore) -> None:
    house = House(store)
    async with served(house) as one:
        tried = [(await one.sends(f"/enter/{'x' * 43}")).status for _ in range(25)]
        assert set(tried) == {410, 429}
        assert await enters(house, one) == "/dashboard/"  # nobody can keep out who has a good link
        house.now += 61
        assert (await one.sends(f"/enter/{'x' * 43}")).status == 410


async def test_open_streams_are_limited_for_each_person(store: SqlStore) -> None:
    house = House(store)
    async with served(house) as one:
        await enters(house, one)
        streams = [await one.http.get(f"{one.url}/dashboard/events") for _ in range(MOST_EACH)]
        assert (await one.opens("/events")).status == 503
        for stream in streams:
            stream.close()


async def test_the_sandbox_is_open_on_this_machine_alone(store: SqlStore) -> None:
    viewer = Viewer("T1", "U1", "Sandbox", is_admin=True)
    async with served(House(store, open_to=viewer, public_url="http://desk.example")) as one:
        assert "team T1" in (await one.opens("/")).text
        for host in ("desk.example", "evil.example", "127.0.0.1.evil.example"):
            assert (await one.opens("/", Host=host)).status == 421
        assert (await one.sends("/sign-out", origin="http://evil.example")).status == 403


async def test_behind_https_cookies_are_for_this_host_only(store: SqlStore) -> None:
    house = House(store, public_url="https://desk.example")
    async with served(house) as one:
        secret = "7" * 43
        await house.sessions.offer(secret, "T1", "U1", at=house.now, until=house.now + 300)
        url = f"{one.url}/dashboard/enter/{secret}"
        headers = {"Host": "desk.example", "Origin": "https://desk.example"}
        async with one.http.post(url, headers=headers, allow_redirects=False) as answer:
            cookie = answer.headers.getall("Set-Cookie")[0]
    assert cookie.startswith("__Host-deskhand=")
    assert "Secure" in cookie


EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - nothing listens there


def test_nobody_but_the_sandbox_opens_its_dashboard() -> None:
    me = Identity("T1", "B1", "U0")
    here = {"SLACK_API_URL": "http://127.0.0.1:1/api/"}
    assert everybody_here(Settings.model_validate(here), me).is_admin
    for more in (
        {"HTTP_HOST": EVERY_ADDRESS},
        {"SLACK_API_URL": "https://slack.com/api/"},
        {"PUBLIC_URL": "https://x.y"},
    ):
        with pytest.raises(SettingsError):
            everybody_here(Settings.model_validate(here | more), me)


def test_links_lead_where_browsers_can_reach_us() -> None:
    def address(**values: str) -> str:
        return address_of(Settings.model_validate(values), "http://10.0.0.7:8080")

    assert address(PUBLIC_URL="https://desk.example") == "https://desk.example"
    assert address(HTTP_HOST=EVERY_ADDRESS) == "http://127.0.0.1:8080"
    assert address(HTTP_HOST="10.0.0.7") == ""
    assert address_of(Settings(), "http://127.0.0.1:8080") == "http://127.0.0.1:8080"
