"""How connections to PostgreSQL are opened, the same for every engine of a process."""

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import URL, Dialect

_LIMITS: Final = "-c idle_in_transaction_session_timeout=5000 -c statement_timeout=30000"
"""Milliseconds. A frozen process must not keep others from rows it has locked, and nothing here takes half a minute."""
_REFUSED: Final = "startup parameter"
"""What a pooler says (PgBouncer: `unsupported startup parameter`) that does not let clients set limits."""
_ARGUMENTS: Final[dict[str, object]] = {
    "prepare_threshold": None,  # a pooler in transaction mode gives every transaction another connection
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,  # ms: a line that swallows everything is given up
    "application_name": "deskhand",
}


def connection_arguments(url: URL) -> dict[str, Any]:
    """What the driver is told beside the URL; what the URL says itself stays as it is."""
    mine = {name: value for name, value in _ARGUMENTS.items() if name not in url.query}
    theirs = url.query.get("options", "")
    return {**mine, "options": f"{_LIMITS} {theirs if isinstance(theirs, str) else ' '.join(theirs)}".strip()}


def tolerate_poolers(engine: sa.Engine) -> None:
    """Do without limits of our own where a pooler refuses them; then the database role should carry them."""
    refused: list[str] = []

    def connect(dialect: Dialect, _record: object, arguments: Any, named: dict[str, Any]) -> Any:
        if refused:
            named.pop("options", None)
        try:
            return dialect.connect(*arguments, **named)
        except dialect.loaded_dbapi.Error as error:
            if _REFUSED not in str(error):
                raise
            refused.append(str(error))
            named.pop("options", None)
            return dialect.connect(*arguments, **named)

    sa.event.listen(engine, "do_connect", connect)
