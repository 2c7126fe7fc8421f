"""How long people may let a case wait, who is asked meanwhile, and who in the end.

A case has a time for the first answer, by team and priority, counted in business hours. At half and at three quarters
of it the first responder is reminded; when it is over, the next one, and another after every further half, until the
list is at its end: then the backup channel and the pager are told. An owner who does not answer a customer is nudged
once; after the same time again the conversation is offered to colleagues.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.domain.escalation import Deadline, Escalation, Team
from bot.domain.hours import ALWAYS, Hours

_REMINDERS = (0.5, 0.75)
_NEXT_EVERY = 0.5
"""Of the time for the first answer: so long each further responder has."""


class Priority(StrEnum):
    """How soon somebody must look."""

    NORMAL = "normal"
    URGENT = "urgent"


class StageKind(StrEnum):
    """What happens while a case waits."""

    REMINDER = "reminder"
    NEXT = "next"
    """The time is over: it is the next responder's turn."""
    BACKUP = "backup"
    """Nobody is left: the backup channel and the pager are told."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the way a case takes while nobody answers."""

    share: float
    """Of the time for the first answer, at which it comes."""
    kind: StageKind
    responder: str = ""
    """Whose turn it is from then on: a user's or user group's id; empty when nobody is named."""


@dataclass(frozen=True, slots=True)
class Desks:
    """What holds for one team, or for all that have nothing of their own."""

    first_answer: Mapping[Priority, float]
    """Business seconds by priority."""
    rota: tuple[str, ...] = ()
    """User (U…, W…) or user group (S…) ids, in the order in which they are asked."""


_DEFAULT = Desks({Priority.NORMAL: 3600.0, Priority.URGENT: 900.0})


@dataclass(frozen=True)
class Service:
    """The rules of one workspace."""

    hours: Hours = ALWAYS
    default: Desks = _DEFAULT
    teams: Mapping[Team, Desks] = field(default_factory=dict)
    urgent_words: frozenset[str] = frozenset()
    """Lower case, one or several words each; a case whose reason holds one of them is urgent."""
    backup_channel: str = ""
    """Empty: the case's own channel."""
    quiet_owner: float = 1800.0
    """Business seconds without an answer after which the owner is nudged, and again, until it is offered to others."""
    tells_position: bool = True
    """Whether a customer reads how many cases are before theirs."""

    @property
    def people(self) -> frozenset[str]:
        """User ids of everybody who may be asked; groups are left out."""
        rotas = (desks.rota for desks in (self.default, *self.teams.values()))
        return frozenset(one for rota in rotas for one in rota if not one.startswith("S"))

    def of(self, team: Team | None) -> Desks:
        """What holds for a team."""
        return self.teams.get(team, self.default) if team else self.default

    def priority(self, case: Escalation) -> Priority:
        """By the words of its reason, which the agent or whoever typed the handoff chose."""
        reason = " ".join(case.reason.lower().split())
        is_urgent = any(re.search(rf"(?<![\w'-]){re.escape(one)}(?![\w'-])", reason) for one in self.urgent_words)
        return Priority.URGENT if is_urgent else Priority.NORMAL

    def first_answer(self, case: Escalation) -> float:
        """Business seconds a case may wait."""
        return self.of(case.team).first_answer[self.priority(case)]

    def stages(self, team: Team | None) -> tuple[Stage, ...]:
        """The whole way, in order; it ends with the backup."""
        rota = self.of(team).rota
        first = rota[0] if rota else ""
        nexts = tuple(Stage(1.0 + _NEXT_EVERY * n, StageKind.NEXT, one) for n, one in enumerate(rota[1:]))
        last = 1.0 + _NEXT_EVERY * len(nexts)
        reminders = tuple(Stage(share, StageKind.REMINDER, first) for share in _REMINDERS)
        return (*reminders, *nexts, Stage(last, StageKind.BACKUP, rota[-1] if rota else ""))

    def stage_at(self, case: Escalation, number: int) -> float | None:
        """When a stage (from 0) of a case comes; None after the last."""
        stages = self.stages(case.team)
        if number >= len(stages):
            return None
        return self.hours.add(case.opened_at, stages[number].share * self.first_answer(case))

    def reached(self, case: Escalation, now: float) -> int:
        """How many stages of a case have come by now."""
        times = (self.stage_at(case, number) for number in range(len(self.stages(case.team))))
        return sum(1 for at in times if at is not None and at <= now)

    def deadline(self, case: Escalation, now: float) -> Deadline:
        """How a case that waits stands now."""
        seconds, stages = self.first_answer(case), self.stages(case.team)
        reached = self.reached(case, now)
        responder = stages[max(reached - 1, 0)].responder
        return Deadline(
            due_at=self.hours.add(case.opened_at, seconds),
            used=self.hours.between(case.opened_at, now) / seconds,
            responder=responder,
            is_urgent=self.priority(case) is Priority.URGENT,
        )
