"""A replica of its own in which one person presses a button on every open card, as fast as it can.

python -m tests.fakes.press_process URL WHO DECISION COUNT: prints `ready`, waits for a line, then prints one line of JSON:
what the person was told about each case.
"""

import asyncio
import json
import sys

from bot.domain.escalation import Decision
from tests.contract.store_kit import open_store
from tests.fakes.deciders import Deciders


async def main(url: str, who: str, decision: str, count: int) -> None:
    """Press."""
    async with open_store(url) as store:
        desk = Deciders(store)
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        told = [
            await desk.press(who, Decision(decision), version=1, note="not this one", case_id=f"esc-{number}")
            for number in range(count)
        ]
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
