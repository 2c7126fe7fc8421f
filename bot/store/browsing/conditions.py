"""The conditions behind a filter of conversations, each on a row of `conversations`."""

from collections.abc import Iterator

import sqlalchemy as sa

from bot.domain.browsing import ConversationFilter, Opinion
from bot.domain.conversation import Standing, Surface
from bot.domain.escalation import State
from bot.domain.insight import DIRECT
from bot.domain.money import to_micro
from bot.domain.reports import TalkState
from bot.domain.trace import Action
from bot.store.handover import ratings
from bot.store.tables import conversations, escalations, ledger, lines, runs, traces

Condition = sa.ColumnElement[bool]
LIVE = tuple(state.value for state in State if state.is_live)
THUMBS = ("thumbs_up", "thumbs_down")
"""Names of the trace rows that hold what a customer thought of an answer."""
_GOOD_STARS = 4
_POOR_STARS = 2
_HERE = conversations.c


def conditions(wanted: ConversationFilter) -> Iterator[Condition]:
    """All that must hold."""
    yield from _of_columns(wanted)
    if wanted.state is not None:
        yield _state(wanted.state)
    if wanted.outcome is not None:
        yield last_outcome() == wanted.outcome.value
    if wanted.cost_over is not None:
        spent = sa.select(sa.func.sum(ledger.c.charged)).where(ledger.c.conversation_id == _HERE.id)
        yield sa.func.coalesce(spent.scalar_subquery(), 0) > to_micro(wanted.cost_over)
    if wanted.escalated is not None:
        has_case = sa.exists().where(escalations.c.conversation_id == _HERE.id)
        yield has_case if wanted.escalated else ~has_case
    if wanted.opinion is not None:
        yield _opinion(wanted.opinion)
    for word in wanted.words:
        yield sa.exists().where(lines.c.conversation_id == _HERE.id, _holds(word))


def _of_columns(wanted: ConversationFilter) -> Iterator[Condition]:
    equal = {
        "id": wanted.conversation_id,
        "opened_by": wanted.user,
        "owner": wanted.owner,
        "profile": wanted.profile,
        "prompt_version": wanted.prompt_version,
    }
    for name, value in equal.items():
        if value:
            yield _HERE[name] == value
    if wanted.channel:
        yield _HERE.surface == Surface.DM.value if wanted.channel == DIRECT else _HERE.channel_id == wanted.channel
    if wanted.since is not None:
        yield _HERE.opened_at >= wanted.since
    if wanted.until is not None:
        yield _HERE.opened_at < wanted.until


def last_outcome() -> sa.ScalarSelect[str | None]:
    """How the last run of the conversation ended; null while it goes on."""
    mine = sa.select(runs.c.outcome).where(runs.c.conversation_id == _HERE.id)
    return mine.order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(1).scalar_subquery()


def _state(state: TalkState) -> Condition:
    waits = sa.exists().where(escalations.c.conversation_id == _HERE.id, escalations.c.state.in_(LIVE))
    with_bot = _HERE.standing == Standing.BOT.value
    match state:
        case TalkState.PERSON:
            return _HERE.standing == Standing.HUMAN.value
        case TalkState.CLOSED:
            return _HERE.standing == Standing.CLOSED.value
        case TalkState.WAITING:
            return sa.and_(with_bot, waits)
        case TalkState.BOT:
            return sa.and_(with_bot, ~waits)


def _opinion(opinion: Opinion) -> Condition:
    if opinion in (Opinion.UP, Opinion.DOWN):
        said = sa.and_(traces.c.action == Action.DECISION.value, traces.c.name == f"thumbs_{opinion}")
        return sa.exists().where(traces.c.conversation_id == _HERE.id, said)
    enough = ratings.c.stars >= _GOOD_STARS if opinion is Opinion.HIGH else ratings.c.stars <= _POOR_STARS
    return sa.exists().where(ratings.c.conversation_id == _HERE.id, enough)


def _holds(word: str) -> Condition:
    """SQLite folds the case of ASCII letters only, so the usual spellings of others are looked for one by one."""
    spellings = dict.fromkeys((word, word.lower(), word.capitalize(), word.upper()))
    if word.isascii():
        return lines.c.text.icontains(word, autoescape=True)
    return sa.or_(*(lines.c.text.contains(one, autoescape=True) for one in spellings))
