"""Installations under way: table and queries. Stored are hashes only: a read database starts no installation."""

import hashlib

import sqlalchemy as sa

from bot.store.dialect import insert_new
from bot.store.engine import Writer
from bot.store.tables import metadata

sign_ins = sa.Table(
    "sign_ins",
    metadata,
    sa.Column("state", sa.Text, primary_key=True),  # SHA-256
    sa.Column("browser", sa.Text, nullable=False),  # SHA-256 of the cookie
    sa.Column("until", sa.Double, nullable=False),
    sa.Index("ix_sign_ins_until", "until"),
)

MOST = 10_000
"""Under way at once; whoever asks for more gets none."""


class SqlSignIns:
    """ports.installations.SignIns."""

    def __init__(self, write: Writer) -> None:
        self._write = write

    async def begin(self, state: str, browser: str, *, at: float, until: float) -> bool:
        async with self._write() as connection:
            await connection.execute(sa.delete(sign_ins).where(sign_ins.c.until <= at))
            if int(await connection.scalar(sa.select(sa.func.count()).select_from(sign_ins)) or 0) >= MOST:
                return False
            row = {"state": _hash(state), "browser": _hash(browser), "until": until}
            return await insert_new(connection, sign_ins, row)

    async def take(self, state: str, browser: str, *, at: float) -> bool:
        meant = (sign_ins.c.state == _hash(state), sign_ins.c.browser == _hash(browser), sign_ins.c.until > at)
        async with self._write() as connection:
            return bool((await connection.execute(sa.delete(sign_ins).where(*meant))).rowcount)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
