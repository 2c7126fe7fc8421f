"""Kill -9 while a stream begins, goes on or ends: after the start there is one message, whole, and the right status."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.fakes.desk import Desk, open_killable_desk
from tests.fakes.desk_claude import Claude, search
from tests.fakes.desk_people import Thread
from tests.fakes.desk_program import Program
from tests.fakes.discretion import assert_discreet
from tests.fakes.messages_api import Move, Seen, text
from tests.fakes.sandbox_driver import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

LONG = "\n\n".join(f"Paragraph {n} says something that is worth its money." for n in range(1, 91))


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory, template: Path) -> AsyncIterator[Desk]:
    async with Claude() as claude:
        async with open_killable_desk(tmp_path_factory.mktemp("streams"), claude, template) as opened:
            claude.always = work_through
            yield opened
            assert_discreet(opened)
        assert claude.refused == []


def work_through(seen: Seen) -> Move:
    """Search, then a long answer."""
    return text(LONG) if "'tool_result'" in str(seen.messages[-1]["content"]) else search()


@pytest.mark.parametrize(
    ("method", "dies_after"),
    [("chat.startStream", True), ("chat.appendStream", True), ("chat.stopStream", False), ("chat.stopStream", True)],
)
async def test_p2_killed_while_slack_is_taking_a_part_of_a_stream(desk: Desk, method: str, *, dies_after: bool) -> None:
    ana = await desk.customer().in_dm()
    kind = {"kind": "delay", "seconds": 0.7} if dies_after else {"kind": "reset_before"}
    calls = len(await desk.driver.calls(method))
    await desk.driver.call("fault", method=method, **kind)
    thread = await ana.asks("How do I invite a guest?")
    if dies_after:
        await eventually(lambda: _on_its_way(desk, "live" if method == "chat.startStream" else "answer"))
        await asyncio.sleep(0.2)
    else:
        await eventually(lambda: _more_calls(desk, method, calls))
    assert isinstance(desk.bot, Program)
    await desk.bot.kill()
    await eventually(lambda: _more_calls(desk, method, calls))
    await desk.bot.start()
    await _finished_once(desk, thread)


async def _finished_once(desk: Desk, thread: Thread) -> None:
    await thread.says("Paragraph 90 ", seconds=60)
    await desk.settled(60)
    [message] = thread.ours()
    assert message.kind == "answer"
    assert message.text.count("says something") == 90
    assert message.has_feedback
    assert not message.raw.get("streaming")
    assert thread.session() == "active"


async def _on_its_way(desk: Desk, kind: str) -> bool:
    under_way = desk.rows("select kind from outbox where state = 'waiting' and intent_at is not null")
    return (kind,) in under_way


async def _more_calls(desk: Desk, method: str, calls: int) -> bool:
    return len(await desk.driver.calls(method)) > calls
