"""Many customers, little luck: order, budgets and exactly-once under load and with Slack in trouble."""

import asyncio
import functools
import re
from decimal import Decimal

import pytest

from bot.runtime.outbox import OutboxWorker
from tests.fakes.desk import Desk
from tests.fakes.desk_claude import escalate, search, ticket
from tests.fakes.messages_api import Move, Seen, text
from tests.fakes.sandbox_driver import Json

PEOPLE = ("U0ANA", "U0BO", "U0CHIDI", "U0DARIA", "U0EMI")


def echo(seen: Seen) -> Move:
    """Answer with the number that was asked about."""
    found = re.findall(r"number (\d+)", seen.last_text)
    return text(f"You asked about {', '.join(found)}.")


async def test_p2_twenty_five_conversations_at_once_get_one_answer_each_and_the_right_one(desk: Desk) -> None:
    desk.claude.always = echo
    desk.claude.latency = 0.05
    people = [desk.customer(PEOPLE[n % 5]) for n in range(25)]
    threads = await asyncio.gather(*(p.asks(f"What about number {n}?") for n, p in enumerate(people)))
    for number, thread in enumerate(threads):
        assert f"You asked about {number}." in (await thread.answer(seconds=40)).text
    await desk.settled(40)
    for thread in threads:
        assert len(thread.ours()) == 1


async def test_p3_what_is_written_during_a_run_is_answered_after_it_in_order(desk: Desk) -> None:
    ana = desk.customer()
    desk.claude.always = echo
    desk.claude.hold()
    thread = await ana.asks("Tell me about number 1")
    await desk.claude.is_asked(1)
    await ana.says("and number 2", thread)
    await ana.says("and number 3", thread)
    await desk.told()
    desk.claude.let_go()
    await thread.answer(2)
    await desk.settled()
    assert [m.text.splitlines()[0] for m in thread.ours()] == [
        "You asked about 1.", "You asked about 2, 3.",
    ]  # fmt: skip


async def test_p4_a_workspaces_money_holds_for_all_conversations_together(desk: Desk) -> None:
    await desk.customer("U0GRACE").types("set workspace 0.10 per day")
    desk.claude.always = lambda seen: text("Guests are free.") if seen.tool_results else search()
    threads = await asyncio.gather(*(desk.customer(p).asks("What do guests cost?") for p in PEOPLE * 2))
    answers = [await thread.answer(seconds=40) for thread in threads]
    await desk.settled()
    assert desk.claude.cost <= Decimal("0.10")
    stopped = [a for a in answers if "reached the limit" in a.text]
    assert stopped
    assert len(desk.cards()) == len(stopped)


async def test_p10_the_cached_prefix_is_the_same_for_everybody_and_every_turn(desk: Desk) -> None:
    ana = desk.customer()
    thread = await ana.asks("What do guests cost?")
    await thread.answer()
    await ana.says("And members?", thread)
    await thread.answer(2)
    await (await desk.customer("U0BO").asks("What do guests cost?")).answer()
    assert [bill.read > 0 for bill in desk.claude.bills] == [False, False, True, False, True, False]
    prefixes = {str((seen.body["system"], seen.body["tools"])) for seen in desk.claude.asked}
    assert len(prefixes) == 1


async def test_p9_every_call_tool_and_decision_of_a_run_is_in_its_trace(desk: Desk) -> None:
    desk.claude.will(search(), ticket(), escalate(), text("I opened a ticket and asked a colleague."))
    thread = await desk.customer().asks("Export broken, help")
    await thread.answer()
    events = desk.rows("select step, action, name, ok from traces order by seq")
    names = [name for _, _, name, _ in events]
    assert names.count("claude-sonnet-5-5") == 4
    for name in ("search_knowledge_base", "create_ticket", "escalate_to_human", "claude-haiku-5-5", "escalated"):
        assert name in names
    assert all(ok for *_, ok in events)


TROUBLES: dict[str, Json] = {
    "ratelimited": {"kind": "ratelimited", "retry_after": 1},
    "server_error": {"kind": "http_500"},
    "reset_before": {"kind": "reset_before"},
    "reset_after": {"kind": "reset_after"},
}


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("method", ["chat.postMessage", "chat.update"])
async def test_p1_p2_when_slack_falters_everything_still_appears_once(
    desk: Desk, method: str, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a cut connection the bot looks whether the message came through; here it may look sooner."""
    monkeypatch.setattr("bot.app.OutboxWorker", functools.partial(OutboxWorker, settle_seconds=0.2))
    await desk.restart()
    desk.claude.will(escalate("You get $81 back."), text("I have asked a colleague."))
    desk.claude.hold()
    thread = await desk.customer().asks("I was charged twice")
    await thread.is_worked_on()
    await desk.claude.is_asked(1)
    await asyncio.sleep(0.05)
    await desk.driver.call("fault", method=method, **TROUBLES[trouble])
    desk.claude.let_go()
    assert "I have asked a colleague." in (await thread.answer()).text
    await desk.settled()
    assert len(thread.ours()) == 1
    assert len(desk.cards()) == 1


async def test_without_the_live_line_the_answer_comes_all_the_same(desk: Desk) -> None:
    await desk.driver.call("fault", method="chat.postMessage", kind="error", error="invalid_blocks")
    thread = await desk.customer().asks("What do guests cost?")
    assert "Happy to help" in (await thread.answer()).text
    await desk.settled()
    assert len(thread.ours()) == 1
    desk.expects_errors = True
