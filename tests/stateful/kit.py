"""State machines that hypothesis walks at random, against the real store on a real SQLite file."""

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import cache
from pathlib import Path
from typing import TypeVar

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine

from bot.store.engine import create_engine
from bot.store.migrate import migrate
from bot.store.store import SqlStore, SqlTransaction
from tests.contract.store_kit import open_store

T = TypeVar("T")

WALKS = settings(
    max_examples=30,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
"""Enough to find what is wrong within seconds; raise `max_examples` to look longer."""


@cache
def _template() -> Path:
    """A migrated, empty database, made once."""
    path = Path(tempfile.mkdtemp(prefix="stateful-")) / "template.db"

    async def make() -> None:
        engine = create_engine(f"sqlite:///{path}")
        await migrate(engine)
        await engine.dispose()

    asyncio.run(make())
    return path


class StoreMachine(RuleBasedStateMachine):
    """One walk: a new database, and a loop to use it on."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory(prefix="stateful-")
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        path = Path(self._folder.name) / "walk.db"
        shutil.copy(_template(), path)
        self.store: SqlStore = self.do(self._stack.enter_async_context(open_store(f"sqlite:///{path}")))

    def do(self, work: Awaitable[T]) -> T:
        """Wait for it."""

        async def waited() -> T:
            return await work

        return self._runner.run(waited())

    def write(self, work: Callable[[SqlTransaction], Awaitable[T]]) -> T:
        """In one transaction that writes."""

        async def written() -> T:
            async with self.store.write() as tx:
                return await work(tx)

        return self.do(written())

    def read(self, work: Callable[[SqlTransaction], Awaitable[T]]) -> T:
        """In one transaction that reads."""

        async def looked() -> T:
            async with self.store.read() as tx:
                return await work(tx)

        return self.do(looked())

    def teardown(self) -> None:
        self.do(self._stack.aclose())
        self._runner.close()
        self._folder.cleanup()
