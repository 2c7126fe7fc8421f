"""P5 at every await point: whenever somebody takes over, from that commit on no word of the bot leaves for the thread.

One whole turn runs on the real desk, store, outbox and Slack client: first sign, two model calls, a tool, the judge,
the settling, the delivery. It is run again and again, and each time a person takes over at another point where anything
in it waits. What leaves is written down below Slack's client: nothing lies between that and the network.
"""

import asyncio
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.config import Settings
from bot.desk import live
from bot.desk.workshop import Workshop
from bot.domain.conversation import Conversation, Standing, Surface, ThreadKey
from bot.domain.escalation import Decision, NewEscalation, Origin
from bot.domain.exchange import Citation, ModelReply, ModelRequest, SearchResult, ToolResult, UserMessage
from bot.domain.incoming import DecisionMade, MessageReceived
from bot.ports.clock import system_clock
from bot.runtime.outbox import OutboxWorker
from bot.runtime.pace import Pace
from bot.slack import stream
from bot.slack.identity import Identity
from bot.slack.rates import Rates
from bot.slack.web import Manners
from bot.store.engine import create_engine
from bot.store.migrate import migrate
from bot.store.tables import inbox, ledger, outbox, runs
from bot.workspaces.office import Office, Offices
from bot.workspaces.plan import Plan
from tests.fakes.interleaving import Points, WatchedStore
from tests.fakes.models import ScriptedModel, says, wants
from tests.fakes.recording_slack import STAFF, Messages, RecordingSlack
from tests.fakes.tools import FixedKnowledge, MemoryCustomers, MemoryTickets
from tools.backends import Shelf
from tools.billing.books import NoBooks

ME = Identity("T1", "B0BOT", "U0BOT")
SOURCE = SearchResult("kb://invite", "Invite a guest", ("Open Members and press Invite.",))
QUESTION = "How do I invite a guest?"
LEAST_POINTS = 100
"""A story that has fewer was not told to its end."""
ANSWER = "Open Members and press Invite. " * 140
"""Long enough for a stream to end in several pieces."""


class SlowModel(ScriptedModel):
    """Searches, then answers; takes a moment for each."""

    async def answer(self, request: ModelRequest) -> ModelReply:
        await asyncio.sleep(0)
        reply = await super().answer(request)
        await asyncio.sleep(0)
        return reply


def search_then_answer(request: ModelRequest) -> ModelReply:
    told = request.messages[-1]
    if isinstance(told, UserMessage) and any(isinstance(part, ToolResult) for part in told.content):
        return says(ANSWER, Citation(SOURCE.source, SOURCE.title, SOURCE.passages[0]))
    return wants(("search_knowledge_base", {"query": "invite", "category": "any"}))


class NoWriting:
    """Nothing is written into the knowledge base here."""

    async def run(self, source: object) -> None:
        raise AssertionError(source)


@dataclass(frozen=True)
class FewBackends:
    """What the tools work on, in memory."""

    gaps = None

    def of_home(self, workspace: str) -> Shelf:
        return Shelf(FixedKnowledge(SOURCE), MemoryCustomers(), MemoryTickets(), NoBooks(), NoWriting())


