"""What people type to the bot that is not a question: `@bot handoff [team] [reason]`, `resume`, `staff here`."""

import re
from dataclasses import dataclass

from bot.domain.escalation import Team

_HANDOFF = re.compile(r"^\s*[/!]?hand[\s-]?off\b[\s:,-]*(?P<rest>.*)$", re.IGNORECASE | re.DOTALL)
_RESUME = re.compile(r"^\s*[/!]?(resume|hand[\s-]?back)\b[\s.!]*$", re.IGNORECASE)
_STAFF_HERE = re.compile(r"^\s*staff\s+here[\s.!]*$", re.IGNORECASE)
_BARE = re.compile(rf"^\s*[/!]?hand[\s-]?off(\s+({'|'.join(team.value for team in Team)}))?[\s.!]*$", re.IGNORECASE)
REASON_CHARS = 1_000


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


def parse_command(text: str, *, addressed: bool = True) -> Handoff | Resume | StaffHere | None:
    """The command a message consists of, or None for an ordinary message.

    Without a mention (`addressed` False, in direct messages) only the bare words are one: people also write sentences
    that begin with "Handoff".
    """
    if _RESUME.match(text):
        return Resume()
    if addressed and _STAFF_HERE.match(text):
        return StaffHere()
    if not addressed and not _BARE.match(text):
        return None
    match = _HANDOFF.match(text)
    if match is None:
        return None
    first, _, remainder = match["rest"].strip().partition(" ")
    name = re.sub(r"[\s-]", "_", first.strip(":,").lower())
    team = next((team for team in Team if team.value == name), None)
    reason = remainder if team else match["rest"]
    return Handoff(team, reason.strip(" :,-\n")[:REASON_CHARS])
