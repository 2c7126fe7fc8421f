"""One back-end behind three processes on one PostgreSQL: what one learns spares the others, and one at a time tries."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from tests.contract.store_kit import database, open_store

DEADLINE = 60.0


class Replica:
    """One of the processes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def call(self, now: float, mood: str = "ok") -> str:
        """What becomes of a call, or `asked` as soon as a slow one has reached the back-end."""
        await self.tell(f"{now} {mood}")
        return await self.word()

    async def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())
        await self.process.stdin.drain()

    async def word(self) -> str:
        assert self.process.stdout is not None
        async with asyncio.timeout(DEADLINE):
            return (await self.process.stdout.readline()).decode().strip()


@asynccontextmanager
async def replica(url: str) -> AsyncIterator[Replica]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.fakes.breaker_process", url, cwd=Path(__file__).parents[2],
        env=os.environ | {"PYTHONWARNINGS": "ignore"}, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield Replica(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.fixture
async def three(tmp_path: Path) -> AsyncIterator[list[Replica]]:
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(database("postgresql", tmp_path))
        await stack.enter_async_context(open_store(url))
        replicas = [await stack.enter_async_context(replica(url)) for _ in range(3)]
        assert await asyncio.gather(*(one.word() for one in replicas)) == ["ready"] * 3
        yield replicas


async def test_three_processes_share_what_they_learn_of_a_back_end(three: list[Replica]) -> None:
    one, other, third = three
    assert [await r.call(0.0) for r in three] == ["done"] * 3
    assert [await one.call(1.0, "fail") for _ in range(4)] == ["failed", "failed", "failed", "spared"]
    assert [await r.call(2.5) for r in three] == ["spared"] * 3, "nobody asks a back-end that one of them found dead"

    words = await asyncio.gather(*(r.call(33.0, "slow") for r in three))
    assert sorted(words) == ["asked", "spared", "spared"], "of all processes one makes the trial"
    trying = three[words.index("asked")]
    resting = [r for r in three if r is not trying]
    assert [await r.call(60.0) for r in resting] == ["spared"] * 2, "for as long as the trial may take"
    await trying.tell("go on")
    assert await trying.word() == "done"
    assert [await r.call(62.0) for r in three] == ["done"] * 3, "and all go back to work"

    assert [await other.call(63.0, "fail") for _ in range(3)] == ["failed"] * 3
    assert await other.call(70.0, "fail") == "failed", "the first pause is short"
    assert [await r.call(76.0) for r in three] == ["spared"] * 3, "the next is as long as the outage so far, for all"
    await third.tell("95.0 die")
    assert await third.word() == "", "killed in the middle of its trial"
    assert await one.call(96.5) == "spared"
    assert [await one.call(163.0), await other.call(165.0)] == ["done", "done"], "the next one tries a minute later"
