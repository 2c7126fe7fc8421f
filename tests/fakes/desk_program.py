"""The bot as operators run it: a process of its own, which can be killed."""

import asyncio
import os
import signal
import socket
import sys
from http import HTTPStatus
from pathlib import Path

import aiohttp

import bot
from tests.fakes.sandbox_driver import SandboxDriver, eventually

ROOT = Path(bot.__file__).parents[1]


class Program:
    """`python -m bot run` in `folder`, its log in `folder/<name>`; `alone` unless it is one of several replicas."""

    def __init__(
        self, settings: dict[str, str], driver: SandboxDriver, folder: Path, *, name: str = "log", alone: bool = True
    ) -> None:
        self.settings = settings
        self.log = folder / name
        self._alone = alone
        self._port = 0
        self._driver = driver
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start and wait until it takes events; the workspace must have noticed the end of an earlier one."""
        if self._alone:
            await eventually(self._is_gone)
        self._port = _free_port()
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bot", "run",
                cwd=self._folder, stderr=log, stdout=log,
                env={**kept, "PYTHONPATH": str(ROOT), **self.settings, "HTTP_PORT": str(self._port)},
            )  # fmt: skip
        await eventually(self._is_ready, 30.0)

    async def kill(self) -> None:
        """As a power cut does."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """As an operator does; waits for the end. May be called when it has ended."""
        await self._end(signal.SIGTERM)

    @property
    def url(self) -> str:
        """Where its own HTTP server is reached."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def runs(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.returncode is None

    def freeze(self) -> None:
        """As a machine without memory left does."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    async def ended(self, seconds: float = 60.0) -> int:
        """Exit status, once it has ended by itself."""
        assert self._process is not None
        async with asyncio.timeout(seconds):
            return await self._process.wait()

    async def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.send_signal(how)
            process.send_signal(signal.SIGCONT)
            await process.wait()

    async def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.returncode is None, self.log.read_text()
        try:
            async with self._driver.http.get(f"http://127.0.0.1:{self._port}/readyz") as answer:
                return answer.status == HTTPStatus.OK
        except aiohttp.ClientError:
            return False

    async def _is_gone(self) -> bool:
        return not self._driver.server.app_connected


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
