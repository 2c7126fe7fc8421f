"""Nobody answers: on a clock that is moved by hand, through real Slack events and a real alert service on loopback."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.ports.clock import DeskTime
from tests.fakes.desk import Desk, open_desk
from tests.fakes.desk_claude import Claude, escalate, search
from tests.fakes.desk_people import Card, Thread
from tests.fakes.discretion import assert_discreet, assert_logs_are_discreet
from tests.fakes.messages_api import text
from tests.fakes.sandbox_driver import eventually
from tests.fakes.tools import HeldClock
from tests.fakes.waiting import HOUR, MINUTE, MONDAY, berlin

RULES = """
time_zone = "Europe/Berlin"
rota = ["U0SAM", "U0GRACE"]
backup_channel = "C0BILLING"
quiet_owner_minutes = 30
[hours]
monday = ["09:00-17:00"]
tuesday = ["09:00-17:00"]
[first_answer]
normal = 60
"""


@dataclass
class AlertService:
    """PagerDuty, as far as we use it."""

    url: str = ""
    events: list[tuple[str, str]] = field(default_factory=list)
    """(action, key) in order."""
    fails: int = 0

    async def take(self, request: web.Request) -> web.Response:
        body: Any = await request.json()
        if self.fails:
            self.fails -= 1
            return web.Response(status=503)
        self.events.append((body["event_action"], body["dedup_key"]))
        return web.json_response({"status": "success"}, status=202)

    async def was_away(self) -> bool:
        return self.fails == 0

    async def was_told(self) -> bool:
        return bool(self.events)


@pytest.fixture
async def alerts() -> AsyncIterator[AlertService]:
    service = AlertService()
    app = web.Application()
    app.router.add_post("/v2/enqueue", service.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    service.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v2/enqueue"
    yield service
    await runner.cleanup()


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock(MONDAY)


@pytest.fixture
async def desk(
    tmp_path: Path, template: Path, claude: Claude, clock: HeldClock, alerts: AlertService
) -> AsyncIterator[Desk]:
    rules = tmp_path / "service.toml"
    rules.write_text(RULES, encoding="utf-8")
    async with open_desk(
        tmp_path,
        claude=claude,
        template=template,
        time=DeskTime(clock, tick=0.02),
        SERVICE_FILE=str(rules),
        PAGER="pagerduty",
        PAGER_KEY="R0UT1NG",
        PAGER_URL=alerts.url,
    ) as opened:
        yield opened
    assert_discreet(opened)
    assert_logs_are_discreet(opened)
    assert "R0UT1NG" not in opened.logs.getvalue()


async def a_case(desk: Desk) -> tuple[Thread, Card]:
    desk.claude.will(escalate(), text("I have asked a colleague."))
    thread = await desk.customer().asks("I want to talk to a human about my invoice")
    await thread.answer()
    return thread, await desk.card()


async def test_reminders_then_the_next_then_the_backup_and_the_pager_until_somebody_takes_over(
    desk: Desk, clock: HeldClock, alerts: AlertService
) -> None:
    thread, card = await a_case(desk)
    assert "First answer due" in card.shown().text
    clock.now = MONDAY + 30 * MINUTE
    assert "<@U0SAM>" in (await card.gets_reply("50 % of the time")).text
    await card.becomes("50 % used · with <@U0SAM>")
    await desk.restart()
    clock.now = MONDAY + HOUR
    assert "<@U0GRACE>" in (await card.gets_reply("It is your turn now")).text
    await card.becomes("Overdue")
    alerts.fails = 1
    clock.now = MONDAY + 90 * MINUTE
    await card.gets_reply("I have raised the alarm")
    await thread.says("nobody on our team has answered yet")
    await eventually(alerts.was_away)
    await desk.settled()
    assert alerts.events == []
    clock.now += MINUTE
    await eventually(alerts.was_told)
    [told] = [m for m in desk.channel("C0BILLING") if "Nobody has answered" in m.text]
    assert "1 h 30 min" in told.text
    assert "/C0STAFF/" in told.text, "a link to the card"
    assert [action for action, _ in alerts.events] == ["trigger"]
    await desk.staff("U0GRACE").presses("Take over", card)
    await thread.says("*Grace Lee* has taken over")
    await desk.settled()
    assert alerts.events[1] == ("resolve", alerts.events[0][1])
    assert "Overdue" not in card.shown().text


async def test_at_the_weekend_a_customer_reads_when_the_team_is_there_again(desk: Desk, clock: HeldClock) -> None:
    clock.now = berlin("2026-11-21 12:00")
    thread, card = await a_case(desk)
    assert "Our team is here again Monday at 09:00 (Berlin time)." in thread.text()
    clock.now += MINUTE
    other = await desk.customer("U0BO").asks("handoff")
    await other.says("One other request is waiting before yours.")
    desk.claude.will(text("They are here again on Monday."))
    await desk.customer().says("How long will it take?", thread)
    await thread.answer(2)
    known = str(desk.claude.asked[-1])
    assert "A colleague was asked about this conversation on Saturday at 12:00 CET" in known
    assert "Monday at 09:00 (Berlin time)" in known
    clock.now = berlin("2026-11-23 09:29")
    await desk.settled()
    assert card.replies() == []
    clock.now = berlin("2026-11-23 09:30")
    await card.gets_reply("50 % of the time")


async def test_who_waits_for_money_at_the_weekend_reads_that_too(desk: Desk, clock: HeldClock) -> None:
    clock.now = berlin("2026-11-21 12:00")
    desk.claude.always = search()
    await desk.customer("U0GRACE").types("set conversation 0.12")
    answer = await (await desk.customer().asks("What do guests cost?")).answer()
    assert "whether I may go on" in answer.text
    assert "Our team is here again Monday at 09:00 (Berlin time)." in answer.text


@pytest.mark.parametrize("asks", ["Any news?", "handoff"])
async def test_an_owner_who_goes_quiet_is_nudged_and_then_a_colleague_may_take_over(
    desk: Desk, clock: HeldClock, asks: str
) -> None:
    thread, card = await a_case(desk)
    await desk.staff().presses("Take over", card)
    await thread.says("*Sam Porter* has taken over")
    await desk.staff().under(card, "I am looking at it.")
    await thread.says("I am looking at it.")
    clock.now = MONDAY + 2 * HOUR
    await desk.customer().says(f"@deskhand {asks}", thread)
    await card.gets_reply(asks)
    clock.now += 30 * MINUTE
    assert "<@U0SAM>" in (await card.gets_reply("waiting for your answer")).text
    assert "Take over" not in card.shown().buttons
    clock.now += 30 * MINUTE
    await card.becomes("Offered to everybody")
    await desk.staff("U0GRACE").presses("Take over", card)
    await thread.says("*Grace Lee* has taken over")
    await desk.settled()
    assert "<@U0GRACE>" in card.shown().text
    assert "Take over" not in card.shown().buttons
    await desk.staff().under(card, "One more thing")
    await desk.staff().hears("somebody else is in charge")
    assert "One more thing" not in thread.text()
