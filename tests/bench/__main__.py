"""`make bench`: measures speed and size on loopback and prints a table; ARGS="--quick" or ARGS="--only NAME"."""

import argparse
import asyncio
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.bench import (
    bench_cache,
    bench_cost,
    bench_crowd,
    bench_dashboard,
    bench_intake,
    bench_keeping,
    bench_ledger,
    bench_lists,
    bench_offline,
    bench_outages,
    bench_pace,
    bench_resilience,
    bench_search,
    bench_search_scale,
    bench_search_speed,
    bench_signs,
    bench_size,
    bench_steps,
    bench_telemetry,
)
from tests.bench.kit import DATABASE, Row, percentile

Bench = Callable[..., Awaitable[list[Row]]]

BENCHES: dict[str, Bench] = {
    "steps": bench_steps.measure,
    "intake": bench_intake.measure,
    "signs": bench_signs.measure,
    "crowd": bench_crowd.measure,
    "size": bench_size.measure,
    "cache": bench_cache.measure,
    "cost": bench_cost.measure,
    "offline": bench_offline.measure,
    "pace": bench_pace.measure,
    "keeping": bench_keeping.measure,
    "ledger": bench_ledger.measure,
    "dashboard": bench_dashboard.measure,
    "lists": bench_lists.measure,
    "search": bench_search.measure,
    "search-speed": bench_search_speed.measure,
    "search-scale": bench_search_scale.measure,
    "resilience": bench_resilience.measure,
    "outages": bench_outages.measure,
    "telemetry": bench_telemetry.measure,
}
_MARKS = {True: "✓", False: "✗", None: " "}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", choices=BENCHES, action="append", help="this part alone; may be given several times")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite", help="of the bot")
    given = parser.parse_args()
    os.environ[DATABASE] = given.database
    print(_machine(), flush=True)
    failed = 0
    for name in given.only or BENCHES:
        began = time.monotonic()
        print(f"\n{name}", flush=True)
        try:
            rows = asyncio.run(BENCHES[name](quick=given.quick))
        except AssertionError as error:
            print(f"  broken: {error}", file=sys.stderr)
            failed += 1
            continue
        for line in rows:
            print(_line(line), flush=True)
        print(f"  ({time.monotonic() - began:.0f} s)")
    return 1 if failed else 0


def _line(line: Row) -> str:
    width = max(50, shutil.get_terminal_size((200, 0)).columns // 3)
    return f"  {_MARKS[line.ok]} {line.name:<{min(width, 58)}} {line.goal:<9} {line.measured}"


def _machine() -> str:
    """What the numbers were measured on; other programs' load makes them worse."""
    load = os.getloadavg()[0]
    return (
        f"Python {platform.python_version()}, {os.cpu_count()} cores, load {load:.1f} before the start, "
        f"a write that reaches the disk takes {_sync_ms():.1f} ms (median)"
    )


def _sync_ms() -> float:
    times = []
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "probe").open("wb", buffering=0) as probe:
        for _ in range(50):
            probe.write(b"x" * 4096)
            began = time.perf_counter()
            os.fsync(probe.fileno())
            times.append((time.perf_counter() - began) * 1000)
    return percentile(times, 0.5)


if __name__ == "__main__":
    raise SystemExit(main())