class Stage:
    """A whole desk in one process, and every point at which something in it waits."""

    def __init__(self, database: Path) -> None:
        self.engine = create_engine(f"sqlite:///{database}")
        self.aside: list[str] = []
        """Causes that are handled by whoever brought them about."""
        self._queued: list[str] = []
        self._jobs: asyncio.Queue[str] = asyncio.Queue()
        self._busy = 0
        self.store = WatchedStore(self.engine, self._enqueue, system_clock)
        self.about = ""
        """The conversation of the story."""
        self.messages = Messages(moment=self._has_changed_hands)
        self.points = Points()
        self.office = self._open()

    def _open(self) -> Office:
        values = {"ANTHROPIC_API_KEY": "sk-fake", "STAFF_CHANNEL": STAFF, "QUIET_SECONDS": "0", "SLACK_PACE": "0"}
        settings, rates = Settings.model_validate(values), Rates(0.0)
        manners = Manners(Pace(self.store.paces, system_clock, rates.opening), rates)
        backends: Any = FewBackends()  # only the home's shelf is asked for
        model = SlowModel([search_then_answer])
        offices = Offices(self.store, Plan.check(settings), model, backends, Workshop(), settings, manners)
        office = offices.open_home(ME, RecordingSlack(self.messages), settings.workspace)
        self.worker = OutboxWorker(
            self.store.queue, office.messenger, system_clock, unsent=office.desk.unsent, pace=manners.pace
        )
        self.store.listen(events=self._arrived, effects=self.worker.wake)
        return office

    def _has_changed_hands(self) -> bool:
        """From the moment on at which the commit has returned."""
        return not self.store._epochs.allows(self.about, 0)

    def _enqueue(self, connection: sa.Connection, inbox_id: str, partition: str) -> None:
        is_aside = partition.startswith(("press:", "spoke:"))
        (self.aside if is_aside else self._queued).append(inbox_id)

    def _arrived(self) -> None:
        while self._queued:
            self._jobs.put_nowait(self._queued.pop(0))

    async def _dispatch(self) -> None:
        """Handle what arrives, one cause after another."""
        while True:
            inbox_id = await self._jobs.get()
            self._busy += 1
            try:
                await self.office.desk.handle(inbox_id)
            finally:
                self._busy -= 1

    @asynccontextmanager
    async def lit(self) -> AsyncIterator["Stage"]:
        """Everything works while the body runs."""
        self.points.install()
        await self.worker.start()
        dispatcher = asyncio.get_running_loop().create_task(self._dispatch())
        try:
            yield self
        finally:
            dispatcher.cancel()
            await asyncio.wait({dispatcher})
            await self.worker.close()
            await self.engine.dispose()

    async def settled(self) -> None:
        """Wait until nothing is left to do."""
        async with asyncio.timeout(20):
            while self._busy or not self._jobs.empty() or await self._open_rows():  # noqa: ASYNC110 - a database's state
                await asyncio.sleep(0.004)

    async def _open_rows(self) -> int:
        open_inbox = sa.select(sa.func.count()).where(inbox.c.handled_at.is_(None)).scalar_subquery()
        open_outbox = (
            sa.select(sa.func.count()).where(outbox.c.state == sa.literal_column("'waiting'")).scalar_subquery()
        )
        return await self._number(sa.select(open_inbox + open_outbox))

    async def unsettled(self) -> tuple[int, int]:
        """(runs without an outcome, reservations nobody settled)."""
        without = await self._number(sa.select(sa.func.count()).where(runs.c.outcome.is_(None)))
        return without, await self._number(sa.select(sa.func.count()).where(ledger.c.state == "reserved"))

    async def _number(self, query: sa.Select[Any]) -> int:
        async with self.engine.connect() as connection:
            return int(await connection.scalar(query) or 0)


class Story:
    """One conversation on the stage, and everybody who takes part in it."""

    def __init__(self, stage: Stage, surface: Surface) -> None:
        number = next(_numbers)
        channel = "D0ANA" if surface is Surface.DM else "C0SUPPORT"
        self.surface, self.thread = surface, ThreadKey("T1", channel, f"17{number:08d}.000100")
        self._stage, self._desk = stage, stage.office.desk
        self._case = f"esc-{number}"
        stage.about = self.thread.id
        stage.messages.calls.clear()

    async def with_case(self) -> None:
        """A case that is open when the story begins, its card delivered."""
        conversation = Conversation(
            self.thread, self.surface, Standing.BOT, None, 0, "support", "", "U0ANA", system_clock()
        )
        new = NewEscalation(self._case, self.thread.id, Origin.HANDOFF, "why", "what", None, None, "U0ANA", "T1")
        async with self._stage.store.write() as tx:
            await tx.conversations.open(conversation)
            await self._desk.cases.open(tx, new, conversation)

    async def asks(self, **changes: Any) -> None:
        """The customer writes (or somebody else, with changes)."""
        ts = self.thread.thread_ts
        message = MessageReceived(
            self.thread, self.surface, ts, "U0ANA", QUESTION, mentions_bot=True, is_root=True, author_team="T1"
        )
        assert await self._desk.accept(replace(message, **changes))

    async def _press(self, decision: Decision, **more: Any) -> None:
        press_id = f"{decision}-{self._case}"
        made = DecisionMade(self._case, decision, "T1", "U0SAM", STAFF, None, press_id, user_team="T1", **more)
        assert await self._desk.accept(made)
        await self._desk.handle(self._stage.aside.pop())

    async def take_over(self) -> None:
        """A colleague presses the button."""
        await self._press(Decision.TAKE_OVER)

    async def take_over_and_hand_back(self) -> None:
        """And gives it back at once."""
        await self._press(Decision.TAKE_OVER)
        await self._press(Decision.HAND_BACK, note="Called her.")

    async def answer_in_the_thread(self) -> None:
        """A colleague answers the customer."""
        ts = self.thread.thread_ts.replace("000100", "000900")
        words = {"text": "Hi Ana, Sam here.", "user_id": "U0SAM", "mentions_bot": False, "is_root": False}
        await self.asks(ts=ts, **words)
        await self._desk.handle(self._stage.aside.pop())

    async def standing(self) -> Standing:
        async with self._stage.store.read() as tx:
            conversation = await tx.conversations.get(self.thread.id)
        assert conversation is not None
        return conversation.standing

    async def began_anew(self) -> bool:
        """Whether the bot began its work only after the conversation had been given back: then it may speak."""
        async with self._stage.store.read() as tx:
            conversation = await tx.conversations.get(self.thread.id)
            mine = runs.c.conversation_id == self.thread.id
            first = await tx.connection.scalar(sa.select(sa.func.min(runs.c.epoch)).where(mine))
        assert conversation is not None
        return conversation.standing is Standing.BOT and first == conversation.epoch


