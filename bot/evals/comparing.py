"""Two evaluations held against each other, case by case: is the second better, worse, or can nobody tell?

Both played the same cases, so each case is its own control, and only the cases that came out differently speak. Shares
of passed cases are compared with Newcombe's interval for paired shares: it needs no chance and keeps its width when few
or no cases differ, where resampling would collapse to nothing. With several epochs a case has a share instead of a yes
or no; then, and for cost and time, which are skewed, the mean of the paired differences is resampled (bootstrap).
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from bot.domain.evaluation import CaseResult, Evaluation
from bot.domain.intervals import Interval, bootstrap_mean, mcnemar, newcombe_paired

BETTER, WORSE, CANNOT_TELL = "better", "worse", "cannot tell"
_FEW = 5
"""Cases that both played; below it nothing is said."""


@dataclass(frozen=True, slots=True)
class Line:
    """One difference, as people read it."""

    name: str
    value: str
    low: str
    high: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of it; `base` is the first, and a difference is second less first."""

    base: Evaluation
    other: Evaluation
    cases: int
    """That both played."""
    passing: Interval
    cost: Interval
    """USD a case."""
    seconds: Interval
    """A case."""
    chance: float
    """How likely so lopsided a split is when both are equally good (McNemar, exact)."""
    gained: tuple[str, ...]
    lost: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """Better and worse are said only when the interval leaves zero out."""
        if self.cases < _FEW:
            return CANNOT_TELL
        if self.passing.is_above_zero:
            return BETTER
        return WORSE if self.passing.is_below_zero else CANNOT_TELL

    @property
    def reason(self) -> str:
        """Why, in a sentence."""
        changed = f"{len(self.gained)} cases pass now, {len(self.lost)} fail now, of {self.cases} that both played"
        return f"{changed} (exact McNemar p = {self.chance:.2g})."

    @property
    def lines(self) -> tuple[Line, ...]:
        """The differences."""
        return (
            _line("passed", self.passing, lambda value: f"{value * 100:+.1f} points"),
            _line("cost a case", self.cost, lambda value: f"{'-' if value < 0 else '+'}${abs(value):.4f}"),
            _line("seconds a case", self.seconds, lambda value: f"{value:+.2f} s"),
        )


def compare(
    base: Evaluation,
    before: Sequence[CaseResult],
    other: Evaluation,
    after: Sequence[CaseResult],
    *,
    seed: int = 0,
) -> Comparison:
    """The second against the first, over the cases that both played."""
    first, second = _by_case(before), _by_case(after)
    both = sorted(first.keys() & second.keys())
    chance = random.Random(seed)  # noqa: S311 - to come out the same again, not to be secret
    passed = [(_passed(first[case]), _passed(second[case])) for case in both]
    gained = tuple(case for case, (was, now) in zip(both, passed, strict=True) if now and not was)
    lost = tuple(case for case, (was, now) in zip(both, passed, strict=True) if was and not now)

    def differences(of: Callable[[CaseResult], float]) -> list[float]:
        return [fmean(map(of, second[case])) - fmean(map(of, first[case])) for case in both]

    if base.epochs == other.epochs == 1:
        same = sum(was and now for was, now in passed)
        passing = newcombe_paired(same, len(lost), len(gained), len(both) - same - len(lost) - len(gained))
    else:
        passing = bootstrap_mean(differences(lambda result: float(result.passed)), chance=chance)
    return Comparison(
        base, other, len(both), passing,
        bootstrap_mean(differences(lambda result: float(result.cost)), chance=chance),
        bootstrap_mean(differences(lambda result: result.seconds), chance=chance),
        mcnemar(len(lost), len(gained)), gained, lost,
    )  # fmt: skip


def _by_case(results: Sequence[CaseResult]) -> Mapping[str, list[CaseResult]]:
    found: dict[str, list[CaseResult]] = {}
    for result in results:
        found.setdefault(result.case_id, []).append(result)
    return found


def _passed(results: Sequence[CaseResult]) -> bool:
    return all(result.passed for result in results)


def _line(name: str, interval: Interval, shown: Callable[[float], str]) -> Line:
    return Line(name, shown(interval.value), shown(interval.low), shown(interval.high))
