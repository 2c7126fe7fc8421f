"""One MCP server from the bot's start to its end: connected, looked over, connected again when it went.

Its tools are looked over at every connection, when it says that they changed, and every minute besides; while that is
under way calls wait. A call is made only if the tool is at this moment what an admin approved.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

from tools.base import OutcomeUnknownError, ToolError, ToolUnavailableError
from tools.mcp.definition import Definition
from tools.mcp.pins import Pins
from tools.mcp.result import Answer
from tools.mcp.session import FailedError, LostError, Session
from tools.mcp.settings import McpServer

logger = logging.getLogger(__name__)


class Opens(Protocol):
    """Opens a session; see `tools.mcp.session.open_session`."""

    def __call__(
        self, settings: McpServer, *, changed: Callable[[], None], ended: Callable[[], None]
    ) -> AbstractAsyncContextManager[Session]: ...


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds."""

    connect: float = 20.0
    """For starting a server and agreeing on a protocol."""
    listing: float = 15.0
    look_again: float = 60.0
    """Between two looks at the tools of a server that says nothing."""
    first_pause: float = 1.0
    """Before connecting again; doubles each time."""
    longest_pause: float = 60.0
    steady: float = 60.0
    """A connection that held for so long counts as a good one."""
    between_looks: float = 0.5
    """However often a server says that its tools changed."""
    close: float = 10.0
    """For leaving a server; one that is started here has three."""
    ready: float = 10.0
    """A call waits so long at most for a server that is being connected or looked over."""


PATIENT = Patience()


class Server:
    """Keeps one server at hand."""

    def __init__(
        self,
        settings: McpServer,
        pins: Pins,
        opens: Opens,
        *,
        looked_over: Callable[["Server", Sequence[Definition]], Awaitable[None]],
        patience: Patience,
    ) -> None:
        """`looked_over` is told what tools there are, after every look."""
        self.settings = settings
        self._pins = pins
        self._opens = opens
        self._looked_over = looked_over
        self._patience = patience
        self._stop = asyncio.Event()
        self._waiting: asyncio.Timeout | None = None
        """For the server; a stop cuts it short."""
        self._session: Session | None = None
        self._ready = asyncio.Event()
        self._look = asyncio.Event()
        """Set when there is something to be looked at: changed tools, or the end of the connection."""
        self._has_ended = False
        self.listed: dict[str, str] | None = None
        """Digest of each tool as the server described it last; None: it was never reached."""

    @property
    def is_connected(self) -> bool:
        """Whether calls can be made at this moment."""
        return self._ready.is_set()

    async def serve(self) -> None:
        """Stay connected until `stop`."""
        pause, now = self._patience.first_pause, asyncio.get_running_loop().time
        while not self._stop.is_set():
            began = now()
            try:
                await self._connection()
            except Exception as error:  # noqa: BLE001 - whatever a server or its start comes up with: it is tried again
                if not self._stop.is_set():
                    fields = {"server": self.settings.name, "error": kind_of(error), "again_in_seconds": pause}
                    logger.warning("mcp.lost", extra={"fields": fields})
            if now() - began > self._patience.steady:
                pause = self._patience.first_pause
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), timeout=pause)
            pause = min(pause * 2, self._patience.longest_pause)

    def stop(self) -> None:
        """End the connection, and make no other."""
        self._stop.set()
        self._look.set()
        if self._waiting is not None and not self._waiting.expired():
            self._waiting.reschedule(asyncio.get_running_loop().time())

    async def call(
        self, definition: Definition, arguments: dict[str, Any], begin: Callable[[], Awaitable[bool]]
    ) -> Answer:
        """What the tool returns. ToolUnavailableError: it was not asked. OutcomeUnknownError: it did not answer.

        `begin` is asked last; where it says no, the call was made before, and nobody knows what became of it.
        """
        session = await self._at_hand()
        if not self._means(definition) or not await self._pins.holds(definition):
            raise _switched_off(definition)
        if not await begin():
            raise OutcomeUnknownError("mcp: the call was begun before")
        if not self._means(definition):  # changed while the database was asked
            raise _switched_off(definition)
        try:
            return await session.call(definition.tool, arguments)
        except LostError as error:
            if not isinstance(error, FailedError) and session is self._session:
                self._ended()
            raise OutcomeUnknownError("mcp: the connection ended") from error

    def _means(self, definition: Definition) -> bool:
        """Whether the server, as it was looked at last, has the tool just so."""
        return (self.listed or {}).get(definition.tool) == definition.digest

    async def _at_hand(self) -> Session:
        try:
            async with asyncio.timeout(self._patience.ready):
                await self._ready.wait()
        except TimeoutError:
            raise ToolUnavailableError("mcp: not connected") from None
        if self._session is None:
            raise ToolUnavailableError("mcp: not connected")
        return self._session

    async def _connection(self) -> None:
        """One connection, from its beginning to its end."""
        self._has_ended = False
        self._look.clear()
        stack = AsyncExitStack()
        opening = self._opens(self.settings, changed=self._changed, ended=self._ended)
        async with self._at_most(self._patience.connect):
            session = await stack.enter_async_context(opening)
        self._session = session
        try:
            await self._stay(session)
        finally:
            self._ready.clear()
            self._session = None
            async with asyncio.timeout(self._patience.close):
                await stack.aclose()

    async def _stay(self, session: Session) -> None:
        async with asyncio.TaskGroup() as group:
            hearing = group.create_task(session.hear_changes())
            while not (self._has_ended or self._stop.is_set()):
                await self._look_over(session)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._look.wait(), timeout=self._patience.look_again)
            hearing.cancel()
        if self._has_ended and not self._stop.is_set():
            raise LostError("it went away")

    async def _look_over(self, session: Session) -> None:
        self._look.clear()
        async with self._at_most(self._patience.listing):
            found = await session.definitions()
        wanted = [one for one in found if self.settings.permits(one.tool)]
        self.listed = {one.tool: one.digest for one in wanted}
        try:
            await self._looked_over(self, wanted)
        except ToolUnavailableError:  # our database, not the server: what is new is kept after another look
            logger.warning("mcp.database_away", extra={"fields": {"server": self.settings.name}})
        if self._look.is_set():  # changed again meanwhile
            await asyncio.sleep(self._patience.between_looks)
        elif not self._has_ended:
            self._ready.set()

    @asynccontextmanager
    async def _at_most(self, seconds: float) -> AsyncIterator[None]:
        """TimeoutError when what is inside takes longer, or at a stop."""
        async with asyncio.timeout(seconds) as waiting:
            self._waiting = waiting
            try:
                yield
            finally:
                self._waiting = None

    def _changed(self) -> None:
        """Until its tools were looked at again, none is used."""
        self._ready.clear()
        self._look.set()

    def _ended(self) -> None:
        self._has_ended = True
        self._changed()


def _switched_off(definition: Definition) -> ToolError:
    return ToolError(
        f"{definition.name} is switched off: it is not what it was when it was approved. Do without it; be honest "
        "about it, or call escalate_to_human."
    )


def kind_of(error: BaseException) -> str:
    """Class of an error; of a group, of the first that is in it. Never its words, which may be the server's."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    words = f" ({error})" if isinstance(error, OSError) and str(error) else ""
    return f"{type(error).__name__}{words}"
