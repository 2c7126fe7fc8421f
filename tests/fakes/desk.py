"""A whole support desk in this process: the sandbox workspace, the real bot in it, and optionally a fake Claude.

async with open_desk(tmp_path, claude=True) as desk:
    ana = desk.customer("U0ANA")
    thread = await ana.asks("How do I invite a guest?")
    answer = await thread.answer()
    assert "Invite" in answer.text
"""

import asyncio
import io
import json
import logging
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bot.app import run_bot
from bot.config import Settings
from bot.doors import BotAddress
from bot.logs import OURS, configure_logging
from bot.ports.clock import REAL_TIME, DeskTime
from bot.sandbox.config import SandboxConfig
from tests.fakes.desk_claude import Claude
from tests.fakes.desk_people import Card, Person, Shown, Sight, Timeline, messages, seen
from tests.fakes.desk_program import Program
from tests.fakes.sandbox_driver import FAST, Json, SandboxDriver, eventually, sandbox_running

QUIET_SECONDS = 0.05
"""Long enough for a burst that is written at once, short enough to wait for."""
MODELS = {"MODEL": "claude-sonnet-5-5", "HELPER_MODEL": "claude-haiku-5-5"}


def settings_for(
    driver: SandboxDriver, database: Path, claude: Claude | None = None, *, port: int = 0, **more: str
) -> dict[str, str]:
    """What makes the bot a member of the sandbox; without a port for signed HTTP, by Socket Mode."""
    config = driver.server.config
    values = {
        "SLACK_API_URL": driver.server.api_url,
        "SLACK_BOT_TOKEN": config.bot_token,
        "EMBEDDER": "none",  # a story needs no vectors, and two seconds of a core for the sample's are too many
        "SLACK_SIGNING_SECRET": config.signing_secret,
        "STAFF_CHANNEL": "C0STAFF",
        "STAFF_CHANNELS": "billing=C0BILLING",
        "ADMIN_USERS": "U0GRACE",
        "AGENT_BOTS": "U0PAGER",
        "HTTP_PORT": str(port),
        "DATABASE_URL": f"sqlite:///{database}",
        "QUIET_SECONDS": str(QUIET_SECONDS),
        "SLACK_PACE": "1" if config.rate_limits else "0",
        **MODELS,
    }
    if not port:
        values["SLACK_APP_TOKEN"] = config.app_token
    if claude is not None:
        values |= {"ANTHROPIC_API_KEY": claude.key, "ANTHROPIC_BASE_URL": claude.url}
    return values | more


class Bot:
    """The real bot, started and stopped as often as a story wants."""

    def __init__(self, settings: dict[str, str], time: DeskTime = REAL_TIME) -> None:
        self.settings = settings
        self._time = time
        self.address: BotAddress | None = None
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Run until `stop`; returns when ready."""
        self._stop, ready = asyncio.Event(), asyncio.Event()

        def is_ready(address: BotAddress) -> None:
            self.address = address
            ready.set()

        settings = Settings.model_validate(self.settings, context=self.settings)
        running = run_bot(settings, stop=self._stop, ready=is_ready, time=self._time)
        self._task = asyncio.get_running_loop().create_task(running)
        waiting = asyncio.get_running_loop().create_task(ready.wait())
        await asyncio.wait({self._task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._task.done():
            self._task.result()

    async def stop(self) -> None:
        """As SIGTERM does; raises what the bot died of."""
        self._stop.set()
        task, self._task = self._task, None
        if task is not None:
            await task


@dataclass
class Desk:
    """The workspace with its people, the bot, and everything anybody was ever shown."""

    driver: SandboxDriver
    bot: Bot | Program
    database: Path
    timeline: Timeline
    logs: io.StringIO
    claude_or_none: Claude | None = None
    said: list[str] = field(default_factory=list)
    """What people wrote; none of it may reach a log."""
    expects_errors: bool = False
    """Set by a story that breaks things: the log may then hold errors, but still no words of customers."""

    @property
    def claude(self) -> Claude:
        """The fake Claude of this story."""
        assert self.claude_or_none is not None, "this story runs offline"
        return self.claude_or_none

    def customer(self, user: str = "U0ANA") -> Person:
        """Somebody who writes in #support."""
        return Person(self.driver, user, "C0SUPPORT", self.said)

    def staff(self, user: str = "U0SAM", channel: str = "C0STAFF") -> Person:
        """Somebody of the team, in a staff channel."""
        return Person(self.driver, user, channel, self.said)

    async def card(self, channel: str = "C0STAFF", *, number: int = 1) -> Card:
        """The n-th case in a staff channel, once it is there."""

        def there() -> Card | None:
            cards = self.cards(channel)
            return Card(self.driver, channel, cards[number - 1].ts) if len(cards) >= number else None

        return await seen(self.driver, there)

    def cards(self, channel: str = "C0STAFF") -> list[Shown]:
        """Every case in a staff channel."""
        return [m for m in messages(self.driver, channel) if m.kind == "card" and m.is_root]

    def channel(self, channel: str) -> list[Shown]:
        """What stands in a channel now."""
        return messages(self.driver, channel)

    async def settled(self, seconds: float = 60.0) -> None:
        """Wait until the bot has nothing left to do: every event acknowledged and handled, every effect delivered."""

        async def idle() -> bool:
            return self._open_rows() == 0 and await self._all_acknowledged() and self._open_rows() == 0

        await eventually(idle, seconds)

    async def told(self) -> None:
        """Wait until every event was acknowledged, which says that it was stored."""
        await eventually(self._all_acknowledged)

    def tickets(self) -> list[Any]:
        """Number, address and subject of the tickets this story opened (the sample company's have other keys)."""
        return self.rows("select number, customer_email, subject from tickets where key like 'run-%'")

    def rows(self, query: str) -> list[Any]:
        """A look into the bot's database."""
        with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True) as connection:
            found = connection.execute(query).fetchall()
        connection.close()
        return found

    def jam(self, table: str) -> None:
        """Let a table refuse every new row."""
        connection = sqlite3.connect(self.database, timeout=10)
        connection.execute(f"create trigger jam before insert on {table} begin select raise(abort, 'jammed'); end")
        connection.commit()
        connection.close()

    def customers_saw(self) -> list[Sight]:
        """Everything of the bot's that was ever shown where customers read."""
        return [sight for sight in self.timeline.sights if sight.is_ours and sight.seen_by_customers]

    def log_lines(self) -> list[Json]:
        """The bot's log so far."""
        return [json.loads(line) for line in self.logs.getvalue().splitlines()]

    async def restart(self, **changes: str) -> None:
        """Stop in an orderly way and start again, perhaps with other settings."""
        await self.bot.stop()
        self.bot.settings |= changes
        await self.bot.start()

    async def _all_acknowledged(self) -> bool:
        return all(d["acked"] for d in (await self.driver.look("deliveries"))["deliveries"])

    def _open_rows(self) -> int:
        query = (
            "select (select count(*) from inbox where handled_at is null)"
            " + (select count(*) from outbox where state = 'waiting')"
        )
        return int(self.rows(query)[0][0])


