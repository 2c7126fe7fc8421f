"""How fast an event is stored and acknowledged at 100 events a second, by signed HTTP and by Socket Mode.

Two kinds of load, each event a message that must be stored: *talk*, in which 20 open conversations go on (the bot works on
them meanwhile), and *crowd*, in which every event is a mention that opens a new conversation; Slack sends those twice.
The time runs in the sandbox, from sending the event to its acknowledgement.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

from tests.bench.kit import BOT, CUSTOMERS, Bot, Json, Row, World, percentile, row, spread, stage

RATE = 100
CONVERSATIONS = 20


async def measure(*, quick: bool) -> list[Row]:
    seconds = 4 if quick else 20
    rows: list[Row] = []
    for http in (True, False):
        mode = "signed HTTP" if http else "Socket Mode"
        async with stage(http=http, QUIET_SECONDS="0.6") as (world, bot):
            rows += await _talk(world, bot, seconds, mode)
    async with stage(QUIET_SECONDS="0.6", latency=2.0) as (world, bot):
        rows += await _crowd(world, bot, min(seconds, 10))
    return rows


async def _talk(world: World, bot: Bot, seconds: int, mode: str) -> list[Row]:
    threads = [await world.says(_customer(i), f"{BOT} #o{i} tools=0 Hello!") for i in range(CONVERSATIONS)]
    await asyncio.sleep(1)
    await bot.settled()
    await world.forget()

    async def say(i: int) -> None:
        await world.says(
            _customer(i % CONVERSATIONS), f"#t{i} tools=0 And another thing", thread=threads[i % CONVERSATIONS]
        )

    rate = await _at_a_rate(say, seconds)
    await bot.settled()
    acks, wrong = _acks(await world.record())
    stored = bot.rows("select count(*) from inbox")[0][0] - CONVERSATIONS
    assert stored == seconds * RATE, f"{stored} of {seconds * RATE} messages were stored"
    return [
        row(
            f"event stored and acknowledged, {mode} (p99)",
            percentile(acks, 0.99),
            100,
            "ms",
            f"{spread(acks)}, {rate}{wrong}",
        )
    ]


async def _crowd(world: World, bot: Bot, seconds: int) -> list[Row]:
    await world.says(_customer(0), f"{BOT} #w tools=0 Hello!")
    await asyncio.sleep(1)
    await bot.settled()
    await world.forget()

    async def say(i: int) -> None:
        await world.says(_customer(i), f"{BOT} #n{i} tools=0 Hello!")

    rate = await _at_a_rate(say, seconds)
    acks, wrong = _acks(await world.record())
    await world.forget()
    behind = time.monotonic()
    await bot.settled(300)
    caught_up = time.monotonic() - behind
    more = f"{spread(acks)}, {rate}{wrong}; {seconds * RATE} turns done {caught_up:.0f} s later"
    return [Row("  each event a mention and a new conversation (p99)", f"{percentile(acks, 0.99):.0f} ms  ({more})")]


async def _at_a_rate(say: Callable[[int], Coroutine[Any, Any, None]], seconds: int) -> str:
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for i in range(seconds * RATE):
            await asyncio.sleep(began + i / RATE - time.monotonic())
            group.create_task(say(i))
    return f"{seconds * RATE / (time.monotonic() - began):.0f}/s"


def _acks(record: Json) -> tuple[list[float], str]:
    """Milliseconds of each delivery, and what went wrong in words."""
    late = sum(not sent["ok"] for sent in record["events"])
    again = sum(bool(sent["retry"]) for sent in record["events"])
    wrong = f"; {late} NOT ACKNOWLEDGED, {again} sent again" if late or again else ""
    return [(sent["ended"] - sent["began"]) * 1000 for sent in record["events"]], wrong


def _customer(i: int) -> str:
    return CUSTOMERS[i % len(CUSTOMERS)]
