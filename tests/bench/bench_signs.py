"""How soon something is seen: the first visible status, and the start of the run, one conversation at a time."""

import asyncio

from tests.bench.kit import BOT, CUSTOMERS, Row, percentile, row, spread, stage

IDLE_SECONDS = 20


async def measure(*, quick: bool) -> list[Row]:
    turns = 10 if quick else 50
    async with stage() as (world, bot):
        await asyncio.sleep(2)
        cpu = bot.cpu_seconds()
        idle = 5 if quick else IDLE_SECONDS
        await asyncio.sleep(idle)
        cpu = (bot.cpu_seconds() - cpu) / idle * 100
        asked: list[str] = []
        for i in range(turns):
            asked.append(await world.says(CUSTOMERS[0], f"{BOT} #f{i} tools=1 How do I invite a guest?"))
            await asyncio.sleep(0.1)
            await bot.settled()
            await asyncio.sleep(0.05)
        record = await world.record()
        sent = {e["ts"]: e["began"] for e in reversed(record["events"])}
        posts = {c["thread_ts"]: c["ended"] for c in reversed(record["slack"]) if c["method"] == "chat.postMessage"}
        seen = [(posts[ts] - sent[ts]) * 1000 for ts in asked]
        query = "select i.order_ts, i.received_at, r.started_at from inbox i join runs r on r.id = 'run-' || i.id"
        runs = [(began - received) * 1000 for ts, received, began in bot.rows(query) if ts in asked]
    return [
        row("first status visible after the event (p99)", percentile(seen, 0.99), 300, "ms", spread(seen)),
        Row("event stored → run started (p50)", f"{percentile(runs, 0.5):.0f} ms  ({spread(runs)})"),
        Row("idle CPU", f"{cpu:.1f} % of one core over {idle} s"),
    ]
