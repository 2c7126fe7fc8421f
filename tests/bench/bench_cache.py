"""What prompt caching saves in a conversation of six turns, by the documented arithmetic and the shipped prices."""

import asyncio
from decimal import Decimal

from tests.bench.kit import BOT, CUSTOMERS, Json, Row, show, stage

TURNS = 6


async def measure(*, quick: bool) -> list[Row]:
    turns = 3 if quick else TURNS
    async with stage() as (world, bot):
        thread = await world.says(CUSTOMERS[0], f"{BOT} #k0 tools=1 How do I invite a guest?")
        costs: list[Decimal] = []
        for i in range(turns):
            if i:
                await world.says(CUSTOMERS[0], f"#k{i} tools=1 And how do I take the guest away?", thread=thread)
            await asyncio.sleep(0.5)
            await bot.settled()
            costs.append(Decimal((await world.record())["usd"]))
        record = await world.record()
        ours = bot.rows("select sum(charged) from ledger")[0][0] / 1e6
    prefixes = {call["prefix"] for call in record["claude"] if call["is_agents"]}
    each = [after - before for before, after in zip([Decimal(0), *costs], costs, strict=False)]
    agents = [bill for bill, call in zip(record["bills"], record["claude"], strict=True) if call["is_agents"]]
    return [
        Row(
            f"conversation of {turns} turns, all calls",
            f"${costs[-1]:.4f}  (each: {_usd(each)}; our ledger: ${ours:.4f})",
        ),
        Row("  prompt tokens read from the cache, agent's calls", _share(agents)),
        Row("  prompt tokens read from the cache, with the judge", _share(record["bills"])),
        Row("  different prefixes (system and tools)", str(len(prefixes)), "1", len(prefixes) == 1),
    ]


def _usd(each: list[Decimal]) -> str:
    return ", ".join(f"{one:.4f}" for one in each)


def _share(bills: list[Json]) -> str:
    read, whole = sum(b["read"] for b in bills), sum(sum(b.values()) for b in bills)
    return f"{show(100 * read / whole)} %  ({read} of {whole})"
