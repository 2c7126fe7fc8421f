"""How fast is the search, and what does it take? Generated articles in SQLite, real embedding of every question."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.bench.kit import ROOT, Row, percentile, row, spread

SIZES = "DESKHAND_SEARCH_SIZES"
"""Name of the variable with other numbers of articles, e.g. 1000,10000; a hundred thousand take minutes and 2 GB."""
_DEFAULT = "1000,10000,100000"
_GOAL = 10_000


async def measure(*, quick: bool) -> list[Row]:
    sizes = [1000] if quick else [int(size) for size in os.environ.get(SIZES, _DEFAULT).split(",")]
    return [line for size in sizes for line in await asyncio.to_thread(_at, size)]


def _at(size: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "search.db")
        written = _run("write", file, str(size))
        return _rows(size, written, _run("ask", file))


def _run(*words: str) -> dict[str, Any]:
    """In a process of its own, whose memory is the index's; one thread for numpy, as a server should have."""
    command = [sys.executable, "-m", "tests.bench.search_process", *words]
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _rows(size: int, written: dict[str, Any], told: dict[str, Any]) -> list[Row]:
    name = f"{size:,} articles, {written['passages']:,} passages: a search"
    one, two = told["one"], told["two"]
    last = Row(
        "  import: written; embedding, from a sample",
        f"{written['written']:.1f} s; {written['embedding']:.0f} s of one core",
    )
    if size != _GOAL:
        return [
            Row(name, spread(one)),
            Row("  2 clients at once", spread(two)),
            Row("  start-up; memory of the process", f"{told['started']:.2f} s; {told['memory']:.0f} MB"),
            last,
        ]
    return [
        row(f"{name}, p99", percentile(one, 0.99), 10, "ms", spread(one)),
        row("  2 clients at once, p99", percentile(two, 0.99), 10, "ms", spread(two)),
        row("  start-up: read, index built", told["started"], 2.5, "s"),
        row("  memory of the process", told["memory"], 250, "MB"),
        last,
    ]
