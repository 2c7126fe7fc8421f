"""The promise about money, for 100,000 steps: overspent 0, no money stuck, each step checked against a second book.

See `tests.fakes.ledger_machine`; a step that breaks the promise is printed with the way to it, and fails the bench.
"""

import asyncio
import math
import os
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.bench.kit import Row, show
from tests.fakes.ledger_machine import ledger_machine, ledger_world

STEPS, QUICK_STEPS = 100_000, 3_000
_FAST = Path("/dev/shm")  # noqa: S108 - a disk in memory, where there is one: nothing here is about the disk


async def measure(*, quick: bool) -> list[Row]:
    return await asyncio.to_thread(_share_out, QUICK_STEPS if quick else STEPS)


def _share_out(steps: int) -> list[Row]:
    """As many ways at once as there are processors, each on a database of its own."""
    ways = os.cpu_count() or 1
    began = time.monotonic()
    with ProcessPoolExecutor(ways, mp_context=get_context("spawn")) as pool:  # not forked: chance must not be the same
        counts = sum(pool.map(drive, [math.ceil(steps / ways)] * ways), Counter[str]())
    done = counts.total()
    late = sum(count for what, count in counts.items() if what.startswith("late"))
    return [
        Row("steps, each checked", f"{done}", str(steps), done >= steps),
        Row("  overspent, or money that is stuck", "0", "0", ok=True),
        Row("  calls granted / refused", f"{counts['granted']} / {counts['refused']}"),
        Row("  lost, and told after all", f"{late}"),
        Row("  limits set / granted beyond", f"{counts['limit set']} / {counts['granted more']}"),
        Row("  steps a second", show(done / (time.monotonic() - began))),
    ]


def drive(steps: int) -> Counter[str]:
    """So many steps at least; what they were."""
    place = str(_FAST) if _FAST.is_dir() else None
    with tempfile.TemporaryDirectory(dir=place) as folder, ledger_world(Path(folder)) as world:
        while world.counts.total() < steps:
            rules = settings(
                max_examples=50, stateful_step_count=60, deadline=None, database=None,
                suppress_health_check=list(HealthCheck),
            )  # fmt: skip
            run_state_machine_as_test(ledger_machine(world), settings=rules)
        return world.counts
