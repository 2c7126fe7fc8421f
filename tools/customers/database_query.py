"""A CustomerDirectory on any SQL database, by one query of the operator's.

PostgreSQL and SQLite are told to refuse whatever writes; elsewhere nothing is committed, and the URL should be that of
a user who may only read.

SQLAlchemy's blocking engine in threads of its own, so that every database that SQLAlchemy has a driver for can be used.
"""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote

import sqlalchemy as sa
from pydantic import AfterValidator, Field, SecretStr, field_validator
from sqlalchemy.exc import ProgrammingError, SQLAlchemyError

from tools.base import ToolUnavailableError
from tools.connector_settings import Connector, SecretFromEnv, Wires
from tools.customers.directory import CustomerRecord
from tools.customers.loose import HISTORY, charge_of, record_of, text
from tools.customers.match import is_searchable, own, own_lines, with_doubles
from tools.http_answer import BackendRefusedError
from tools.ownership import canonical

_AT_ONCE = 4
"""Queries, each in a thread on a connection of its own."""
_SECONDS = 8.0
_CONNECT_SECONDS = 4
_ROWS = 20
_STILL_THERE: Final = {"keepalives_idle": 4, "keepalives_interval": 2, "keepalives_count": 3}
"""Seconds and tries until a thread that waits for a server which is gone comes back."""
_DRIVERS: Final = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}
_READS = ("select", "with")


def _query(value: str) -> str:
    bare = value.strip().rstrip(";").strip()
    if not bare.lower().startswith(_READS) or ";" in bare:
        raise ValueError("use one SELECT (or WITH … SELECT)")
    if set(sa.text(bare).compile().params) != {"email"}:
        raise ValueError("the query must ask for :email, the verified address in lower case, and for nothing else")
    return bare


_Query = Annotated[str, AfterValidator(_query)]


class DatabaseQuerySettings(Connector):
    """`kind = "sql"`: columns are named like the fields of a customer; `email` must be one of them."""

    kind: Literal["sql"]
    url: SecretFromEnv = Field(alias="url_env")
    """SQLAlchemy URL, e.g. postgresql://reader:…@host/crm."""
    query: _Query
    history_query: _Query | None = None
    """Lines of the billing history, newest first: date, description, amount, currency, status, invoice.

    With a column `email`, lines of any other address are dropped.
    """

    @field_validator("url")
    @classmethod
    def _has_a_driver(cls, value: SecretStr) -> SecretStr:
        return _usable(value)

    def open(self, wires: Wires) -> "DatabaseQueryCustomers":
        """The directory."""
        directory = DatabaseQueryCustomers(self)
        wires.closing.callback(directory.close)
        return directory


class DatabaseQueryCustomers:
    """Customers of somebody else's database."""

    def __init__(self, settings: DatabaseQuerySettings) -> None:
        self._engine = _engine(settings.url.get_secret_value())
        self._query = sa.text(settings.query)
        self._history = sa.text(settings.history_query) if settings.history_query else None
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="customers")

    def close(self) -> None:
        """Let connections go; a query under way ends by its own deadline."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._engine.dispose()

    async def find(self, email: str) -> CustomerRecord | None:
        asked = canonical(email)
        if not is_searchable(asked):
            return None
        rows, history = await self._run(asked)
        mine = own(rows, asked, lambda row: row.get("email"))
        if not mine:
            return None
        lines = [line for line in map(charge_of, own_lines(history, asked)) if line is not None]
        notes = with_doubles(text(mine[0].get("notes")), len(mine))
        return record_of(asked, {**mine[0], "notes": notes}, lines)

    async def check(self) -> str:
        rows, _ = await self._run("nobody@customer.invalid")
        return f"{self._engine.dialect.name} answers the query" + (" with rows for nobody" if rows else "")

    async def _run(self, email: str) -> tuple[list[Mapping[str, object]], list[Mapping[str, object]]]:
        """Errors quote the query and the address of the database, therefore `from None`."""
        try:
            async with asyncio.timeout(_SECONDS + 1):
                return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, email)
        except ProgrammingError:
            raise BackendRefusedError("The customers' database does not accept the query") from None
        except (SQLAlchemyError, TimeoutError, OSError) as error:
            raise ToolUnavailableError(f"The customers' database failed ({type(error).__name__})") from None

    def _read(self, email: str) -> tuple[list[Mapping[str, object]], list[Mapping[str, object]]]:
        with self._engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.text(f"set local statement_timeout = {int(_SECONDS * 1000)}"))
            found = _rows(connection, self._query, email, _ROWS, needs="email")
            history: list[Mapping[str, object]] = []
            if found and self._history is not None:
                history = _rows(connection, self._history, email, HISTORY)
            connection.rollback()
            return found, history


def _rows(
    connection: sa.Connection, query: sa.TextClause, email: str, most: int, needs: str = ""
) -> list[Mapping[str, object]]:
    result = connection.execute(query, {"email": email})
    if needs and needs not in {name.lower() for name in result.keys()}:  # noqa: SIM118 - a result is no mapping
        raise BackendRefusedError(f"The query for customers gives no column `{needs}`, by which they are told apart")
    rows: Sequence[Any] = result.fetchmany(most)
    return [{str(name).lower(): value for name, value in row._mapping.items()} for row in rows]  # noqa: SLF001 - public by its documentation


def _engine(database_url: str) -> sa.Engine:
    """An engine that cannot write where the database can be told so; ValueError when there can be none."""
    try:
        url = sa.make_url(database_url)
        name = url.get_backend_name()
        if "+" not in url.drivername:
            url = url.set(drivername=_DRIVERS.get(name, url.drivername))
        if name == "sqlite":  # as a file that must be there, opened for reading
            url = url.set(database=f"file:{quote(url.database or '')}", query={"mode": "ro", "uri": "true"})
        engine = sa.create_engine(
            url, poolclass=sa.QueuePool, pool_size=_AT_ONCE, max_overflow=0, pool_pre_ping=True, pool_timeout=_SECONDS,
            hide_parameters=True, connect_args=_arguments(name, url.get_driver_name()),
        )  # fmt: skip
    except (SQLAlchemyError, ImportError, ValueError) as error:
        kind = type(error).__name__
        raise ValueError(f"is no database URL that can be used ({kind}). Is its driver installed?") from None
    return engine.execution_options(postgresql_readonly=True) if name == "postgresql" else engine


def _arguments(kind: str, driver: str) -> dict[str, object]:
    """Deadlines, by the names the usual drivers have for them; none for a driver that nobody here knows."""
    if kind == "sqlite":
        return {"check_same_thread": False, "timeout": _SECONDS}
    if driver == "psycopg":  # poolers such as PgBouncer do not keep prepared statements
        return {"connect_timeout": _CONNECT_SECONDS, **_STILL_THERE, "prepare_threshold": None}
    if driver == "psycopg2":
        return {"connect_timeout": _CONNECT_SECONDS, **_STILL_THERE}
    if driver in {"pymysql", "mysqldb"}:
        return {"connect_timeout": _CONNECT_SECONDS, "read_timeout": int(_SECONDS)}
    return {}


def _usable(database_url: SecretStr) -> SecretStr:
    _engine(database_url.get_secret_value()).dispose()
    return database_url
