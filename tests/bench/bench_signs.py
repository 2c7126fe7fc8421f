"""How soon something is seen, in a channel and in a DM: the first visible status, and the start of the run.

One conversation at a time, channel and DM in turn, so that both meet the same machine.
"""

import asyncio

from tests.bench.kit import BOT, CHANNEL, CUSTOMERS, Bot, Json, Row, World, percentile, row, spread, stage

IDLE_SECONDS = 20
FIRST = ("chat.postMessage", "chat.startStream")
_RUNS = "select i.order_ts, i.received_at, r.started_at from inbox i join runs r on r.id = 'run-' || i.id"


async def measure(*, quick: bool) -> list[Row]:
    turns = 10 if quick else 50
    async with stage() as (world, bot):
        places = {"channel": CHANNEL, "DM": await world.dm(CUSTOMERS[0])}
        await asyncio.sleep(15)  # the start is over then; articles without vectors get them in the background
        idle = 5 if quick else IDLE_SECONDS
        cpu = bot.cpu_seconds()
        await asyncio.sleep(idle)
        cpu = (bot.cpu_seconds() - cpu) / idle * 100
        asked: dict[str, list[str]] = {name: [] for name in places}
        for i in range(turns):
            for name, channel in places.items():
                asked[name].append(await _turn(world, bot, channel, i))
        record = await world.record()
        runs = [(began - received) * 1000 for _, received, began in bot.rows(_RUNS)]
        limit = 100 if bot.is_on_postgresql else 60
    return [
        *(_seen(name, record, asked[name]) for name in places),
        row("event stored → run started (p50)", percentile(runs, 0.5), limit, "ms", spread(runs)),
        row("idle CPU", cpu, 3, "%", f"of one core over {idle} s"),
    ]


async def _turn(world: World, bot: Bot, channel: str, number: int) -> str:
    mention = f"{BOT} " if channel == CHANNEL else ""
    words = f"{mention}#f{number} tools=1 How do I invite a guest?"
    ts = await world.says(CUSTOMERS[0], words, channel=channel)
    await asyncio.sleep(0.1)
    await bot.settled()
    await asyncio.sleep(0.05)
    return ts


def _seen(name: str, record: Json, asked: list[str]) -> Row:
    sent = {event["ts"]: event["began"] for event in reversed(record["events"])}
    shown = {call["thread_ts"]: call["ended"] for call in reversed(record["slack"]) if call["method"] in FIRST}
    seen = [(shown[ts] - sent[ts]) * 1000 for ts in asked]
    calls = sum(call["thread_ts"] in asked for call in record["slack"]) / len(asked)
    told = f"{spread(seen)}; {calls:.1f} calls of Slack a turn"
    return row(f"{name}: first status visible after the event (p99)", percentile(seen, 0.99), 300, "ms", told)
