"""The database is slow, Slack waits three seconds: nothing is acknowledged unstored, nothing is stored twice."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes.desk import Desk, open_desk
from tests.fakes.desk_claude import Claude
from tests.fakes.messages_api import text
from tests.fakes.sandbox_driver import FAST, eventually

PATIENT = replace(FAST, ack_seconds=3.0, retry_delays=(0.02, 0.3, 0.5))
"""As patient as Slack with an acknowledgement."""


@pytest.fixture(params=["socket", "http"])
async def desk(
    request: pytest.FixtureRequest, tmp_path: Path, template: Path, unused_tcp_port: int
) -> AsyncIterator[Desk]:
    port = unused_tcp_port if request.param == "http" else 0
    async with (
        Claude() as claude,
        open_desk(tmp_path, claude=claude, template=template, port=port, config=PATIENT) as desk,
    ):
        desk.expects_errors = True
        yield desk


@asynccontextmanager
async def locked(database: Path) -> AsyncIterator[None]:
    """Somebody else writes and does not stop; begun in a thread, because the bot may have to end a write here first."""
    connection = sqlite3.connect(database, timeout=60, isolation_level=None, check_same_thread=False)
    await asyncio.to_thread(connection.execute, "begin immediate")
    try:
        yield
    finally:
        connection.execute("rollback")
        connection.close()


@asynccontextmanager
async def refused_once(desk: Desk) -> AsyncIterator[None]:
    """The database is busy until the first delivery of what is said in the body has failed."""

    async def failed() -> bool:
        return "slack.not_stored" in desk.logs.getvalue()

    async with locked(desk.database):
        yield
        await eventually(failed)


async def test_what_cannot_be_stored_in_time_comes_again_and_is_answered_once(desk: Desk) -> None:
    desk.claude.always = text("Guests are free.")
    ana = desk.customer()
    began = time.monotonic()
    async with refused_once(desk):
        thread = await ana.asks("What do guests cost?")
    assert time.monotonic() - began < 3, "Slack was told in time"
    assert "Guests are free." in (await thread.answer()).text
    await desk.settled()
    deliveries = await desk.driver.deliveries("message")
    assert any(d["attempts"] > 1 for d in deliveries), "Slack delivered again"
    assert all(d["acked"] for d in deliveries)
    assert desk.rows("select count(*) from inbox where kind = 'message'") == [(1,)]
    assert len(desk.claude.asked) == 1


async def test_a_press_that_cannot_be_stored_takes_no_effect_and_can_be_repeated(desk: Desk) -> None:
    """Slack does not repeat presses; it shows the person a warning sign."""
    from tests.fakes.desk_claude import escalate  # noqa: PLC0415 - beside its only use

    desk.claude.will(escalate("You get the money back."), text("A colleague will look at it."))
    await desk.customer().asks("I was charged twice!")
    card = await desk.card()
    sam = desk.staff()
    async with refused_once(desk):
        refused = await sam.presses("Approve", card)
    assert not refused["acked"]
    assert (await sam.presses("Approve", card))["acked"]
    await desk.settled()
    assert desk.rows("select count(*) from inbox where kind = 'decision'") == [(1,)]


@pytest.mark.parametrize("by_http", [False, True], ids=["socket", "http"])
async def test_acknowledgements_that_come_too_late_make_twins_and_twins_are_one(
    tmp_path: Path, template: Path, unused_tcp_port: int, *, by_http: bool
) -> None:
    port = unused_tcp_port if by_http else 0
    late = replace(FAST, ack_seconds=0.001)
    async with (
        Claude() as claude,
        open_desk(tmp_path, claude=claude, template=template, port=port, config=late) as desk,
    ):
        claude.always = text("Guests are free.")
        thread = await desk.customer().asks("What do guests cost?")
        assert "Guests are free." in (await thread.answer()).text

        async def delivered_often() -> bool:
            return any(d["attempts"] == 4 for d in await desk.driver.deliveries("message"))

        await eventually(delivered_often)
        assert desk.rows("select count(*) from inbox where kind = 'message'") == [(1,)]
        assert len(claude.asked) == 1


async def test_a_cut_in_the_middle_of_a_conversation_costs_nothing(tmp_path: Path, template: Path) -> None:
    async with Claude() as claude, open_desk(tmp_path, claude=claude, template=template) as desk:
        claude.always = text("Guests are free.")
        ana = desk.customer()
        thread = await ana.asks("What do guests cost?")
        for _ in range(5):
            await desk.driver.call("socket", do="cut")
            await ana.says("And now?", thread)
        await desk.settled()
        assert desk.rows("select count(*) from inbox where kind = 'message'") == [(6,)]
        assert "Guests are free." in (await thread.answer()).text
