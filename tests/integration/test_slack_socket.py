"""Socket Mode when Slack, or the network, has a bad day: nothing is lost, nothing comes twice, the operator is told."""

import asyncio
import json
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import ConnectionLostError, DeskhandError, PermanentError
from bot.domain.incoming import MessageReceived
from bot.sandbox.config import SandboxConfig
from bot.slack.socket import Patience, SocketRunner
from tests.fakes.sandbox_driver import SandboxDriver, eventually, sandbox_running
from tests.fakes.slack_desk import RememberingDesk, bot_client, new_app

HASTY = Patience(
    loss=60.0, first_pause=0.02, longest_pause=0.1, crowded_pause=0.1, heartbeat=0.3, hand_over=0.3, refusals=3
)
QUICK = SandboxConfig(ack_seconds=0.5, retry_delays=(0.05, 0.1, 0.3))
ODD_FRAMES = [
    "", "null", "[]", "{", "7", '"hello"', "{}", '{"type":"events_api"}', '{"type":7,"envelope_id":"e","payload":{}}',
    '{"type":"events_api","envelope_id":"e1","payload":[]}',
    '{"type":"events_api","envelope_id":"e2","payload":"text"}',
    '{"type":"events_api","envelope_id":"e3","payload":{"type":"event_callback","event":"what"}}',
    '{"type":"hologram","envelope_id":"e4","payload":{"a":1}}', "[" * 50_000, '{"type":"disconnect","reason":7}',
]  # fmt: skip


@dataclass
class Line:
    """The bot's end of the socket, and what came through it."""

    sandbox: SandboxDriver
    runner: SocketRunner
    desk: RememberingDesk
    given_up: list[DeskhandError] = field(default_factory=list)

    @property
    def heard(self) -> Counter[str]:
        """Texts of the stored messages; twins count."""
        return Counter({m.ts: m.text for m in self.desk.accepted if isinstance(m, MessageReceived)}.values())

    async def hears(self, text: str) -> None:
        async def there() -> bool:
            return self.heard[text] > 0

        await eventually(there)

    async def opened(self, times: int) -> None:
        """Wait until Slack was asked for a connection so often, and one is open."""

        async def there() -> bool:
            asked = len(await self.sandbox.calls("apps.connections.open"))
            return asked >= times and await self.runner.is_connected()

        await eventually(there)

    async def is_lost(self) -> None:
        async def lost() -> bool:
            return not await self.runner.is_connected()

        await eventually(lost)

    async def gave_up(self) -> DeskhandError:
        async def there() -> bool:
            return bool(self.given_up)

        await eventually(there)
        return self.given_up[0]


@asynccontextmanager
async def line_to(sandbox: SandboxDriver, client: AsyncWebClient, patience: Patience = HASTY) -> AsyncIterator[Line]:
    desk, given_up = RememberingDesk(), list[DeskhandError]()
    runner = SocketRunner(new_app(client, desk), client, "xapp-sandbox", patience=patience, give_up=given_up.append)
    await runner.start()
    try:
        yield Line(sandbox, runner, desk, given_up)
    finally:
        await runner.close()


@pytest.fixture
async def sandbox() -> AsyncIterator[SandboxDriver]:
    async with sandbox_running(QUICK) as driver:
        yield driver


@pytest.fixture
async def client(sandbox: SandboxDriver) -> AsyncIterator[AsyncWebClient]:
    async with bot_client(sandbox) as client:
        yield client


@pytest.fixture
async def line(sandbox: SandboxDriver, client: AsyncWebClient) -> AsyncIterator[Line]:
    async with line_to(sandbox, client) as line:
        yield line


@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
async def test_a_refresh_opens_the_next_connection_before_the_last_one_ends(line: Line, reason: str) -> None:
    gaps = 0
    await line.sandbox.call("disconnect", reason=reason)
    until = time.monotonic() + 0.6
    while time.monotonic() < until:
        gaps += not await line.runner.is_connected()
        await asyncio.sleep(0.005)
    assert gaps == 0
    await line.opened(2)
    await line.sandbox.says("U0ANA", "still there?")
    await line.hears("still there?")


async def test_a_slack_that_asks_for_a_refresh_all_the_time_is_not_asked_for_connections_all_the_time(
    sandbox: SandboxDriver, client: AsyncWebClient
) -> None:
    async with line_to(sandbox, client, replace(HASTY, first_pause=0.4, longest_pause=0.4)) as line:
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            await sandbox.call("disconnect", reason="refresh_requested")
            await asyncio.sleep(0.01)
        assert 3 <= len(await sandbox.calls("apps.connections.open")) <= 10
        await sandbox.says("U0ANA", "still there?")
        await line.hears("still there?")


async def test_messages_written_all_through_a_refresh_arrive_once_each(line: Line) -> None:
    for n in range(30):
        if n % 10 == 5:
            await line.sandbox.call("disconnect", reason="refresh_requested")
        await line.sandbox.says("U0ANA", f"message {n}")
    for n in range(30):
        await line.hears(f"message {n}")
    assert len(line.desk.accepted) == 30


async def test_a_connection_cut_without_a_word_is_replaced_and_nothing_is_lost(line: Line) -> None:
    await line.sandbox.call("socket", do="cut")
    await line.sandbox.says("U0ANA", "into the gap")
    await line.hears("into the gap")
    await line.opened(2)


