"""Who gets in when a back-end is crowded: in order of arrival, each by its own limit, and no place is ever lost."""

import asyncio
from contextlib import suppress

import pytest

from tests.fakes.virtual_time import in_virtual_time
from tools.bulkhead import Bulkhead, CrowdedError

NEVER = float("inf")


class Hall:
    """A bulkhead, and who is inside; each stays until called out."""

    def __init__(self) -> None:
        self.bulkhead = Bulkhead()
        self.inside: list[str] = []
        self._calls: dict[str, asyncio.Event] = {}
        self._visits: dict[str, asyncio.Task[None]] = {}

    async def comes(self, name: str, limit: int = 1, give_up: float = 10.0) -> None:
        self._calls[name] = asyncio.Event()
        now = asyncio.get_running_loop().time()
        self._visits[name] = asyncio.ensure_future(self._visit(name, limit, now + give_up))
        await until_still()

    async def leaves(self, name: str) -> None:
        self.goes(name)
        await until_still()

    def goes(self, name: str) -> None:
        self._calls[name].set()

    async def gives_up(self, name: str) -> None:
        self._visits[name].cancel()
        with suppress(asyncio.CancelledError):
            await self._visits[name]
        await until_still()

    async def ends(self, name: str) -> BaseException | None:
        await asyncio.wait({self._visits[name]})
        return self._visits[name].exception()

    async def _visit(self, name: str, limit: int, give_up: float) -> None:
        async with self.bulkhead.room(limit, give_up):
            self.inside.append(name)
            try:
                await self._calls[name].wait()
            finally:
                self.inside.remove(name)


async def until_still() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
async def hall() -> Hall:
    return Hall()


async def test_who_came_first_goes_in_first_and_one_at_a_time(hall: Hall) -> None:
    for name in "abc":
        await hall.comes(name)
    assert hall.inside == ["a"]
    await hall.leaves("a")
    assert hall.inside == ["b"]
    await hall.leaves("b")
    assert hall.inside == ["c"]
    await hall.leaves("c")
    assert hall.bulkhead.inside == 0


async def test_nobody_overtakes_those_who_wait(hall: Hall) -> None:
    for name in "abc":
        await hall.comes(name)
    hall.goes("a")
    await asyncio.wait({hall._visits["a"]})
    await hall.comes("d")
    assert hall.inside == ["b"]


async def test_each_gets_in_by_its_own_limit(hall: Hall) -> None:
    for name in "abc":
        await hall.comes(name, limit=3)
    await hall.comes("modest", limit=1)
    await hall.comes("d", limit=3)
    await hall.leaves("a")
    assert hall.inside == ["b", "c", "d"], "one does not wait behind who would have to wait longer"
    for name in "bcd":
        await hall.leaves(name)
    assert hall.inside == ["modest"]


async def test_who_gives_up_waiting_is_forgotten_and_holds_nobody_up(hall: Hall) -> None:
    for name in "abc":
        await hall.comes(name)
    await hall.gives_up("b")
    assert len(hall.bulkhead._waiting) == 1
    await hall.leaves("a")
    assert hall.inside == ["c"]


async def test_the_place_of_one_who_gives_up_in_the_moment_it_is_let_in_goes_to_the_next(hall: Hall) -> None:
    bulkhead, reached = Bulkhead(), asyncio.Event()

    async def waits() -> None:
        async with bulkhead.room(1, NEVER):
            reached.set()

    async with bulkhead.room(1, NEVER):
        hasty, patient = asyncio.ensure_future(waits()), asyncio.ensure_future(waits())
        await until_still()
    hasty.cancel()  # the place is its already, but it has not learned so
    await asyncio.wait({hasty, patient})
    assert (hasty.cancelled(), reached.is_set(), bulkhead.inside) == (True, True, 0)


def test_who_finds_no_place_in_time_is_told_so_and_leaves_none_taken() -> None:
    async def story() -> None:
        hall = Hall()
        await hall.comes("a")
        await hall.comes("b", give_up=3.0)
        assert isinstance(await hall.ends("b"), CrowdedError)
        assert asyncio.get_running_loop().time() == 3.0
        assert len(hall.bulkhead._waiting) == 0
        await hall.leaves("a")
        assert hall.bulkhead.inside == 0

    in_virtual_time(story())
