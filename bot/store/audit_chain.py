"""Checks the chain through the audit log, anchors what is older than it, and erases fields without breaking it."""

import json
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import takewhile
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.domain.audit import AuditEntry
from bot.domain.audit_chain import ANCHOR, PERSONAL, START, Seals, anchor, link
from bot.store.audit import SqlAudit, columns_of, entry_of, lock_head, new_salt, seals_of
from bot.store.dialect import AnyRow, upsert
from bot.store.engine import Writer
from bot.store.tables import audit, audit_heads, facts

ROWS = 500
"""Read at once, and sealed in one transaction."""
SETTLED_SECONDS = 3600.0
"""After so long no older process commits an entry with a lower number any more."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look at one workspace's log found."""

    team_id: str
    entries: int
    """That are as they were written."""
    head: str
    """Link of the last of them."""
    broken: str = ""
    """The first entry that is not, in words."""
    loose: int = 0
    """Entries from before the chain that are not anchored yet."""
    has_outside: bool = False
    """Whether a head that was kept outside is in the chain."""


@dataclass(frozen=True, slots=True)
class _Anchor:
    upto: int
    """`seq` of the last entry that was looked at for it."""
    count: int
    digest: str


@dataclass(slots=True)
class _Walk:
    """From the first entry to the last."""

    anchors: list[_Anchor]
    outside: str
    number: int = 0
    link: str = START
    entries: int = 0
    loose: int = 0
    has_outside: bool = False
    _folded: int = 0
    _digest: str = field(default=START)

    def look(self, row: AnyRow) -> str:
        """What is wrong with the next entry; empty when nothing is."""
        entry, sealed = entry_of(row), seals_of(row)
        if broken := self._close_anchors(row.seq):
            return broken
        fault = self._older(entry, sealed) if row.link is None else self._chained(row, entry, sealed)
        self.entries += 1 if not fault else 0
        return fault

    def end(self, number: int, last: str) -> str:
        """What is wrong behind the last entry, when the log ended with this number and link."""
        if broken := self._close_anchors(None):
            return broken
        if number > self.number:
            return f"Entry {self.number + 1} is missing, and all after it: the last was {number}."
        if number < self.number:
            return f"Entry {number + 1} was added behind the end of the log."
        return "" if last == self.link else f"Entry {number} is not the one the log ended with."

    def _chained(self, row: AnyRow, entry: AuditEntry, sealed: Seals | None) -> str:
        if row.number != self.number + 1:
            return f"Entry {self.number + 1} is not in its place: {_named(row)} stands there."
        self.number += 1
        if sealed is None or not sealed.hold(entry) or link(self.link, row.number, entry, sealed.seals) != row.link:
            return f"{_named(row).capitalize()} was changed."
        self.link = row.link
        self.has_outside = self.has_outside or row.link == self.outside
        return ""

    def _older(self, entry: AuditEntry, sealed: Seals | None) -> str:
        if not self.anchors:
            self.loose += 1
            return ""
        if sealed is None or not sealed.hold(entry):
            return f"An entry from before the chain ({_time(entry.at)}, {entry.action}) was changed."
        self._digest = anchor(self._digest, entry, sealed.seals)
        self._folded += 1
        return ""

    def _close_anchors(self, seq: int | None) -> str:
        while self.anchors and (seq is None or seq > self.anchors[0].upto):
            one = self.anchors.pop(0)
            if (self._folded, self._digest) != (one.count, one.digest):
                return (
                    f"Of {one.count} entries from before the chain, {one.count - self._folded} are missing or changed."
                )
            self._folded, self._digest = 0, START
        return ""


class SqlAuditChain:
    """The audit log of all workspaces, from outside."""

    def __init__(self, engine: AsyncEngine, write: Writer) -> None:
        self._engine = engine
        self._write = write

    async def teams(self) -> list[str]:
        """Workspaces that have entries, or had some."""
        named = sa.union(sa.select(audit.c.team_id), sa.select(audit_heads.c.team_id))
        async with self._engine.connect() as connection:
            return sorted(await connection.scalars(named))

    async def verify(self, team_id: str, *, outside: str = "") -> Verdict:
        """Look at every entry of a workspace. `outside`: a head that was printed before and kept elsewhere."""
        async with self._engine.connect() as connection:
            walk = _Walk(await _anchors(connection, team_id), outside)
            broken = await _walk(connection, team_id, walk)
        return Verdict(team_id, walk.entries, walk.link, broken, walk.loose, walk.has_outside)

    async def anchor(self, before: float) -> int:
        """Seal and anchor what was written without a link until then; how many entries."""
        return sum([await self._anchor(team_id, before) for team_id in await self.teams()])

    async def _anchor(self, team_id: str, before: float) -> int:
        total = 0
        while True:
            async with self._write() as connection:
                head = await lock_head(connection, team_id)
                settled = await _settled(connection, head, before)
                if not settled:
                    return total
                total += await _anchor(connection, team_id, [row for row in settled if row.link is None], settled[-1])


