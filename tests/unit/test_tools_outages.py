"""What the breaker is worth: a dead back-end is spared, one that does half of its work is not taken for dead.

Hours of calls at several rates, in virtual time and with drawn luck, so the figures are the same on every machine.
"""

from dataclasses import replace

import pytest

from tests.fakes.backend_trouble import Luck, Share, Story, story
from tests.unit.test_tools_noticeboard import Paper
from tools.breaker import Rules
from tools.resilience import STANDARD

UNSPARING = replace(STANDARD, breaker=Rules(failures=50, window_seconds=1e-9))
"""As hard a try, without a breaker that would ever open."""
RATES = [(0.02, 300, True), (0.1, 300, True), (1.0, 300, True), (40.0, 400, False)]
"""Calls a second, how many, and whether some hang (at the highest rate the number of calls at once would decide)."""
SEEDS = (1, 2)


def always(share: float) -> Share:
    return lambda _: share


def between(begin: float, end: float, share: float) -> Share:
    return lambda now: share if begin <= now < end else 0.0


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("ERROR", "tools.resilience")


@pytest.mark.parametrize(("per_second", "calls", "hangs"), RATES)
@pytest.mark.parametrize(("share", "may_cost"), [(0.01, 0.0), (0.1, 0.0), (0.5, 1.0)])
def test_what_attempts_can_mend_the_breaker_does_not_take_away(
    share: float, may_cost: float, per_second: float, calls: int, hangs: bool
) -> None:
    for seed in SEEDS:
        ours, without = (
            story(Luck(seed, always(share), hangs), calls=calls, per_second=per_second, policy=policy)
            for policy in (STANDARD, UNSPARING)
        )
        assert ours.success() >= without.success() - may_cost
        assert ours.success() >= 100 * (1 - share**3) - 5.0, "seven of eight while half of the attempts fail"


@pytest.mark.parametrize(("per_second", "calls", "hangs"), RATES)
def test_a_dead_back_end_is_hardly_asked_any_more(per_second: float, calls: int, hangs: bool) -> None:
    told = story(Luck(1, always(1.0), hangs), calls=calls, per_second=per_second)
    minutes = calls / per_second / 60
    assert told.success() == 0.0
    assert told.asked() <= 70 + 3 * (5 + minutes), "to find out; then one call of three attempts, soon one a minute"


def test_an_hour_of_an_outage_in_a_busy_time_costs_the_back_end_three_requests_a_minute() -> None:
    told = story(Luck(1, always(1.0)), calls=3600, per_second=1.0)
    assert told.asked(0.0, 60.0) <= 70
    assert told.asked(600.0, 3600.0) <= 3 * 51


@pytest.mark.parametrize(("lasts", "per_second", "pause"), [(10.0, 0.2, 12.0), (10.0, 20.0, 12.0), (1800.0, 0.5, 62.0)])
def test_after_an_outage_all_are_served_again_soon(lasts: float, per_second: float, pause: float) -> None:
    away = Luck(1, between(20.0, 20.0 + lasts, 1.0), hangs=False)
    told = story(away, calls=int((100.0 + lasts) * per_second), per_second=per_second)
    assert told.success(0.0, 19.0) == 100.0
    assert told.success(20.0 + lasts + pause) == 100.0, "the pauses are as long as the outage was, a minute at most"


@pytest.mark.parametrize("per_second", [0.3, 3.0, 30.0])
def test_one_replica_that_reaches_nobody_takes_nothing_away_from_the_others(per_second: float) -> None:
    its_own = frozenset(range(0, 1500, 3))
    sick = Luck(1, always(0.0), hangs=False, never=its_own)
    told = story(sick, calls=1500, per_second=per_second, board=Paper(), replicas=3)
    lost = {round(at * per_second) for at, is_done in told.ends if not is_done} - its_own
    assert len(lost) <= 4 * per_second, "for a moment, until one of them tries"
    assert not any(number > 750 for number in lost), "and not again"


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_three_replicas_that_share_a_board_do_no_worse_than_one(share: float) -> None:
    def told(replicas: int) -> Story:
        luck = Luck(1, always(share), hangs=False)
        return story(luck, calls=600, per_second=1.0, board=Paper(), replicas=replicas)

    one, three = told(1), told(3)
    assert three.success() >= one.success() - 1.0
    assert three.asked() <= one.asked() * 1.3, "one finds out for all; of all of them one tries"
