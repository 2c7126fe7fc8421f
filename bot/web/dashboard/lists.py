"""How rows of lists are written: names of states, moments as they are read, words of others made harmless."""

from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo

from bot.domain.answer import Outcome
from bot.domain.escalation import Escalation, Origin, State, Team
from bot.domain.hidden import one_line, visible
from bot.domain.reports import TalkState

FOLD_AFTER = 320
"""Characters of a text that are shown before it is folded."""
_STATES: Mapping[TalkState, str] = {
    TalkState.BOT: "with the bot",
    TalkState.WAITING: "waits for people",
    TalkState.PERSON: "with a person",
    TalkState.CLOSED: "closed",
}
OUTCOMES: Mapping[Outcome, str] = {
    Outcome.ANSWERED: "answered",
    Outcome.ESCALATED: "escalated",
    Outcome.AWAITING_APPROVAL: "awaits approval",
    Outcome.BUDGET_EXHAUSTED: "budget used up",
    Outcome.REFUSED: "refused",
    Outcome.FAILED: "failed",
    Outcome.STOPPED: "stopped",
    Outcome.SUPERSEDED: "superseded",
}
ORIGINS: Mapping[Origin, str] = {
    Origin.TOOL: "the agent asked for a person",
    Origin.LOW_CONFIDENCE: "the answer should be checked",
    Origin.BUDGET: "money",
    Origin.FAILURE: "something failed",
    Origin.HANDOFF: "somebody typed a handoff",
    Origin.GATED: "a tool call needs consent",
    Origin.ANSWERED: "a colleague answered in the thread",
    Origin.PAUSED: "the bot is paused",
}
_TONES: Mapping[str, str] = {
    **dict.fromkeys((TalkState.BOT, Outcome.ANSWERED, State.APPROVED, State.RESOLVED), "good"),
    **dict.fromkeys(
        (TalkState.WAITING, Outcome.ESCALATED, Outcome.AWAITING_APPROVAL, State.OPEN, Outcome.BUDGET_EXHAUSTED), "warn"
    ),
    **dict.fromkeys((Outcome.FAILED, State.EXPIRED), "bad"),
    **dict.fromkeys((TalkState.PERSON, State.CLAIMED, State.HANDED_BACK), "info"),
}


def state(value: TalkState) -> str:
    """Who has a conversation."""
    return _STATES[value]


def outcome(value: Outcome) -> str:
    """How a run ended."""
    return OUTCOMES[value]


def origin(value: Origin) -> str:
    """How a case began."""
    return ORIGINS[value]


def tone(value: str) -> str:
    """Class of a badge."""
    return _TONES.get(value, "plain")


def team(value: Team | None) -> str:
    """What a team is called."""
    return value.replace("_", " ").capitalize() if value else "No team"


def decided(case: Escalation) -> str:
    """How a case stands, in a word."""
    return {State.CLAIMED: "taken over", State.HANDED_BACK: "handed back"}.get(case.state, case.state.value)


def stamp(at: float, zone: tzinfo) -> str:
    """12 Mar, 14:05; for rows, where the year is clear."""
    local = datetime.fromtimestamp(at, zone)
    return f"{local.day} {local:%b, %H:%M}"


def clock(at: float, zone: tzinfo) -> str:
    """14:05:09."""
    return f"{datetime.fromtimestamp(at, zone):%H:%M:%S}"


def iso(at: float, zone: tzinfo) -> str:
    """For machines that read the page."""
    return datetime.fromtimestamp(at, zone).isoformat(timespec="seconds")


def rough(seconds: float) -> str:
    """45 s, 12 min, 3 h, 2 d: one unit is enough where people compare."""
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} s"


def short(text: str, most: int = 120) -> str:
    """The beginning of somebody's words on one line."""
    return one_line(text, most)


def is_long(text: str) -> bool:
    """Whether a text is folded."""
    return len(text) > FOLD_AFTER


def head(text: str) -> str:
    """What is shown of a folded text."""
    return text[:FOLD_AFTER].rstrip() + "…"


FILTERS: Mapping[str, Callable[..., object]] = {
    "state": state,
    "outcome": outcome,
    "origin": origin,
    "tone": tone,
    "team": team,
    "decided": decided,
    "stamp": stamp,
    "clock": clock,
    "iso": iso,
    "rough": rough,
    "short": short,
    "visible": visible,
    "is_long": is_long,
    "head": head,
}
"""Of the templates."""
