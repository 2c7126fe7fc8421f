"""How long an effect is worth trying, and how soon it is tried again."""

from bot.domain.effects import AnyEffect
from bot.domain.errors import TransientError
from bot.ports.outbox import Delivery

_BRIEF = frozenset({"whisper", "session", "prompts", "live"})
"""Effects that help only at once."""
_BRIEF_TRIES = 3
_BRIEF_SECONDS = 600.0
_LONG_SECONDS = 24 * 3600.0
_FAULT_TRIES = 5
"""Tries after errors that are a fault of the program."""
_LONGEST_PAUSE = 60.0
_POSTS = frozenset({"answer", "notice", "live", "card", "staff_reply", "relay"})


def is_searchable(effect: AnyEffect) -> bool:
    """True for effects that leave a message one can look for; the others may be repeated without harm."""
    return effect.kind in _POSTS


def is_over(delivery: Delivery, error: Exception, attempts: int, now: float) -> bool:
    """Whether to give a row up after this many attempts."""
    age = now - delivery.created_at
    if delivery.outgoing.effect.kind in _BRIEF:
        return attempts >= _BRIEF_TRIES or age >= _BRIEF_SECONDS
    if not isinstance(error, TransientError):
        return attempts >= _FAULT_TRIES
    return age >= _LONG_SECONDS


def pause(attempts: int, error: Exception) -> float:
    """Seconds until the next attempt: what the other side asked for, else 1, 2, 4 … 60."""
    asked = error.retry_after if isinstance(error, TransientError) else None
    return asked if asked is not None else min(2.0 ** min(attempts - 1, 6), _LONGEST_PAUSE)
