"""Where a person is in the database, table by table, and what becomes of that when they are forgotten.

Conversations they began go as a whole, with all that has no meaning without them. In those of others their own words
go, and their id and name. What was spent stays, under a pseudonym that leads nowhere: the sums still add up. Figures
hold no person, and the audit log is a matter of its own (`bot.store.audit_chain.erase`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from bot.domain.budget import Scope
from bot.domain.conversation import Speaker
from bot.domain.escalation import State
from bot.domain.trace import Action
from bot.ports.keeping import PASSING
from bot.store.bot_pauses import bot_pauses
from bot.store.budget_asks import budget_asks, grants
from bot.store.gates import bot_turns, mutes, shared_channels
from bot.store.handover import handbacks, ratings
from bot.store.insight.tables import counted, sessions, sign_in_links, uncounted
from bot.store.lessons import journal_of, lessons
from bot.store.lessons import of_conversations as lessons_of
from bot.store.recaps import recaps
from bot.store.tables import (
    conversations,
    escalations,
    inbox,
    journal,
    ledger,
    limit_changes,
    limits,
    lines,
    outbox,
    runs,
    timers,
    traces,
)
from tools.billing.books import refunds
from tools.knowledge_base.tables import gaps
from tools.mcp.once import mcp_calls
from tools.tickets.desk import tickets
from tools.tickets.keys import ticket_keys

COLLEAGUE = "Colleague"
"""Instead of the name of somebody of staff."""
_FORMS = ('"{}"', "<@{}>", "<@{}|")
_LIVE = tuple(state.value for state in State if state.is_live)
_Condition = sa.ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in a workspace."""

    team_id: str
    user_id: str
    pseudonym: str
    """For what is kept."""


@dataclass(frozen=True, slots=True)
class Found:
    """Where somebody is."""

    own: tuple[str, ...] = ()
    """Conversations they began."""
    own_runs: tuple[str, ...] = ()
    """Of these."""
    shared: tuple[str, ...] = ()
    """Of others, in which they had a part."""
    shared_runs: tuple[str, ...] = ()
    """That answered them there."""
    cases: tuple[str, ...] = ()
    """Of others' conversations, that were opened for them."""
    names: frozenset[str] = field(default_factory=frozenset)
    """Under which they stand in transcripts."""
    in_charge: int = 0
    """Conversations that are in their hands right now."""

    @property
    def direct(self) -> frozenset[str]:
        """Channels between them and the bot alone."""
        channels = (one.split(":")[1] for one in self.own)
        return frozenset(channel for channel in channels if channel.startswith("D"))


@dataclass(frozen=True, slots=True)
class Step:
    """Rows that go, or (with `values`) that only lose what tells of the person."""

    table: sa.Table
    where: _Condition
    values: dict[str, Any] | None = None


def steps(person: Person, found: Found) -> Iterator[Step]:
    """Everything that is to be done, in this order; it may be done twice."""
    yield from _costs(person, found.own)
    yield from _lessons(person, found)
    yield from _own(found.own, found.own_runs)
    yield from _shared(person, found)
    yield from _of_staff(person)
    for table in (sessions, sign_in_links):
        yield Step(table, sa.and_(table.c.team_id == person.team_id, table.c.user_id == person.user_id))
    for mark in (person.user_id, *sorted(found.direct)):
        yield from _named(person, mark)


def _costs(person: Person, own: Sequence[str]) -> Iterator[Step]:
    team, user, gone = person.team_id, person.user_id, person.pseudonym
    if own:
        channel = sa.case((ledger.c.channel_id.startswith("D"), gone), else_=ledger.c.channel_id)
        instead = {"conversation_id": f"{team}:{gone}:0", "channel_id": channel}  # at once: a bot may be writing more
        yield Step(ledger, ledger.c.conversation_id.in_(own), instead)
    yield Step(ledger, sa.and_(ledger.c.team_id == team, ledger.c.user_id == user), {"user_id": gone})
    for table in (limit_changes, grants):
        of_user = sa.and_(table.c.team_id == team, table.c.scope == Scope.USER.value, table.c.subject == user)
        yield Step(table, of_user, {"subject": gone})
    of_user = sa.and_(limits.c.team_id == team, limits.c.scope == Scope.USER.value, limits.c.subject == user)
    yield Step(limits, of_user)


def _own(own: Sequence[str], own_runs: Sequence[str]) -> Iterator[Step]:
    if not own:
        return
    yield Step(journal, journal.c.run_id.in_(own_runs))
    with_conversation = (
        traces, lines, recaps, handbacks, ratings, escalations, runs, timers, budget_asks, inbox, outbox, bot_turns,
        tickets, ticket_keys, gaps, mcp_calls,
    )  # fmt: skip
    for table in with_conversation:
        yield Step(table, table.c.conversation_id.in_(own))
    yield Step(mutes, mutes.c.subject.in_(own))
    for table in (limits, grants, limit_changes):
        yield Step(table, table.c.subject.in_((*own, *own_runs)))
    yield Step(refunds, refunds.c.conversation_id.in_(own), {"reason": "", "conversation_id": ""})
    yield Step(counted, counted.c.id.in_(own))
    yield Step(conversations, conversations.c.id.in_(own))
    yield Step(uncounted, uncounted.c.conversation_id.in_(own))  # last: a trigger notes what happens to conversations


