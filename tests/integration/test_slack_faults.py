"""Everything Slack does wrong to a call that shows something: what people see in the end, and who is told."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.domain.answer import Answer
from bot.domain.effects import Outgoing, Place, ShowAnswer, ShowNotice
from bot.domain.errors import TransientError
from bot.ports.slack import Target
from bot.runtime.outbox import OutboxWorker
from bot.runtime.pace import Pace
from bot.sandbox.config import SandboxConfig
from bot.slack.delivery import SlackMessenger
from bot.slack.rates import Rates
from bot.slack.web import Manners, slack_client
from bot.store.engine import create_engine
from bot.store.migrate import migrate
from bot.store.store import SqlStore
from tests.contract.store_kit import enqueue
from tests.fakes.desk import captured_logs
from tests.fakes.sandbox_driver import SandboxDriver, eventually, sandbox_running

SETTLE = 0.1
HANG = 0.3
"""Our patience with one call in these tests, seconds."""


class Delivery:
    """An outbox, its worker, and a sandbox, under a clock that can be turned on."""

    def __init__(self, store: SqlStore, sandbox: SandboxDriver, client: Any, thread: Place) -> None:
        self.store, self.sandbox, self.thread = store, sandbox, thread
        self.ahead = 0.0
        self.unsent: list[tuple[str, str]] = []
        rates = Rates()
        pace = Pace(store.paces, self.clock, rates.opening)
        client.behave(Manners(pace, rates), thread.team_id)
        messenger = SlackMessenger(client, cards=None)  # type: ignore[arg-type]  # no cards here
        self.worker = OutboxWorker(
            store.queue,
            messenger,
            self.clock,
            poll_seconds=0.02,
            settle_seconds=SETTLE,
            unsent=self.note,
            pace=pace,
        )
        store.listen(effects=self.worker.wake)

    def clock(self) -> float:
        return time.time() + self.ahead

    async def note(self, outgoing: Outgoing, why: str) -> None:
        self.unsent.append((outgoing.key, why))

    async def breaks(self, method: str = "chat.postMessage", **fault: Any) -> None:
        assert (await self.sandbox.call("fault", method=method, **fault))["ok"]

    async def write(self, key: str, text: str, **changes: Any) -> None:
        outgoing = Outgoing(key, ShowAnswer(self.thread, Answer(text)), "lane", **changes)
        async with self.store.write() as tx:
            await tx.outbox.add(outgoing)

    async def shown(self) -> list[str]:
        """What stands in the thread."""
        return (await self.sandbox.texts(thread_ts=str(self.thread.thread_ts)))[1:]

    async def row(self, key: str) -> tuple[str, int, float]:
        """(state, attempts, seconds until it is due)."""
        async with self.store.read() as tx:
            query = "select state, attempts, not_before from outbox where key = :key"
            found = (await tx.connection.exec_driver_sql(query, {"key": key})).one()
        return found.state, found.attempts, found.not_before - self.clock()

    async def told(self) -> list[tuple[str, str]]:
        """What was told to be unsent; a row is closed just before."""
        async with asyncio.timeout(5):
            while not self.unsent:  # noqa: ASYNC110 - the worker tells by a call
                await asyncio.sleep(0.01)
        return self.unsent

    async def settled(self, *keys: str) -> None:
        """Wait until these rows are closed, turning the clock on whenever one is put off."""
        until = time.monotonic() + 10
        while time.monotonic() < until:
            rows = [await self.row(key) for key in keys]
            if all(state != "waiting" for state, _, _ in rows):
                return
            waits = [wait for state, _, wait in rows if state == "waiting" and wait > 0.5]
            self.ahead += max(waits, default=0.0)
            self.worker.wake()
            await asyncio.sleep(0.02)
        raise AssertionError(rows)


@pytest.fixture
async def sandbox() -> AsyncIterator[SandboxDriver]:
    async with sandbox_running(SandboxConfig()) as driver:
        yield driver


@pytest.fixture
async def delivery(sandbox: SandboxDriver, tmp_path: Path) -> AsyncIterator[Delivery]:
    engine = create_engine(f"sqlite:///{tmp_path}/test.db")
    await migrate(engine)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=HANG)) as session:
        client = slack_client("xoxb-sandbox", sandbox.server.api_url, session)
        thread = Place("T0FERNWAY", "C0SUPPORT", await sandbox.says("U0ANA", "help please"))
        opened = Delivery(SqlStore(engine, enqueue, time.time), sandbox, client, thread)
        await opened.worker.start()
        yield opened
        await opened.worker.close()
    await engine.dispose()


LOST = ("reset_after", "truncated", "malformed", "html", "hang")


@pytest.mark.parametrize("kind", LOST)
async def test_a_message_that_was_posted_and_not_acknowledged_is_found_and_stands_once(
    delivery: Delivery, kind: str
) -> None:
    await delivery.breaks(kind=kind, seconds=1)
    await delivery.write("a", "first")
    await delivery.write("b", "second")
    await delivery.settled("a", "b")
    assert await delivery.shown() == ["first", "second"]
    assert len(await delivery.sandbox.calls("chat.postMessage")) == 2


@pytest.mark.parametrize(
    "fault",
    [{"kind": "reset_before"}, {"kind": "http_500"}, {"kind": "error", "error": "internal_error"}]
    + [{"kind": kind, "effect": False, "seconds": 1} for kind in LOST],
    ids=lambda fault: str(fault["kind"]),
)
async def test_a_message_that_was_not_posted_is_looked_for_and_sent_again(
    delivery: Delivery, fault: dict[str, Any]
) -> None:
    await delivery.breaks(**fault)
    await delivery.write("a", "first")
    await delivery.write("b", "second")
    await delivery.settled("a", "b")
    assert await delivery.shown() == ["first", "second"]
    assert await delivery.sandbox.calls("conversations.replies")


@pytest.mark.parametrize("method", ["chat.postMessage", "chat.update"])
@pytest.mark.parametrize(("header", "seconds"), [(7, 7), (-1, 5)], ids=["with Retry-After", "without Retry-After"])
async def test_when_slack_asks_to_wait_nobody_calls_before(
    delivery: Delivery, method: str, header: int, seconds: int
) -> None:
    await delivery.write("a", "first")
    await delivery.settled("a")
    await delivery.breaks(method, kind="ratelimited", retry_after=header)
    edits = "a" if method == "chat.update" else None
    await delivery.write("b", "second", edits=edits)

    async def put_off() -> bool:
        _, attempts, wait = await delivery.row("b")
        return attempts == 1 and wait > 1

    await eventually(put_off)
    assert (await delivery.row("b"))[2] == pytest.approx(seconds, abs=1)
    await delivery.settled("b")
    assert await delivery.shown() == (["second"] if edits else ["first", "second"])
    assert [call["error"] for call in await delivery.sandbox.calls(method)][-2:] == ["ratelimited", ""]
    assert delivery.unsent == []


async def test_a_storm_of_refusals_delays_and_loses_nothing(delivery: Delivery) -> None:
    await delivery.breaks(kind="ratelimited", retry_after=2, times=25)
    for number in range(5):
        await delivery.write(f"a{number}", f"answer {number}")
    await delivery.settled(*(f"a{number}" for number in range(5)))
    assert await delivery.shown() == [f"answer {number}" for number in range(5)]
    assert len(await delivery.sandbox.calls("chat.postMessage")) == 30


@pytest.mark.parametrize("error", ["account_inactive", "invalid_auth", "token_revoked", "token_expired", "not_authed"])
async def test_without_a_valid_token_answers_wait_for_a_new_one(delivery: Delivery, error: str) -> None:
    with captured_logs() as logs:
        await delivery.breaks(kind="error", error=error, times=12)
        await delivery.write("a", "first")
        await delivery.write("b", "second")
        await delivery.settled("a", "b")
    assert await delivery.shown() == ["first", "second"]
    assert delivery.unsent == []
    assert "outbox.locked_out" in logs.getvalue()


@pytest.mark.parametrize(
    "error", ["channel_not_found", "not_in_channel", "is_archived", "thread_not_found", "restricted_action"]
)
async def test_when_the_thread_cannot_be_reached_for_good_people_are_told_and_the_lane_goes_on(
    delivery: Delivery, error: str
) -> None:
    await delivery.breaks(kind="error", error=error, times=1)
    await delivery.write("a", "first")
    await delivery.write("b", "second")
    await delivery.settled("a", "b")
    assert [(key, error in why) for key, why in await delivery.told()] == [("a", True)]
    assert await delivery.shown() == ["second"]


async def test_a_deleted_thread_is_found_out_and_people_are_told(delivery: Delivery) -> None:
    thread = delivery.thread
    await delivery.sandbox.call("messages/delete", user="U0ANA", channel=thread.channel_id, ts=thread.thread_ts)
    await delivery.write("a", "first")
    await delivery.settled("a")
    assert [(key, "thread_not_found" in why) for key, why in await delivery.told()] == [("a", True)]


@pytest.mark.parametrize("error", ["message_not_found", "cant_update_message", "edit_window_closed"])
async def test_a_message_that_cannot_be_changed_any_more_is_posted_anew(delivery: Delivery, error: str) -> None:
    await delivery.write("a", "first")
    await delivery.settled("a")
    await delivery.breaks("chat.update", kind="error", error=error)
    await delivery.write("b", "second", edits="a")
    await delivery.settled("b")
    assert await delivery.shown() == ["first", "second"]


LONG = [f"Paragraph {number}: " + "word " * 80 for number in range(60)]
BAD_BLOCKS = ["invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long"]


@pytest.mark.parametrize("error", BAD_BLOCKS)
async def test_an_answer_whose_blocks_slack_does_not_like_is_shown_as_plain_text(
    delivery: Delivery, error: str
) -> None:
    await delivery.breaks(kind="error", error=error)
    await delivery.write("a", "first")
    await delivery.settled("a")
    assert await delivery.shown() == ["first"]


@pytest.mark.parametrize("lost", [0, 1, 3])
async def test_a_long_answer_without_blocks_loses_no_word_even_when_it_is_interrupted(
    delivery: Delivery, lost: int
) -> None:
    await delivery.breaks(kind="error", error="invalid_blocks")
    await delivery.breaks(kind="delay", times=max(1, lost))
    await delivery.breaks(kind="reset_after", times=min(1, lost) or 1)
    await delivery.write("a", "\n\n".join(LONG[:20]))
    await delivery.settled("a")
    shown = "\n".join(await delivery.shown())
    assert [shown.count(f"Paragraph {number}:") for number in range(20)] == [1] * 20


async def test_nothing_is_sent_again_while_it_cannot_be_looked_for(delivery: Delivery) -> None:
    await delivery.breaks(kind="reset_after")
    await delivery.breaks("conversations.replies", kind="http_500", times=6)
    await delivery.write("a", "first")
    await delivery.settled("a")
    assert await delivery.shown() == ["first"]
    assert len(await delivery.sandbox.calls("chat.postMessage")) == 1
    assert delivery.worker.ambiguous == 0


async def test_a_look_up_slack_refuses_for_good_is_counted_and_told_to_operators(delivery: Delivery) -> None:
    with captured_logs() as logs:
        await delivery.breaks(kind="reset_before")
        await delivery.breaks("conversations.replies", kind="error", error="missing_scope")
        await delivery.write("a", "first")
        await delivery.settled("a")
    assert await delivery.shown() == ["first"]
    assert delivery.worker.ambiguous == 1
    assert "outbox.ambiguous" in logs.getvalue()


async def test_a_long_answer_cut_off_between_its_parts_is_completed_and_nothing_stands_twice(
    delivery: Delivery,
) -> None:
    await delivery.breaks(kind="delay")
    await delivery.breaks(kind="reset_after")
    await delivery.write("a", "\n\n".join(LONG))
    await delivery.settled("a")
    messages = (await delivery.sandbox.messages(thread_ts=str(delivery.thread.thread_ts)))[1:]
    shown = "\n".join(b["text"] for m in messages for b in m["blocks"] if b["type"] == "markdown")
    assert len(messages) > 2
    assert [shown.count(f"Paragraph {number}:") for number in range(60)] == [1] * 60


async def test_a_fenced_replica_sends_nothing(delivery: Delivery, sandbox: SandboxDriver) -> None:
    async with aiohttp.ClientSession() as session:
        client = slack_client("xoxb-sandbox", sandbox.server.api_url, session)
        rates = Rates()
        pace = Pace(delivery.store.paces, delivery.clock, rates.opening)
        client.behave(Manners(pace, rates, may_act=lambda: False), "T0FERNWAY")
        messenger = SlackMessenger(client, cards=None)  # type: ignore[arg-type]  # no cards here
        row = Outgoing("z", ShowNotice(delivery.thread, "from the grave"), "lane")
        with pytest.raises(TransientError, match="may not act"):
            await messenger.deliver(row, Target())
        assert (await client.users_info(user="U0ANA"))["ok"]
    assert await delivery.shown() == []
