"""Slack stays away from a running bot: health says so, and in the end the process makes room for a fresh one."""

import asyncio
import functools
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from bot.cli.failures import explain
from bot.config import SettingsError
from bot.domain.errors import ConnectionLostError
from bot.slack.socket import Patience
from tests.fakes.desk import Bot, captured_logs, settings_for
from tests.fakes.sandbox_driver import SandboxDriver, eventually, sandbox_running


@pytest.fixture
async def sandbox() -> AsyncIterator[SandboxDriver]:
    async with sandbox_running() as driver:
        yield driver


async def readiness(bot: Bot) -> tuple[int, str]:
    assert bot.address is not None
    async with aiohttp.ClientSession() as http, http.get(f"{bot.address.url}/readyz") as answer:
        return answer.status, await answer.text()


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pauses between attempts are made short."""
    monkeypatch.setattr("bot.doors.Patience", functools.partial(Patience, first_pause=0.1))


async def started(sandbox: SandboxDriver, folder: Path, **more: str) -> Bot:
    bot = Bot(settings_for(sandbox, folder / "desk.db") | more)
    await bot.start()
    assert (await readiness(bot))[0] == 200
    return bot


async def ended(bot: Bot) -> None:
    """Wait for the process to end by itself; raises what it ended of."""
    assert bot._task is not None
    async with asyncio.timeout(20):
        await bot._task


async def is_not_ready(bot: Bot) -> None:
    async def away() -> bool:
        status, told = await readiness(bot)
        return status == 503 and '"slack": false' in told

    await eventually(away)


async def test_a_loss_is_told_by_health_and_when_it_lasts_the_process_ends(
    sandbox: SandboxDriver, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with captured_logs() as logs:
        bot = await started(sandbox, tmp_path, SOCKET_LOSS_SECONDS="1.5")
        await sandbox.call("fault", method="apps.connections.open", kind="http_500", times=-1)
        await sandbox.call("socket", do="cut")
        await is_not_ready(bot)
        assert "no connection to Slack" in (await readiness(bot))[1]
        with pytest.raises(ConnectionLostError) as caught:
            await ended(bot)
        assert "slack.socket_given_up" in logs.getvalue()
    assert explain(caught.value, "run") == 1
    assert "No connection to Slack for" in capsys.readouterr().err


async def test_a_loss_that_ends_in_time_does_not_end_the_process(sandbox: SandboxDriver, tmp_path: Path) -> None:
    with captured_logs():
        bot = await started(sandbox, tmp_path)
        await sandbox.call("fault", method="apps.connections.open", kind="http_500", times=2)
        await sandbox.call("socket", do="cut")
        await is_not_ready(bot)

        async def back() -> bool:
            return (await readiness(bot))[0] == 200

        await eventually(back)
        await bot.stop()


async def test_a_revoked_app_token_is_told_in_words_and_the_process_ends(
    sandbox: SandboxDriver, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with captured_logs():
        bot = await started(sandbox, tmp_path)
        await sandbox.call("fault", method="apps.connections.open", kind="error", error="token_revoked", times=-1)
        await sandbox.call("socket", do="cut")
        await is_not_ready(bot)
        with pytest.raises(SettingsError) as caught:
            await ended(bot)
    assert explain(caught.value, "run") == 2
    assert "SLACK_APP_TOKEN: Slack refused: token_revoked" in capsys.readouterr().err
