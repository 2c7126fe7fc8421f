"""A back-end some of whose requests go wrong, asked through a guard for hours of virtual time.

How each attempt of a call ends is drawn from the seed, the call and the attempt alone: two guards meet the same luck.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from tests.fakes.tools import asked_by
from tests.fakes.virtual_time import in_virtual_time
from tools.base import OutcomeUnknownError, ToolUnavailableError
from tools.breaker import BreakerState
from tools.noticeboard import Board, Noticeboard
from tools.resilience import STANDARD, Guard, Instruments, Policy

ANA = asked_by("ana@cobalt-studio.example")
WORK_SECONDS = 0.05
Share = Callable[[float], float]
"""Share of the requests that fail at a time, 0 to 1."""


@dataclass
class Luck:
    """The requests of calls by their number."""

    seed: int
    share: Share
    hangs: bool = True
    """Whether some of the failures are no answer at all."""
    never: frozenset[int] = frozenset()
    """Calls that do not get through."""
    asked: list[float] = field(default_factory=list)
    """When each request came."""
    attempts: Counter[int] = field(default_factory=Counter)

    async def work(self, call: int) -> None:
        now = asyncio.get_running_loop().time()
        self.attempts[call] += 1
        self.asked.append(now)
        draw = random.Random(f"{self.seed} {call} {self.attempts[call]}")  # noqa: S311 - no secret
        await asyncio.sleep(WORK_SECONDS)
        if call in self.never:
            raise ToolUnavailableError("no way there")
        if draw.random() >= self.share(now):
            return
        match draw.randrange(4 if self.hangs else 3):
            case 0:
                raise ToolUnavailableError("HTTP 503")
            case 1:
                raise ToolUnavailableError("broken connection")
            case 2:
                raise OutcomeUnknownError("answer lost")
            case _:
                await asyncio.sleep(3600.0)


@dataclass
class Story:
    """What became of the calls."""

    luck: Luck
    ends: list[tuple[float, bool]] = field(default_factory=list)
    """When each call began, and whether it was answered."""
    opened: int = 0
    """How often a breaker opened."""

    def success(self, begin: float = 0.0, end: float = float("inf")) -> float:
        """Percent of the calls that began in this time."""
        done = [is_done for at, is_done in self.ends if begin <= at < end]
        return 100 * sum(done) / len(done)

    def asked(self, begin: float = 0.0, end: float = float("inf")) -> int:
        """Requests that came in this time."""
        return sum(begin <= at < end for at in self.luck.asked)


def story(
    luck: Luck,
    *,
    calls: int,
    per_second: float,
    policy: Policy = STANDARD,
    board: Board | None = None,
    replicas: int = 1,
) -> Story:
    """So many calls, evenly, in turn by each replica, whatever became of those before."""
    return in_virtual_time(_story(Story(luck), calls, per_second, policy, board, replicas))


async def _story(
    told: Story, calls: int, per_second: float, policy: Policy, board: Board | None, replicas: int
) -> Story:
    loop, chance = asyncio.get_running_loop(), random.Random(told.luck.seed)  # noqa: S311 - no secret
    instruments = Instruments(clock=loop.time, random=chance.random, observe=lambda *_: None)
    guards = [
        Guard("crm", replace(instruments, board=Noticeboard(board, clock=loop.time, wall=loop.time)), policy)
        for _ in range(replicas)
    ]

    async def one(number: int) -> None:
        began, guard = number / per_second, guards[number % replicas]
        await asyncio.sleep(began - loop.time())
        was = guard.state
        try:
            await guard.call(lambda: told.luck.work(number), ANA, sorry="sorry")
        except OutcomeUnknownError:
            told.ends.append((began, False))
        else:
            told.ends.append((began, True))
        told.opened += was is BreakerState.CLOSED and guard.state is BreakerState.OPEN

    async with asyncio.TaskGroup() as group:
        for number in range(calls):
            group.create_task(one(number))
    return told
