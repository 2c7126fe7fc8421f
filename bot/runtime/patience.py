"""How long an effect is worth trying, and how soon it is tried again."""

from bot.domain.effects import AnyEffect, Session
from bot.domain.errors import LockedOutError, TransientError
from bot.ports.outbox import Delivery
from bot.ports.pace import LONGEST_CLOSED, LONGEST_WAIT

_BRIEF = frozenset({"whisper", "prompts", "live"})
"""Effects that help only at once."""
_BRIEF_TRIES = 3
_BRIEF_SECONDS = 600.0
_SESSION_SECONDS = 3600.0
"""After so long Slack itself ends the status `processing`."""
_LONG_SECONDS = 24 * 3600.0
_FAULT_TRIES = 5
"""Tries after errors that are a fault of the program."""
_LONGEST_PAUSE = 60.0
_LATE_SIGN = 3.0
"""Seconds after which a first sign of life is none any more."""
_POSTS = frozenset({"answer", "notice", "live", "card", "staff_reply", "relay", "relay_file", "rating", "lesson"})


def is_searchable(effect: AnyEffect) -> bool:
    """True for effects that leave a message one can look for; the others may be repeated without harm."""
    return effect.kind in _POSTS


def is_over(delivery: Delivery, error: Exception, attempts: int, now: float) -> bool:
    """Whether to give a row up after this many attempts."""
    age = now - delivery.created_at
    if delivery.outgoing.effect.kind in _BRIEF:
        return attempts >= _BRIEF_TRIES or age >= _BRIEF_SECONDS
    if not isinstance(error, TransientError | LockedOutError):
        return attempts >= _FAULT_TRIES
    return age >= (_SESSION_SECONDS if delivery.outgoing.effect.kind == "session" else _LONG_SECONDS)


def pause(attempts: int, error: Exception) -> float:
    """Seconds until the next attempt: what the other side asked for, else 1, 2, 4 … 60."""
    asked = error.retry_after if isinstance(error, TransientError) else None
    return min(asked, LONGEST_CLOSED) if asked is not None else min(2.0 ** min(attempts - 1, 6), _LONGEST_PAUSE)


def search_pause(seconds: float, error: Exception) -> float:
    """Seconds until a look-up is repeated that has failed for so long."""
    asked = error.retry_after if isinstance(error, TransientError) else None
    return min(asked, LONGEST_CLOSED) if asked is not None else min(max(1.0, seconds / 2), _LONGEST_PAUSE)


def most_wait(effect: AnyEffect) -> tuple[float, bool]:
    """(seconds an effect may wait for its turn to call Slack, whether it is left out when that is not enough)."""
    is_sign = effect.kind == "live" or (effect.kind == "session" and effect.status is Session.PROCESSING)
    return (_LATE_SIGN, True) if is_sign else (LONGEST_WAIT, False)
