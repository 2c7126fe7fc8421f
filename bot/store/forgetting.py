"""Forgets a person: finds where they are, ends what goes on for them, and erases it, a table at a time.

Works beside running bots. What is deleted cannot be continued: a run whose row is gone counts as overtaken, and an
effect of a conversation that is gone is not sent. What a process was just about to write is caught by doing it again.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.domain.audit import AuditEntry
from bot.domain.audit_chain import PERSONAL
from bot.domain.conversation import Speaker, Standing
from bot.domain.errors import PermanentError
from bot.domain.incoming import INCOMING, MessageReceived
from bot.ports.clock import Clock, NewId
from bot.store.audit import SqlAudit
from bot.store.audit_chain import erase
from bot.store.dialect import AnyRow
from bot.store.engine import Writer
from bot.store.handover import handbacks
from bot.store.personal import COLLEAGUE, Found, Person, names, steps
from bot.store.tables import audit, conversations, escalations, inbox, ledger, lines, runs

DEED = "person.forget"
CHUNK = 200
"""Conversations at a time."""
_USERS = (
    (conversations, "opened_by"), (ledger, "user_id"), (escalations, "requested_by"), (audit, "actor"),
)  # fmt: skip


class SqlForgetting:
    """For operators, over all workspaces."""

    def __init__(self, engine: AsyncEngine, write: Writer, clock: Clock, new_id: NewId) -> None:
        self._engine = engine
        self._write = write
        self._clock = clock
        self._new_id = new_id

    async def workspaces(self, user_id: str) -> list[str]:
        """Those that know somebody of this id."""
        known: set[str] = set()
        async with self._engine.connect() as connection:
            for table, column in _USERS:
                query = sa.select(table.c.team_id).where(table.c[column] == user_id).distinct()
                known |= set(await connection.scalars(query))
        return sorted(known)

    def person(self, team_id: str, user_id: str) -> Person:
        """Somebody, under a pseudonym that is made anew each time and leads nowhere."""
        if not user_id.isalnum() or not user_id.isascii():
            raise PermanentError(f"{user_id!r} is no user id; it looks like U0123456789 (in Slack: profile → ⋮ → Copy)")
        return Person(team_id, user_id, f"gone-{self._new_id()}")

    async def find(self, person: Person) -> Found:
        """Where they are; changes nothing."""
        async with self._engine.connect() as connection:
            return await _find(connection, person)

    async def count(self, person: Person, found: Found) -> dict[str, int]:
        """How many rows of each table are concerned."""
        counts: Counter[str] = Counter()
        async with self._engine.connect() as connection:
            there = await _tables(connection)
            for part in _parts(found):
                for table, conditions in _by_table(person, part, there).items():
                    query = sa.select(sa.func.count()).select_from(table).where(sa.or_(*conditions))
                    counts[table.name] += int(await connection.scalar(query) or 0)
                async for entries in _entries(connection, person, part):
                    counts["audit"] += len(entries)
        return {name: rows for name, rows in counts.items() if rows}

    async def erase(self, person: Person, found: Found) -> dict[str, int]:
        """Erase it; how many rows of each table."""
        done: Counter[str] = Counter()
        async with self._engine.connect() as connection:
            there = await _tables(connection)
        for part in _parts(found):
            done["audit"] += await self._erase_entries(person, part)  # before their conversations go
            for step in steps(person, part):
                if step.table.name not in there:
                    continue
                change = sa.delete(step.table) if step.values is None else sa.update(step.table).values(step.values)
                async with self._write() as connection:
                    rows = (await connection.execute(change.where(step.where))).rowcount
                done[step.table.name] += max(rows, 0)
        return {name: rows for name, rows in done.items() if rows}

    async def _erase_entries(self, person: Person, found: Found) -> int:
        """A few at a time, so that bots go on in between."""
        erased = 0
        async with self._engine.connect() as reading:
            async for entries in _entries(reading, person, found):
                async with self._write() as connection:
                    now = sa.select(audit).where(audit.c.seq.in_([row.seq for row in entries]))
                    rows = [(row, _fields(row, person, found)) for row in await connection.execute(now)]
                    erased += await erase(connection, rows)
        return erased

    async def record(self, person: Person, by: str, rows: int) -> None:
        """Put on record that it happened, without saying to whom in clear."""
        async with self._write() as connection:
            entry = AuditEntry(
                self._clock(), person.team_id, by, DEED, digest_of(person.team_id, person.user_id), f"{rows} rows"
            )
            log = SqlAudit(connection)
            await log.add(entry)
            await log.write_down()


def digest_of(team_id: str, user_id: str) -> str:
    """By which who knows the person finds in the audit log that they were forgotten."""
    return hashlib.sha256(f"deskhand forget {team_id}:{user_id}".encode()).hexdigest()[:32]


def _parts(found: Found) -> Iterator[Found]:
    """In pieces that fit into a query; the first one has all that is not about conversations of their own."""
    own, shared = found.own, found.shared
    yield replace(found, own=own[:CHUNK], shared=shared[:CHUNK])
    for place in range(CHUNK, max(len(own), len(shared)), CHUNK):
        yield replace(found, own=own[place : place + CHUNK], shared=shared[place : place + CHUNK])


async def _find(connection: AsyncConnection, person: Person) -> Found:
    team, user = person.team_id, person.user_id
    prefix = f"{team}:"

    async def ids(query: sa.Select[tuple[str]]) -> list[str]:
        return list(await connection.scalars(query))

    own = await ids(
        sa.select(conversations.c.id).where(conversations.c.team_id == team, conversations.c.opened_by == user)
    )
    inside = sa.func.substr(runs.c.conversation_id, 1, len(prefix)) == prefix
    theirs = (
        await connection.execute(sa.select(runs.c.id, runs.c.conversation_id).where(runs.c.user_id == user, inside))
    ).all()
    for_them = sa.and_(escalations.c.team_id == team, escalations.c.requested_by == user)
    asked = (await connection.execute(sa.select(escalations.c.id, escalations.c.conversation_id).where(for_them))).all()
    written = await _written(connection, person)
    handed = (
        await connection.execute(sa.select(handbacks.c.conversation_id, handbacks.c.name).where(handbacks.c.by == user))
    ).all()
    mine = set(own)
    parts = {row.conversation_id for row in (*theirs, *handed, *asked)} | {one for one, _ in written}
    shared = sorted(one for one in parts - mine if one.startswith(prefix))
    held = sa.and_(conversations.c.owner == user, conversations.c.standing == Standing.HUMAN.value)
    in_charge = await connection.scalar(
        sa.select(sa.func.count()).select_from(conversations).where(held, conversations.c.team_id == team)
    )
    known = {row.name for row in handed} - {"", COLLEAGUE}
    return Found(
        own=tuple(sorted(own)),
        own_runs=tuple([one for part in _chunks(own) for one in await ids(_runs_of(part))]),
        shared=tuple(shared),
        shared_runs=tuple(row.id for row in theirs if row.conversation_id not in mine),
        cases=tuple(row.id for row in asked if row.conversation_id not in mine),
        names=frozenset(known | await _names(connection, own, written)),
        in_charge=int(in_charge or 0),
    )


def _runs_of(conversation_ids: Sequence[str]) -> sa.Select[tuple[str]]:
    return sa.select(runs.c.id).where(runs.c.conversation_id.in_(conversation_ids))


async def _written(connection: AsyncConnection, person: Person) -> list[tuple[str, str]]:
    """(conversation, words) of their messages that are still in the inbox."""
    query = sa.select(inbox.c.conversation_id, inbox.c.payload).where(
        inbox.c.team_id == person.team_id,
        inbox.c.conversation_id.is_not(None),
        names(inbox.c.payload, person.user_id),
    )
    found = []
    for row in await connection.execute(query):
        message = INCOMING.validate_json(row.payload)
        if isinstance(message, MessageReceived) and message.user_id == person.user_id:
            found.append((row.conversation_id, message.text))
    return found


async def _names(connection: AsyncConnection, own: Sequence[str], written: Sequence[tuple[str, str]]) -> set[str]:
    """Names under which their words stand in transcripts: of what they wrote lately, and of whoever began to write in
    conversations of theirs."""
    found: set[str] = set()
    for conversation_id, words in written:
        said = (lines.c.conversation_id == conversation_id, lines.c.text == words.strip())
        found |= set(
            await connection.scalars(sa.select(lines.c.name).where(*said, lines.c.speaker != Speaker.BOT.value))
        )
    for part in _chunks(own):
        of_customers = (lines.c.conversation_id.in_(part), lines.c.speaker == Speaker.CUSTOMER.value)
        first = sa.select(sa.func.min(lines.c.seq)).where(*of_customers).group_by(lines.c.conversation_id)
        found |= set(await connection.scalars(sa.select(lines.c.name).where(lines.c.seq.in_(first))))
    return found - {""}


async def _entries(connection: AsyncConnection, person: Person, found: Found) -> AsyncIterator[list[AnyRow]]:
    """Entries of the audit log that tell of them, a few at a time; between two the connection is in no transaction."""
    about = sa.or_(
        audit.c.conversation_id.in_(found.own),
        audit.c.subject.in_(found.cases),
        audit.c.actor == person.user_id,
        *(audit.c[name].contains(person.user_id, autoescape=True) for name in PERSONAL),
    )
    query, after = sa.select(audit).where(audit.c.team_id == person.team_id, about).order_by(audit.c.seq), -1
    while rows := (await connection.execute(query.where(audit.c.seq > after).limit(CHUNK))).all():
        await connection.rollback()
        if entries := [row for row in rows if _fields(row, person, found)]:
            yield entries
        after = rows[-1].seq


def _fields(row: AnyRow, person: Person, found: Found) -> set[str]:
    fields = {name for name in PERSONAL if _is_named(person.user_id, getattr(row, name))}
    if row.actor == person.user_id:
        fields.add("detail")
    if row.subject in found.cases:
        fields |= {"detail", "digest", "before", "after"}
    if row.conversation_id in found.own:
        fields |= {"conversation_id", "detail", "digest", "before", "after"}
        fields |= {"subject"} if row.conversation_id in row.subject else set()
    return {name for name in fields if getattr(row, name)}


def _is_named(user_id: str, text: str) -> bool:
    """Whether an id stands in a text, not only as the beginning of another."""
    return user_id in "".join(letter if letter.isalnum() else " " for letter in text).split()


async def _tables(connection: AsyncConnection) -> set[str]:
    """The tools' tables are made by the first bot that runs."""
    return set(await connection.run_sync(lambda plain: sa.inspect(plain).get_table_names()))


def _by_table(person: Person, found: Found, there: set[str]) -> dict[sa.Table, list[sa.ColumnElement[bool]]]:
    conditions: dict[sa.Table, list[sa.ColumnElement[bool]]] = defaultdict(list)
    for step in steps(person, found):
        if step.table.name in there:
            conditions[step.table].append(step.where)
    return conditions


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for place in range(0, len(ids), CHUNK):
        yield ids[place : place + CHUNK]
