"""May it still be said? Asked immediately before each call that shows words, after any waiting for Slack's pace.

An effect of several calls (a long answer, the end of a stream) begins before a person takes over and would go on after
it. So the question is not asked by those who put the calls together but by the client, as the last thing before the
request leaves: between the answer and the request nothing else can happen in this process.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

from bot.domain.errors import OvertakenError
from bot.ports.slack import StillOurs

_WORDS = frozenset({"chat.postMessage", "chat.update", "chat.startStream", "chat.appendStream", "chat.stopStream"})
_MAY: ContextVar[StillOurs | None] = ContextVar("may_still_be_said", default=None)


@asynccontextmanager
async def only_while(still_ours: StillOurs | None) -> AsyncIterator[None]:
    """Within it calls that show words are made only while this is true; None: always."""
    token = _MAY.set(still_ours)
    try:
        yield
    finally:
        _MAY.reset(token)


async def check(method: str) -> None:
    """OvertakenError when the conversation is in other hands than those the words were written for."""
    still_ours = _MAY.get()
    if still_ours is not None and method in _WORDS and not await still_ours():
        raise OvertakenError("a person has taken over")
