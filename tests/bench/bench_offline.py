"""A whole turn without Claude: from the customer's message to the answer in Slack."""

import asyncio

from tests.bench.kit import BOT, CUSTOMERS, Row, percentile, spread, stage


async def measure(*, quick: bool) -> list[Row]:
    rows: list[Row] = []
    for quiet in ("0", "0.6"):
        async with stage(claude=False, QUIET_SECONDS=quiet) as (world, bot):
            asked: list[str] = []
            for i in range(4 if quick else 15):
                asked.append(await world.says(CUSTOMERS[0], f"{BOT} How do I invite a guest to board {i}?"))
                await asyncio.sleep(0.1)
                await bot.settled()
            record = await world.record()
        sent = {e["ts"]: e["began"] for e in reversed(record["events"])}
        live = {c["thread_ts"]: c["ended"] for c in record["slack"] if c["method"] == "chat.postMessage"}
        answers = sorted(c["ended"] for c in record["slack"] if "answer:" in c["metadata"])
        assert len(answers) == len(asked) == len(live)
        took = [(end - sent[ts]) * 1000 for ts, end in zip(asked, answers, strict=True)][1:]
        rows.append(
            Row(f"offline: whole turn, quiet period {quiet} s", f"{percentile(took, 0.5):.0f} ms  ({spread(took)})")
        )
    return rows
