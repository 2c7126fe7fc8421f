"""The torture itself: a world in this process, bots in theirs, violence until enough were killed, then the count."""

import asyncio
import contextlib
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import aiohttp
import sqlalchemy as sa

from bot.sandbox.config import SandboxConfig
from tests.bench.kit import free_port
from tests.fakes.postgres import postgres_database
from tests.fakes.sandbox_driver import SandboxDriver
from tests.torture.accounts import COLUMNS, LOST, STUCK, Audit, Books, Fault, open_rows, timeline, unfinished_work
from tests.torture.chaos import Keeper, Tally, Violence
from tests.torture.claude import Moods, TorturedClaude
from tests.torture.slack import TorturedSlack, Weather, Witness, crowded
from tests.torture.stories import Conversation, Story, World
from tests.torture.zygote import Zygote, zygote

CONFIG = SandboxConfig(company=crowded(), ack_seconds=3.0, retry_delays=(0.0, 1.0, *(3.0,) * 10))
"""Slack's minutes between redeliveries are seconds here, and there are more of them: here bots die every second."""


_SET_LIMIT = (
    "insert into limits (team_id, scope, subject, period, usd) values (:team, 'conversation', :of, 'total', :usd)"
)


@dataclass(frozen=True)
class Plan:
    """What to do."""

    seed: int
    kills: int
    database: str = "sqlite"
    replicas: int = 1
    at_once: int = 6
    """Conversations side by side."""
    most_seconds: float = 7200.0
    settle_seconds: float = 150.0
    next_root: Path | None = None
    """The release that takes over after half of the kills, while conversations are running, queued and paused."""
    tell: bool = True
    kind: str = ""
    """Only this kind of story."""
    moods: Moods = field(default_factory=Moods)
    weather: Weather = field(default_factory=Weather)
    violence: Violence = field(default_factory=Violence)


@dataclass
class Report:
    """What came of it."""

    plan: Plan
    tally: Tally
    seconds: float
    conversations: list[Conversation]
    audit: Audit
    notes: list[str] = field(default_factory=list)
    timelines: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not self.audit.faults

    def table(self) -> str:
        counts = {column: sum(fault.column == column for fault in self.audit.faults) for column in COLUMNS}
        plan, tally = self.plan, self.tally
        messages = sum(len(told.said) for told in self.conversations)
        ready = statistics.median(tally.ready_seconds) if tally.ready_seconds else float("nan")
        lines = [
            f"seed {plan.seed}  database {plan.database}  replicas {plan.replicas}  {self.seconds:.0f} s",
            f"  {tally.kills} kills, {tally.freezes} freezes, {tally.stops} stops ({tally.late_stops} late), "
            f"{tally.starts} starts (ready after {ready:.2f} s), ended by themselves or when asked: {dict(tally.ends)}",
            f"  {len(self.conversations)} conversations, {messages} messages, {self.audit.answers} answers, "
            f"{self.audit.fixed} of them fixed sentences; outcomes {dict(self.audit.outcomes)}",
            *(f"  {note}" for note in self.notes),
            "  " + "   ".join(f"{column} {count}" for column, count in counts.items()),
        ]
        lines += [f"  ✗ {f.column}: story {f.story}: {f.words}" for f in self.audit.faults[:200]]
        return "\n".join([*lines, *self.timelines])


