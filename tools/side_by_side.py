"""Work side by side that fails like work in a row: with the failure itself, not with a group around it."""

import asyncio
from collections.abc import Coroutine, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")


@contextmanager
def one_failure() -> Iterator[None]:
    """Around a TaskGroup: its first failure is raised; the other tasks have been stopped by then."""
    try:
        yield
    except ExceptionGroup as group:
        raise group.exceptions[0] from None


async def all_of(works: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """What each of them brings, in their order."""
    with one_failure():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in works]
    return [task.result() for task in tasks]
