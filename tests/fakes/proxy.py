"""A line to PostgreSQL that can be cut, or swallow what is sent, and be mended again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import sqlalchemy as sa


class Line:
    """Listens on a port and passes everything on to a server's socket."""

    def __init__(self, socket_path: str) -> None:
        self._socket_path = socket_path
        self._is_cut = False
        self._flows = asyncio.Event()
        self._flows.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._passing: set[asyncio.Task[None]] = set()

    def cut(self) -> None:
        """Nobody gets through any more, and whoever was connected is thrown out."""
        self._is_cut = True
        for writer in tuple(self._writers):
            writer.transport.abort()

    def stall(self) -> None:
        """Bytes are taken and get stuck; nobody is told."""
        self._flows.clear()

    def mend(self) -> None:
        """As if nothing had been."""
        self._is_cut = False
        self._flows.set()

    async def close(self) -> None:
        """Throw everybody out."""
        self.cut()
        self._flows.set()
        for task in tuple(self._passing):
            task.cancel()
        if self._passing:
            await asyncio.wait(self._passing)

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client."""
        if self._is_cut:
            writer.transport.abort()
            return
        there, back = await asyncio.open_unix_connection(self._socket_path)
        self._writers |= {writer, back}
        loop = asyncio.get_running_loop()
        for source, sink in ((reader, back), (there, writer)):
            task = loop.create_task(self._pass_on(source, sink))
            self._passing.add(task)
            task.add_done_callback(self._passing.discard)

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await source.read(65536):
                await self._flows.wait()
                sink.write(data)
                await sink.drain()
        self._writers.discard(sink)
        sink.transport.abort()


@asynccontextmanager
async def line_to(url: str) -> AsyncIterator[tuple[Line, str]]:
    """A line to the database of `url` (a socket's), and its URL through the line."""
    parsed = sa.make_url(url)
    line = Line(f"{parsed.query['host']}/.s.PGSQL.5432")
    server = await asyncio.start_server(line.take, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield line, f"postgresql://postgres@127.0.0.1:{port}/{parsed.database}"
    finally:
        server.close()
        await line.close()