async def _walk(connection: AsyncConnection, team_id: str, walk: _Walk) -> str:
    """What is wrong first; goes on with what is written meanwhile until it has caught up with the head."""
    after = -1
    while True:
        before = await _head(connection, team_id)
        async for row in _rows(connection, team_id, after):
            if broken := walk.look(row):
                return broken
            after = row.seq
        now = await _head(connection, team_id)
        if before[0] > walk.number or now[0] <= walk.number:
            return walk.end(*now)


async def erase(connection: AsyncConnection, rows: Iterable[tuple[AnyRow, Collection[str]]]) -> int:
    """Empty fields of entries for good; how many entries. What is empty already, or an anchor's, stays as it is.

    `rows`: of one workspace, as they are in this transaction.
    """
    changes, erasing = [], ""
    for row, names in rows:
        gone = [name for name in names if name in PERSONAL and getattr(row, name)]
        if not gone or row.action == ANCHOR:
            continue
        sealed = seals_of(row) or await _seal(connection, row)
        salts = {name: salt for name, salt in sealed.salts.items() if name not in gone}
        left = {f"new_{name}": "" if name in gone else getattr(row, name) for name in PERSONAL}
        changes.append({**left, "new_salts": json.dumps(salts), "this": row.seq})
        erasing = f"erasing:{row.team_id}"
    if changes:
        await connection.execute(upsert(connection, facts, {"name": erasing, "value": "begun"}))
        emptied: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in (*PERSONAL, "salts")}
        await connection.execute(sa.update(audit).where(audit.c.seq == sa.bindparam("this")).values(emptied), changes)
        await connection.execute(sa.delete(facts).where(facts.c.name == erasing))
    return len(changes)


async def _anchor(connection: AsyncConnection, team_id: str, older: Sequence[AnyRow], last: AnyRow) -> int:
    digest = START
    for row in older:
        sealed = seals_of(row) or await _seal(connection, row)
        digest = anchor(digest, entry_of(row), sealed.seals)
    if older:
        own = SqlAudit(connection)
        await own.add(AuditEntry(last.at, team_id, "", ANCHOR, f"{last.seq}:{len(older)}", digest))
        await own.write_down()
    mine = audit_heads.c.team_id == team_id
    await connection.execute(sa.update(audit_heads).where(mine).values(anchored=last.seq))
    return len(older)


async def _seal(connection: AsyncConnection, row: AnyRow) -> Seals:
    sealed = Seals.of(entry_of(row), (new_salt() for _ in PERSONAL))
    await connection.execute(sa.update(audit).where(audit.c.seq == row.seq).values(columns_of(sealed)))
    return sealed


async def _settled(connection: AsyncConnection, head: AnyRow, before: float) -> list[AnyRow]:
    """The next entries that no anchor has looked at, as long as they are old enough."""
    query = sa.select(audit).where(audit.c.team_id == head.team_id, audit.c.seq > head.anchored)
    found = await connection.execute(query.order_by(audit.c.seq).limit(ROWS))
    return list(takewhile(lambda row: row.at < before, found.all()))


async def _anchors(connection: AsyncConnection, team_id: str) -> list[_Anchor]:
    named = (audit.c.team_id == team_id, audit.c.action == ANCHOR, audit.c.link.is_not(None))
    found = await connection.execute(sa.select(audit.c.subject, audit.c.detail).where(*named).order_by(audit.c.seq))
    anchors = []
    for row in found:
        upto, _, count = row.subject.partition(":")
        if upto.isdecimal() and count.isdecimal():  # else somebody changed it, as its own seals will tell
            anchors.append(_Anchor(int(upto), int(count), row.detail))
    return anchors


async def _head(connection: AsyncConnection, team_id: str) -> tuple[int, str]:
    head = (await connection.execute(sa.select(audit_heads).where(audit_heads.c.team_id == team_id))).first()
    return (head.number, head.link) if head else (0, START)


async def _rows(connection: AsyncConnection, team_id: str, after: int) -> AsyncIterator[AnyRow]:
    """In the order in which they were written."""
    while True:
        query = sa.select(audit).where(audit.c.team_id == team_id, audit.c.seq > after)
        rows = (await connection.execute(query.order_by(audit.c.seq).limit(ROWS))).all()
        for row in rows:
            yield row
        if len(rows) < ROWS:
            return
        after = rows[-1].seq


def _named(row: AnyRow) -> str:
    return f"entry {row.number} ({_time(row.at)}, {row.action})"


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")
