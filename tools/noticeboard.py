"""Circuit breakers that all processes share: who opens or closes one says so on a board that everybody reads.

The board is a small table. It is read at most once a second and written only when something changes, and when it does
not answer each process goes by what it knows itself. A change is valid only against the newest term, so two processes
never change the same thing at once; the one trial call is taken by such a change as well. Times on the board are those
of its own clock: that of one machine may be wrong by minutes, and would see the end of another's trial too soon.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from tools.breaker import Breaker, BreakerState, Rules

logger = logging.getLogger(__name__)

READ_SECONDS = 1.0
"""How old what is known of the board may be, and how long a reading may take."""
POST_SECONDS = 2.0
COMPARE_SECONDS = 60.0
"""How old what is known of the board's clock may be."""
LONGEST_OPEN = 3_600.0
"""Whatever any clock says, nobody waits longer than this for the next trial."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What stands on the board about one breaker."""

    term: int
    """Raised by one with every change."""
    until: float | None
    """Unix time of the next trial, by the board's clock; None: closed."""
    reason: str = ""


class Board(Protocol):
    """Where the marks stand."""

    async def marks(self) -> Mapping[str, Mark]:
        """All marks by the breaker's name."""
        ...

    async def change(self, name: str, mark: Mark) -> bool:
        """Put the mark up if the term before it is the newest; False when somebody else was first."""
        ...

    async def now(self) -> float | None:
        """Unix time by its own clock; None when it has none, since all who read it are on one machine."""
        ...


