"""Who has the floor in a thread: whether words are for the bot, or people are talking to each other.

In a direct message everything is for the bot. In a channel thread it stays out of it when somebody else is named, when
a colleague speaks to the customer, and when two people have been talking since the bot last spoke; until somebody turns
to it by mention, or the talk has ended.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bot.domain.conversation import Line, Speaker, Surface

TALK_SECONDS = 1_800.0
"""A talk between people is over when the other one has said nothing for so long."""
LOOKED_BACK = 12
"""Lines of the transcript."""
_MENTION = re.compile(r"<@[UW][A-Z0-9]+(\|[^<>]*)?>")
_HUMAN = (Speaker.CUSTOMER, Speaker.PERSON)


@dataclass(frozen=True, slots=True)
class Words:
    """What one person has just written."""

    name: str
    """As the transcript names them."""
    texts: Sequence[str]
    mentions_bot: bool
    is_colleague: bool
    """Somebody of staff who did not begin the conversation."""
    others: Collection[str] = ()
    """Names or ids of other people whose words wait already, not turned to the bot either."""


def is_between_people(surface: Surface, said: Words, lines: Sequence[Line], now: float) -> bool:
    """Whether the bot must wait; `lines`: the end of the transcript, oldest first, without what was said just now."""
    if said.mentions_bot or surface is Surface.DM or not said.texts:
        return False
    if said.is_colleague or all(_MENTION.search(text) for text in said.texts):
        return True
    return bool(said.others) or any(line.name != said.name for line in _since_the_bot(lines, now))


def _since_the_bot(lines: Sequence[Line], now: float) -> list[Line]:
    """What people have said since the bot spoke last or something happened to the conversation (handed back, …)."""
    found: list[Line] = []
    for line in reversed(lines[-LOOKED_BACK:]):
        if line.speaker not in _HUMAN or line.at < now - TALK_SECONDS:
            break
        found.append(line)
    return found
