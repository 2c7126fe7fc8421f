"""PgBouncer in transaction mode before a test's PostgreSQL, where it is installed."""

import asyncio
import os
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import sqlalchemy as sa

INSTALLED = shutil.which("pgbouncer") is not None
_SETTINGS = """
[databases]
* = host={host} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 6
max_client_conn = 300
logfile = {folder}/log
"""


@asynccontextmanager
async def pooled(url: str) -> AsyncIterator[str]:
    """URL of the same database through a pool of six connections; `url` is that of a server's socket."""
    parsed = sa.make_url(url)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="pgb") as name:
        arguments = _prepare(Path(name), str(parsed.query["host"]), port)
        process = await asyncio.create_subprocess_exec("pgbouncer", "-q", *arguments)
        try:
            await _is_listening(port)
            yield f"postgresql://postgres@127.0.0.1:{port}/{parsed.database}"
        finally:
            process.terminate()
            await process.wait()


def _prepare(folder: Path, host: str, port: int) -> list[str]:
    """Write the settings; what the program is started with."""
    folder.chmod(0o777)
    settings = folder / "ini"
    settings.write_text(_SETTINGS.format(host=host, port=port, folder=folder))
    settings.chmod(0o644)
    server_owner = (Path(host) / ".s.PGSQL.5432").owner()
    user = ["-u", server_owner] if os.geteuid() == 0 else []  # it refuses to be root
    return [*user, str(settings)]


async def _is_listening(port: int) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                await writer.wait_closed()
                return
