"""What people type to the bot that is not a question: `@bot handoff [team] [reason]`, `resume`, `mute [1h]`, …"""

import re
from dataclasses import dataclass

from bot.domain.escalation import Team

_HANDOFF = re.compile(r"^\s*[/!]?hand[\s-]?off\b[\s:,-]*(?P<rest>.*)$", re.IGNORECASE | re.DOTALL)
_RESUME = re.compile(r"^\s*[/!]?(resume|hand[\s-]?back)\b[\s.!]*$", re.IGNORECASE)
_BUDGET = re.compile(r"^\s*[/!]?budget[\s.?!]*$", re.IGNORECASE)
_STAFF_HERE = re.compile(r"^\s*staff\s+here[\s.!]*$", re.IGNORECASE)
_BARE = re.compile(rf"^\s*[/!]?hand[\s-]?off(\s+({'|'.join(team.value for team in Team)}))?[\s.!]*$", re.IGNORECASE)
_MUTE = re.compile(
    r"^\s*[/!]?(?P<un>un)?mute(?P<channel>\s+(this\s+)?channel)?"
    r"(\s+(for\s+)?(?P<number>\d{1,4})\s*(?P<unit>m(in(ute)?s?)?|h(ours?|rs?)?|d(ays?)?))?[\s.!]*$",
    re.IGNORECASE,
)
_ALLOW = re.compile(r"^\s*(?P<dis>dis)?allow\s+(this\s+)?channel[\s.!]*$", re.IGNORECASE)
REASON_CHARS = 1_000
_SECONDS = {"m": 60, "h": 3_600, "d": 86_400}
MOST_MUTED = 366 * 86_400.0
"""Seconds; whoever wants it longer mutes without an end."""


@dataclass(frozen=True, slots=True)
class Handoff:
    """A wish for a human, without a model call."""

    team: Team | None
    reason: str


@dataclass(frozen=True, slots=True)
class Resume:
    """A wish that the bot goes on."""


@dataclass(frozen=True, slots=True)
class StaffHere:
    """A wish that cases go to the channel it is typed in."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """A wish that the bot be quiet, or speak again."""

    is_on: bool
    channel: bool = False
    """In the whole channel."""
    seconds: float | None = None
    """For so long; None: until it is lifted."""


@dataclass(frozen=True, slots=True)
class AllowChannel:
    """A wish that the bot may (or may no longer) speak in a channel shared with another organisation."""

    is_on: bool


@dataclass(frozen=True, slots=True)
class Budget:
    """A wish to know what this thread has cost; slash commands do not work inside threads."""


Command = Handoff | Resume | StaffHere | Quiet | AllowChannel | Budget


def parse_command(text: str, *, addressed: bool = True) -> Command | None:
    """The command a message consists of, or None for an ordinary message.

    Without a mention (`addressed` False, in direct messages) only the bare words are one: people also write sentences
    that begin with "Handoff".
    """
    if _RESUME.match(text):
        return Resume()
    if _BUDGET.match(text):
        return Budget()
    if quiet := _MUTE.match(text):
        return _quiet(quiet)
    if addressed and _STAFF_HERE.match(text):
        return StaffHere()
    if addressed and (allow := _ALLOW.match(text)):
        return AllowChannel(is_on=not allow["dis"])
    if not addressed and not _BARE.match(text):
        return None
    match = _HANDOFF.match(text)
    return _handoff(match["rest"]) if match else None


def _handoff(rest: str) -> Handoff:
    first, _, remainder = rest.strip().partition(" ")
    name = re.sub(r"[\s-]", "_", first.strip(":,").lower())
    team = next((team for team in Team if team.value == name), None)
    reason = remainder if team else rest
    return Handoff(team, reason.strip(" :,-\n")[:REASON_CHARS])


def _quiet(match: re.Match[str]) -> Quiet:
    seconds = float(match["number"]) * _SECONDS[match["unit"][0].lower()] if match["number"] else None
    is_on = not match["un"]
    return Quiet(is_on, bool(match["channel"]), min(seconds, MOST_MUTED) if seconds and is_on else None)
