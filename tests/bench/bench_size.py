"""Start and size: cold start, idle memory, `--help`."""

import asyncio
import sys
import time

from tests.bench.kit import ROOT, Row, percentile, row, spread, stage


async def measure(*, quick: bool) -> list[Row]:
    starts: list[float] = []
    sizes: list[float] = []
    for claude in (False, True) if quick else (False, True, False, True, True):
        async with stage(claude=claude) as (_, bot):
            starts.append(bot.started_in)
            await asyncio.sleep(3)
            sizes.append(bot.rss_mb())
    helps = [await _help() for _ in range(5)]
    return [
        row("cold start, exec → ready, new database (median)", percentile(starts, 0.5), 4, "s", _each(starts)),
        row("idle memory (largest)", max(sizes), 200, "MB", _each(sizes)),
        row("deskhand --help (median)", percentile(helps, 0.5), 0.5, "s", spread(helps, "s")),
    ]


async def _help() -> float:
    began = time.monotonic()
    words = (sys.executable, "-m", "bot", "--help")
    process = await asyncio.create_subprocess_exec(*words, cwd=ROOT, stdout=asyncio.subprocess.DEVNULL)
    assert await process.wait() == 0
    return time.monotonic() - began


def _each(values: list[float]) -> str:
    return "each: " + ", ".join(f"{value:.1f}" for value in values)
