"""Better, worse, or nobody can tell: two evaluations of the same cases."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bot.domain.evaluation import CaseResult, Evaluation
from bot.evals.comparing import compare

ONE = Evaluation("before", 1.0, "golden", "v1", "d1", "m", "", 1, 40, 20, 0)
TWO = replace(ONE, id="after", prompt_version="v2")


def results(passed: str, *, epoch: int = 1, cost: str = "0.01", seconds: float = 2.0) -> list[CaseResult]:
    """`+` and `-` by case."""
    return [
        CaseResult(
            "x", f"case-{number:02}", epoch, "family", sign == "+", 1.0, "", Decimal(cost), 100, 2, seconds
        )
        for number, sign in enumerate(passed)
    ]  # fmt: skip


def test_many_cases_gained_and_none_lost_is_better_and_the_other_way_round_worse() -> None:
    before, after = results("+" * 20 + "-" * 20), results("+" * 32 + "-" * 8)
    better = compare(ONE, before, TWO, after)
    assert better.verdict == "better"
    assert (len(better.gained), better.lost) == (12, ())
    assert better.passing.value == pytest.approx(0.3)
    assert compare(TWO, after, ONE, before).verdict == "worse"


def test_two_cases_more_of_forty_are_not_enough_to_tell() -> None:
    found = compare(ONE, results("+" * 20 + "-" * 20), TWO, results("+" * 22 + "-" * 18))
    assert found.verdict == "cannot tell"
    assert found.passing.low < 0 < found.passing.high
    assert found.reason == "2 cases pass now, 0 fail now, of 40 that both played (exact McNemar p = 0.5)."


def test_only_cases_that_both_played_count_and_a_handful_says_nothing() -> None:
    found = compare(ONE, results("-" * 40), TWO, results("+" * 4))
    assert (found.cases, found.verdict) == (4, "cannot tell")


def test_cost_and_time_have_their_own_intervals() -> None:
    after = results("+" * 40, cost="0.03", seconds=1.0)
    found = compare(ONE, results("+" * 40), TWO, after)
    assert (found.cost.low, found.cost.high) == pytest.approx((0.02, 0.02))
    assert found.seconds.is_below_zero
    assert [line.value for line in found.lines] == ["+0.0 points", "+$0.0200", "-1.00 s"]


def test_with_several_epochs_a_case_counts_by_its_share() -> None:
    several = replace(ONE, epochs=2), replace(TWO, epochs=2)
    before = results("+" * 10 + "-" * 30) + results("-" * 40, epoch=2)
    after = results("+" * 40) + results("+" * 40, epoch=2)
    found = compare(several[0], before, several[1], after)
    assert found.verdict == "better"
    assert len(found.gained) == 40, "none of them had passed in both epochs"
    assert found.passing.value == pytest.approx(35 / 40)