async def test_what_was_stored_but_not_acknowledged_comes_again_and_is_known(line: Line) -> None:
    line.desk.slow = 0.2
    await line.sandbox.says("U0ANA", "in flight")
    await asyncio.sleep(0.1)
    await line.sandbox.call("socket", do="cut")
    await line.hears("in flight")
    line.desk.slow = 0.0

    async def acknowledged() -> bool:
        return all(d["acked"] for d in await line.sandbox.deliveries("message"))

    await eventually(acknowledged)
    twins = [m for m in line.desk.accepted if isinstance(m, MessageReceived)]
    assert len({m.event_id for m in twins}) == 1, "the store knows them by their event id"


@pytest.mark.alone
async def test_a_socket_that_is_open_but_silent_is_left(line: Line) -> None:
    await line.sandbox.call("socket", do="silence")
    await line.sandbox.says("U0ANA", "hello?")
    began = time.monotonic()
    await line.opened(2)
    assert time.monotonic() - began < 3
    await line.hears("hello?")


async def test_odd_frames_harm_nobody_and_are_not_logged(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for frame in ODD_FRAMES:
        await line.sandbox.call("socket", do="say", frame=frame)
    await line.sandbox.says("U0ANA", "still there?")
    await line.hears("still there?")
    assert line.given_up == []
    assert "hologram" not in "".join(r.getMessage() for r in caplog.records if r.name.startswith("bot.slack"))


async def test_too_many_connections_are_told_in_words_and_tried_again(
    sandbox: SandboxDriver, client: AsyncWebClient, caplog: pytest.LogCaptureFixture
) -> None:
    await sandbox.call("socket", most=0)
    async with line_to(sandbox, client) as line:
        assert not await line.runner.is_connected()
        assert "ten connections per app" in line.runner.trouble
        await sandbox.call("socket", most=10)
        await line.opened(2)
        assert line.runner.trouble == ""
        await sandbox.call("disconnect", reason="too_many_websockets")
        await line.is_lost()
        await line.opened(3)


async def test_socket_mode_switched_off_is_told_in_words_and_waited_out(line: Line) -> None:
    await line.sandbox.call("disconnect", reason="link_disabled")
    await line.is_lost()
    assert "switched off" in line.runner.trouble
    await line.opened(2)


async def test_a_token_that_is_revoked_meanwhile_ends_the_process(line: Line) -> None:
    await line.sandbox.call("fault", method="apps.connections.open", kind="error", error="token_revoked", times=-1)
    await line.sandbox.call("socket", do="cut")
    error = await line.gave_up()
    assert isinstance(error, PermanentError)
    assert "token_revoked" in line.runner.trouble
    assert not await line.runner.is_connected()


async def test_a_single_refusal_does_not_end_the_process(line: Line) -> None:
    await line.sandbox.call("fault", method="apps.connections.open", kind="error", error="invalid_auth", times=2)
    await line.sandbox.call("socket", do="cut")
    await line.opened(4)
    assert line.given_up == []


async def test_a_loss_that_lasts_ends_the_process(sandbox: SandboxDriver, client: AsyncWebClient) -> None:
    patience = Patience(loss=0.4, first_pause=0.02, longest_pause=0.1)
    async with line_to(sandbox, client, patience) as line:
        await sandbox.call("fault", method="apps.connections.open", kind="http_500", times=-1)
        await sandbox.call("socket", do="cut")
        error = await line.gave_up()
        assert isinstance(error, ConnectionLostError)
        assert "No connection to Slack for" in str(error)


async def test_slack_being_away_at_the_start_is_waited_out(sandbox: SandboxDriver, client: AsyncWebClient) -> None:
    await sandbox.call("fault", method="apps.connections.open", kind="http_500", times=3)
    async with line_to(sandbox, client) as line:
        assert not await line.runner.is_connected()
        await line.opened(4)


async def test_slacks_wish_to_wait_is_respected(sandbox: SandboxDriver, client: AsyncWebClient) -> None:
    async with line_to(sandbox, client) as line:
        await sandbox.call("fault", method="apps.connections.open", kind="ratelimited", retry_after=1, times=1)
        began = time.monotonic()
        await sandbox.call("socket", do="cut")
        await line.opened(3)
        assert time.monotonic() - began >= 1.0


async def test_the_pauses_grow_and_differ_by_chance(sandbox: SandboxDriver, client: AsyncWebClient) -> None:
    """An outage of Slack must not become a storm of ours."""
    patience = Patience(first_pause=0.1, longest_pause=0.4)
    async with line_to(sandbox, client, patience) as line:
        await sandbox.call("fault", method="apps.connections.open", kind="reset_before", times=-1)
        await sandbox.call("socket", do="cut")
        await asyncio.sleep(1.5)
        assert len(await sandbox.calls("apps.connections.open")) <= 10
        assert line.given_up == []


async def test_on_closing_what_is_under_way_is_still_acknowledged(
    sandbox: SandboxDriver, client: AsyncWebClient
) -> None:
    async with line_to(sandbox, client) as line:
        line.desk.slow = 0.2
        await sandbox.says("U0ANA", "last words")
        await asyncio.sleep(0.1)
    assert [m.text for m in line.desk.accepted if isinstance(m, MessageReceived)] == ["last words"]
    [delivery] = await sandbox.deliveries("message")
    assert delivery["acked"]


@pytest.mark.parametrize("frame", [json.dumps({"type": "hello"}), "garbage"])
async def test_frames_before_the_first_event_change_nothing(line: Line, frame: str) -> None:
    await line.sandbox.call("socket", do="say", frame=frame)
    await line.sandbox.says("U0ANA", "hi")
    await line.hears("hi")
