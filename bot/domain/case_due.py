"""Timers of a case: events the desk sends to itself, to arrive at a later moment."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Due(StrEnum):
    """What a timer of a case is about."""

    ANSWER = "answer"
    """Nobody has taken it over or decided it."""
    OWNER = "owner"
    """Its owner may have gone quiet."""
    ALERT = "alert"
    """The pager is to wake somebody."""
    ALL_CLEAR = "all_clear"
    """The pager may be told that somebody is there."""


@dataclass(frozen=True, slots=True)
class CaseDue:
    """A timer of a case; stale when the case has moved on by then."""

    escalation_id: str
    team_id: str
    what: Due
    stage: int = 0
    """Of the way a case takes while nobody answers, from 0; of the pager: how often it was away before."""
    kind: Literal["case_due"] = "case_due"
