"""Lessons where things break in between: two at once, a kill, a pause, somebody who is forgotten meanwhile."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.agent.calls import ModelCalls
from bot.agent.profile import Profiles, load_profile
from bot.agent.teaching import Teacher
from bot.desk.lessons import Learning, Lessons
from bot.desk.people import People, StaffRoom
from bot.domain.bot_pause import EVERYWHERE, BotPause
from bot.domain.conversation import Line, Speaker
from bot.domain.effects import EFFECT, ShowLesson, Whisper
from bot.domain.escalation import Decision, NewEscalation, Origin
from bot.domain.exchange import ModelReply, ModelRequest
from bot.domain.incoming import CaseResolved, LessonChosen
from bot.domain.lesson import Choice, Draft, Lesson
from bot.ports.lessons import ArticleWriting
from bot.ports.store import Queued
from bot.store.engine import create_engine
from bot.store.store import SqlStore
from bot.store.tables import metadata
from tests.contract.store_kit import NOW, THREAD, conversation, database, enqueue
from tests.fakes.deciders import Town
from tests.fakes.models import FlatPrices, ScriptedModel
from tools.backends import Backends, open_backends
from tools.base import ToolUnavailableError
from tools.knowledge_base.sources.base import Found, Known, Source

TOLD = "Boards can be printed on A3: open the board, press Share, then Print, and choose the paper size A3."
Meanwhile = Callable[[], Awaitable[object]]


@dataclass
class Writer(ScriptedModel):
    """Writes lessons; `meanwhile` happens while it does."""

    summary: str | Exception = (
        '{"worth_keeping": true, "title": "Print on A3", "question": "How do I print on A3?", '
        '"answer": "Press Share, then Print.", "category": "product"}'
    )
    meanwhile: Meanwhile | None = None

    async def answer(self, request: ModelRequest) -> ModelReply:
        if self.meanwhile is not None:
            await self.meanwhile()
        return await super().answer(request)


@dataclass
class Replica:
    """The desk of one process; `before_write` happens when the accepted ones are read and not written yet."""

    store: SqlStore
    backends: Backends
    town: Town = field(default_factory=Town)
    before_write: Meanwhile | None = None
    is_away: bool = False
    model: Writer = field(default_factory=Writer)

    async def run(self, source: Source) -> object:
        """As `ArticleWriting`."""
        if self.is_away:
            raise ToolUnavailableError("the database is away")
        if self.before_write is not None:
            found = [one async for one in source.read(Known())]
            meanwhile, self.before_write = self.before_write, None
            await meanwhile()
            source = _Fixed(source.name, found)
        return await self.backends.of_home("T1").writing.run(source)

    async def clear(self, name: str) -> None:
        await self.backends.of_home("T1").writing.clear(name)

    def lessons(self, *, is_plain: bool = True) -> Lessons:
        people = People(self.town, StaffRoom("C0STAFF", {}, frozenset(), frozenset()), "T1")
        calls = ModelCalls(self.model, FlatPrices(), self.store, lambda: NOW)
        teacher, profiles = Teacher(calls, "helper", is_plain=is_plain), Profiles({"support": load_profile("support")})
        writing: ArticleWriting = self
        return Lessons(self.store, people, Learning(teacher, writing, profiles, None, UTC), lambda: NOW)

    async def press(self, lesson_id: str, choice: Choice, user: str = "USAM") -> None:
        chosen = LessonChosen(lesson_id, choice, "T1", user, "C0STAFF", None, f"{user}{lesson_id}{choice}", "T1")
        await self.lessons().choose(Queued(f"i-{chosen.press_id}", chosen, None, 0, handled=False), chosen)

    async def suggests(self, case: str = "esc", *, is_plain: bool = True) -> None:
        cause = CaseResolved(THREAD, case)
        await self.lessons(is_plain=is_plain).suggest(Queued(f"i-{case}", cause, None, 0, handled=False), cause)

    async def articles(self) -> list[str]:
        """Titles of accepted ones, as they are searched."""
        query = sa.text("select title from kb_articles where source = 'lessons' order by title")
        async with self.store.read() as tx:
            return list(await tx.connection.scalars(query))

    async def shown(self) -> list[ShowLesson | Whisper]:
        async with self.store.read() as tx:
            rows = await tx.connection.scalars(sa.text("select payload from outbox order by seq"))
            effects = [EFFECT.validate_json(row) for row in rows]
        return [one for one in effects if isinstance(one, ShowLesson | Whisper)]


@dataclass(frozen=True)
class _Fixed:
    """What a source held a moment ago."""

    name: str
    found: list[Found]

    async def read(self, known: Known) -> AsyncIterator[Found]:
        for one in self.found:
            yield one


@pytest.fixture
async def replica(tmp_path: Path) -> AsyncIterator[Replica]:
    async with database("sqlite", tmp_path) as url:
        engine = create_engine(url)
        store = SqlStore(engine, enqueue, lambda: NOW)
        replica = Replica(store, await open_backends(engine))
        async with store.write() as tx:
            await tx.conversations.open(conversation())
        await case(replica, "esc")
        yield replica
        await replica.backends.builds.close()
        await engine.dispose()


async def case(replica: Replica, case_id: str) -> None:
    new = NewEscalation(case_id, THREAD.id, Origin.HANDOFF, "why", "what", requested_by="U1", requested_team="T1")
    async with replica.store.write() as tx:
        await tx.escalations.open(new, staff_channel="C0STAFF", at=NOW)
        await tx.escalations.decide(case_id, Decision.TAKE_OVER, by="USAM", at=NOW, note="")


async def suggested(replica: Replica, name: str) -> None:
    await case(replica, name)
    draft = Draft(f"Title {name}", f"Question {name}?", f"Answer {name}.")
    async with replica.store.write() as tx:
        await tx.lessons.suggest(Lesson(name, "T1", name, THREAD.id, draft, "en", "Sam", NOW))


async def say(replica: Replica, *lines: Line) -> None:
    async with replica.store.write() as tx:
        await tx.conversations.add_lines(THREAD.id, *lines)


def ana(words: str, at: float = NOW) -> Line:
    return Line(Speaker.CUSTOMER, "Ana Ruiz", words, at)


def sam(words: str, at: float = NOW) -> Line:
    return Line(Speaker.PERSON, "Sam Porter", words, at)


async def test_p1_two_that_are_accepted_at_once_on_two_replicas_are_both_articles(replica: Replica) -> None:
    other = Replica(replica.store, replica.backends)
    for name in ("A", "B"):
        await suggested(replica, name)
    replica.before_write = lambda: other.press("B", Choice.PUBLIC)
    await replica.press("A", Choice.PUBLIC)
    assert await replica.articles() == ["Title A", "Title B"]


async def test_p1_a_press_that_counted_is_carried_out_after_a_kill_whoever_is_staff_by_then(replica: Replica) -> None:
    await suggested(replica, "A")
    replica.is_away = True
    with pytest.raises(Exception, match="could not be written"):
        await replica.press("A", Choice.PUBLIC)
    assert await replica.articles() == []
    again = Replica(replica.store, replica.backends, Town(is_away=True))
    await again.press("A", Choice.PUBLIC)
    assert await replica.articles() == ["Title A"]
    [effect] = await replica.shown()
    assert isinstance(effect, ShowLesson)
    assert effect.lesson.audience == "public"


async def test_what_was_accepted_can_be_taken_back_to_the_last_one(replica: Replica) -> None:
    for name in ("A", "B"):
        await suggested(replica, name)
        await replica.press(name, Choice.PUBLIC)
    await replica.press("A", Choice.CASE)
    await replica.press("A", Choice.TAKE_BACK)
    assert await replica.articles() == ["Title B"]
    await replica.press("A", Choice.PUBLIC, "ULEO")
    await replica.press("B", Choice.TAKE_BACK)
    assert await replica.articles() == [], "nor does a later press bring it back"
    async with replica.store.read() as tx:
        assert await tx.lessons.cases() == []
        taken = await tx.lessons.get("A")
    assert taken is not None
    assert (taken.draft.answer, taken.dismissed_by) == ("", "USAM")


async def test_what_is_dismissed_leaves_no_words_behind(replica: Replica) -> None:
    await suggested(replica, "A")
    await replica.press("A", Choice.DISMISS)
    async with replica.store.read() as tx:
        tables = (metadata.tables[name] for name in ("lessons", "audit", "traces"))
        kept = [str(tuple(row)) for table in tables for row in await tx.connection.execute(sa.select(table))]
    assert [row for row in kept if "Answer A" in row or "Question A" in row or "Title A" in row] == []
    assert len([row for row in kept if "lesson" in row]) >= 2, "that it was dismissed is on record"


async def test_p4_a_paused_bot_asks_no_model_and_a_working_one_pays_for_it(replica: Replica) -> None:
    await say(replica, ana("Can I print on A3?"), sam(TOLD))
    async with replica.store.write() as tx:
        await tx.bot_pauses.begin(BotPause("T1", EVERYWHERE, "UGRACE", NOW))
    await replica.suggests(is_plain=False)
    assert replica.model.asked == []
    async with replica.store.write() as tx:
        assert (await tx.lessons.get("lesson-esc")) is not None, "the person's own words cost nothing"
        await tx.bot_pauses.end("T1", EVERYWHERE)
    await case(replica, "esc2")
    await replica.suggests("esc2", is_plain=False)
    async with replica.store.read() as tx:
        assert (await tx.ledger.spend(THREAD.id)).usd > 0
        written = await tx.lessons.get("lesson-esc2")
        assert written is not None
        assert written.draft.title == "Print on A3"


async def test_a_conversation_that_is_forgotten_while_the_model_writes_leaves_no_suggestion(replica: Replica) -> None:
    await say(replica, ana("Can I print on A3?"), sam(TOLD))

    async def forget() -> None:
        person = replica.store.forgetting.person("T1", "U1")
        await replica.store.forgetting.erase(person, await replica.store.forgetting.find(person))

    replica.model.meanwhile = forget
    await replica.suggests(is_plain=False)
    assert len(replica.model.asked) == 1
    async with replica.store.read() as tx:
        assert await tx.lessons.get("lesson-esc") is None


async def test_a_conversation_that_was_opened_again_teaches_what_was_asked_then(replica: Replica) -> None:
    await say(
        replica, ana("What do guests cost?", NOW - 90), sam("Guests are free on every plan we have.", NOW - 80),
        Line(Speaker.NOTE, "", "Sam Porter resolved it.", NOW - 70),
        ana("Kann ich ein Board auf A3 drucken?", NOW - 10), ana("Hallo?", NOW + 1),
        sam("Ja, das geht: öffnen Sie das Board und wählen Sie im Menü unter Drucken das Format A3 aus.", NOW + 2),
    )  # fmt: skip
    await replica.suggests()
    async with replica.store.read() as tx:
        lesson = await tx.lessons.get("lesson-esc")
    assert lesson is not None
    assert lesson.draft.question == "Kann ich ein Board auf A3 drucken?"
    assert "Guests" not in lesson.draft.answer
    assert lesson.language == "de", "that of the answer; the conversation's may be another"
