"""Our guard against the plain decorators in virtual time: the usual times, hours of calls, the same luck for both.

The figures depend on no machine; those of `resilience` go through real requests.
"""

import asyncio
import logging
from dataclasses import replace
from functools import partial

from tests.bench.kit import Row
from tests.bench.plain_retries import OUTAGES, PlainBreaker, retrying
from tests.fakes.backend_trouble import Luck, Share, Story, story
from tests.fakes.virtual_time import in_virtual_time
from tools.breaker import Rules
from tools.resilience import STANDARD

SHARES = (0.01, 0.1, 0.5, 0.8, 1.0)
RATES = ((1 / 30, 400, True), (1.0, 600, True), (40.0, 1600, False))
"""Calls a second, how many, and whether some hang."""
PLAIN = replace(STANDARD, breaker=Rules(failures=5, open_seconds=60.0))


async def measure(*, quick: bool) -> list[Row]:
    logging.getLogger("tools.resilience").setLevel(logging.ERROR)  # that breakers open is what is measured
    return await asyncio.to_thread(_rows, 1 if quick else 5)


def _rows(seeds: int) -> list[Row]:
    rows = []
    for share in SHARES:
        for per_second, calls, hangs in RATES:
            trouble = partial(Luck, share=_always(share), hangs=hangs)
            ours = [story(trouble(seed), calls=calls, per_second=per_second) for seed in range(seeds)]
            plain = [in_virtual_time(_plain(trouble(seed), calls, per_second)) for seed in range(seeds)]
            name = f"{share:.0%} of the requests fail, {60 * per_second:g} questions a minute"
            rows.append(Row(name, f"ours {_told(ours, calls)}; plain {_told(plain, calls)}"))
    return rows


def _always(share: float) -> Share:
    return lambda _: share


def _told(stories: list[Story], calls: int) -> str:
    success = sum(one.success() for one in stories) / len(stories)
    return f"{success:.1f} % {sum(one.asked() for one in stories) / len(stories) / calls:.2f} requests a question"


async def _plain(luck: Luck, calls: int, per_second: float) -> Story:
    loop, told = asyncio.get_running_loop(), Story(luck)
    breaker = PlainBreaker(PLAIN, loop.time)

    async def one(number: int) -> None:
        await asyncio.sleep(number / per_second - loop.time())
        try:
            await breaker.guards(retrying(lambda: luck.work(number), PLAIN))()
        except OUTAGES:
            told.ends.append((number / per_second, False))
        else:
            told.ends.append((number / per_second, True))

    async with asyncio.TaskGroup() as group:
        for number in range(calls):
            group.create_task(one(number))
    return told
