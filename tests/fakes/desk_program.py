"""The bot as operators run it: a process of its own, which can be killed."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import bot
from tests.fakes.sandbox_driver import SandboxDriver, eventually

ROOT = Path(bot.__file__).parents[1]


class Program:
    """`python -m bot run` in `folder`, its log in `folder/log`."""

    def __init__(self, settings: dict[str, str], driver: SandboxDriver, folder: Path) -> None:
        self.settings = settings
        self.log = folder / "log"
        self._driver = driver
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start and wait until the workspace sees it connected."""
        await eventually(self._is_gone)
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bot", "run",
                cwd=self._folder, env={**kept, "PYTHONPATH": str(ROOT), **self.settings}, stderr=log, stdout=log,
            )  # fmt: skip
        await eventually(self._is_connected, 30.0)

    async def kill(self) -> None:
        """As a power cut does."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """As an operator does; waits for the end. May be called when it has ended."""
        await self._end(signal.SIGTERM)

    async def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.send_signal(how)
            await process.wait()

    async def _is_connected(self) -> bool:
        assert self._process is not None
        assert self._process.returncode is None, self.log.read_text()
        return self._driver.server.app_connected

    async def _is_gone(self) -> bool:
        return not self._driver.server.app_connected
