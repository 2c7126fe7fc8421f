"""Slack's rate limits are on: everybody is answered, and Slack hardly ever has to say no."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes.desk import Desk, open_desk
from tests.fakes.desk_claude import Claude
from tests.fakes.discretion import assert_discreet, assert_logs_are_discreet
from tests.fakes.messages_api import Move, Seen, text
from tests.fakes.sandbox_driver import FAST

PEOPLE = ("U0ANA", "U0BO", "U0CHIDI", "U0DARIA", "U0EMI")
CROWD = 12


def echo(seen: Seen) -> Move:
    """Answer with the number that was asked about."""
    found = re.findall(r"number (\d+)", seen.last_text)
    return text(f"You asked about {', '.join(found)}.")


@pytest.fixture
async def strict(tmp_path: Path, template: Path, claude: Claude) -> AsyncIterator[Desk]:
    """A desk on a Slack that keeps count."""
    config = replace(FAST, rate_limits=True)
    async with open_desk(tmp_path, claude=claude, template=template, config=config) as opened:
        yield opened
    assert_discreet(opened)
    assert_logs_are_discreet(opened)


async def refusals(desk: Desk) -> Counter[str]:
    """Calls Slack answered with 429, by method."""
    calls = (await desk.driver.look("calls"))["calls"]
    return Counter(c["method"] for c in calls if c["error"] == "ratelimited")


async def test_conversations_in_one_channel_at_once_are_all_answered_without_slack_saying_no(
    strict: Desk,
) -> None:
    strict.claude.always = echo
    strict.claude.latency = 0.3
    people = [strict.customer(PEOPLE[n % 5]) for n in range(CROWD)]
    threads = await asyncio.gather(*(p.asks(f"What about number {n}?") for n, p in enumerate(people)))
    for number, thread in enumerate(threads):
        assert f"You asked about {number}." in (await thread.answer(seconds=60)).text
    await strict.settled(60)
    assert all(len(thread.ours()) == 1 for thread in threads)
    assert (await refusals(strict)).total() <= 2, "a busy machine may bring two calls together"
