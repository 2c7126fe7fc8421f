"""The report of an evaluation, for people: Markdown and one HTML page that needs nothing else."""

import re
import shlex
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from bot.domain.evaluation import Evaluation
from bot.domain.intervals import Interval, wilson
from bot.domain.money import show_usd
from bot.evals.comparing import Comparison
from bot.evals.runner import Played
from bot.evals.scoring import Kind

_SLOW = 0.95
_MARKUP = re.compile(r"[\\`\[\]<>|!]")


@dataclass(frozen=True, slots=True)
class FamilyLine:
    """One family of cases in figures; a case counts as passed when it passed in every epoch."""

    name: str
    cases: int
    passed: int
    flaky: int
    interval: Interval
    cost: str
    seconds: float
    """Median of its cases."""
    safety_only: int
    """Cases of which only safety was asked, because no real model played them."""


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case that did not pass in one epoch, as the report shows it."""

    id: str
    family: str
    about: str
    epoch: int
    is_safe: bool
    why: tuple[str, ...]
    transcript: tuple[tuple[str, bool, str], ...]
    """(name, whether it is the bot, text)."""
    command: str
    """Shows its trace."""
    conversation_id: str
    cost: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is told."""

    evaluation: Evaluation
    at: str
    families: tuple[FamilyLine, ...]
    failed: tuple[CaseView, ...]
    flaky: tuple[str, ...]
    unsafe: tuple[str, ...]
    judged: int
    median_seconds: float
    slow_seconds: float
    """95th percentile."""
    cost: str
    cost_per_case: str
    comparison: Comparison | None = None


def report_of(evaluation: Evaluation, played: Sequence[Played], comparison: Comparison | None = None) -> Report:
    """The figures and failures of what was played."""
    seconds = sorted(one.seen.seconds for one in played) or [0.0]
    failed = sorted((one for one in played if not one.score.passed), key=lambda one: (one.score.is_safe, _order(one)))
    unsafe = dict.fromkeys(one.seen.case.id for one in played if not one.score.is_safe)
    count = max(1, len(played))
    return Report(
        evaluation=evaluation,
        at=f"{datetime.fromtimestamp(evaluation.at, UTC):%Y-%m-%d %H:%M} UTC",
        families=tuple(_family(name, of) for name, of in _grouped(played).items()),
        failed=tuple(_view(one) for one in failed),
        flaky=tuple(_flaky(played)),
        unsafe=tuple(unsafe),
        judged=sum(check.kind is Kind.JUDGED for one in played for check in one.score.checks),
        median_seconds=statistics.median(seconds),
        slow_seconds=seconds[min(len(seconds) - 1, int(len(seconds) * _SLOW))],
        cost=show_usd(evaluation.cost),
        cost_per_case=show_usd(evaluation.cost / count),
        comparison=comparison,
    )


def write_report(folder: Path, report: Report) -> tuple[Path, Path]:
    """`report.md` and `report.html` in a folder."""
    pages = Environment(
        loader=PackageLoader("bot.evals"), autoescape=select_autoescape(["html"]), undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    pages.filters |= {"percent": _percent, "fenced": _fenced, "cell": _cell}
    paths = folder / "report.md", folder / "report.html"
    for path in paths:
        path.write_text(pages.get_template(path.name).render(report=report), encoding="utf-8")
    return paths


def _family(name: str, played: Sequence[Played]) -> FamilyLine:
    passed = _by_case(played)
    whole = sum(all(results) for results in passed.values())
    kinds = {one.seen.case.id: {check.kind for check in one.score.checks} for one in played}
    return FamilyLine(
        name,
        len(passed),
        whole,
        sum(any(results) and not all(results) for results in passed.values()),
        wilson(whole, len(passed)),
        show_usd(sum((one.seen.left.cost for one in played), start=type(played[0].seen.left.cost)(0))),
        statistics.median(one.seen.seconds for one in played),
        sum(kind <= {Kind.SAFE, Kind.PLAYED} for kind in kinds.values()),
    )


def _view(one: Played) -> CaseView:
    seen = one.seen
    run_id = seen.left.runs[-1][0] if seen.left.runs else ""
    shown = f"traces show {run_id}" if run_id else f"traces show {seen.conversation_id}"
    return CaseView(
        id=seen.case.id,
        family=seen.case.family,
        about=seen.case.about,
        epoch=seen.epoch,
        is_safe=one.score.is_safe,
        why=tuple(check.why for check in one.score.checks if not check.passed),
        transcript=tuple((said.who, said.is_bot, said.text) for said in seen.transcript),
        command=f"DATABASE_URL={shlex.quote(f'sqlite:///{one.database}')} deskhand {shown}",
        conversation_id=seen.conversation_id,
        cost=show_usd(seen.left.cost),
        seconds=seen.seconds,
    )


def _grouped(played: Sequence[Played]) -> dict[str, list[Played]]:
    groups: dict[str, list[Played]] = {}
    for one in sorted(played, key=_order):
        groups.setdefault(one.seen.case.family, []).append(one)
    return groups


def _by_case(played: Sequence[Played]) -> dict[str, list[bool]]:
    results: dict[str, list[bool]] = {}
    for one in played:
        results.setdefault(one.seen.case.id, []).append(one.score.passed)
    return results


def _flaky(played: Sequence[Played]) -> list[str]:
    """`id (2 of 3)` of each case that passed sometimes."""
    mixed = {id_: results for id_, results in _by_case(played).items() if any(results) and not all(results)}
    return [f"{id_} ({sum(results)} of {len(results)})" for id_, results in sorted(mixed.items())]


def _order(one: Played) -> tuple[str, str, int]:
    return one.seen.case.family, one.seen.case.id, one.seen.epoch


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %"


def _fenced(text: str) -> str:
    """Words of others in Markdown: nothing of them is markup, and no fence of theirs ends ours."""
    longest = max((len(run) for run in text.split() if set(run) == {"`"}), default=0)
    fence = "`" * max(4, longest + 1)
    return f"{fence}text\n{text}\n{fence}"


def _cell(text: str) -> str:
    """A text in one line of Markdown, in which nothing is markup: no image is loaded, no link made, no row ended."""
    return _MARKUP.sub(r"\\\g<0>", " ".join(text.split()))
