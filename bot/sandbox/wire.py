"""What every part of the sandbox agrees on: Slack's JSON, Slack's way of refusing, and who owns background work."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

Json = dict[str, Any]
"""An object in Slack's own JSON; the sandbox stores and forwards it as it is."""

Clock = Callable[[], float]
"""Unix seconds now."""

MakeId = Callable[[str], str]
"""A new unguessable id with the given prefix, e.g. `Ev` or `V`."""

Sleep = Callable[[float], Coroutine[Any, Any, None]]
"""Waits that many seconds."""

logger = logging.getLogger(__name__)


class SlackError(Exception):
    """Slack refuses a Web API call: an error name, and the sentences of `response_metadata.messages`."""

    def __init__(self, error: str, *messages: str, **extra: Any) -> None:
        super().__init__(error)
        self.error = error
        self.messages = messages
        self.extra = extra

    def body(self) -> Json:
        """The answer Slack would send."""
        answer: Json = {"ok": False, "error": self.error, **self.extra}
        if self.messages:
            answer["response_metadata"] = {"messages": list(self.messages)}
        return answer


class ControlError(Exception):
    """A person (or a test) asked the workspace for something that cannot be done."""

    def __init__(self, error: str, detail: str, status: int = 400) -> None:
        super().__init__(detail)
        self.error = error
        self.detail = detail
        self.status = status


class TaskOwner:
    """Owns the work that outlives a request: it is awaited or cancelled by `close`, and failures are logged."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Start `work` now; it belongs to this owner until it ends."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            logger.error("sandbox.task_failed", exc_info=failure, extra={"fields": {"task": task.get_name()}})

    async def close(self) -> None:
        """Cancel what still runs and wait for it."""
        running = list(self._tasks)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