class Torture:
    """One world, its bots and its stories."""

    def __init__(self, plan: Plan, folder: Path, url: str, driver: SandboxDriver, claude: TorturedClaude) -> None:
        self._plan = plan
        self._folder = folder
        self._url = url
        self._driver = driver
        self._claude = claude
        self._chance = chances(plan.seed, "pace")
        self.engine = sa.create_engine(sync_url(url))
        self.witness = Witness(driver.server.workspace)
        self.tally = Tally(plan.kills)
        self.told: list[Conversation] = []
        self.notes: list[str] = []
        self._next: Zygote | None = None

    async def run(self) -> Report:
        """Everything, from the first start to the count."""
        began = time.monotonic()
        since = time.time() - asyncio.get_running_loop().time()
        async with zygote() as mother, AsyncExitStack() as stack:
            if self._plan.next_root is not None:
                self._next = await stack.enter_async_context(zygote(self._plan.next_root))
            keepers = [self._keeper(mother, slot) for slot in range(self._plan.replicas)]
            keeping = await self._first_start(keepers, stack)
            bad_weather = await stack.enter_async_context(running(self._slack.misbehave(self._driver)))
            await self._stories(keepers)
            bad_weather.cancel()
            await self._settle(keepers)
            for task in keeping:
                task.cancel()
            for keeper in keepers:
                code = await keeper.stop()
                self.notes += [f"a bot ended with {code} when asked to stop"] if code else []
        return self._count(time.monotonic() - began, since, [keeper.log for keeper in keepers])

    def _keeper(self, mother: Zygote, slot: int) -> Keeper:
        chance = chances(self._plan.seed, f"keeper {slot}")
        return Keeper(mother, self._settings(), self._folder, slot, self.tally, self._plan.violence, chance)

    @property
    def _slack(self) -> TorturedSlack:
        assert isinstance(self._driver.server, TorturedSlack)
        return self._driver.server

    async def _first_start(self, keepers: list[Keeper], stack: AsyncExitStack) -> list[asyncio.Task[None]]:
        """Let the first make the tables in peace, then let go of all."""
        tasks = []
        for keeper in keepers:
            keeper.peace.set()
            tasks.append(await stack.enter_async_context(running(keeper.keep())))
            await asyncio.sleep(0.1)
            await keeper.ready()
        return tasks

    async def _stories(self, keepers: list[Keeper]) -> None:
        """Conversations side by side until there were enough kills; then in peace until the last has ended."""
        async with asyncio.TaskGroup() as group:
            playing: set[asyncio.Task[Conversation]] = set()
            until = time.monotonic() + self._plan.most_seconds
            for keeper in keepers:
                keeper.peace.clear()
            while (self.tally.kills < self._plan.kills or self._next) and time.monotonic() < until:
                while len(playing) < self._plan.at_once:
                    playing.add(group.create_task(self._play()))
                    await asyncio.sleep(0.1 * self._chance.random())
                _, playing = await asyncio.wait(playing, timeout=0.2, return_when=asyncio.FIRST_COMPLETED)
                self._tell()
                await self._maybe_deploy(keepers)
            for keeper in keepers:
                keeper.peace.set()

    async def _maybe_deploy(self, keepers: list[Keeper]) -> None:
        """After half of the kills, at a moment when there is work of every kind: each next start is the new release."""
        if self._next is None or self.tally.kills < self._plan.kills / 2:
            return
        counts = await asyncio.to_thread(unfinished_work, self.engine)
        if not all(counts.values()):
            return
        for keeper in keepers:
            keeper.release = self._next
            await keeper.kill()
        self._next = None
        self.notes.append(f"deployed over {', '.join(f'{count} {kind}' for kind, count in counts.items())}")

    async def _play(self) -> Conversation:
        number = len(self.told) + 1
        story = Story(World(self._driver, self.witness, self._set_limit), number, self._plan.seed, self._plan.kind)
        self.told.append(story.told)
        return await story.play()

    async def _settle(self, keepers: list[Keeper]) -> None:
        """No more faults; wait until every event is acknowledged and handled, every effect delivered."""
        await self._driver.call("faults/clear")
        for keeper in keepers:
            await keeper.ready()
        until = time.monotonic() + self._plan.settle_seconds
        quiet = 0
        while quiet < 3 and time.monotonic() < until:
            await asyncio.sleep(0.4)
            idle = await asyncio.to_thread(open_rows, self.engine) == 0 and self._undelivered() == 0
            quiet = quiet + 1 if idle else 0
        if not quiet:
            left = await asyncio.to_thread(open_rows, self.engine)
            self.notes.append(f"NOT SETTLED: {left} rows open, {self._undelivered()} events not acknowledged")

    def _undelivered(self) -> int:
        return len(self._slack.post_office.undelivered)

    def _count(self, seconds: float, since: float, logs: list[Path]) -> Report:
        books = Books.read(self.engine)
        audit = Audit(books, self.witness, self._claude.billed, self._driver.server.workspace.sessions)
        for told in self.told:
            if self._is_in_the_books(told):
                audit.of(told)
            elif told.troubles:
                audit.faults.append(Fault(STUCK, told.number, "; ".join(told.troubles)))
        audit.logs(logs)
        if books.open_rows or self._undelivered():
            audit.faults.append(Fault(LOST, 0, f"{books.open_rows} rows open, {self._undelivered()} events not taken"))
        if self._claude.refused:
            self.notes.append(
                f"the Messages API found fault with {len(self._claude.refused)}: {self._claude.refused[0]}"
            )
        self.notes.append(self._weather())
        report = Report(self._plan, self.tally, seconds, self.told, audit, self.notes)
        by_number = {told.number: told for told in self.told}
        for number in list(dict.fromkeys(f.story for f in audit.faults if f.story))[:6]:
            told = by_number[number]
            room = self.witness.thread(told.channel, told.thread_ts)
            report.timelines.append(
                f"  story {number} ({told.kind}) in {told.channel} {told.thread_ts} {told.troubles}"
            )
            report.timelines += timeline(told, room, books, since)
        self.engine.dispose()
        return report

    def _is_in_the_books(self, told: Conversation) -> bool:
        """Whether everything about it is still kept."""
        return bool(told.said)

    def _weather(self) -> str:
        post, claude = self._slack.post_office, self._claude
        calls = sum(bill.calls for bill in claude.billed.values())
        return (
            f"{post.doubled} double deliveries, {post.forgotten} acknowledgements lost, {self._slack.faults} faults of "
            f"Slack, {claude.failed} faults of Claude in {calls} calls, {claude.cost:.2f} USD"
        )

    def _set_limit(self, conversation_id: str, usd: float) -> None:
        values = {"team": conversation_id.split(":", 1)[0], "of": conversation_id, "usd": round(usd * 1_000_000)}
        with self.engine.begin() as connection:
            connection.execute(sa.text(_SET_LIMIT), values)

    def _settings(self) -> dict[str, str]:
        config = self._driver.server.config
        return {
            "SLACK_API_URL": self._driver.server.api_url,
            "SLACK_BOT_TOKEN": config.bot_token,
            "SLACK_APP_TOKEN": config.app_token,
            "SLACK_SIGNING_SECRET": config.signing_secret,
            "STAFF_CHANNEL": "C0STAFF",
            "STAFF_CHANNELS": "billing=C0BILLING",
            "ADMIN_USERS": "U0GRACE",
            "HTTP_PORT": str(free_port()),
            "DATABASE_URL": self._url,
            "QUIET_SECONDS": "0.2",
            "SLACK_PACE": "0",
            "ANTHROPIC_API_KEY": self._claude.key,
            "ANTHROPIC_BASE_URL": self._claude.url,
            "MODEL": "claude-sonnet-5-5",
            "HELPER_MODEL": "claude-haiku-5-5",
        }

    def _tell(self) -> None:
        if self._plan.tell and self.tally.kills >= self.tally.last_shown + 25:
            self.tally.last_shown = self.tally.kills
            print(f"  {self.tally.kills} kills, {len(self.told)} conversations", flush=True)


