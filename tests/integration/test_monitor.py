"""The monitor, with clocks and a disk that the test holds in its hands."""

import asyncio
import logging
from pathlib import Path
from typing import NamedTuple

import pytest

from bot.domain.errors import TransientError
from bot.ports.keeping import Gauges
from bot.runtime.monitor import Monitor

MB = 1_000_000


class Disk(NamedTuple):
    total: int
    used: int
    free: int


class World:
    """What the monitor looks at."""

    def __init__(self) -> None:
        self.wall, self.passed, self.free = 1_800_000_000.0, 50.0, 90_000 * MB
        self.gauges_now = Gauges()
        self.fault: Exception | None = None
        self.monitor = Monitor(
            self, lambda: self.wall, disk=Path(), disk_usage=self.disk, monotonic=lambda: self.passed
        )  # fmt: skip

    async def gauges(self, now: float) -> Gauges:
        if self.fault is not None:
            raise self.fault
        return self.gauges_now

    def disk(self, _: Path) -> Disk:
        return Disk(100_000 * MB, 0, self.free)

    async def look(self, seconds: float = 5.0, *, jump: float = 0.0) -> tuple[str, ...]:
        self.passed += seconds
        self.wall += seconds + jump
        return (await self.monitor.look()).warnings


@pytest.fixture
def world() -> World:
    return World()


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.name == "bot.runtime.monitor"]


async def test_when_all_is_well_there_is_nothing_to_tell(world: World, caplog: pytest.LogCaptureFixture) -> None:
    assert await world.look() == ()
    assert told(caplog) == []
    numbers = world.monitor.details()["numbers"]
    assert isinstance(numbers, dict)
    assert numbers["oldest_cause"] == 0
    assert numbers["disk_free_bytes"] == 90_000 * MB


@pytest.mark.parametrize(
    ("gauges", "warning"),
    [
        (Gauges(causes_waiting=3, oldest_cause=121), "queue_is_slow"),
        (Gauges(deliveries_waiting=3, oldest_delivery=121), "delivery_is_slow"),
        (Gauges(runs_unfinished=1, oldest_run=901), "run_is_slow"),
        (Gauges(parked=1), "stuck"),
        (Gauges(deliveries_failed=1), "stuck"),
    ],
)
async def test_what_takes_too_long_or_is_stuck_is_a_warning(world: World, gauges: Gauges, warning: str) -> None:
    world.gauges_now = gauges
    assert await world.look() == (warning,)
    assert world.monitor.is_accepting


async def test_a_warning_is_told_when_it_begins_now_and_then_and_when_it_is_over(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bot.runtime.monitor")
    world.gauges_now = Gauges(parked=2)
    for _ in range(100):
        await world.look()
    assert told(caplog) == ["monitor.stuck"]
    assert vars(caplog.records[0])["fields"]["remedy"] == "deskhand stuck list"
    await world.look(200)
    assert told(caplog) == ["monitor.stuck"] * 2
    world.gauges_now = Gauges()
    assert await world.look() == ()
    assert told(caplog)[-1] == "monitor.over"


@pytest.mark.parametrize("seconds", [-3600.0, 30.0])
async def test_a_clock_that_jumps_is_told_once(world: World, seconds: float) -> None:
    assert await world.look() == ()
    assert await world.look(jump=seconds) == ("clock_jumped",)
    assert await world.look() == ()
    numbers = world.monitor.details()["numbers"]
    assert isinstance(numbers, dict)
    assert numbers["clock_jumps"] == 1


async def test_a_late_look_is_no_jump(world: World) -> None:
    assert await world.look(90) == ()


async def test_before_the_disk_is_full_no_event_is_taken_and_afterwards_by_itself_again(world: World) -> None:
    world.free = 1_500 * MB
    assert await world.look() == ("disk_is_low",)
    world.monitor.check()
    world.free = 199 * MB
    assert await world.look() == ("disk_is_full",)
    assert not world.monitor.is_accepting
    with pytest.raises(TransientError, match="disk"):
        world.monitor.check()
    world.free = 230 * MB
    assert await world.look() == ("disk_is_full",), "no fluttering"
    world.free = 20_000 * MB
    assert await world.look() == ()
    world.monitor.check()


async def test_a_database_that_does_not_answer_is_a_warning(world: World) -> None:
    world.fault = OSError("connection refused")
    assert await world.look() == ("database_unreachable",)
    world.fault = None
    assert await world.look() == ()


async def test_it_goes_on_looking_when_the_disk_cannot_be_asked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.runtime.monitor.EVERY_SECONDS", 0.0)
    looks: list[int] = []
    enough = asyncio.Event()

    def broken(_: Path) -> Disk:
        looks.append(1)
        if len(looks) == 2:
            raise OSError("stale file handle")
        if len(looks) == 4:
            enough.set()
        return Disk(1, 0, 1)

    world.monitor._disk_usage = broken
    await world.monitor.start()
    async with asyncio.timeout(5):
        await enough.wait()
    await world.monitor.close()
