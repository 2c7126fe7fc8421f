"""Half a minute of the torture bench: bots killed, frozen and stopped, Slack and Claude at their worst, nothing broken.

`make torture ARGS="--kills 1000"` is the long version; a failure tells its seed and the story of what went wrong.
"""

import os
from dataclasses import replace

import pytest

from tests.torture.chaos import Violence
from tests.torture.claude import Moods
from tests.torture.run import Plan, torture

SEED = int(os.environ.get("TORTURE_SEED", "1"))
GENTLE = Plan(
    SEED,
    kills=8,
    at_once=4,
    most_seconds=12.0,
    settle_seconds=40.0,
    moods=Moods(stalls=0.0),
    violence=Violence(freeze=0.15, stop=0.1, longest_freeze=2.0),
    tell=False,
)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("database", "replicas"), [("sqlite", 1), ("postgresql", 2)])
async def test_p1_p2_p3_p4_p5_hold_whatever_is_killed_when(database: str, replicas: int) -> None:
    report = await torture(replace(GENTLE, database=database, replicas=replicas))
    assert report.tally.kills > 0
    assert report.is_clean, report.table()
