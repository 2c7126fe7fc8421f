"""200 conversations at once, with a Claude that takes two seconds: nothing lost, nothing twice, little memory."""

import asyncio
import time
from collections import Counter

from tests.bench.kit import BOT, CUSTOMERS, Bot, Json, Row, World, row, show, stage

CONVERSATIONS = 200
LATENCY = 2.0
TOOLS = 1


async def measure(*, quick: bool) -> list[Row]:
    count = 50 if quick else CONVERSATIONS
    async with stage(latency=LATENCY, QUIET_SECONDS="0.6") as (world, bot):
        await world.says(CUSTOMERS[0], f"{BOT} #warm tools=1 How do I invite a guest?")
        await asyncio.sleep(1)
        await bot.settled()
        await world.forget()
        watching = asyncio.get_running_loop().create_task(_peak(bot))
        began = time.monotonic()
        asked = await asyncio.gather(*(_ask(world, i) for i in range(count)))
        await asyncio.sleep(1)
        await bot.settled(240, pause=0.2)
        took = time.monotonic() - began
        watching.cancel()
        peak = (await asyncio.gather(watching, return_exceptions=True))[0]
        assert isinstance(peak, float)
        record = await world.record()
        wrong = await _wrong(world, record, asked)
    waiting = LATENCY * (TOOLS + 2)
    return [
        row(f"{count} conversations at once: largest memory", peak, 400, "MB"),
        Row("  lost, repeated or unanswered", f"{wrong}", "0", wrong == 0),
        Row("  all answered after", f"{took:.1f} s  (Claude alone takes {waiting:.0f} s a turn)"),
        Row("  calls to Claude at once, at most", f"{record['most_at_once']}"),
        Row("  answers a second", show(count / took)),
    ]


async def _ask(world: World, i: int) -> str:
    return await world.says(CUSTOMERS[i % len(CUSTOMERS)], f"{BOT} #c{i} tools={TOOLS} How do I invite a guest?")


async def _wrong(world: World, record: Json, asked: list[str]) -> int:
    """Threads that do not hold exactly one answer, and questions Claude was asked too often or too seldom."""
    assert not record["refused"], record["refused"]
    wrong = 0
    for ts in asked:
        replies = (await world.messages(channel="C0SUPPORT", thread_ts=ts))[1:]
        wrong += len(replies) != 1 or "Share" not in replies[0]["text"]
    calls = Counter(call["question"] for call in record["claude"] if call["is_agents"])
    return wrong + sum(calls[f"c{i}"] != TOOLS + 1 for i in range(len(asked)))


async def _peak(bot: Bot) -> float:
    """The largest memory seen until cancelled."""
    peak = 0.0
    try:
        while True:
            peak = max(peak, bot.rss_mb())
            await asyncio.sleep(0.1)
    except asyncio.CancelledError:
        return peak
