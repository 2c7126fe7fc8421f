"""Keeps bots running and does not let them: each replica is killed, frozen or asked to stop, and started again."""

import asyncio
import contextlib
import os
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import aiohttp

from tests.torture.zygote import Zygote

STOP_SECONDS = 20.0
"""In which a bot must end after SIGTERM."""


@dataclass
class Tally:
    """What was done to the bots, and how they ended."""

    wanted_kills: int
    kills: int = 0
    freezes: int = 0
    stops: int = 0
    late_stops: int = 0
    """Bots that were still there after STOP_SECONDS."""
    starts: int = 0
    ends: Counter[int] = field(default_factory=Counter)
    """Exit codes of bots that ended by themselves or after SIGTERM."""
    ready_seconds: list[float] = field(default_factory=list)
    last_shown: int = 0


@dataclass
class Violence:
    """How bots are treated."""

    mean_seconds: float = 1.2
    """Between ready and the deed, on average. Others take a dead replica's work over after three seconds; replicas must
    live a little longer than that, or nothing is ever finished."""
    early: float = 0.15
    """Share of kills before the bot is ready."""
    freeze: float = 0.1
    stop: float = 0.06
    longest_freeze: float = 6.0


class Keeper:
    """Runs one replica for as long as the torture lasts, then lets it live."""

    def __init__(
        self, zygote: Zygote, settings: dict[str, str], folder: Path, slot: int, tally: Tally, violence: Violence,
        chance: Random,
    ) -> None:  # fmt: skip
        self._zygote = zygote
        self.release = zygote
        """Where the next bot comes from."""
        self._settings = settings
        self._folder = folder
        self._tally = tally
        self._violence = violence
        self._chance = chance
        self.log = folder / f"log-{slot}"
        self.pid = 0
        self.peace = asyncio.Event()
        """Set: no more violence; whoever ends is still started again."""

    async def keep(self) -> None:
        """Until cancelled."""
        while True:
            await self._start()
            while self._zygote.code(self.pid) is None:
                await (asyncio.sleep(0.05) if self.peace.is_set() else self._torment())
            code = await self._zygote.ended(self.pid)
            if code != -signal.SIGKILL:
                self._tally.ends[code] += 1
                await asyncio.sleep(0.1)

    async def stop(self) -> int:
        """Ask the bot to stop; its exit code."""
        self._signal(signal.SIGCONT)
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                return await self._zygote.ended(self.pid)
        except TimeoutError:
            self._tally.late_stops += 1
            self._signal(signal.SIGKILL)
            return await self._zygote.ended(self.pid)

    async def ready(self, seconds: float = 60.0) -> None:
        """Wait until it answers /readyz."""
        until = time.monotonic() + seconds
        async with aiohttp.ClientSession() as http:
            while not await self._is_ready(http):
                assert time.monotonic() < until, f"the bot is not ready; its log ends: {self.log.read_text()[-2000:]}"
                await asyncio.sleep(0.05)

    async def _start(self) -> None:
        self._tally.starts += 1
        self._zygote = self.release
        self.pid = await self._zygote.start(self._settings, self._folder, self.log)

    async def _torment(self) -> None:
        chance, violence = self._chance, self._violence
        if chance.random() < violence.early:
            await self._wait(chance.random() * 1.2)
            return await self.kill()
        began = time.monotonic()
        with contextlib.suppress(TimeoutError):
            await self._until_ready_or_gone()
            self._tally.ready_seconds.append(time.monotonic() - began)
        await self._wait(chance.expovariate(1 / violence.mean_seconds))
        at = chance.random()
        if self._is_over():
            return None
        if at < violence.freeze:
            return await self._freeze()
        if at < violence.freeze + violence.stop:
            self._tally.stops += 1
            await self.stop()
            return None
        return await self.kill()

    async def _freeze(self) -> None:
        self._tally.freezes += 1
        self._signal(signal.SIGSTOP)
        await asyncio.sleep(0.5 + self._chance.random() * (self._violence.longest_freeze - 0.5))
        self._signal(signal.SIGCONT)
        await self._wait(self._chance.random() * 2)

    async def kill(self) -> None:
        """As a power cut does; nothing happens in peace."""
        if self._is_over():
            return
        self._signal(signal.SIGKILL)
        self._tally.kills += 1
        await self._zygote.ended(self.pid)

    async def _wait(self, seconds: float) -> None:
        """Sleep, but not longer than the bot lives or the violence lasts."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._is_over():  # noqa: ASYNC110 — two reasons to end early
            await asyncio.sleep(min(0.02, max(0.0, until - time.monotonic())))

    def _is_over(self) -> bool:
        return self._zygote.code(self.pid) is not None or self.peace.is_set()

    async def _until_ready_or_gone(self) -> None:
        async with asyncio.timeout(30), aiohttp.ClientSession() as http:
            while self._zygote.code(self.pid) is None and not await self._is_ready(http):  # noqa: ASYNC110 — another process
                await asyncio.sleep(0.05)

    async def _is_ready(self, http: aiohttp.ClientSession) -> bool:
        try:
            async with http.get(
                f"http://127.0.0.1:{self._settings['HTTP_PORT']}/readyz", timeout=aiohttp.ClientTimeout(total=2)
            ) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)
