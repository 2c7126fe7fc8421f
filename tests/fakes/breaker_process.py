"""A replica of its own with a guard before a back-end, its breaker shared through the database.

python -m tests.fakes.breaker_process URL: prints `ready`, then obeys lines `NOW MOOD`: at this time the back-end is
called, and is well (`ok`), down (`fail`), slow until the next line comes (`slow`), or the death of us (`die`).
Prints `asked` when a slow call has reached the back-end, and what became of each call: `done`, `failed` or `spared`.
"""

import asyncio
import os
import signal
import sys

from bot.store.engine import create_engine
from bot.store.store import SqlStore
from tests.fakes.held_board import HeldBoard
from tests.fakes.tools import HeldClock, asked_by
from tools.base import OutcomeUnknownError, ToolUnavailableError
from tools.breaker import Rules
from tools.noticeboard import Noticeboard
from tools.resilience import Guard, Instruments, Policy

ANA = asked_by("ana@cobalt-studio.example")
RULES = Rules(failures=3, open_seconds=30.0, first_seconds=5.0)
POLICY = Policy(attempts=1, attempt_seconds=60.0, total_seconds=60.0, breaker=RULES)


class Replica:
    """The guard, and a back-end that does as told."""

    def __init__(self, store: SqlStore) -> None:
        self._clock = HeldClock()
        board = Noticeboard(HeldBoard(store.breakers), clock=self._clock, wall=lambda: self._clock() + 1e9)
        self._guard = Guard("crm", Instruments(clock=self._clock, observe=self._clock.observe, board=board), POLICY)

    async def obey(self, now: float, mood: str) -> str:
        """What becomes of one call."""
        self._clock.now = now
        self._clock.attempts.clear()
        try:
            await self._guard.call(lambda: self._work(mood), ANA, sorry="sorry")
        except OutcomeUnknownError:
            return "failed" if self._clock.attempts[0].asked else "spared"
        return "done"

    async def _work(self, mood: str) -> None:
        if mood == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if mood == "slow":
            say("asked")
            await asyncio.to_thread(sys.stdin.readline)
        if mood == "fail":
            raise ToolUnavailableError("down")


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


async def main(url: str) -> None:
    """Obey until there is nothing more to obey."""
    engine = create_engine(url)
    replica = Replica(SqlStore(engine, lambda *_: None, lambda: 0.0))
    say("ready")
    while line := await asyncio.to_thread(sys.stdin.readline):
        now, mood = line.split()
        say(await replica.obey(float(now), mood))
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