class Noticeboard:
    """A board behind a short memory; never raises."""

    def __init__(
        self,
        board: Board | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._board = board
        self._clock = clock
        self._wall = wall
        """Unix time by the clock of this machine."""
        self._ahead = 0.0
        """Seconds by which the board's clock is ahead of it."""
        self._compared_at: float | None = None
        self._known: Mapping[str, Mark] = {}
        self._read_at: float | None = None
        self._reading = asyncio.Lock()
        self._posts = self._under_way = 0
        """Posts begun so far, and those not acknowledged yet. What is read while one is under way may be older than the
        post, or hold it before its author knows that it is his: it is not believed."""

    def now(self) -> float:
        """Unix time by the board's clock, as far as it is known."""
        return self._wall() + self._ahead

    async def mark(self, name: str) -> Mark | None:
        """The newest mark that is known; None when there is none."""
        if self._board is not None and self._is_old():
            async with self._reading:
                if self._is_old():
                    await self._read(self._board)
        return self._known.get(name)

    async def post(self, name: str, mark: Mark) -> bool | None:
        """Whether the mark was put up; None when the board did not answer (or there is none)."""
        if self._board is None:
            return None
        self._posts += 1
        self._under_way += 1
        try:
            async with asyncio.timeout(POST_SECONDS):
                posted = await self._board.change(name, mark)
        except Exception as error:  # noqa: BLE001 - a breaker that cannot be shared still works
            _complain("breaker.not_shared", error)
            return None
        finally:
            self._under_way -= 1
            self._read_at = None
        if posted:
            self._known = {**self._known, name: mark}
        return posted

    async def _read(self, board: Board) -> None:
        posts = self._posts
        try:
            async with asyncio.timeout(READ_SECONDS):
                await self._compare(board)
                marks = await board.marks()
            if posts == self._posts:
                self._known = marks
        except Exception as error:  # noqa: BLE001 - as above
            _complain("breaker.board_unread", error)
        self._read_at = self._clock()

    async def _compare(self, board: Board) -> None:
        if self._compared_at is not None and self._clock() - self._compared_at < COMPARE_SECONDS:
            return
        theirs = await board.now()
        self._ahead = 0.0 if theirs is None else theirs - self._wall()
        self._compared_at = self._clock()

    def _is_old(self) -> bool:
        if self._under_way:
            return False
        return self._read_at is None or self._clock() - self._read_at >= READ_SECONDS


class SharedBreaker:
    """One breaker of this process, kept in step with those of the others by its name."""

    def __init__(
        self,
        name: str,
        board: Noticeboard,
        clock: Callable[[], float] = time.monotonic,
        *,
        rules: Rules | None = None,
        trial_seconds: float = 120.0,
    ) -> None:
        self.name = name
        self._board = board
        self._breaker = Breaker(clock, rules)
        self._trial_seconds = trial_seconds
        self._term = 0
        self._is_private = False
        """Whether it is open for a trouble of this process alone, which is nobody else's business."""
        self._found_dead = False
        """Whether this process has told the others so, and nobody has found otherwise since."""
        self._is_doubted = False
        """Whether somebody else has then found it well, and this process has not yet: it may be its own trouble."""

    @property
    def state(self) -> BreakerState:
        """As far as this process knows."""
        return self._breaker.state

    @property
    def reason(self) -> str:
        """Class of the failure that opened it."""
        return self._breaker.reason

    @property
    def seconds_left(self) -> float:
        """Until the next trial; 0 when calls are let through."""
        return self._breaker.seconds_left

    async def enter(self, *, trial_seconds: float | None = None) -> int | None:
        """A permit for one call; None when the call must not be made.

        `trial_seconds`: how long nobody else tries if this is the trial; the call must not take longer.
        """
        await self.look()
        permit = self._breaker.enter()
        if permit is None or not self._breaker.is_trial(permit):
            return permit
        try:
            posted = await self._post(trial_seconds or self._trial_seconds, self._breaker.reason)
        except BaseException:  # cancelled: the trial must not stay taken
            self._breaker.released(permit)
            raise
        if posted is not False:
            return permit
        self._breaker.released(permit)  # another process tries it at this moment
        await self.look()
        return None

    def is_trial(self, permit: int) -> bool:
        """Whether it still depends on this permit whether the breaker closes."""
        return self._breaker.is_trial(permit)

    async def succeeded(self, permit: int) -> bool:
        """The back-end did its work; True when this closed the breaker."""
        closed = self._breaker.succeeded(permit)
        self._found_dead = self._is_doubted = False
        if closed:
            await self._post(None, "")
            self._is_private = False
        return closed

    async def failed(
        self,
        permit: int,
        reason: str = "",
        *,
        at_once: float | None = None,
        pause: float | None = None,
        rules: Rules | None = None,
        private: bool = False,
    ) -> bool:
        """The back-end did not do its work; True when this opened the breaker (see `Breaker.failed`).

        `private`: the fault may lie between this process and the back-end; others are not kept from it. The same holds
        without that when others found well what this process alone had found dead.
        """
        private = private or self._is_doubted
        was_trial = self._breaker.is_trial(permit)
        opened = self._breaker.failed(permit, reason, at_once=at_once, pause=pause, rules=rules)
        if opened:
            self._is_private = private and (self._is_private or not was_trial)
            self._found_dead = not self._is_private
            await self._post(self._breaker.seconds_left, reason)
        return opened

    async def released(self, permit: int) -> None:
        """The call ended without telling anything about the back-end; somebody else may try."""
        was_trial = self._breaker.is_trial(permit)
        self._breaker.released(permit)
        if was_trial:
            await self._post(0.0, self._breaker.reason)

    async def look(self) -> None:
        """Learn what others have found out."""
        mark = await self._board.mark(self.name)
        if mark is None:
            self._term = 0
        if mark is None or mark.term == self._term:
            return
        self._term, self._is_private = mark.term, False
        if mark.until is None and self._found_dead:
            self._found_dead, self._is_doubted = False, True
        seconds = None if mark.until is None else min(max(0.0, mark.until - self._board.now()), LONGEST_OPEN)
        if seconds is not None or self._breaker.state is not BreakerState.CLOSED:
            self._breaker.learn(seconds, mark.reason)

    async def _post(self, seconds: float | None, reason: str) -> bool | None:
        if self._is_private:
            return None
        until = None if seconds is None else self._board.now() + seconds
        posted = await self._board.post(self.name, Mark(self._term + 1, until, reason))
        if posted:
            self._term += 1
        return posted


def _complain(event: str, error: Exception) -> None:
    logger.warning(event, extra={"fields": {"error": type(error).__name__}})
