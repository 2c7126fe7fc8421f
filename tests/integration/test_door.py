"""The door on both databases: edits, deletions, Stop, mutes, other bots and other organisations, as events come in."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.agent.toolbox import PENDING
from bot.desk.cases import Cases
from bot.desk.intake import Intake
from bot.desk.interrupted import end_interrupted
from bot.desk.people import People, StaffRoom
from bot.desk.stopping import Stopping
from bot.domain.answer import Outcome
from bot.domain.conversation import Line, Speaker, Surface
from bot.domain.effects import Outgoing, Place, ShowLive
from bot.domain.escalation import NewEscalation, Origin, Proposal
from bot.domain.gate import PAIR_EVENTS, PAIR_SECONDS, PAUSE_SECONDS, Mute, SharedChannel
from bot.domain.incoming import MessageDeleted, MessageEdited, MessageReceived, StopPressed
from bot.domain.trace import Action, TraceEvent
from bot.ports.clock import sortable_id
from bot.ports.slack import Person
from bot.ports.store import Queued, Run
from bot.store.store import SqlStore
from tests.contract.store_kit import KINDS, NOW, THREAD, carry_on, conversation, database, message, open_store

ROOT = f"{NOW - 60:.6f}"
ASKED = message(ROOT, event_id="EvRoot")
EDIT = MessageEdited(THREAD, ROOT, "U1", "My receipt is wrong", "EvEdit", edited_at="1800000001.000000")
GONE = MessageDeleted(THREAD, ROOT, "EvGone")


class Town:
    """U9 is staff."""

    async def person(self, user_id: str) -> Person:
        return Person(user_id, "T1", "Sam", None, is_bot=False)

    async def is_member(self, channel_id: str, user_id: str) -> bool:
        return user_id == "U9"

    async def in_group(self, group_id: str, user_id: str) -> bool:
        return False

    async def permalink(self, place: Place) -> str:
        return ""


@dataclass
class Hall:
    """A store with a conversation, and the door of a desk on it."""

    store: SqlStore
    now: float = NOW

    def __post_init__(self) -> None:
        town, room = Town(), StaffRoom("C0STAFF", {}, frozenset({"U9"}), frozenset({"B7"}))
        people = People(town, room, "T1")
        cases = Cases(self.store, people, town, room, self.clock)
        self.door = Intake(self.store, people, cases, self.clock, sortable_id, profile_for={})

        self.stopping = Stopping(self.store, people, self.clock, sortable_id)

    def clock(self) -> float:
        return self.now

    async def rows(self, query: str) -> list[object]:
        async with self.store.read() as tx:
            found = (await tx.connection.execute(sa.text(query))).all()
        return [row[0] if len(row) == 1 else tuple(row) for row in found]

    async def words(self) -> list[str]:
        """What waits for an answer."""
        async with self.store.read() as tx:
            waiting = [row.incoming for row in await tx.inbox.waiting(THREAD.id)]
        return [row.text for row in waiting if isinstance(row, MessageReceived)]

    async def works(self, number: int = 1, *inbox_ids: str) -> Run:
        """A run on what waits."""
        async with self.store.write() as tx:
            ids = inbox_ids or tuple(row.id for row in await tx.inbox.waiting(THREAD.id))
            run = Run(f"run-{number}", THREAD.id, ids, "U1", epoch=1, live_key=f"live:{ids[0]}", started_at=self.now)
            await tx.runs.begin(run)
            await tx.outbox.add(
                Outgoing(f"live:{ids[0]}", ShowLive(Place("T1", "C1", THREAD.thread_ts), "…"), THREAD.id, THREAD.id)
            )
        return run

    async def ends(self, run: Run) -> bool:
        async with self.store.write() as tx:
            return await end_interrupted(tx, conversation(), run, None, self.now)


ON_BOTH = pytest.mark.parametrize("hall", KINDS, indirect=True)
"""What depends on how the database locks and counts; the rest is tried on SQLite."""


@pytest.fixture
async def hall(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Hall]:
    async with database(getattr(request, "param", "sqlite"), tmp_path) as url, open_store(url) as store:
        async with store.write() as tx:
            await tx.conversations.open(conversation())
        yield Hall(store)


async def test_an_edit_that_comes_twice_or_too_late_changes_nothing(hall: Hall) -> None:
    assert await hall.door.accept(ASKED)
    assert await hall.door.accept(EDIT)
    assert not await hall.door.accept(EDIT)
    assert await hall.door.accept(replace(EDIT, text="My bill is wrong", event_id="Change2", edited_at="1800000002.0"))
    assert not await hall.door.accept(replace(EDIT, event_id="Change3"))
    assert not await hall.door.accept(
        replace(EDIT, event_id="Change4", text="mine", user_id="U2", edited_at="1800000009.0")
    )
    assert await hall.words() == ["My bill is wrong"]


@ON_BOTH
async def test_an_edit_restarts_the_run_once_and_the_live_line_stays(hall: Hall) -> None:
    await hall.door.accept(ASKED)
    run = await hall.works()
    assert await hall.door.accept(EDIT)
    assert await hall.ends(run)
    assert await hall.words() == ["My receipt is wrong"]
    assert await hall.rows("select outcome from runs") == [Outcome.SUPERSEDED]
    assert await hall.rows("select key from outbox where kind = 'remove'") == []
    again = await hall.works(2)
    assert not await hall.door.accept(EDIT)
    assert not await hall.ends(again)
    assert await hall.rows("select outcome from runs where id = 'run-2'") == [None]


async def test_a_question_that_never_rests_is_answered_in_the_end(hall: Hall) -> None:
    await hall.door.accept(ASKED)
    restarts = 0
    for number in range(1, 10):
        run = await hall.works(number)
        await hall.door.accept(
            replace(EDIT, text=f"Take {number}", event_id=f"Change{number}", edited_at=f"180000000{number}.0")
        )
        if not await hall.ends(run):
            break
        restarts += 1
    assert restarts == 5
    assert await hall.words() == ["Take 6"]


async def test_what_the_first_run_has_done_is_told_to_the_second(hall: Hall) -> None:
    await hall.door.accept(ASKED)
    run = await hall.works()
    async with hall.store.write() as tx:
        for name, got in (("create_ticket", "Ticket FW-7 opened"), ("search_knowledge_base", "3 articles")):
            await tx.traces.add(TraceEvent(THREAD.id, run.id, 1, Action.TOOL_RESULT, name, NOW, got=got))
        asked = TraceEvent(THREAD.id, run.id, 1, Action.TOOL_RESULT, "issue_refund", NOW, got="waits for consent")
        await tx.traces.add(replace(asked, error=PENDING))
    await hall.door.accept(EDIT)
    await hall.ends(run)
    (note,) = await hall.rows("select text from transcript_lines")
    assert "Ticket FW-7 opened" in str(note)
    assert "articles" not in str(note)
    assert "issue_refund" not in str(note), "nothing was refunded yet"


@ON_BOTH
async def test_of_a_burst_one_message_may_be_taken_back(hall: Hall) -> None:
    await hall.door.accept(ASKED)
    await hall.door.accept(message(f"{NOW - 59:.6f}", text="And the export fails"))
    run = await hall.works()
    assert await hall.door.accept(GONE)
    assert not await hall.door.accept(GONE)
    assert await hall.ends(run)
    assert await hall.words() == ["And the export fails"]
    assert await hall.rows("select outcome from runs") == [Outcome.SUPERSEDED]
    assert "invoice" not in str(await hall.rows("select payload from inbox"))
    assert len(await hall.rows("select key from outbox where kind = 'remove'")) == 1


async def test_a_deleted_question_is_gone_and_so_is_the_line_of_an_answered_one(hall: Hall) -> None:
    await hall.door.accept(ASKED)
    run = await hall.works()
    await hall.door.accept(GONE)
    assert await hall.ends(run)
    assert await hall.words() == []
    assert await hall.rows("select outcome from runs") == [Outcome.STOPPED]
    later = message(f"{NOW - 50:.6f}", text="My shoes are 1234 mm long")
    await hall.door.accept(later)
    async with hall.store.write() as tx:
        await tx.conversations.add_lines(THREAD.id, Line(Speaker.CUSTOMER, "Ana", later.text, NOW))
        await tx.inbox.mark_handled([row.id for row in await tx.inbox.waiting(THREAD.id)])
    assert await hall.door.accept(MessageDeleted(THREAD, later.ts, "EvGone2"))
    assert await hall.rows("select text from transcript_lines") == []
    assert "1234" not in str(await hall.rows("select payload from inbox"))


@ON_BOTH
async def test_an_edit_after_the_answer_is_noted_and_what_is_proposed_withdrawn(hall: Hall) -> None:
    await hall.door.accept(ASKED)
    run = await hall.works()
    new = NewEscalation("E1", THREAD.id, Origin.TOOL, "refund", "wants $10", None, Proposal("We refund $10."))
    async with hall.store.write() as tx:
        await tx.escalations.open(new, staff_channel="C9", at=NOW)
        await tx.runs.record(run.id, "case", "E1")
        await tx.runs.finish(run.id, Outcome.AWAITING_APPROVAL)
        await tx.inbox.mark_handled(run.inbox_ids)
        await tx.conversations.add_lines(THREAD.id, Line(Speaker.CUSTOMER, "Ana", ASKED.text, NOW))
    assert await hall.door.accept(EDIT)
    assert await hall.words() == []
    lines = [str(line) for line in await hall.rows("select text from transcript_lines order by seq")]
    assert lines[0] == "My receipt is wrong"
    assert "My invoice is wrong" in lines[1]
    async with hall.store.read() as tx:
        case = await tx.escalations.get("E1")
    assert case is not None
    assert case.proposal is None
    assert await hall.door.accept(replace(EDIT, text="My bill is wrong", event_id="Change5", edited_at="1800000005.0"))
    assert (await hall.rows("select text from transcript_lines order by seq"))[0] == "My bill is wrong"


async def test_what_is_proposed_after_a_decision_stands_on_the_question_too(hall: Hall) -> None:
    await hall.door.accept(ASKED)
    first = await hall.works()
    new = NewEscalation("esc-run-2", THREAD.id, Origin.GATED, "less", "wants $5", None, Proposal("$5?"), "U1", "T1")
    async with hall.store.write() as tx:
        await tx.runs.finish(first.id, Outcome.AWAITING_APPROVAL)
        await tx.inbox.mark_handled(first.inbox_ids)
        await tx.inbox.add("c1", carry_on("denied:esc-run-1"), conversation_id=THREAD.id, partition=THREAD.id)
        await tx.runs.begin(Run("run-2", THREAD.id, ("c1",), "U1", epoch=1, live_key=None, started_at=NOW))
        await tx.escalations.open(new, staff_channel="C9", at=NOW)
        await tx.runs.finish("run-2", Outcome.AWAITING_APPROVAL)
        await tx.inbox.mark_handled(["c1"])
    assert await hall.door.accept(GONE)
    async with hall.store.read() as tx:
        case = await tx.escalations.get("esc-run-2")
    assert case is not None
    assert case.proposal is None


async def test_an_edit_that_turns_to_the_bot_asks_whether_or_not_the_message_was_known(hall: Hall) -> None:
    fresh = replace(ASKED, thread=replace(THREAD, thread_ts=ROOT), is_root=True, event_id="Change7", text="And this?")
    turned = replace(EDIT, thread=fresh.thread, text=fresh.text, asks_again=fresh, event_id="Change7")
    assert await hall.door.accept(turned)
    assert not await hall.door.accept(replace(fresh, event_id="EvMention"))
    plain = message(f"{NOW - 40:.6f}", mentions_bot=False, text="Hm")
    await hall.door.accept(plain)
    async with hall.store.write() as tx:
        await tx.inbox.mark_handled([row.id for row in await tx.inbox.waiting(THREAD.id)])
    again = replace(plain, mentions_bot=True, text="Hm, why?")
    edit = MessageEdited(THREAD, plain.ts, "U1", "Hm, why?", "Change8", f"{NOW - 30:.6f}", again)
    assert await hall.door.accept(edit)
    assert not await hall.door.accept(edit)
    assert await hall.words() == ["Hm, why?"]
    run = await hall.works()
    later = replace(edit, text="Hm, how?", event_id="Change9", edited_at=f"{NOW - 20:.6f}", asks_again=None)
    assert await hall.door.accept(later)
    assert await hall.ends(run), "what was asked by the edit is edited, too"
    assert await hall.words() == ["Hm, how?"]
    restarted = await hall.works(2)
    assert await hall.door.accept(MessageDeleted(THREAD, plain.ts, "EvGone9"))
    assert await hall.ends(restarted)
    assert await hall.words() == []
    assert "how?" not in str(await hall.rows("select payload from inbox"))


@ON_BOTH
async def test_stop_is_for_the_asker_at_once_and_for_others_after_a_look(hall: Hall) -> None:
    await hall.door.accept(ASKED)
    run = await hall.works()
    for other in (StopPressed(THREAD, "U2", "press:1", "T1"), StopPressed(THREAD, "U1", "press:2", "T2")):
        assert await hall.door.accept(other)
        assert await hall.rows("select stop_requested from runs") in ([False], [0])
    assert await hall.rows("select count(*) from inbox where kind = 'stop'") == [2]
    assert await hall.door.accept(StopPressed(THREAD, "U1", "press:3", "T1"))
    async with hall.store.read() as tx:
        assert await tx.runs.overtaken([run.id])
    await hall.door.accept(EDIT)
    assert not await hall.ends(run), "whoever pressed Stop is told that it has stopped"


@ON_BOTH
async def test_another_bots_chatter_ends_in_a_pause_across_replicas(hall: Hall) -> None:
    other = Hall(hall.store)
    stored = 0
    for number in range(PAIR_EVENTS + 5):
        said = message(f"{NOW + number}.000001", bot_id="B7", user_id="B7")
        door = (hall, other)[number % 2].door
        stored += await door.accept(said)
        assert not await door.accept(said), "a twin is not counted"
    assert stored == PAIR_EVENTS
    notices = await hall.rows("select key from outbox where kind = 'notice'")
    assert len(notices) == 2, "one in the thread, one for staff"
    later = message(f"{NOW + 99}.000001", bot_id="B7", user_id="B7")
    hall.now += PAIR_SECONDS + 1
    assert not await hall.door.accept(later)
    hall.now += PAUSE_SECONDS
    assert await hall.door.accept(later)
    assert await hall.door.accept(message(f"{NOW + 98}.000001")), "people are heard all the time"


async def test_a_bot_that_begins_a_new_thread_each_time_is_counted_all_the_same(hall: Hall) -> None:
    stored = 0
    for number in range(PAIR_EVENTS + 5):
        ts = f"{NOW + number}.000001"
        thread = replace(THREAD, thread_ts=ts)
        stored += await hall.door.accept(message(ts, thread=thread, bot_id="B7", user_id="B7", is_root=True))
    assert stored == PAIR_EVENTS
    assert len(await hall.rows("select key from outbox where kind = 'notice'")) == 1, "for staff"


async def test_other_bots_are_heard_when_they_are_listed_and_turn_to_us(hall: Hall) -> None:
    bot = message(f"{NOW}.1", bot_id="B7", user_id="B7")
    for ignored in (
        replace(bot, mentions_bot=False),
        replace(bot, bot_id="B8", user_id="B8"),
        replace(bot, text="mute"),
        replace(bot, text="resume"),
        replace(bot, text="allow channel"),
        replace(bot, text="staff here"),
    ):
        assert not await hall.door.accept(ignored), ignored
    assert await hall.door.accept(bot)


async def test_a_mute_holds_before_any_sign_of_work_and_ends_by_itself(hall: Hall) -> None:
    async with hall.store.write() as tx:
        await tx.gates.mute(Mute("T1", "C1", "U9", NOW, NOW + 3600))
    assert await hall.door.accept(ASKED)
    assert await hall.door.accept(message(f"{NOW}.2"))
    assert await hall.words() == ["My invoice is wrong"] * 2
    assert await hall.rows("select kind from outbox") == ["whisper"]
    hall.now += 3601
    async with hall.store.write() as tx:
        await tx.inbox.mark_handled([row.id for row in await tx.inbox.waiting(THREAD.id)])
    await hall.door.accept(message(f"{NOW}.3"))
    assert await hall.rows("select kind from outbox order by seq") == ["whisper", "live"]


async def test_a_shared_channel_is_closed_until_it_is_allowed_and_staff_are_asked_once(hall: Hall) -> None:
    said = replace(ASKED, is_shared=True, author_team="T2", user_id="U5")
    for number, user in enumerate(("U5", "U5", "U6")):
        assert not await hall.door.accept(replace(said, ts=f"{NOW}.{number}", user_id=user, event_id=f"E{number}"))
    kinds = await hall.rows("select kind, count(*) from outbox group by kind order by kind")
    assert kinds == [("notice", 1), ("whisper", 2)]
    assert await hall.words() == []
    async with hall.store.write() as tx:
        await tx.gates.allow(SharedChannel("T1", "C1", is_allowed=True, by="U9", at=NOW))
    assert await hall.door.accept(replace(said, ts=f"{NOW}.8", event_id="E8"))


async def test_the_line_of_somebody_from_another_workspace_is_streamed_to_them_there(hall: Hall) -> None:
    thread = replace(THREAD, channel_id="D5", thread_ts=ROOT)
    said = message(ROOT, thread=thread, surface=Surface.DM, is_root=True, user_id="U5", author_team="T2")
    assert await hall.door.accept(said)
    (payload,) = await hall.rows("select payload from outbox where kind = 'live'")
    assert '"reader":{"user_id":"U5","team_id":"T2"}' in str(payload)


async def test_stop_where_nothing_runs_says_so(hall: Hall) -> None:
    late = StopPressed(THREAD, "U1", "press:9", "T1")
    assert await hall.door.accept(late)
    (inbox_id,) = await hall.rows("select id from inbox where kind = 'stop'")
    await hall.stopping.by_somebody(Queued(str(inbox_id), late, None, 0, handled=False), late)
    (payload,) = await hall.rows("select payload from outbox")
    assert "nothing left to stop" in str(payload)
