"""How whoever searches notices that something changed: a number for each shelf, and one for all of them.

kb_shelves says, for each shelf, which number kb_revision had when that shelf changed last. A process of an older
version raises kb_revision alone: while that is ahead of every shelf, each shelf counts as changed. The next import of
this version writes that down for all of them; the row `*` stands for those that have no number of their own yet.
"""

from functools import cached_property
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from tools.database import alone, fetch
from tools.knowledge_base.tables import revision, shelves

CHANNEL = "kb_changed"
"""On PostgreSQL every finished import is told here."""

_OTHERS = "*"
"""In place of all shelves that have no number; no shelf is called so."""

_total = sa.func.coalesce(sa.select(revision.c.number).scalar_subquery(), 0)
_latest = sa.func.coalesce(sa.select(sa.func.max(shelves.c.number)).scalar_subquery(), 0)


def of_all() -> sa.Select[Any]:
    """The number that rises with every change on any shelf; 0 before the first."""
    return sa.select(_total.label("number"))


def of(shelf: str) -> sa.Select[Any]:
    """The number that is another one whenever this shelf changed; 0 before the first time.

    Below 0 while the shelf has none of its own, so that it is another one, too, when that is taken away.
    """
    own = sa.func.coalesce(_number_of(shelf), -_number_of(_OTHERS), 0)
    return sa.select(sa.case((_latest < _total, _total), else_=own).label("number"))


class Number:
    """Asks for the number of one shelf, with as little around it as there can be: every search does.

    One of the pool's connections is handed a finished statement, outside of any transaction. With SQLAlchemy's own
    transaction and result it took twice as much of the event loop (between searches on SQLite 0.55 ms, not 0.3).
    """

    def __init__(self, engine: AsyncEngine, shelf: str) -> None:
        self._engine = engine
        self._shelf = shelf

    async def now(self) -> int:
        """As `of` says. Raises ToolUnavailableError when the database does not answer."""
        try:
            async with self._engine.connect() as connection:
                return await connection.run_sync(self._ask)
        except (SQLAlchemyError, self._engine.dialect.loaded_dbapi.Error):
            # The usual way waits its turn, takes another connection for one that broke, and says what is wrong
            return int((await fetch(self._engine, of(self._shelf)))[0].number)

    def _ask(self, connection: sa.Connection) -> int:
        cursor = connection.connection.cursor()
        cursor.execute(*self._statement)
        ((number,),) = cursor.fetchall()
        cursor.close()
        return int(number)

    @cached_property
    def _statement(self) -> tuple[str, Any]:
        made = of(self._shelf).compile(dialect=self._engine.dialect)
        return str(made), [made.params[name] for name in made.positiontup or ()] if made.positional else made.params


def _number_of(shelf: str) -> sa.ScalarSelect[int]:
    return sa.select(shelves.c.number).where(shelves.c.shelf == shelf).scalar_subquery()


async def lock(connection: AsyncConnection) -> None:
    """One import at a time: whoever writes the revision row first goes first."""
    await alone(connection)
    first = sa.select(sa.literal(1), sa.literal(0)).where(~sa.exists(sa.select(revision.c.id)))
    await connection.execute(sa.insert(revision).from_select(["id", "number"], first))
    await connection.execute(sa.update(revision).values(number=revision.c.number))
    others = sa.select(sa.literal(_OTHERS), sa.literal(0)).where(~sa.exists().where(shelves.c.shelf == _OTHERS))
    await connection.execute(sa.insert(shelves).from_select(["shelf", "number"], others))


async def announce(connection: AsyncConnection, shelf: str) -> None:
    """Tell everybody: by numbers that all look at, and on PostgreSQL by a call that wakes them."""
    await connection.execute(sa.update(shelves).where(_latest < _total).values(number=_total))
    await connection.execute(sa.update(revision).values(number=revision.c.number + 1))
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    now = sa.select(sa.literal(shelf), _total).where(sa.true())  # SQLite takes ON for a join without a WHERE
    mine = insert(shelves).from_select(["shelf", "number"], now)
    number = {"number": mine.excluded.number}
    await connection.execute(mine.on_conflict_do_update(index_elements=[shelves.c.shelf], set_=number))
    if connection.dialect.name == "postgresql":
        await connection.execute(sa.select(sa.func.pg_notify(CHANNEL, "")))
