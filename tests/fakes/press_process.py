"""A replica of its own in which one person presses a button on every open card.

python -m tests.fakes.press_process URL WHO DECISION COUNT: prints `ready` and waits for a line with the unix seconds at
which to begin; then presses once every BEAT seconds, a little early or late, so that of two that do the same at once
now one is first and now the other. Prints one line of JSON: what the person was told about each case.
"""

import asyncio
import json
import random
import sys
import time

from bot.domain.escalation import Decision
from tests.contract.store_kit import open_store
from tests.fakes.deciders import Deciders

BEAT = 0.04
LATE = 0.015


async def main(url: str, who: str, decision: str, count: int) -> None:
    """Press."""
    async with open_store(url) as store:
        desk = Deciders(store)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        begin = float(await asyncio.to_thread(sys.stdin.readline))
        told = []
        for number in range(count):
            at = begin + number * BEAT + random.random() * LATE  # noqa: S311 - no secret
            await asyncio.sleep(max(0.0, at - time.time()))
            told.append(
                await desk.press(who, Decision(decision), version=1, note="not this one", case_id=f"esc-{number}")
            )
        sys.stdout.write(f"{json.dumps(told)}\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
