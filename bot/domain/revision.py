"""Changing a proposal by a form: what the form shows, and why it may be sent back."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from bot.domain.escalation import CardView


@dataclass(frozen=True, slots=True)
class CallField:
    """One argument of a call, as a form shows it."""

    name: str
    label: str
    kind: Literal["text", "number", "choice"]
    value: str
    options: tuple[str, ...] = ()
    """Of a choice."""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What the form of an edit shows."""

    view: CardView
    fields: tuple[CallField, ...]
    """Arguments of a call; none for a reply."""
    refusal: str = ""
    """Why a call cannot be edited at all."""


class Fault(StrEnum):
    """What a sent form may be given back for."""

    STALE = "stale"
    """The case is no longer as it was when the form was opened."""
    FIELD = "field"
    """An argument that the tool does not take."""
    APPROVAL = "approval"
    """Whoever sent it may change the proposal, but not approve it."""
    REFUSED = "refused"
    """Whoever sent it may not act on cases at all, or the call cannot be edited any more."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a form cannot be taken as it is."""

    fault: Fault
    text: str
