"""Our own time per step: what is left of a turn when the waiting for Slack and Claude is taken away.

A turn lasts from the start of its run until Slack has answered the call that shows the answer. Taken away are the times
in which the fakes held a request that the turn waits for: Claude's calls, users.info, conversations.members,
chat.getPermalink, and the delivery of the answer. Calls that run beside the turn (the live line) are not taken away.
Quiet period 0. A step is one model call and what belongs to it: those of the loop, and the judge's.
"""

import asyncio
from collections.abc import Iterable
from itertools import pairwise

from tests.bench.kit import BOT, CUSTOMERS, Bot, Json, Row, World, percentile, row, show, spread, stage

Span = tuple[float, float]

_BESIDE = ("chat.postMessage", "chat.update")
"""Methods that do not hold the turn up, the answer's own call excepted."""


async def measure(*, quick: bool) -> list[Row]:
    rows: list[Row] = []
    turns = 8 if quick else 30
    async with stage() as (world, bot):
        await _ask(world, bot, "warm0", 1)
        await _ask(world, bot, "warm1", 3)
        for tools in (1, 3):
            await world.forget()
            cpu = bot.cpu_seconds()
            threads = [await _ask(world, bot, f"s{tools}x{i}", tools) for i in range(turns)]
            cpu = (bot.cpu_seconds() - cpu) / turns
            rows += _told(tools, await world.record(), bot, threads, cpu)
    return rows


async def _ask(world: World, bot: Bot, number: str, tools: int) -> str:
    ts = await world.says(CUSTOMERS[0], f"{BOT} #{number} tools={tools} How do I invite a guest to a board?")
    await asyncio.sleep(0.1)
    await bot.settled()
    return ts


def _told(tools: int, record: Json, bot: Bot, threads: list[str], cpu: float) -> list[Row]:
    steps = tools + 2  # the answer and the judge
    assert not record["refused"], record["refused"]
    own, since_stored, whole = [], [], []
    for run_id, stored, began in _runs(bot, threads):
        ended = next(c["ended"] for c in record["slack"] if f"answer:{run_id}" in c["metadata"])
        waits = [(c["began"], c["ended"]) for c in record["slack"] if _is_waited_for(c, run_id)]
        waits += [(c["began"], c["ended"]) for c in record["claude"]]
        own.append((ended - began - _covered(waits, (began, ended))) * 1000)
        since_stored.append((ended - stored - _covered(waits, (stored, ended))) * 1000)
        whole.append((ended - began) * 1000)
    name = f"own time per step, {tools} tool(s) + answer + judge"
    per_step = [one / steps for one in own]
    return [
        row(name, percentile(per_step, 0.5), 15, "ms", spread(per_step)),
        Row("  judge not counted as a step", f"{show(percentile([one / (steps - 1) for one in own], 0.5))} ms"),
        Row(
            "  counted from the event's storing, dispatch included", f"{show(percentile(since_stored, 0.5) / steps)} ms"
        ),
        Row("  whole turn, own / with waiting", f"{show(percentile(own, 0.5))} / {show(percentile(whole, 0.5))} ms"),
        Row("  CPU of the process per turn, all threads", f"{show(cpu * 1000)} ms"),
    ]


def _runs(bot: Bot, threads: list[str]) -> list[tuple[str, float, float]]:
    """Run, time of storing and time of start of each thread's first message."""
    query = "select r.id, i.received_at, r.started_at, i.order_ts from inbox i join runs r on r.id = 'run-' || i.id"
    return [(run_id, stored, began) for run_id, stored, began, ts in bot.rows(query) if ts in threads]


def _is_waited_for(call: Json, run_id: str) -> bool:
    return call["method"] not in _BESIDE or f"answer:{run_id}" in call["metadata"]


def _covered(spans: Iterable[Span], within: Span) -> float:
    """Seconds of `within` that lie in at least one span."""
    inside = [(max(a, within[0]), min(b, within[1])) for a, b in spans if a < within[1] and b > within[0]]
    edges = sorted({edge for span in inside for edge in span})
    return sum(b - a for a, b in pairwise(edges) if any(x <= a and b <= y for x, y in inside))