async def torture(plan: Plan) -> Report:
    """Carry a plan out."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="torture-", ignore_cleanup_errors=True)))
        url = f"sqlite:///{folder / 'desk.db'}"
        if plan.database == "postgresql":
            url = await stack.enter_async_context(postgres_database())
        claude = await stack.enter_async_context(TorturedClaude(chances(plan.seed, "claude"), plan.moods))
        driver = await stack.enter_async_context(tortured_slack(plan.weather, chances(plan.seed, "slack")))
        report = await Torture(plan, folder, url, driver, claude).run()
        if not report.is_clean and (kept := os.environ.get("TORTURE_KEEP")):
            shutil.copytree(folder, Path(kept) / f"seed-{plan.seed}", dirs_exist_ok=True)
    return report


@asynccontextmanager
async def tortured_slack(
    weather: Weather, chance: Random, config: SandboxConfig = CONFIG
) -> AsyncIterator[SandboxDriver]:
    """A sandbox in bad weather, on a free port."""
    server = TorturedSlack(config, weather, chance)
    await server.start()
    async with aiohttp.ClientSession() as http:
        try:
            yield SandboxDriver(server, http)
        finally:
            await server.close()


@asynccontextmanager
async def running(work: object) -> AsyncIterator[asyncio.Task[None]]:
    """A task that is cancelled at the end; what it died of is raised."""
    task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)  # type: ignore[arg-type]  # any coroutine
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def chances(seed: int, of: str) -> Random:
    """A row of chances that can be played again: the same for the same seed, whatever else draws."""
    return Random(f"{seed}/{of}")  # noqa: S311 — no secret


def sync_url(url: str) -> sa.URL:
    """The same database for synchronous looks into it."""
    made = sa.make_url(url)
    return made.set(drivername="sqlite" if made.get_backend_name() == "sqlite" else "postgresql+psycopg")
