"""The outbox worker over a real database and a Slack in memory: visible once, in order, never after a take-over."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.answer import Answer
from bot.domain.conversation import Standing
from bot.domain.effects import (
    Outgoing,
    Receipt,
    Remove,
    ShowAnswer,
    ShowInStaffThread,
    ShowLive,
    Whisper,
)
from bot.domain.errors import PermanentError, TransientError
from bot.ports.clock import Clock
from bot.ports.pace import Toll
from bot.runtime.outbox import OutboxWorker
from bot.runtime.pace import Pace
from bot.store.engine import create_engine
from bot.store.migrate import migrate
from bot.store.store import SqlStore
from tests.contract.store_kit import NOW, PLACE, THREAD, conversation, enqueue, notice
from tests.fakes.messenger import FakeMessenger

HOUR = 3600.0


class Office:
    """A store, a worker and a Slack under one clock that the test moves."""

    def __init__(self, store: SqlStore) -> None:
        self.now = NOW
        self.store = store
        self.slack = FakeMessenger(self.clock)
        self.worker = self.new_worker()
        store.listen(effects=self.wake)

    def wake(self) -> None:
        self.worker.wake()

    def clock(self) -> float:
        return self.now

    def new_worker(self, *, parallel: int = 16) -> OutboxWorker:
        return OutboxWorker(
            self.store.queue, self.slack, self.clock, parallel=parallel, poll_seconds=0.05, settle_seconds=2.0
        )

    async def write(self, *outgoing: Outgoing) -> None:
        async with self.store.write() as tx:
            await tx.outbox.add(*outgoing)

    async def settle(self, seconds: float = 0.0) -> None:
        """Let `seconds` pass and everything that is due then be done."""
        self.now += seconds
        assert await self.worker.flush(5)

    async def receipt(self, key: str) -> Receipt | None:
        async with self.store.read() as tx:
            return await tx.outbox.receipt(key)


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    engine = create_engine(f"sqlite:///{tmp_path}/test.db")
    await migrate(engine)
    opened = Office(SqlStore(engine, enqueue, lambda: NOW))
    await opened.worker.start()
    yield opened
    await opened.worker.close()
    await engine.dispose()


def answer(key: str, text: str = "Here you are.", lane: str = "C1", **changes: object) -> Outgoing:
    return Outgoing(key, ShowAnswer(PLACE, Answer(text)), lane, **changes)  # type: ignore[arg-type]  # mixed fields


def live(key: str) -> Outgoing:
    return Outgoing(key, ShowLive(PLACE, "searching…"), "C1")


def whisper(key: str) -> Outgoing:
    return Outgoing(key, Whisper(PLACE, "U1", "only you"), "C1")


async def test_effects_of_a_lane_appear_in_the_order_they_were_written(office: Office) -> None:
    office.slack.fail("a1", TransientError("busy", retry_after=5))
    await office.write(*(notice(f"a{n}", f"text {n}") for n in range(5)))
    await office.settle()
    assert office.slack.texts("C1") == ["text 0"]
    await office.settle(seconds=5)
    assert office.slack.texts("C1") == [f"text {n}" for n in range(5)]


async def test_lanes_do_not_wait_for_each_other(office: Office) -> None:
    gate = office.slack.hold("slow")
    await office.write(notice("slow", lane="one"), *(notice(f"n{n}", lane=f"lane {n}") for n in range(3)))
    await office.slack.until(lambda: len(office.slack.delivered) == 3)
    gate.set()
    await office.settle()
    assert office.slack.delivered[-1] == "slow"


async def test_only_so_many_lanes_are_worked_on_at_once(office: Office) -> None:
    await office.worker.close()
    office.worker = office.new_worker(parallel=2)
    gates = [office.slack.hold(f"n{n}") for n in range(6)]
    await office.write(*(notice(f"n{n}", lane=f"lane {n}") for n in range(6)))
    await office.worker.start()
    await office.slack.until(lambda: office.slack.most_running == 2)
    for gate in gates:
        gate.set()
    await office.settle()
    assert (len(office.slack.delivered), office.slack.most_running) == (6, 2)


async def test_a_row_written_twice_is_delivered_once(office: Office) -> None:
    await office.write(notice("a", "first"))
    await office.settle()
    await office.write(notice("a", "second"))
    await office.settle()
    assert office.slack.texts("C1") == ["first"]


async def test_after_a_take_over_nothing_of_the_bot_is_sent(office: Office) -> None:
    async with office.store.write() as tx:
        await tx.conversations.open(conversation())
        await tx.conversations.set_owner(THREAD.id, Standing.HUMAN, "U9")
        words = answer("answer:R1", conversation_id=THREAD.id, epoch=1)
        await tx.outbox.add(words, notice("taken", "U9 has taken over", conversation_id=THREAD.id))
    await office.settle()
    assert office.slack.texts("C1") == ["U9 has taken over"]
    assert office.slack.attempted == ["taken"]


async def test_an_answer_that_waits_for_a_retry_is_dropped_by_a_take_over(office: Office) -> None:
    office.slack.fail("answer:R1", TransientError("busy", retry_after=3))
    async with office.store.write() as tx:
        await tx.conversations.open(conversation())
        await tx.outbox.add(answer("answer:R1", conversation_id=THREAD.id, epoch=1))
    await office.settle()
    async with office.store.write() as tx:
        await tx.conversations.set_owner(THREAD.id, Standing.HUMAN, "U9")
    await office.settle(seconds=3)
    assert (office.slack.attempted, office.slack.delivered) == (["answer:R1"], [])


async def test_an_answer_replaces_the_live_line(office: Office) -> None:
    await office.write(live("live:R1"), answer("answer:R1", edits="live:R1"))
    await office.settle()
    assert office.slack.texts("C1") == ["Here you are."]
    assert await office.receipt("answer:R1") == await office.receipt("live:R1")


async def test_an_answer_whose_live_line_never_appeared_is_posted_anew(office: Office) -> None:
    office.slack.fail("live:R1", PermanentError("channel_is_read_only"))
    await office.write(live("live:R1"), answer("answer:R1", edits="live:R1"), answer("b", "b", edits="unknown"))
    await office.settle()
    assert office.slack.texts("C1") == ["Here you are.", "b"]


async def test_a_live_line_is_removed_or_was_never_there(office: Office) -> None:
    office.slack.fail("live:R2", PermanentError("gone"))
    for run in ("R1", "R2"):
        await office.write(live(f"live:{run}"), Outgoing(f"remove:{run}", Remove(PLACE), "C1", edits=f"live:{run}"))
    await office.settle()
    assert office.slack.texts("C1") == []
    assert office.slack.delivered == ["live:R1", "remove:R1"]


async def test_a_reply_goes_under_its_card_even_from_another_lane(office: Office) -> None:
    gate = office.slack.hold("card:E1")
    reply = Outgoing("reply", ShowInStaffThread(PLACE, "more"), "elsewhere", under="card:E1")
    await office.write(notice("card:E1", "card"), reply)
    await asyncio.sleep(0.05)
    assert office.slack.delivered == []
    gate.set()
    await office.settle()
    await office.settle(seconds=1)
    [posted] = [one for one in office.slack.messages.values() if one.key == "reply"]
    assert posted.under == await office.receipt("card:E1")


async def test_a_message_whose_answer_was_lost_is_found_and_not_repeated(office: Office) -> None:
    office.slack.lose_answer("a")
    await office.write(notice("a"), notice("b"))
    await office.settle()
    assert office.slack.searched == []
    await office.settle(seconds=2)
    assert (office.slack.searched, office.slack.delivered) == (["a"], ["a", "b"])
    assert await office.receipt("a") is not None


async def test_a_message_that_did_not_arrive_is_sent_again(office: Office) -> None:
    office.slack.fail("a", TransientError("cut off", ambiguous=True))
    await office.write(notice("a"))
    await office.settle()
    await office.settle(seconds=2)
    assert (office.slack.searched, office.slack.attempted, office.slack.delivered) == (["a"], ["a", "a"], ["a"])


async def test_a_call_cut_off_by_a_crash_is_looked_for_by_the_next_process(office: Office) -> None:
    office.slack.hold("a")
    await office.write(notice("a"))
    await office.slack.until(lambda: office.slack.attempted == ["a"])
    await office.worker.close(grace=0)
    office.slack = FakeMessenger(office.clock)
    office.worker = office.new_worker()
    await office.worker.start()
    await office.settle()
    assert office.slack.attempted == []
    await office.settle(seconds=2)
    assert (office.slack.searched, office.slack.delivered) == (["a"], ["a"])


async def test_a_search_that_fails_is_repeated_before_anything_is_sent(office: Office) -> None:
    class Blind(FakeMessenger):
        blind = True

        async def find(self, outgoing: Outgoing, target: object, *, since: float) -> Receipt | None:
            if self.blind:
                raise TransientError("rate limited", retry_after=7)
            return await super().find(outgoing, target, since=since)  # type: ignore[arg-type]  # passed on as it came

    await office.worker.close()
    slack = office.slack = Blind(office.clock)
    office.worker = office.new_worker()
    await office.worker.start()
    slack.lose_answer("a")
    await office.write(notice("a"))
    await office.settle()
    await office.settle(seconds=2)
    slack.blind = False
    await office.settle(seconds=7)
    assert slack.delivered == ["a"]
    assert await office.receipt("a") is not None


async def test_whispers_give_up_after_three_tries_and_answers_only_after_a_day(office: Office) -> None:
    office.slack.fail("w", *[TransientError("busy", retry_after=1)] * 9)
    office.slack.fail("a", *[TransientError("busy", retry_after=1)] * 9)
    await office.write(whisper("w"), notice("a", lane="other"))
    for _ in range(6):
        await office.settle(seconds=1)
    assert (office.slack.attempted.count("w"), office.slack.attempted.count("a")) == (3, 6)
    await office.settle(seconds=24 * HOUR)
    await office.settle(seconds=24 * HOUR)
    assert (office.slack.attempted.count("a"), office.slack.delivered) == (7, [])


async def test_a_permanent_refusal_does_not_stop_the_lane(office: Office) -> None:
    office.slack.fail("a", PermanentError("not_in_channel"))
    await office.write(notice("a"), notice("b"))
    await office.settle()
    assert office.slack.delivered == ["b"]


async def test_a_fault_of_ours_is_tried_five_times_and_then_left(office: Office) -> None:
    office.slack.fail("a", *[KeyError("oops")] * 9)
    await office.write(notice("a"), notice("b"))
    for _ in range(8):
        await office.settle(seconds=60)
    assert (office.slack.attempted.count("a"), office.slack.delivered) == (5, ["b"])


async def test_a_row_for_later_is_delivered_later(office: Office) -> None:
    await office.write(replace(notice("a"), not_before=NOW + 30))
    await office.settle(seconds=29)
    assert office.slack.delivered == []
    await office.settle(seconds=1)
    assert office.slack.delivered == ["a"]


async def test_a_clock_set_back_an_hour_does_not_delay_what_was_postponed(office: Office) -> None:
    office.slack.fail("a", TransientError("busy", retry_after=30))
    office.slack.lose_answer("b")
    await office.write(notice("a", lane="one"), notice("b", lane="two"))
    await office.settle()
    assert office.slack.delivered == ["b"]
    await office.settle(seconds=-2 * HOUR)
    await office.settle(seconds=2)
    assert (office.slack.delivered, office.slack.searched) == (["b", "a"], ["b"])


class Slow(Pace):
    """Answers and cards go at once, live lines and whispers have their pace: one in ten seconds."""

    def __init__(self, store: SqlStore, clock: Clock) -> None:
        super().__init__(store.paces, clock, lambda outgoing, _: [Toll(outgoing.effect.kind, 10.0)])


async def paced(office: Office) -> None:
    await office.worker.close()
    pace = Slow(office.store, office.clock)
    office.worker = OutboxWorker(
        office.store.queue, office.slack, office.clock, poll_seconds=0.05, parallel=2, pace=pace
    )
    await office.worker.start()


async def test_answers_wait_for_slacks_pace_one_by_one_and_hold_up_nobody_else(office: Office) -> None:
    await paced(office)
    await office.write(*(answer(f"a{n}", lane=f"lane {n}") for n in range(5)), whisper("w"))
    await office.settle()
    assert office.slack.delivered == ["a0", "w"]
    for expected in (["a1"], ["a2"], ["a3"], ["a4"]):
        await office.settle(seconds=9.9)
        assert office.slack.delivered[-1] != expected[0]
        await office.settle(seconds=0.1)
        assert office.slack.delivered[-1:] == expected


async def test_a_live_line_that_would_come_late_is_left_out_and_its_answer_is_not(office: Office) -> None:
    await paced(office)
    for run in ("R1", "R2"):
        await office.write(
            Outgoing(f"live:{run}", ShowLive(PLACE, "searching…"), run),
            Outgoing(f"answer:{run}", ShowAnswer(PLACE, Answer(f"For {run}.")), run, edits=f"live:{run}"),
        )
    await office.settle()
    await office.settle(seconds=10)
    assert sorted(office.slack.delivered) == ["answer:R1", "answer:R2", "live:R1"]
    assert office.slack.texts("C1") == ["For R1.", "For R2."]


async def test_an_answer_that_waits_for_its_turn_is_dropped_by_a_take_over(office: Office) -> None:
    await paced(office)
    async with office.store.write() as tx:
        await tx.conversations.open(conversation())
        await tx.outbox.add(answer("a0", lane="one"), answer("a1", lane="two", conversation_id=THREAD.id, epoch=1))
    await office.settle()
    async with office.store.write() as tx:
        await tx.conversations.set_owner(THREAD.id, Standing.HUMAN, "U9")
    await office.settle(seconds=10)
    assert (office.slack.attempted, await office.receipt("a1")) == (["a0"], None)


async def test_a_booked_place_is_given_up_when_slack_closes_the_way_meanwhile(office: Office) -> None:
    await paced(office)
    await office.write(answer("a0", lane="one"), answer("a1", lane="two"))
    await office.settle()
    await office.store.paces.close(Toll("answer", 10.0), at=office.now, until=office.now + 60)
    await office.settle(seconds=10)
    assert office.slack.attempted == ["a0"]
    await office.settle(seconds=50)
    assert office.slack.delivered == ["a0", "a1"]


async def test_a_look_up_that_stays_impossible_is_counted_and_the_customer_is_not_left_without_an_answer(
    office: Office,
) -> None:
    class Blind(FakeMessenger):
        async def find(self, outgoing: Outgoing, target: object, *, since: float) -> Receipt | None:
            raise PermanentError("missing_scope")

    await office.worker.close()
    office.slack = Blind(office.clock)
    office.worker = office.new_worker()
    await office.worker.start()
    office.slack.fail("a", TransientError("cut off", ambiguous=True))
    await office.write(notice("a"))
    await office.settle()
    await office.settle(seconds=2)
    assert (office.slack.delivered, office.worker.ambiguous) == (["a"], 1)


async def test_closing_lets_the_call_under_way_end(office: Office) -> None:
    gate = office.slack.hold("a")
    await office.write(notice("a"), notice("b"))
    await office.slack.until(lambda: office.slack.attempted == ["a"])
    asyncio.get_running_loop().call_later(0.05, gate.set)
    await office.worker.close()
    assert office.slack.delivered == ["a"]
    assert await office.receipt("a") is not None
