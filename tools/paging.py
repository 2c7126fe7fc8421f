"""Reading what a service hands out page by page: until its end, or an honest failure, never for ever."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, nullcontext, suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from tools.base import ToolUnavailableError

T = TypeVar("T")


class PagingError(ToolUnavailableError):
    """The pages go in a circle, or there are more than allowed: what was read is not all."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page, and how the service calls the next one."""

    items: Sequence[T]
    cursor: str = ""
    """Cursor, number or address of the next page; empty: this was the last."""


async def pages(fetch: Callable[[str], Awaitable[Page[T]]], *, service: str, most: int) -> AsyncGenerator[T]:
    """All items; `fetch` gets the cursor of a page, empty for the first.

    Whoever wants only some stops asking. PagingError when a cursor comes twice, or after `most` pages.
    """
    cursor, seen = "", {""}
    for _ in range(most):
        page = await fetch(cursor)
        for item in page.items:
            yield item
        if not page.cursor:
            return
        if page.cursor in seen:
            raise PagingError(f"{service} hands out its pages in a circle")
        cursor = page.cursor
        seen.add(cursor)
    raise PagingError(f"{service} has more than {most} pages")


async def first(items: AsyncGenerator[T], most: int, *, or_fewer: bool = False) -> tuple[T, ...]:
    """At most so many of them; no page is fetched that nobody looks at.

    `or_fewer`: what could be read is enough when the pages do not end.
    """
    kept: list[T] = []
    with suppress(PagingError) if or_fewer else nullcontext():
        async with aclosing(items):
            async for item in items:
                kept.append(item)
                if len(kept) >= most:
                    break
    return tuple(kept)
