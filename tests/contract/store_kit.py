"""What the tests of the store share: a migrated database, and values to put into it."""

import itertools
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import cache
from pathlib import Path

import sqlalchemy as sa

import tools.backends  # noqa: F401 - all tools make their tables known
from bot.domain.budget import Account, Claim, Limit, Period, Scope
from bot.domain.conversation import Conversation, Standing, Surface, ThreadKey
from bot.domain.effects import Outgoing, Place, ShowNotice
from bot.domain.incoming import CarryOn, MessageReceived
from bot.store.engine import create_engine
from bot.store.migrate import migrate
from bot.store.store import SqlStore
from tests.fakes.postgres import lasting_database, postgres_database
from tools.database import create_tables

THREAD = ThreadKey("T1", "C1", "1700000000.000100")
PLACE = Place("T1", "C1", THREAD.thread_ts)
NOW = 1_800_000_000.0
KINDS = ["sqlite", "postgresql"]
_numbers = itertools.count(1)


@asynccontextmanager
async def database(kind: str, folder: Path) -> AsyncIterator[str]:
    """URL of a new database in which all tables are made already."""
    template = await _template(kind)
    if kind == "sqlite":
        shutil.copyfile(template, folder / "test.db")
        yield f"sqlite:///{folder}/test.db"
        return
    async with postgres_database(template) as url:
        yield url


@asynccontextmanager
async def empty_database(kind: str, folder: Path) -> AsyncIterator[str]:
    """URL of a new database in which nothing is made yet."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/test.db"
        return
    async with postgres_database() as url:
        yield url


async def _template(kind: str) -> str:
    """File (SQLite) or name of a database to be copied; made once in this process."""
    if kind not in _templates:
        url = lasting_database() if kind == "postgresql" else f"sqlite:///{_folder().name}/template.db"
        engine = create_engine(url)
        await migrate(engine)
        await create_tables(engine)
        await engine.dispose()
        _templates[kind] = str(sa.make_url(url).database)
    return _templates[kind]


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Removed when this process ends."""
    return tempfile.TemporaryDirectory(prefix="template")


_templates: dict[str, str] = {}


@asynccontextmanager
async def open_store(url: str) -> AsyncIterator[SqlStore]:
    """A store on a migrated database, with a clock that stands still."""
    engine = create_engine(url)
    await migrate(engine)
    try:
        yield SqlStore(engine, enqueue, lambda: NOW)
    finally:
        await engine.dispose()


async def queued(store: SqlStore) -> list[str]:
    """Inbox ids that were enqueued."""
    async with store.write() as tx:
        await tx.connection.execute(sa.text(_QUEUED))
        return list(await tx.connection.scalars(sa.text("select id from queued order by id")))


_QUEUED = "create table if not exists queued (id text primary key, lane text)"


def enqueue(connection: sa.Connection, inbox_id: str, partition: str) -> None:
    """Remembers what was enqueued in a table of the same database, as the real hook does."""
    connection.execute(sa.text(_QUEUED))
    connection.execute(sa.text("insert into queued values (:id, :lane)"), {"id": inbox_id, "lane": partition})


def message(ts: str = "1700000000.000100", **changes: object) -> MessageReceived:
    """A customer's message in THREAD."""
    values: dict[str, object] = {
        "thread": THREAD,
        "surface": Surface.CHANNEL,
        "ts": ts,
        "user_id": "U1",
        "text": "My invoice is wrong",
        "mentions_bot": True,
        "is_root": False,
        "author_team": "T1",
        "event_id": f"Ev{next(_numbers)}",
    }
    return MessageReceived(**(values | changes))  # type: ignore[arg-type]  # a dict of mixed fields


def carry_on(cause: str = "approve:E1") -> CarryOn:
    return CarryOn(THREAD, cause, "A member of staff approved the reply.")


def conversation(thread: ThreadKey = THREAD, opened_at: float = NOW) -> Conversation:
    return Conversation(thread, Surface.CHANNEL, Standing.BOT, None, 1, "support", "", "U1", opened_at)


def account(run_id: str = "R1", user_id: str = "U1", conversation_id: str = THREAD.id) -> Account:
    return Account("T1", "C1", user_id, conversation_id, run_id)


def claim(usd: str, *limits: Limit, name: str = "m1", payer: Account | None = None, **changes: object) -> Claim:
    values: dict[str, object] = {
        "account": payer or account(),
        "name": name,
        "model": "claude-test",
        "usd": Decimal(usd),
        "tokens": 100,
        "limits": limits,
    }
    return Claim(**(values | changes))  # type: ignore[arg-type]  # a dict of mixed fields


def conversation_limit(usd: str) -> Limit:
    return Limit(Scope.CONVERSATION, THREAD.id, Decimal(usd))


def workspace_limit(usd: str, period: Period = Period.DAY) -> Limit:
    return Limit(Scope.WORKSPACE, "T1", Decimal(usd), period)


def notice(key: str, text: str = "hello", lane: str = "C1", **changes: object) -> Outgoing:
    return Outgoing(key, ShowNotice(PLACE, text), lane, **changes)  # type: ignore[arg-type]  # a dict of mixed fields
