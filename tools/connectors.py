"""Reads the connectors file (CONNECTORS_FILE): which services hold customers and tickets, and what else is connected.

One TOML table per port, its `kind` says which adapter; without the file, or without a table, the bot's own database is
used. To add an adapter: a model derived from `Connector` beside it, and one word in the union of its port.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails

from tools.connector_settings import Connector
from tools.customers.settings import CustomerSettings
from tools.knowledge_base.sources.settings import KnowledgeSettings
from tools.mcp.settings import McpServers
from tools.tickets.settings import TicketSettings


class ConnectorsError(Exception):
    """The file cannot be used; one sentence per fault, with the place and the remedy, never a value."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class Connectors(Connector):
    """What the file says."""

    customers: Annotated[CustomerSettings, Field(discriminator="kind")] | None = None
    """None: the bot's own database."""
    tickets: Annotated[TicketSettings, Field(discriminator="kind")] | None = None
    """None: the bot's own database."""
    mcp: McpServers = ()
    """Servers whose tools the agent may use as well."""
    knowledge: tuple[Annotated[KnowledgeSettings, Field(discriminator="kind")], ...] = ()
    """Sources of articles that the running bot keeps up with."""


NO_CONNECTORS = Connectors()


def load_connectors(path: str, environment: Mapping[str, str]) -> Connectors:
    """What the file at `path` says, secrets taken from `environment`; without a path, nothing. ConnectorsError."""
    if not path:
        return NO_CONNECTORS
    try:
        told = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConnectorsError([f"{path}: cannot be read ({error.strerror}). Correct CONNECTORS_FILE"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        place = str(error) if isinstance(error, tomllib.TOMLDecodeError) else "it is not UTF-8"
        raise ConnectorsError([f"{path}: is not TOML: {place}"]) from None
    try:
        return Connectors.model_validate(told, context=dict(environment))
    except ValidationError as error:
        raise ConnectorsError([_line(path, told, one) for one in error.errors(include_input=False)]) from None


def _line(path: str, told: object, error: ErrorDetails) -> str:
    message = _WORDS.get(error["type"], error["msg"]).removeprefix("Value error, ")
    return f"{path}: {_place(told, error['loc'])}: {message}."


def _place(told: object, location: tuple[int | str, ...]) -> str:
    """`customers.token_env`; the kind, which pydantic puts between, stands nowhere in the file."""
    place: list[str] = []
    for part in location:
        if isinstance(told, dict) and part not in told and told.get("kind") == part:
            continue
        place.append(str(part))
        if isinstance(told, dict):
            told = told.get(part)
        elif isinstance(told, list) and isinstance(part, int) and part < len(told):
            told = told[part]
    return ".".join(place)


_WORDS = {
    "extra_forbidden": "there is no such key here. Correct its name or take it away",
    "missing": "missing. Set it",
}
