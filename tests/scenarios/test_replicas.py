"""Several replicas on one PostgreSQL: whichever dies, freezes or is replaced, customers get exactly one answer."""

import asyncio
import re
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bot.runtime.replicas import EXIT_DECLARED_DEAD
from tests.fakes.desk_claude import Claude, escalate, ticket
from tests.fakes.desk_people import Thread
from tests.fakes.desk_replicas import ReplicatedDesk, open_replicated_desk
from tests.fakes.discretion import assert_discreet
from tests.fakes.messages_api import Move, Seen, text

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]

DONE = "I opened a ticket and asked a colleague."
PEOPLE = ("U0ANA", "U0BO", "U0CHIDI", "U0DARIA", "U0EMI")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ReplicatedDesk]:
    """One workspace and two replicas for all stories: starting them takes its time."""
    async with Claude() as claude:
        async with open_replicated_desk(tmp_path_factory.mktemp("replicas"), claude, 2) as opened:
            yield opened
        assert claude.refused == []


@pytest_asyncio.fixture(loop_scope="module")
async def desk(shared: ReplicatedDesk) -> AsyncIterator[ReplicatedDesk]:
    await shared.whole()
    shared.claude.always = work_through
    yield shared
    shared.claude.let_go()
    assert_discreet(shared)


def work_through(seen: Seen) -> Move:
    """Ticket, then case, then answer: what was done already is seen from the results."""
    results = sum(str(m["content"]).count("'tool_result'") for m in seen.messages)
    customer = seen.last_text.partition("Customer: ")[2] or str(seen.messages)
    email = "bo@northpine.example" if "Bo Lindqvist" in customer else "ana@cobalt-studio.example"
    return [ticket(email), escalate("We will fix it."), text(DONE)][min(results, 2)]


def echo(seen: Seen) -> Move:
    """Answer with the number that was asked about."""
    found = re.findall(r"number (\d+)", seen.last_text)
    return text(f"You asked about {', '.join(found)}.")


async def finished_once(desk: ReplicatedDesk, thread: Thread, tickets: int, cards: int, seconds: float = 60) -> None:
    await thread.says(DONE, seconds=seconds)
    await desk.settled(60)
    assert [m.kind for m in thread.ours()] == ["answer"]
    assert thread.text().count(DONE) == 1
    assert len(desk.tickets()) == tickets + 1
    assert len(desk.cards()) == cards + 1


async def test_p2_p3_many_conversations_on_two_replicas_get_one_answer_each(desk: ReplicatedDesk) -> None:
    desk.claude.always = echo
    people = [desk.customer(PEOPLE[n % 5]) for n in range(20)]
    threads = await asyncio.gather(*(p.asks(f"What about number {n}?") for n, p in enumerate(people)))
    await asyncio.gather(*(p.says(f"And number {n}?", t) for n, (p, t) in enumerate(zip(people, threads, strict=True))))
    await desk.settled(90)
    for number, thread in enumerate(threads):
        words = "".join(m.text for m in thread.ours())
        assert re.findall(r"about ([\d, ]+)\.", words) in ([f"{number}, {number}"], [f"{number}"] * 2)
    busy = {row for (row,) in desk.rows("select distinct executor_id from dbos.workflow_status")}
    assert len(busy) >= 2, "one replica did everything"


async def test_a_case_is_taken_over_approved_and_handed_back_whoever_hears_of_it(desk: ReplicatedDesk) -> None:
    desk.claude.always = text("I have asked a colleague.")
    desk.claude.will(escalate("You get $81 back."))
    ana, sam = desk.customer(), desk.staff()
    thread = await ana.asks("I was charged twice")
    await thread.answer()
    card = await desk.card(number=len(desk.cards()))
    await sam.presses("Take over", card)
    await thread.says("has taken over")
    await ana.says("Hello Sam?", thread)
    await card.gets_reply("Hello Sam?")
    await sam.under(card, "Hello Ana!")
    await thread.says("Hello Ana!")
    await sam.presses("Hand back", card)
    await sam.submits(text="")
    await thread.says("has handed this conversation back")
    desk.claude.will(escalate("Here you are.", reason="She asks about her refund."))
    await ana.says("And my refund?", thread)
    second = await desk.card(number=len(desk.cards()) + 1)
    await asyncio.gather(*(desk.staff(who).presses("Approve", second) for who in ("U0SAM", "U0GRACE")))
    await thread.says("Here you are.")
    await desk.settled(60)
    assert thread.text().count("Here you are.") == 1


@pytest.mark.alone
async def test_p1_p2_the_other_finishes_what_a_killed_replica_began(desk: ReplicatedDesk) -> None:
    before, asked = (len(desk.tickets()), len(desk.cards())), desk.claude.under_way
    desk.claude.hold()
    thread = await desk.customer().asks("My export fails, open a ticket and ask somebody")
    await desk.claude.is_asked(asked + 1)
    victim = await desk.at_work()
    desk.claude.let_go()
    await asyncio.sleep(0.05)
    await victim.kill()
    began = time.monotonic()
    await finished_once(desk, thread, *before)
    assert time.monotonic() - began < 5 + 5, "taken over within five seconds, then the rest of the work"


async def test_p2_a_replica_that_was_frozen_ends_by_itself_and_the_answer_comes_once(desk: ReplicatedDesk) -> None:
    before, asked = (len(desk.tickets()), len(desk.cards())), desk.claude.under_way
    desk.claude.hold()
    thread = await desk.customer().asks("My export fails, open a ticket and ask somebody")
    await desk.claude.is_asked(asked + 1)
    zombie = await desk.at_work()
    zombie.freeze()
    desk.claude.let_go()
    await asyncio.sleep(6)
    zombie.thaw()
    assert await zombie.ended() == EXIT_DECLARED_DEAD
    await finished_once(desk, thread, *before)


@pytest.mark.alone
async def test_p1_a_replica_that_is_stopped_hands_its_work_over(desk: ReplicatedDesk) -> None:
    """Claude takes longer than a stop may: the run cannot end before its process does."""
    before, asked = (len(desk.tickets()), len(desk.cards())), desk.claude.under_way
    desk.claude.hold()
    thread = await desk.customer().asks("My export fails, open a ticket and ask somebody")
    await desk.claude.is_asked(asked + 1)
    leaving = await desk.at_work()
    began = time.monotonic()
    await leaving.stop()
    assert time.monotonic() - began < 20
    desk.claude.let_go()
    await finished_once(desk, thread, *before)


async def test_p1_p2_p3_a_rolling_restart_under_load_loses_and_repeats_nothing(desk: ReplicatedDesk) -> None:
    desk.claude.always = echo
    threads: list[Thread] = []
    rolling = asyncio.Event()

    async def write() -> None:
        while not rolling.is_set():
            number = len(threads)
            threads.append(await desk.customer(PEOPLE[number % 5]).asks(f"What about number {number}?"))
            await asyncio.sleep(1)

    async with asyncio.TaskGroup() as group:
        group.create_task(write())
        for one in desk.replicas:
            await asyncio.sleep(0.5)
            await one.stop()
            await one.start()
        rolling.set()
    await desk.settled(90)
    for number, thread in enumerate(threads):
        assert thread.text().count(f"You asked about {number}.") == 1
        assert len(thread.ours()) == 1
