"""What a long conversation costs, by the vendor's arithmetic: a short version of `make bench`'s recordings."""

from dataclasses import replace
from pathlib import Path

from tests.bench.cost_kit import counter
from tests.bench.talks import recorded

TURNS = 14
"""Long enough to be summed up once."""


async def test_p10_a_turn_costs_about_the_same_however_long_the_thread_is(tmp_path: Path) -> None:
    async with counter(tmp_path) as both:
        longest = recorded()[-1]
        bill = await both.have(replace(longest, turns=longest.turns[:TURNS]))
        folded = both.claude.calls[-1].messages[0]["content"]
    assert "written by a helper" in folded[0]["text"]
    middle, last = sum(bill.ours[2:6]) / 4, sum(bill.ours[-4:]) / 4
    assert last <= middle * 3 / 2
    assert sum(bill.plain[-4:]) / 4 >= sum(bill.plain[2:6]) / 4 * 2
    assert bill.share <= 0.35
    assert bill.helper > 0
