"""200 events a second, acknowledged by the 99th percentile within 200 ms, while 1,000 conversations are in flight.

Slack and Claude run in processes of their own. First the conversations are opened, then colleagues and customers write
in them at the full rate; Claude takes so long for each answer that few of them end meanwhile. The time of an event runs
in the sandbox, from sending it by signed HTTP to its acknowledgement.
"""

import asyncio
import json
import time
from dataclasses import dataclass

import aiohttp

from tests.bench.kit import BOT, CUSTOMERS, Bot, Json, Row, World, percentile, process_running, row, spread, stage

COLLEAGUE = "U0SAM"
LATENCY = 8.0
"""Seconds Claude takes for each answer, and each conversation needs two: few of them end before the load does."""
ACK_SECONDS = 3.5
"""Until every event of the load was acknowledged or given up by the sandbox once."""
_UNANSWERED = (
    "select count(*) from conversations c where standing = 'bot' and not exists"  # colleagues who write take over
    " (select 1 from outbox o where o.conversation_id = c.id and o.kind = 'answer' and o.state = 'delivered')"
)


@dataclass(frozen=True)
class Load:
    """How much of what."""

    rate: int = 200
    seconds: int = 20
    conversations: int = 1000
    opening_rate: int = 50


async def measure(load: Load) -> list[Row]:
    """The table."""
    async with process_running("-m", "tests.torture.alone", "--pause", str(LATENCY)) as told:
        claude = {"ANTHROPIC_BASE_URL": told["url"], "ANTHROPIC_API_KEY": told["key"]}
        async with stage(http=True, **claude) as (world, bot), aiohttp.ClientSession() as http:
            return await _measure(load, world, bot, told["about"], http)


async def _measure(load: Load, world: World, bot: Bot, about: str, http: aiohttp.ClientSession) -> list[Row]:
    began = time.monotonic()
    threads = await _open(load, world)
    opened_in = time.monotonic() - began
    in_flight = _in_flight(bot)
    watching = asyncio.get_running_loop().create_task(_peak(bot))
    acks, busy, late = await _talk(load, world, bot, threads)
    asked = await _asked(http, about)
    during = _in_flight(bot)
    began = time.monotonic()
    await bot.settled(1200, pause=0.5)
    settled_in = time.monotonic() - began
    watching.cancel()
    peak = (await asyncio.gather(watching, return_exceptions=True))[0]
    assert isinstance(peak, float)
    assert not (await _asked(http, about))["refused"], "the Messages API found fault with a request"
    stored = bot.rows("select count(*) from inbox where kind = 'message'")[0][0]
    lost = load.conversations + load.rate * load.seconds - stored
    unanswered = bot.rows(_UNANSWERED)[0][0]
    told = f"{spread(acks)}; {load.rate}/s for {load.seconds} s, {late} not acknowledged, bot at {busy:.0f} % of a core"
    return [
        row("event acknowledged (p99)", percentile(acks, 0.99), 200, "ms", told),
        row("largest memory", peak, 500, "MB", f"{in_flight} conversations in flight before, {during} after the load"),
        Row("  events lost, conversations without an answer", f"{lost}, {unanswered}", "0, 0", lost == unanswered == 0),
        Row("  calls of Claude at once, at most", f"{asked['most']}"),
        Row("  opened / all answered", f"{opened_in:.0f} s / {settled_in:.0f} s after the load"),
    ]


async def _open(load: Load, world: World) -> list[str]:
    """New conversations at a bearable rate."""
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        tasks = []
        for i in range(load.conversations):
            await asyncio.sleep(began + i / load.opening_rate - time.monotonic())
            tasks.append(group.create_task(world.says(_customer(i), f"{BOT} #{i}.1 plain Hello!")))
    return [task.result() for task in tasks]


async def _talk(load: Load, world: World, bot: Bot, threads: list[str]) -> tuple[list[float], float, int]:
    """Milliseconds of each acknowledgement, the bot's load in percent of a core, and events never acknowledged."""
    await world.forget()
    cpu, began = bot.cpu_seconds(), time.monotonic()
    async with asyncio.TaskGroup() as group:
        for i in range(load.rate * load.seconds):
            await asyncio.sleep(began + i / load.rate - time.monotonic())
            number = i % len(threads)
            user = COLLEAGUE if i % 2 else _customer(number)
            group.create_task(
                world.says(user, f"#{number}.{2 + i // len(threads)} plain And more", thread=threads[number])
            )
    busy = (bot.cpu_seconds() - cpu) / (time.monotonic() - began) * 100
    await asyncio.sleep(ACK_SECONDS)
    sent: list[Json] = (await world.record())["events"]
    return [(one["ended"] - one["began"]) * 1000 for one in sent], busy, sum(not one["ok"] for one in sent)


async def _asked(http: aiohttp.ClientSession, about: str) -> Json:
    async with http.get(about) as answer:
        told: Json = json.loads(await answer.text())
        return told


def _in_flight(bot: Bot) -> int:
    """Conversations with something unanswered."""
    query = "select count(distinct conversation_id) from inbox where handled_at is null"
    return int(bot.rows(query)[0][0])


async def _peak(bot: Bot) -> float:
    """The largest memory seen until cancelled, MB."""
    peak = 0.0
    try:
        while True:
            peak = max(peak, bot.rss_mb())
            await asyncio.sleep(0.2)
    except asyncio.CancelledError:
        return peak


def _customer(i: int) -> str:
    return CUSTOMERS[i % len(CUSTOMERS)]
