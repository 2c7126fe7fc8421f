"""The disk with the database fills up: nothing is lost, and the bot goes on by itself when there is room."""

from functools import partial
from pathlib import Path
from typing import NamedTuple

import aiohttp
import pytest

from bot.runtime import monitor
from tests.fakes.desk import open_desk
from tests.fakes.desk_claude import Claude
from tests.fakes.messages_api import text
from tests.fakes.sandbox_driver import eventually


class Disk(NamedTuple):
    total: int
    free: int


async def test_p1_events_wait_at_slack_while_the_disk_is_full(
    tmp_path: Path, template: Path, claude: Claude, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = [10**10]
    monkeypatch.setattr(monitor, "EVERY_SECONDS", 0.02)
    looking = partial(monitor.Monitor, disk_usage=lambda _: Disk(10**11, free[0]))
    monkeypatch.setattr("bot.app.Monitor", looking)
    async with open_desk(tmp_path, claude=claude, template=template) as desk, aiohttp.ClientSession() as http:
        desk.expects_errors = True
        address = getattr(desk.bot, "address", None)
        assert address is not None

        async def is_ready() -> bool:
            async with http.get(f"{address.url}/readyz") as answer:
                told = await answer.json()
                assert ("disk_is_full" in told["warnings"]) is not told["checks"]["accepting"]
                return bool(answer.status == 200)

        async def is_full() -> bool:
            return not await is_ready()

        assert await is_ready()
        free[0] = 10**8
        await eventually(is_full)
        claude.will(text("There you are."))
        thread = await desk.customer().asks("Is anybody there?")
        await eventually(lambda: was_refused(desk.log_lines()))
        assert desk.rows("select count(*) from inbox") == [(0,)]
        free[0] = 10**10
        await eventually(is_ready)
        await thread.says("There you are.", seconds=30)
        await desk.settled()
        assert len(thread.answers()) == 1


async def was_refused(lines: list[dict[str, object]]) -> bool:
    return any(line["event"] == "slack.not_stored" for line in lines)
