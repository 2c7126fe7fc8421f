"""The promise about money, for 100,000 steps: overspent 0, no money stuck, each step checked against a second book.

See `tests.fakes.ledger_machine`; a step that breaks the promise is printed with the way to it, and fails the bench.
"""

import asyncio
import tempfile
import time
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.bench.kit import Row, show
from tests.fakes.ledger_machine import World, ledger_machine, ledger_world

STEPS, QUICK_STEPS = 100_000, 3_000
_FAST = Path("/dev/shm")  # noqa: S108 - a disk in memory, where there is one: nothing here is about the disk


async def measure(*, quick: bool) -> list[Row]:
    return await asyncio.to_thread(_drive, QUICK_STEPS if quick else STEPS)


def _drive(steps: int) -> list[Row]:
    place = str(_FAST) if _FAST.is_dir() else None
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=place) as folder, ledger_world(Path(folder)) as world:
        while _done(world) < steps:
            rules = settings(
                max_examples=50, stateful_step_count=60, deadline=None, database=None,
                suppress_health_check=list(HealthCheck),
            )  # fmt: skip
            run_state_machine_as_test(ledger_machine(world), settings=rules)
        counts = world.counts
        late = sum(count for what, count in counts.items() if what.startswith("late"))
        return [
            Row("steps, each checked", f"{_done(world)}", str(steps), _done(world) >= steps),
            Row("  overspent, or money that is stuck", "0", "0", ok=True),
            Row("  calls granted / refused", f"{counts['granted']} / {counts['refused']}"),
            Row("  lost, and told after all", f"{late}"),
            Row("  limits set / granted beyond", f"{counts['limit set']} / {counts['granted more']}"),
            Row("  steps a second", show(_done(world) / (time.monotonic() - began))),
        ]


def _done(world: World) -> int:
    return sum(world.counts.values())
