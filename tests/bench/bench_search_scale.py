"""Many articles on PostgreSQL: the index in memory beside tantivy with pgvector, on generated text and vectors."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from typing import Any

from tests.bench.kit import ROOT, Row, spread
from tests.fakes.postgres import postgres_database

SIZE = "DESKHAND_SCALE_SIZE"
"""Name of the variable with another number of articles than a hundred thousand, which take some ten minutes."""


async def measure(*, quick: bool) -> list[Row]:
    size = 2000 if quick else int(os.environ.get(SIZE, "100000"))
    async with postgres_database() as url:
        with tempfile.TemporaryDirectory() as folder:
            return await asyncio.to_thread(_at, size, url, folder)


def _at(size: int, url: str, folder: str) -> list[Row]:
    written = _run("write", url, folder, str(size))
    name = f"{size:,} articles, {written['passages']:,} passages"
    memory = _run("memory", url, folder)
    rows = _rows(f"{name}, in memory: a search", memory, "start-up: read, index built")
    if find_spec("tantivy") is None:
        return [*rows, Row("  PostgreSQL and tantivy", "skipped: pip install 'deskhand[scale]'")]
    first = _run("scale", url, folder)
    again = _run("scale", url, folder)
    rows += _rows(f"{name}, pgvector and tantivy: a search", again, "start-up with its folder")
    rows.append(Row("  first build: rows, HNSW, words", f"{first['started']:.1f} s"))
    pairs = list(zip(memory["found"], again["found"], strict=True))
    there = sum(len(set(one) & set(other)) for one, other in pairs)
    share = 100 * there / max(1, sum(len(one) for one, _ in pairs))
    return [*rows, Row("  the five best of memory's that it finds", f"{share:.1f} %", "> 95 %", share > 95)]


def _rows(name: str, told: dict[str, Any], start: str) -> list[Row]:
    return [
        Row(name, spread(told["one"])),
        Row("  2 clients at once", spread(told["two"])),
        Row(f"  {start}", f"{told['started']:.1f} s"),
        Row("  memory of the process", f"{told['memory']:.0f} MB"),
    ]


def _run(*words: str) -> dict[str, Any]:
    """In a process of its own, whose memory is the index's; one thread for numpy, as a server should have."""
    command = [sys.executable, "-m", "tests.bench.scale_process", *words]
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    told: dict[str, Any] = json.loads(done.stdout)
    return told
