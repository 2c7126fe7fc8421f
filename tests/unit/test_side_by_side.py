"""Work side by side fails like work in a row."""

import asyncio

import pytest

from tools.base import ToolUnavailableError
from tools.side_by_side import one_failure


async def test_the_first_failure_itself_is_raised_and_the_others_have_been_stopped() -> None:
    stopped = asyncio.Event()

    async def fails() -> None:
        raise ToolUnavailableError("down")

    async def goes_on() -> None:
        try:
            await asyncio.Future()
        finally:
            stopped.set()

    async def together() -> None:
        with one_failure():
            async with asyncio.TaskGroup() as group:
                group.create_task(goes_on())
                group.create_task(fails())

    with pytest.raises(ToolUnavailableError, match="down"):
        await together()
    assert stopped.is_set()
