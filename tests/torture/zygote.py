"""Bots that start in half a second: a process that has imported everything forks one whenever it is asked to.

Python and the bot's libraries take about two seconds to import, a thousand restarts would take most of an hour for
that alone. The zygote imports them once; each bot is a fork of it, a real process with its own id, sockets, event loop
and database connections, which runs `python -m bot run` from there on and dies of a real SIGKILL. Nothing is started
before the fork: no thread, no loop, no connection.

`python -m tests.torture.zygote` reads one JSON object a line: `{"settings": {…}, "folder": "…", "log": "…"}`, and
writes `{"started": pid}` for each, `{"ended": pid, "code": n}` (negative: the signal) when one ends.
"""

import asyncio
import contextlib
import gc
import json
import os
import select
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
_POLL_SECONDS = 0.02


class Zygote:
    """Starts bots and tells how they ended."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._started: asyncio.Queue[int] = asyncio.Queue()
        self._ends: dict[int, asyncio.Future[int]] = {}
        self._one_at_a_time = asyncio.Lock()

    async def start(self, settings: Mapping[str, str], folder: Path, log: Path) -> int:
        """A new bot with these settings in `folder`; its process id."""
        assert self._process.stdin is not None
        wish = {"settings": dict(settings), "folder": str(folder), "log": str(log)}
        async with self._one_at_a_time:
            self._process.stdin.write(json.dumps(wish).encode() + b"\n")
            return await self._started.get()

    async def ended(self, pid: int) -> int:
        """Wait for the end of a bot: its exit code, or the signal as a negative number."""
        return await asyncio.shield(self._ends[pid])

    def code(self, pid: int) -> int | None:
        """How a bot ended; None while it runs."""
        end = self._ends[pid]
        return end.result() if end.done() else None

    def alive(self) -> list[int]:
        """The bots that run (or are stopped)."""
        return [pid for pid, end in self._ends.items() if not end.done()]

    async def listen(self) -> None:
        """Read what the zygote tells, until it ends."""
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            told = json.loads(line)
            if "started" in told:
                self._ends[told["started"]] = asyncio.get_running_loop().create_future()
                self._started.put_nowait(told["started"])
            else:
                self._ends[told["ended"]].set_result(told["code"])


@asynccontextmanager
async def zygote(root: Path = ROOT) -> AsyncIterator[Zygote]:
    """A zygote of the program in `root`; every bot that still runs is killed at the end."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.torture.zygote", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        cwd=root, env={**kept, "PYTHONPATH": str(root), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    mother = Zygote(process)
    listening = asyncio.get_running_loop().create_task(mother.listen())
    try:
        yield mother
    finally:
        for pid in mother.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
        await listening


def main() -> None:
    _import_everything()
    gc.freeze()
    children: set[int] = set()
    waiting = b""
    while True:
        children -= _bury()
        if not select.select([0], [], [], _POLL_SECONDS)[0]:
            continue
        heard = os.read(0, 65536)
        if not heard:
            break
        *lines, waiting = (waiting + heard).split(b"\n")
        for line in lines:
            children.add(_fork(json.loads(line)))
    for pid in children - _bury():  # whoever asked for them is gone
        os.kill(pid, signal.SIGKILL)


def _import_everything() -> None:
    """What a bot imports at the latest when it answers for the first time."""
    import bot.app  # noqa: PLC0415 — only in the zygote's own process
    import bot.cli.run  # noqa: PLC0415
    import bot.model.transport  # noqa: F401, PLC0415 — Anthropic's library, over a second

    assert len(os.listdir("/proc/self/task")) == 1, "a thread runs in the zygote; forks would lose it"  # noqa: PTH208


def _bury() -> set[int]:
    """Tell of the children that ended."""
    buried = set()
    with contextlib.suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            _tell(ended=found[0], code=os.waitstatus_to_exitcode(found[1]))
            buried.add(found[0])
    return buried


def _fork(wish: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        _tell(started=pid)
        return pid
    code = 1
    try:
        code = _be_a_bot(wish)
    finally:
        sys.stderr.flush()
        os._exit(code)


def _be_a_bot(wish: dict[str, Any]) -> int:
    """Everything as after `exec`: own folder, own environment, own log; then the command line."""
    log = os.open(str(wish["log"]), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(number, target)
    os.chdir(str(wish["folder"]))
    os.environ.update(wish["settings"])
    from bot.__main__ import main as run  # noqa: PLC0415 — the bot's own

    return run(["run"])


def _tell(**words: int) -> None:
    with contextlib.suppress(BrokenPipeError):
        os.write(1, json.dumps(words).encode() + b"\n")


if __name__ == "__main__":
    main()