_numbers = itertools.count(1)


async def tell(stage: Stage, surface: Surface, how: str, at: int) -> int:
    """The whole story with one interruption at point `at` (or at the end, when there are fewer); how many there were.

    Asserts that it ended as it must.
    """
    story = Story(stage, surface)
    if how != "answer_in_the_thread":
        await story.with_case()
        await stage.settled()
    stage.points.arm(at, getattr(story, how))
    await story.asks()
    await stage.settled()
    points = await stage.points.disarm()
    await stage.settled()
    words = [] if await story.began_anew() else stage.messages.words_after()
    assert [call.given for call in words if not call.key.startswith(("taken:", "back:"))] == [], f"at point {at}"
    assert await stage.unsettled() == (0, 0), f"at point {at}: a run or money is stuck"
    if how != "take_over_and_hand_back":
        notices = [call for call in stage.messages.calls if call.key.startswith("taken:")]
        assert (await story.standing(), len(notices)) == (Standing.HUMAN, 1), f"at point {at}"
    return points


@cache
def template() -> Path:
    """A migrated, empty database, made once."""
    path = Path(tempfile.mkdtemp(prefix="interleaving-")) / "desk.db"

    async def make() -> None:
        engine = create_engine(f"sqlite:///{path}")
        await migrate(engine)
        await engine.dispose()

    asyncio.run(make())
    return path


@pytest.fixture
def in_memory() -> Iterator[Path]:
    """An empty database, where there is such a place on a disk of memory: its commits cost nothing then."""
    shm = Path("/dev/shm")  # noqa: S108 - a folder of our own in it
    with tempfile.TemporaryDirectory(prefix="p5-", dir=shm if shm.is_dir() else None) as folder:
        yield Path(shutil.copy(template(), Path(folder) / "desk.db"))


@pytest.fixture
def nothing_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress is shown at once, so that its updates are among the points."""
    for name in ("FIRST_AFTER", "SECONDS_BETWEEN", "STREAM_SECONDS", "STREAM_SECONDS_MORE"):
        monkeypatch.setattr(live, name, 0.001)
    monkeypatch.setattr(stream, "LIFE_SECONDS", 1e12)
    monkeypatch.setattr("bot.runtime.outbox._REFERENCE_SECONDS", 0.01)


WAYS = [
    (Surface.CHANNEL, "take_over"),
    (Surface.DM, "take_over"),
    (Surface.CHANNEL, "answer_in_the_thread"),
    (Surface.DM, "take_over_and_hand_back"),
]
EVERY = int(os.environ.get("P5_EVERY", "7"))
"""How-manieth of the points are tried; each way begins at another one. 1: all of them, which takes some minutes."""


@pytest.mark.timeout(1_500 // EVERY)
@pytest.mark.usefixtures("nothing_waits")
@pytest.mark.parametrize("way", WAYS, ids=["-".join(way) for way in WAYS])
def test_p5_at_no_await_point_does_a_word_of_the_bot_leave_after_a_take_over(
    way: tuple[Surface, str], in_memory: Path
) -> None:
    async def every_point() -> int:
        async with Stage(in_memory).lit() as stage:
            points = await tell(stage, *way, at=0)
            at = 1 + WAYS.index(way) % EVERY
            while at <= points:
                points = max(points, await tell(stage, *way, at))
                at += EVERY
            return points

    assert asyncio.run(every_point()) > LEAST_POINTS
