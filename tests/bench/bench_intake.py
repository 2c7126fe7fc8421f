"""How fast an event is stored and acknowledged at 100 events a second, by signed HTTP and by Socket Mode.

Three kinds of load, every event a message that must be stored and dispatched: *noted*, in which colleagues write in
customers' threads and the bot only records it; *answered*, in which 20 customers write five messages a second each and
the bot answers them meanwhile; *crowd*, in which every event is a mention that opens a new conversation (Slack sends
those twice). The time runs in the sandbox, from sending the event to its acknowledgement.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

from tests.bench.kit import BOT, CUSTOMERS, Bot, Json, Row, World, percentile, row, spread, stage

RATE = 100
CONVERSATIONS = 20
COLLEAGUE = "U0SAM"
ACK_SECONDS = 3.5
"""The sandbox waits three for an acknowledgement."""
Say = Callable[[int], Coroutine[Any, Any, Any]]


async def measure(*, quick: bool) -> list[Row]:
    seconds = 5 if quick else 20
    rows: list[Row] = []
    for http in (True, False):
        mode = "signed HTTP" if http else "Socket Mode"
        async with stage(http=http, QUIET_SECONDS="0.6") as (world, bot):
            threads = await _open(world, bot)
            rows.append(await _talk(world, bot, threads, seconds, f"{mode}, noted", [COLLEAGUE]))
            rows.append(await _talk(world, bot, threads, seconds, f"{mode}, answered", CUSTOMERS))
    async with stage(QUIET_SECONDS="0.6", latency=2.0) as (world, bot):
        await _open(world, bot)
        rows.append(await _crowd(world, bot, min(seconds, 10)))
    return rows


async def _open(world: World, bot: Bot) -> list[str]:
    threads = [await world.says(_customer(i), f"{BOT} #o{i} tools=0 Hello!") for i in range(CONVERSATIONS)]
    await asyncio.sleep(1)
    await bot.settled()
    return threads


async def _talk(
    world: World, bot: Bot, threads: list[str], seconds: int, name: str, speakers: list[str] | tuple[str, ...]
) -> Row:
    before = _stored(bot)

    async def say(i: int) -> None:
        number = i % CONVERSATIONS
        user = speakers[number % len(speakers)]
        await world.says(user, f"#t{i} tools=0 And another thing", thread=threads[number])

    acks, told = await _load(world, bot, say, seconds)
    await bot.settled()
    lost = seconds * RATE - (_stored(bot) - before)
    told += f"; {lost} NOT STORED YET" if lost else ""
    return row(f"stored and acknowledged, {name} (p99)", percentile(acks, 0.99), 100, "ms", told)


async def _crowd(world: World, bot: Bot, seconds: int) -> Row:
    async def say(i: int) -> None:
        await world.says(_customer(i), f"{BOT} #n{i} tools=0 Hello!")

    acks, told = await _load(world, bot, say, seconds)
    began = time.monotonic()
    await bot.settled(300)
    more = f"{told}; all {seconds * RATE} answered {time.monotonic() - began:.0f} s later"
    return Row("stored and acknowledged, crowd (p99)", f"{percentile(acks, 0.99):.0f} ms  ({more})")


async def _load(world: World, bot: Bot, say: Say, seconds: int) -> tuple[list[float], str]:
    """Milliseconds of each delivery under this load, and the load in words."""
    await world.forget()
    cpu, began = bot.cpu_seconds(), time.monotonic()
    async with asyncio.TaskGroup() as group:
        for i in range(seconds * RATE):
            await asyncio.sleep(began + i / RATE - time.monotonic())
            group.create_task(say(i))
    took = time.monotonic() - began
    busy = (bot.cpu_seconds() - cpu) / took * 100
    sent = await _all_sent(world)
    acks = [(one["ended"] - one["began"]) * 1000 for one in sent]
    late, again = sum(not one["ok"] for one in sent), sum(bool(one["retry"]) for one in sent)
    wrong = f"; {late} NOT ACKNOWLEDGED, {again} sent again" if late or again else ""
    return acks, f"{spread(acks)}, {seconds * RATE / took:.0f}/s, bot at {busy:.0f} % of one core{wrong}"


async def _all_sent(world: World) -> list[Json]:
    """Every delivery, once none is under way any more; the slow ones must not be missing."""
    count, sent = -1, (await world.record())["events"]
    while len(sent) != count:
        count = len(sent)
        await asyncio.sleep(ACK_SECONDS)
        sent = (await world.record())["events"]
    return list(sent)


def _stored(bot: Bot) -> int:
    return int(bot.rows("select count(*) from inbox")[0][0])


def _customer(i: int) -> str:
    return CUSTOMERS[i % len(CUSTOMERS)]
