"""`deskhand stuck` beside a running dispatcher, on both databases."""

import json
from argparse import Namespace
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.cli import stuck
from tests.contract.store_kit import KINDS, database
from tests.integration.test_runtime_dispatcher import House, house_at


@pytest.fixture(params=KINDS)
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    async with database(request.param, tmp_path) as made:
        yield made


@pytest.fixture
async def house(url: str) -> AsyncIterator[House]:
    async with house_at(url) as opened:
        yield opened


async def command(url: str, action: str, stuck_id: str | None = None, *, everything: bool = False) -> int:
    return await stuck._act(Namespace(action=action, id=stuck_id, all=everything, json=True), url)


async def give_up(house: House) -> str:
    house.gate.clear()
    bad, good = await house.receive("p", 2)
    house.trouble[bad] = [ValueError("a bug") for _ in range(9)]
    house.gate.set()
    await house.until(lambda: house.done == [good])
    return bad


async def test_a_retry_reaches_the_running_bot(house: House, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    bad = await give_up(house)
    assert await command(url, "list") == 0
    [one] = json.loads(capsys.readouterr().out)
    assert (one["id"], one["kind"], one["last_error"]) == (bad, "cause", "ValueError")
    assert await command(url, "retry", bad) == 0
    await house.until(lambda: house.done[-1] == bad)
    assert await command(url, "show", bad) == 1
    assert "Nothing stuck has the id" in capsys.readouterr().out


async def test_all_of_them_can_be_tried_again_at_once(house: House, url: str) -> None:
    bad = await give_up(house)
    assert await command(url, "retry", everything=True) == 0
    await house.until(lambda: house.done[-1] == bad)
    assert await command(url, "retry", everything=True) == 0, "also when there is nothing"


async def test_what_is_dropped_is_left_alone(house: House, url: str) -> None:
    bad = await give_up(house)
    assert await command(url, "drop", bad) == 0
    assert await house.unfinished() == []
    assert house.began.count(bad) == 9
