"""Which tools of MCP servers an admin has approved, each exactly as its server described it then.

A row is one description of one tool, kept by its digest. A tool may be used while the description its server gives now
is the approved one; every other description, the first as much as a changed one, waits for an admin as `new`. Approving
one retires the one before, so going back to it needs consent as well.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from tools.database import alone, fetch, metadata, transact
from tools.mcp.definition import Definition

logger = logging.getLogger(__name__)

MOST_NEW = 200
"""Descriptions of one server that wait; a server that invents ever new ones fills no table."""

mcp_pins = sa.Table(
    "mcp_pins",
    metadata,
    sa.Column("server", sa.String(40), primary_key=True),
    sa.Column("tool", sa.Text, primary_key=True),
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("definition", sa.Text, nullable=False),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("seen_at", sa.Float, nullable=False),
    sa.Column("decided_at", sa.Float),
    sa.Column("decided_by", sa.Text, nullable=False, server_default=""),
)


class PinState(StrEnum):
    """What an admin thinks of a description."""

    NEW = "new"
    APPROVED = "approved"
    REJECTED = "rejected"
    RETIRED = "retired"
    """Was approved until another description of the tool was."""


@dataclass(frozen=True, slots=True)
class Pin:
    """One description of a tool, and what was decided about it."""

    definition: Definition
    state: PinState
    seen_at: float
    decided_at: float | None = None
    decided_by: str = ""


class NameTakenError(Exception):
    """Two tools of a server would have the same name (`read file` and `read_file`)."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision that was made."""

    before: Definition | None
    """What was approved until then."""


class Pins:
    """The pins of one database."""

    def __init__(self, engine: AsyncEngine, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._clock = clock

    async def all(self) -> Sequence[Pin]:
        """Every description there is, oldest first; ToolUnavailableError when the database does not answer."""
        rows = await fetch(self._engine, sa.select(mcp_pins).order_by(mcp_pins.c.seen_at, mcp_pins.c.digest))
        return [_pin(row) for row in rows]

    async def approved(self) -> Sequence[Definition]:
        """What may be used, by name; ToolUnavailableError when the database does not answer."""
        query = sa.select(mcp_pins.c.definition).where(mcp_pins.c.state == PinState.APPROVED.value)
        found = [Definition.from_json(row.definition) for row in await fetch(self._engine, query)]
        return sorted(found, key=lambda one: (one.name, one.digest))

    async def holds(self, definition: Definition) -> bool:
        """Whether exactly this is approved now."""
        return await self._stands(definition, PinState.APPROVED)

    async def is_rejected(self, definition: Definition) -> bool:
        """Whether an admin has seen exactly this, and does not want it."""
        return await self._stands(definition, PinState.REJECTED)

    async def _stands(self, definition: Definition, state: PinState) -> bool:
        query = sa.select(sa.literal(1)).where(_is(definition), mcp_pins.c.state == state.value)
        return bool(await fetch(self._engine, query))

    async def note(self, server: str, seen: Iterable[Definition]) -> Sequence[Definition]:
        """Keep what a server says of its tools; those that wait for an admin from now on.

        A description that was retired and is given again waits again.
        """
        definitions = list(seen)

        async def work(connection: AsyncConnection) -> Sequence[Definition]:
            await alone(connection)
            mine = sa.select(mcp_pins.c.tool, mcp_pins.c.digest, mcp_pins.c.state).where(mcp_pins.c.server == server)
            rows = (await connection.execute(mine)).all()
            known = {(row.tool, row.digest): row.state for row in rows if row.state != PinState.RETIRED.value}
            fresh = [one for one in definitions if (one.tool, one.digest) not in known]
            room = MOST_NEW - sum(row.state == PinState.NEW.value for row in rows)
            met = {row.tool for row in rows}
            for one in fresh:
                room += await _forget(connection, one) if one.tool in met else 0
            kept = fresh[: max(0, room)]
            if kept:
                await connection.execute(sa.insert(mcp_pins), [self._row(one) for one in kept])
            return kept

        return await transact(self._engine, work)

    async def decide(
        self, connection: AsyncConnection, definition: Definition, state: PinState, by: str
    ) -> Decided | None:
        """Approve or reject exactly this description, in the caller's transaction; None when there is none such.

        NameTakenError when models could not tell the tool from another one that is approved.
        """
        await alone(connection)
        approved = sa.and_(mcp_pins.c.server == definition.server, mcp_pins.c.state == PinState.APPROVED.value)
        rows = await connection.scalars(sa.select(mcp_pins.c.definition).where(approved))
        found = {one.tool: one for one in map(Definition.from_json, rows)}
        before = found.pop(definition.tool, None)
        if state is PinState.APPROVED and any(one.name == definition.name for one in found.values()):
            raise NameTakenError(definition.name)
        values = {"state": state.value, "decided_at": self._clock(), "decided_by": by}
        done = await connection.execute(sa.update(mcp_pins).where(_is(definition)).values(values))
        if not done.rowcount:
            return None
        if state is PinState.APPROVED:
            mine = sa.and_(approved, _same_tool(definition), mcp_pins.c.digest != definition.digest)
            await connection.execute(sa.update(mcp_pins).where(mine).values(state=PinState.RETIRED.value))
        return Decided(before)

    def _row(self, definition: Definition) -> dict[str, object]:
        return {
            "server": definition.server,
            "tool": definition.tool,
            "digest": definition.digest,
            "definition": definition.as_json,
            "state": PinState.NEW.value,
            "seen_at": self._clock(),
            "decided_by": "",
        }


def _is(definition: Definition) -> sa.ColumnElement[bool]:
    return sa.and_(_same_tool(definition), mcp_pins.c.digest == definition.digest)


def _same_tool(definition: Definition) -> sa.ColumnElement[bool]:
    return sa.and_(mcp_pins.c.server == definition.server, mcp_pins.c.tool == definition.tool)


async def _forget(connection: AsyncConnection, definition: Definition) -> int:
    """Of what waits about a tool only the newest is of use; how many rows that waited went."""
    waiting = mcp_pins.c.state == PinState.NEW.value
    gone = await connection.execute(sa.delete(mcp_pins).where(_same_tool(definition), waiting))
    await connection.execute(sa.delete(mcp_pins).where(_is(definition)))  # retired: it is kept anew
    return gone.rowcount


def _pin(row: "sa.Row[*tuple[object, ...]]") -> Pin:
    return Pin(Definition.from_json(row.definition), PinState(row.state), row.seen_at, row.decided_at, row.decided_by)