def _lessons(person: Person, found: Found) -> Iterator[Step]:
    """Suggestions go, what was accepted stays, and leads to nobody; before the cases, by which drafts are found."""
    team, user, gone = person.team_id, person.user_id, person.pseudonym
    here = lessons.c.team_id == team
    if found.own:
        yield Step(*journal_of(escalations.c.conversation_id.in_(found.own)))
        yield Step(*lessons_of(found.own))
        theirs = sa.and_(here, lessons.c.conversation_id.in_(found.own))
        yield Step(lessons, theirs, {"conversation_id": f"{team}:{gone}:0"})
    yield Step(lessons, sa.and_(here, lessons.c.taught_by.in_(found.names)), {"taught_by": COLLEAGUE})
    for name in ("article_by", "case_by", "dismissed_by"):
        yield Step(lessons, sa.and_(here, lessons.c[name] == user), {name: gone})


def _shared(person: Person, found: Found) -> Iterator[Step]:
    user = person.user_id
    if not found.shared:
        return
    yield Step(journal, journal.c.run_id.in_(found.shared_runs))
    yield Step(traces, traces.c.run_id.in_(found.shared_runs))
    answered = runs.c.id.in_(found.shared_runs)
    yield Step(gaps, sa.exists().where(answered, runs.c.conversation_id == gaps.c.conversation_id))
    for book in (tickets, ticket_keys):
        of_run = sa.func.substr(book.c.key, 1, sa.func.length(runs.c.id) + 1) == runs.c.id.concat(":")
        yield Step(book, sa.exists().where(answered, of_run))
    for table in (recaps, ratings):
        whose = ratings.c.user_id == user if table is ratings else sa.true()
        yield Step(table, sa.and_(table.c.conversation_id.in_(found.shared), whose))
    here = lines.c.conversation_id.in_(found.shared)
    named = sa.and_(here, lines.c.name.in_(found.names))
    yield Step(lines, sa.and_(named, lines.c.speaker == Speaker.CUSTOMER.value))
    yield Step(lines, sa.and_(named, lines.c.speaker == Speaker.PERSON.value), {"name": COLLEAGUE})
    yield Step(runs, runs.c.id.in_(found.shared_runs), {"user_id": person.pseudonym})
    asked = sa.and_(escalations.c.conversation_id.in_(found.shared), escalations.c.requested_by == user)
    yield Step(traces, _steps_about(asked), {"given": "", "got": ""})
    nothing = {"reason": "", "summary": "", "note": "", "proposal": None, "asked": None}
    yield Step(escalations, asked, {**nothing, "requested_by": person.pseudonym})


def _steps_about(cases: _Condition) -> _Condition:
    """What the record of steps has of some cases between runs; by conversation, for which there is an index."""
    there = traces.c.conversation_id.in_(sa.select(escalations.c.conversation_id).where(cases))
    return sa.and_(there, traces.c.run_id == "", traces.c.ref.in_(sa.select(escalations.c.id).where(cases)))


def _of_staff(person: Person) -> Iterator[Step]:
    """What somebody of staff decided stays decided, by nobody in particular."""
    team, user = person.team_id, person.user_id
    settled = sa.and_(escalations.c.team_id == team, escalations.c.state.not_in(_LIVE))
    deciders = ("decided_by", "first_by", "edited_by")
    theirs = sa.and_(settled, sa.or_(*(escalations.c[name] == user for name in deciders)))
    decided = sa.and_(_steps_about(theirs), traces.c.action == Action.DECISION.value, traces.c.given != "")
    yield Step(traces, decided, {"given": COLLEAGUE})
    for name in deciders:
        yield Step(escalations, sa.and_(settled, escalations.c[name] == user), {name: ""})
    inside = sa.func.substr(handbacks.c.conversation_id, 1, len(team) + 1) == f"{team}:"
    yield Step(handbacks, sa.and_(inside, handbacks.c.by == user), {"by": "", "name": COLLEAGUE})
    for table in (limit_changes, grants, mutes, shared_channels, bot_pauses):
        yield Step(table, sa.and_(table.c.team_id == team, table.c.by == user), {"by": ""})


def _named(person: Person, mark: str) -> Iterator[Step]:
    """Working papers in which an id of theirs stands: presses, whispers, messages that name them."""
    done = sa.and_(inbox.c.team_id == person.team_id, inbox.c.handled_at.is_not(None))
    yield Step(inbox, sa.and_(done, names(inbox.c.payload, mark)))
    told = sa.and_(outbox.c.team_id == person.team_id, outbox.c.state != "waiting")
    told = sa.and_(told, names(outbox.c.payload, mark))
    yield Step(outbox, sa.and_(told, outbox.c.kind.in_(PASSING)))
    payload: sa.ColumnElement[str] = outbox.c.payload
    for form in _FORMS:
        payload = sa.func.replace(payload, form.format(mark), form.format(person.pseudonym))
    yield Step(outbox, told, {"payload": payload})


def names(column: sa.Column[str], mark: str) -> _Condition:
    """Whether a text holds an id: as a value of JSON, or as Slack mentions people."""
    return sa.or_(*(sa.func.replace(column, form.format(mark), "") != column for form in _FORMS))