@asynccontextmanager
async def open_desk(
    folder: Path,
    *,
    claude: Claude | None = None,
    template: Path | None = None,
    port: int = 0,
    config: SandboxConfig = FAST,
    time: DeskTime = REAL_TIME,
    **more: str,
) -> AsyncIterator[Desk]:
    """A desk in `folder`, open until the end; `template`: a prepared database to begin with; `time`: the desk's own,
    e.g. `DeskTime(HeldClock(monday), tick=0.02)`."""
    database = folder / "desk.db"
    if template is not None:
        shutil.copy(template, database)
    if port:
        config = replace(config, request_url=f"http://127.0.0.1:{port}/slack/events")
    with captured_logs() as logs:
        async with sandbox_running(config) as driver:
            timeline = Timeline(driver.server.workspace)
            bot = Bot(settings_for(driver, database, claude, port=port, **more), time)
            await bot.start()
            try:
                yield Desk(driver, bot, database, timeline, logs, claude)
            finally:
                if claude is not None:
                    claude.let_go()
                await bot.stop()


@asynccontextmanager
async def open_killable_desk(folder: Path, claude: Claude, template: Path) -> AsyncIterator[Desk]:
    """A desk whose bot is a process of its own."""
    database = folder / "desk.db"
    shutil.copy(template, database)
    async with sandbox_running() as driver:
        timeline = Timeline(driver.server.workspace)
        program = Program(settings_for(driver, database, claude), driver, folder)
        await program.start()
        try:
            yield Desk(driver, program, database, timeline, io.StringIO(), claude)
        finally:
            claude.let_go()
            await program.stop()


async def prepare_template(folder: Path) -> Path:
    """A database with tables, sample company and help centre, so that each story need not make them anew."""
    async with open_desk(folder):
        pass
    return folder / "desk.db"


@contextmanager
def captured_logs(level: str = "DEBUG") -> Iterator[io.StringIO]:
    """The log as machines read it, kept for the story; the loggers are put back afterwards."""
    root, stream = logging.getLogger(), io.StringIO()
    names = [None, *OURS, "dbos"]
    before = [(logging.getLogger(n), logging.getLogger(n).level, list(logging.getLogger(n).handlers)) for n in names]
    configure_logging(level, stream)
    ours = root.handlers[0]
    root.handlers = [*before[0][2], ours]
    try:
        yield stream
    finally:
        logging.captureWarnings(capture=False)
        for logger, level_before, handlers in before:
            logger.setLevel(level_before)
            logger.handlers = [h for h in logger.handlers if h is not ours and h not in handlers] + handlers
