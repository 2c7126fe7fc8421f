"""Waking somebody outside Slack: an alert service that calls whoever is on duty."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Alert:
    """What somebody is woken for. Holds nothing a customer wrote."""

    key: str
    """Unique per case: the service counts alerts of the same key once."""
    summary: str
    link: str
    """To the card in Slack; empty when unknown."""
    is_urgent: bool


class Pager(Protocol):
    """An alert service. Both raise TransientError when it may work later, PermanentError when it never will."""

    async def trigger(self, alert: Alert) -> None:
        """Open an alert, once per key."""
        ...

    async def resolve(self, key: str) -> None:
        """Close an alert; one that is not open (any more) is fine."""
        ...
