"""The pipe to an MCP server that is started here, for the SDK's client.

The SDK has such a transport, but it keeps whatever a server writes until a line ends; ours cuts off who writes endless
lines. The server gets few variables of our environment, its own process group, and three seconds at most to end. What
it writes to stderr is counted, never kept: it may hold what customers asked.
"""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client.stdio import get_default_environment
from mcp.shared.message import SessionMessage
from mcp.types import jsonrpc_message_adapter
from pydantic import ValidationError

from tools.mcp.meter import Flow, Metered

logger = logging.getLogger(__name__)

_GRACE_SECONDS = 1.0
"""For each of: ending by itself, on SIGTERM, on SIGKILL."""
DEAF_SECONDS = 30.0
"""A server that takes nothing more for so long is not listening."""
_LOOK_SECONDS = 0.01
_CLOSED = (anyio.ClosedResourceError, anyio.BrokenResourceError, ConnectionError)
_Incoming = SessionMessage | Exception


@dataclass(frozen=True, slots=True)
class Command:
    """What is started."""

    name: str
    """Of the server, for the log."""
    words: Sequence[str]
    environment: Mapping[str, str]
    most_bytes: int
    """Of one message."""


@asynccontextmanager
async def stdio_transport(
    command: Command, flow: Flow
) -> AsyncIterator[tuple[Metered, MemoryObjectSendStream[SessionMessage]]]:
    """Start the server and talk with it; OSError when it cannot be started."""
    process, transport = await _started(command)
    read_in, read_out = anyio.create_memory_object_stream[_Incoming](0)
    write_in, write_out = anyio.create_memory_object_stream[SessionMessage](0)
    async with anyio.create_task_group() as group:
        group.start_soon(_read, process, read_in, flow)
        group.start_soon(_write, process, write_out, flow)
        group.start_soon(_count_stderr, process, command.name)
        try:
            yield Metered(read_out, flow), write_in
        finally:
            read_out.close()
            write_in.close()
            with anyio.CancelScope(shield=True):
                await _stop(process, in_peace=not flow.is_cut)
            transport.close()
            group.cancel_scope.cancel()


async def _read(process: asyncio.subprocess.Process, to: MemoryObjectSendStream[_Incoming], flow: Flow) -> None:
    """Hand over what the server says, a line a message; what is no message is noise, and counted."""
    assert process.stdout is not None  # noqa: S101 - started with a pipe
    async with to:
        with suppress(*_CLOSED):
            while line := await _line(process.stdout, flow):
                try:
                    message = jsonrpc_message_adapter.validate_json(line, by_name=False)
                except ValidationError:
                    flow.count_noise()
                else:
                    await to.send(SessionMessage(message))
                if flow.is_cut:
                    return


async def _line(stdout: asyncio.StreamReader, flow: Flow) -> bytes:
    try:
        line = await stdout.readline()
    except ValueError:  # longer than the limit of the stream
        flow.cut("too_long")
        return b""
    flow.weigh(len(line))
    return line


async def _write(
    process: asyncio.subprocess.Process, what: MemoryObjectReceiveStream[SessionMessage], flow: Flow
) -> None:
    """Hand over what the server is told. One that does not listen is cut off: what it asks would pile up here."""
    assert process.stdin is not None  # noqa: S101 - started with a pipe
    with suppress(*_CLOSED):
        async with what:
            async for item in what:
                text = item.message.model_dump_json(by_alias=True, exclude_unset=True)
                process.stdin.write(f"{text}\n".encode())
                try:
                    async with asyncio.timeout(DEAF_SECONDS):
                        await process.stdin.drain()
                except TimeoutError:
                    return flow.cut("deaf")
    return None


async def _count_stderr(process: asyncio.subprocess.Process, name: str) -> None:
    assert process.stderr is not None  # noqa: S101 - started with a pipe
    total = 0
    try:
        while chunk := await process.stderr.read(65_536):
            total += len(chunk)
    finally:
        if total:
            logger.info("mcp.stderr", extra={"fields": {"server": name, "bytes": total}})


async def _started(command: Command) -> tuple[asyncio.subprocess.Process, asyncio.SubprocessTransport]:
    """As `asyncio.create_subprocess_exec` does it, which keeps the transport to itself: pipes that are not read to
    their end, or that a child of the server holds, must be closed by hand."""
    loop, pipe = asyncio.get_running_loop(), asyncio.subprocess.PIPE
    transport, protocol = await loop.subprocess_exec(
        lambda: asyncio.subprocess.SubprocessStreamProtocol(limit=command.most_bytes, loop=loop),
        *command.words, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True,
        env={**get_default_environment(), **command.environment},
    )  # fmt: skip
    return asyncio.subprocess.Process(transport, protocol, loop), transport


async def _stop(process: asyncio.subprocess.Process, *, in_peace: bool) -> None:
    """Let the server end, then make it; at once if there can be no peace. What it has started goes with it."""
    if process.stdin is not None:
        process.stdin.close()
    for sign in (None, signal.SIGTERM, signal.SIGKILL) if in_peace else (signal.SIGKILL,):
        if sign is not None:
            _tell_all(process, sign)
        if await _has_ended(process):
            return _tell_all(process, signal.SIGKILL)  # a group outlives its first member
    return logger.error("mcp.process_stays", extra={"fields": {"pid": process.pid}})


def _tell_all(process: asyncio.subprocess.Process, sign: signal.Signals) -> None:
    """Signal the server and what it has started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, sign)


async def _has_ended(process: asyncio.subprocess.Process) -> bool:
    """Not by `wait`, which waits for the pipes as well."""
    give_up = asyncio.get_running_loop().time() + _GRACE_SECONDS
    while process.returncode is None and asyncio.get_running_loop().time() < give_up:  # noqa: ASYNC110 - as above
        await asyncio.sleep(_LOOK_SECONDS)
    return process.returncode is not None
