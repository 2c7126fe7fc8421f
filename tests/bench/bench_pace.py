"""What keeping to Slack's pace costs, and what it spares: 20 conversations in one channel of a Slack that counts."""

import asyncio
import re
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from bot.ports.pace import Toll
from bot.runtime.pace import Pace
from bot.slack.rates import Rates
from bot.store.engine import create_engine
from bot.store.migrate import migrate
from bot.store.store import SqlStore
from tests.bench.kit import Row, percentile
from tests.contract.store_kit import KINDS, database, enqueue, notice
from tests.fakes.desk import open_desk
from tests.fakes.desk_claude import Claude
from tests.fakes.messages_api import Move, Seen, text
from tests.fakes.sandbox_driver import FAST

PEOPLE = ("U0ANA", "U0BO", "U0CHIDI", "U0DARIA", "U0EMI")
CROWD = 20


async def measure(*, quick: bool) -> list[Row]:
    rows = []
    for kind in KINDS:
        rows += await _costs(kind, 100 if quick else 1000)
    for speed, name in (("0", "without limits of our own"), ("1", "at Slack's pace")):
        rows += await _crowd(speed, name)
    return rows


async def _costs(kind: str, times: int) -> list[Row]:
    """Milliseconds of one admitted call, of an effect's intent with and without it, and of progress left out."""
    with tempfile.TemporaryDirectory() as folder:
        async with database(kind, Path(folder)) as url:
            engine = create_engine(url)
            await migrate(engine)
            store = SqlStore(engine, enqueue, time.time)
            fast = Rates(1e6)  # nobody waits
            pace, queue = Pace(store.paces, time.time, fast.opening), store.queue
            channels = [fast.tolls("T1", "chat.postMessage", f"C{number}") for number in range(times)]
            async with store.write() as tx:
                for number in range(2 * times):
                    await tx.outbox.add(notice(f"n{number}", lane=f"lane {number}"))

            async def intend(number: int, *tolls: Toll) -> None:
                delivery = await queue.head(f"lane {number}", time.time())
                assert delivery is not None
                await queue.intend(delivery, at=time.time(), tolls=tolls)

            busy = [Toll("T1|busy", 60.0)]
            await pace.admit(busy)
            rows = [
                await _timed(f"{kind}: a call's turn", times, lambda n: pace.admit(channels[n])),
                await _timed(f"{kind}: an effect's intent", times, intend),
                await _timed(f"{kind}: … with its turn", times, lambda n: intend(times + n, *channels[n])),
                await _timed(f"{kind}: progress left out", times, lambda _: pace.has_room(busy)),
            ]
            await engine.dispose()
    return rows


async def _timed(name: str, times: int, work: Callable[[int], Awaitable[object]]) -> Row:
    took = []
    for number in range(times):
        began = time.perf_counter()
        await work(number)
        took.append((time.perf_counter() - began) * 1000)
    return Row(name, f"p50 {percentile(took, 0.5):.3f} ms, p99 {percentile(took, 0.99):.2f} ms")


async def _crowd(speed: str, name: str) -> list[Row]:
    async with Claude() as claude:
        claude.always, claude.latency = _echo, 0.3
        with tempfile.TemporaryDirectory() as folder:
            config = replace(FAST, rate_limits=True)
            async with open_desk(Path(folder), claude=claude, config=config, SLACK_PACE=speed) as desk:
                began = time.monotonic()
                people = [desk.customer(PEOPLE[n % len(PEOPLE)]) for n in range(CROWD)]
                threads = await asyncio.gather(*(p.asks(f"What about number {n}?") for n, p in enumerate(people)))
                for thread in threads:
                    await thread.answer(seconds=240)
                took = time.monotonic() - began
                await desk.settled(60)
                calls = (await desk.driver.look("calls"))["calls"]
                twice = sum(len(thread.ours()) != 1 for thread in threads)
    refused = Counter(call["method"] for call in calls if call["error"] == "ratelimited")
    shown = ", ".join(f"{method} {count}" for method, count in refused.most_common()) or "none"
    return [
        Row(f"{CROWD} in one channel, {name}: refused (429)", f"{refused.total()} of {len(calls)} calls ({shown})"),
        Row("  all answered after", f"{took:.1f} s"),
        Row("  lost or repeated", f"{twice}", "0", twice == 0),
    ]


def _echo(seen: Seen) -> Move:
    found = re.findall(r"number (\d+)", seen.last_text)
    return text(f"You asked about {', '.join(found)}.")
