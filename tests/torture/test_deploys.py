"""A deploy of other prompts, tools and steps over running, queued and paused work: nothing strands, one answer each."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.scenarios.test_torture_short import GENTLE
from tests.torture.run import torture
from tests.torture.successor import successor


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("database", "replicas"), [("sqlite", 1)])
async def test_a_new_release_finishes_what_the_old_one_began(database: str, replicas: int, tmp_path: Path) -> None:
    plan = replace(
        GENTLE, database=database, replicas=replicas, next_root=successor(tmp_path), at_once=8, most_seconds=60.0
    )
    report = await torture(plan)
    assert any("deployed over" in note for note in report.notes), report.notes
    assert report.is_clean, report.table()
