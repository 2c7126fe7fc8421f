"""Where customers' files are opened: each in a process of its own, a few at once, bounded in time and memory.

A thread could not be ended, and while it ran everybody else would wait for the interpreter.
"""

import asyncio
import json
import logging
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from bot.desk.opening import MOST_BYTES, Opened, UnreadableFileError

logger = logging.getLogger(__name__)

AT_ONCE = 2
"""Files opened at the same time; the others wait."""
FILE_SECONDS, TURN_SECONDS = 10.0, 15.0
"""To open one file, and all of a turn: who sends ten bombs keeps others waiting no longer than who sends two."""
_MOST_SAID = 2 * MOST_BYTES
"""What a file becomes is a third larger in base64."""
_GRACE_SECONDS = 5.0
"""For a process that was killed to be gone."""
_OPENER = (sys.executable, "-P", "-m", "bot.desk.opening_process")
_KEPT = ("LD_LIBRARY_PATH", "PYTHONHOME")
"""Of our environment: where Python finds its parts. Our secrets are no business of a file's."""


@dataclass(slots=True)
class Patience:
    """How long the files of one turn may still take to open; waiting for other people's is not counted."""

    seconds: float = TURN_SECONDS


@dataclass(frozen=True, slots=True)
class _Said:
    opened: Opened | None = None
    why: str = ""


_SAID = TypeAdapter(_Said)


class Workshop:
    """Opens files; the same one for every workspace."""

    def __init__(self, opener: Sequence[str] = _OPENER) -> None:
        """`opener`: the command that opens one file, see `bot.desk.opening_process`."""
        self._opener = tuple(opener)
        self._turnstile = asyncio.Semaphore(AT_ONCE)

    async def open(self, data: bytes, name: str, patience: Patience, *, is_text: bool) -> Opened:
        """What the model can be shown of a file; UnreadableFileError when that is nothing, or not in time."""
        about = json.dumps({"name": name, "is_text": is_text}).encode()
        try:
            async with self._turnstile:
                answer = await self._ask(b"%b\n%b" % (about, data), patience)
        except TimeoutError:
            raise UnreadableFileError("takes too long to open") from None
        except OSError as error:
            logger.exception("file.no_process")
            raise UnreadableFileError("cannot be opened at the moment") from error
        try:
            said = _SAID.validate_json(answer)
        except ValidationError:  # it fell over the file: out of memory, or broken inside a parser
            raise UnreadableFileError("cannot be opened") from None
        if said.opened is None:
            raise UnreadableFileError(said.why)
        return said.opened

    async def _ask(self, request: bytes, patience: Patience) -> bytes:
        """What the process answers; TimeoutError, and the process is ended, when that takes too long."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(min(FILE_SECONDS, patience.seconds)), self._process() as hearing:
                hearing.ask(request)
                await asyncio.shield(hearing.is_over)
                return bytes(hearing.heard)
        finally:
            patience.seconds -= loop.time() - began

    @asynccontextmanager
    async def _process(self) -> AsyncIterator["_Hearing"]:
        """A new process; whatever happens, it is gone afterwards."""
        loop, pipe = asyncio.get_running_loop(), asyncio.subprocess.PIPE
        transport, hearing = await loop.subprocess_exec(
            lambda: _Hearing(loop.create_future()),
            *self._opener, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL, env=_environment(),
        )  # fmt: skip
        try:
            yield hearing
        finally:
            transport.close()  # kills what still runs
            await asyncio.wait((hearing.is_over,), timeout=_GRACE_SECONDS)


class _Hearing(asyncio.SubprocessProtocol):
    """Keeps what a process says until it is gone, and ends one that says too much."""

    def __init__(self, is_over: asyncio.Future[None]) -> None:
        self.is_over = is_over
        self.heard = bytearray()
        self._transport: asyncio.SubprocessTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)  # noqa: S101 - that is what it is for
        self._transport = transport

    def ask(self, request: bytes) -> None:
        """Tell the process all there is to tell."""
        stdin = self._transport.get_pipe_transport(0) if self._transport is not None else None
        assert isinstance(stdin, asyncio.WriteTransport)  # noqa: S101 - started with a pipe
        stdin.write(request)
        stdin.close()

    def pipe_data_received(self, fd: int, data: bytes) -> None:  # noqa: ARG002 - there is but one pipe
        self.heard += data
        if len(self.heard) > _MOST_SAID and self._transport is not None:
            self.heard.clear()
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - what was heard tells more
        if not self.is_over.done():
            self.is_over.set_result(None)


def _environment() -> dict[str, str]:
    """So that the process finds the same modules as we do, wherever we were started."""
    path = os.pathsep.join(str(Path(part).absolute()) for part in sys.path)
    return {"PYTHONPATH": path} | {name: os.environ[name] for name in _KEPT if name in os.environ}
