"""An hour of everyday work, and whether anything grows: memory, file handles, threads, the database.

People write at a steady rate, all kinds of stories, nobody is killed. Samples are taken all along; a line is laid
through the last two thirds of each row of samples, and what it gains meanwhile is compared with its height.

Days are too long for an hour: the bot's own housekeeping is carried out every minute here, with a clock set ahead, so
that everything is old after ten minutes.
"""

import asyncio
import statistics
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from bot.app import open_store
from bot.config import Settings
from bot.ports.clock import system_clock
from bot.runtime.cause_queue import CauseQueue
from bot.runtime.keeping import DAY, KeepDays
from bot.runtime.keeping import Keeper as Housekeeper
from tests.torture.chaos import Keeper
from tests.torture.claude import Moods, TorturedClaude
from tests.torture.run import Plan, Report, Torture, chances, running, tortured_slack
from tests.torture.slack import Weather
from tests.torture.stories import Conversation
from tests.torture.zygote import zygote

CALM = Weather(double_deliveries=0.01, lost_acknowledgements=0.0, double_presses=0.01, calls_between_faults=0)
MOODS = Moods(slowest=1.0, quick_faults=0.01, costly_faults=0.0, stalls=0.0)
KEPT_SECONDS = 600.0
BEARABLE = 0.05
"""Of its height a row of samples may gain during the verdict's two thirds and still counts as flat."""


@dataclass(frozen=True)
class Sample:
    """The bot at one moment."""

    minute: float
    rss_mb: float
    handles: float
    threads: float
    database_mb: float


ROWS = {"memory MB": "rss_mb", "file handles": "handles", "threads": "threads", "database MB": "database_mb"}


async def housekeeping(settings: Settings) -> None:
    """Delete what is older than KEPT_SECONDS, every minute, as the bot does by itself: our rows and DBOS's."""
    ahead = KeepDays(14, 14, 14, 14).events * DAY - KEPT_SECONDS
    queue = CauseQueue(settings.database_url).client
    async with open_store(settings) as store:
        keeper = Housekeeper(store.archive, lambda: system_clock() + ahead, KeepDays(14, 14, 14, 14))
        while True:
            await asyncio.sleep(60)
            await keeper.tidy()
            before = datetime.fromtimestamp(system_clock() - KEPT_SECONDS, UTC).isoformat()
            old = await queue.list_workflows_async(
                status=["SUCCESS", "ERROR", "CANCELLED"], completed_before=before, load_input=False, load_output=False
            )
            await queue.delete_workflows_async([one.workflow_id for one in old])


@dataclass(frozen=True)
class Soak:
    """How long and how much."""

    minutes: float = 60.0
    per_minute: float = 20.0
    seed: int = 1


class SoakRun(Torture):
    """Stories at a steady rate, one bot, no violence."""

    def __init__(self, soak: Soak, *world: object) -> None:
        super().__init__(*world)  # type: ignore[arg-type]  # passed on as they are
        self._soak = soak
        self.samples: list[Sample] = []

    async def soak(self) -> Report:
        """Work for so long, then count."""
        began = time.monotonic()
        since = time.time() - asyncio.get_running_loop().time()
        async with zygote() as mother, AsyncExitStack() as stack:
            keeper = self._keeper(mother, 0)
            await self._first_start([keeper], stack)
            sampling = await stack.enter_async_context(running(self._sample(keeper, began)))
            settings = Settings.model_validate(self._settings())
            await stack.enter_async_context(running(housekeeping(settings)))
            await self._at_a_steady_rate(began)
            sampling.cancel()
            await self._settle([keeper])
            self.notes += verdicts(self.samples, self._soak.minutes)
            await keeper.stop()
        return self._count(time.monotonic() - began, since, [keeper.log])

    def _is_in_the_books(self, told: Conversation) -> bool:
        return bool(told.said) and told.deeds[0][0] > time.time() - KEPT_SECONDS * 0.8

    async def _at_a_steady_rate(self, began: float) -> None:
        async with asyncio.TaskGroup() as group:
            while (passed := time.monotonic() - began) < self._soak.minutes * 60:
                due = int(passed / 60 * self._soak.per_minute) + 1
                while len(self.told) < due:
                    group.create_task(self._play())
                    await asyncio.sleep(0)
                await asyncio.sleep(0.2)

    async def _sample(self, keeper: Keeper, began: float) -> None:
        pause = min(10.0, self._soak.minutes * 60 / 60)
        while True:
            process = psutil.Process(keeper.pid)
            files = [f for f in self._folder.iterdir() if f.name.startswith("desk.db")]
            self.samples.append(
                Sample(
                    (time.monotonic() - began) / 60,
                    process.memory_info().rss / 1e6,
                    process.num_fds(),
                    process.num_threads(),
                    sum(f.stat().st_size for f in files) / 1e6,
                )
            )
            await asyncio.sleep(pause)


async def soak(plan: Soak) -> tuple[Report, bool]:
    """Carry it out; the report, and whether all is flat and right."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="soak-", ignore_cleanup_errors=True)))
        claude = await stack.enter_async_context(TorturedClaude(chances(plan.seed, "claude"), MOODS))
        driver = await stack.enter_async_context(tortured_slack(CALM, chances(plan.seed, "slack")))
        url = f"sqlite:///{folder / 'desk.db'}"
        run = SoakRun(plan, Plan(plan.seed, 0), folder, url, driver, claude)
        report = await run.soak()
    return report, report.is_clean and not any("GROWS" in note for note in report.notes)


def verdicts(samples: list[Sample], minutes: float) -> list[str]:
    """One line per row of samples: begin, end, gain in an hour, flat or not."""
    late = [sample for sample in samples if sample.minute > minutes / 3]
    if len(late) < 3:
        return ["too few samples for a verdict"]
    lines = []
    for name, attribute in ROWS.items():
        values = [float(getattr(sample, attribute)) for sample in late]
        line = statistics.linear_regression([sample.minute for sample in late], values)
        gain = line.slope * (late[-1].minute - late[0].minute)
        verdict = "GROWS" if gain > BEARABLE * statistics.fmean(values) else "flat"
        span = f"{values[0]:.1f} … {values[-1]:.1f}, most {max(values):.1f}"
        lines.append(f"{name:<14} {span}; {gain:+.2f} ({line.slope * 60:+.1f} an hour): {verdict}")
    return lines
