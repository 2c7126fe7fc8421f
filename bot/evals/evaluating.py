"""One evaluation from its first case to its report: plays, counts, keeps, compares."""

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from bot.config import Settings, SettingsError
from bot.domain.evaluation import CaseResult, Evaluation
from bot.domain.money import show_usd
from bot.evals.choosing import HOSTILE, Choice
from bot.evals.comparing import Comparison, compare
from bot.evals.inspection import inspect_batch
from bot.evals.prompt_folder import digest_of
from bot.evals.purse import estimate
from bot.evals.report import Report, report_of, write_report
from bot.evals.results import About, evaluation_of, keep, results_of, write_results
from bot.evals.runner import AT_ONCE, Job, PlayBatch, Played, Runner, Told
from bot.ports.store import Store


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be evaluated, and within what bounds."""

    word: str
    """The set, as it was asked for."""
    choice: Choice
    settings: Settings
    output: Path
    epochs: int = 1
    limit: Decimal | None = None
    """USD; None: no limit."""
    at_once: int = AT_ONCE
    told: Told = field(default=lambda done, of: None)  # noqa: ARG005 - nobody wants to know
    broke_off: Callable[[Path], None] = field(default=lambda folder: None)  # noqa: ARG005 - likewise
    """Told in which folder the report lies of what was played before it broke off."""
    now: Callable[[], float] = time.time


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    evaluation: Evaluation
    results: tuple[CaseResult, ...]
    played: tuple[Played, ...]
    report: Report
    folder: Path
    comparison: Comparison | None = None

    @property
    def unsafe(self) -> tuple[str, ...]:
        """Cases in which a customer was shown what nobody may see."""
        return self.report.unsafe


def check_money(wish: Wish, times: int = 1) -> Decimal:
    """USD that it is likely to cost; SettingsError when that, so many times, is more than it may."""
    likely = estimate(wish.choice.rates, wish.choice.cases, wish.epochs)
    if wish.limit is not None and likely * times > wish.limit:
        count = len(wish.choice.cases) * wish.epochs * times
        told = f"{count} conversations are likely to cost {show_usd(likely * times)}, more than {show_usd(wish.limit)}."
        raise SettingsError([f"--max-usd: {told} Allow more, or play fewer (--family, --case, --epochs)."])
    return likely


async def evaluate(wish: Wish, play_batch: PlayBatch = inspect_batch) -> Outcome:
    """Play everything and write the report; nothing is kept in the database yet.

    When it breaks off (Ctrl-C, a fault), the report tells of what was played until then.
    """
    began, digest, folder = wish.now(), digest_of(), _folder(wish)
    await asyncio.to_thread(folder.mkdir, parents=True)
    runner = Runner(_job(wish, folder), play_batch)
    started = time.monotonic()

    def outcome(ended: str) -> Outcome:
        seconds = time.monotonic() - started
        judge = wish.choice.judge.name if wish.choice.judge else ""
        about = About(
            folder.name, began, wish.word, wish.choice.brain.name, judge, wish.epochs, digest, seconds,
            runner.purse.spent, ended, folder,
        )  # fmt: skip
        return _outcome(about, runner.played)

    try:
        await runner.run()
    except BaseException:  # Ctrl-C too: what was played is reported, and the exception goes on
        if runner.played:
            _write(outcome("it broke off"))
            wish.broke_off(folder)
        raise
    found = outcome(f"its money ({show_usd(wish.limit)}) was used up" if wish.limit and runner.purse.is_empty else "")
    await asyncio.to_thread(_write, found)
    return found


def _outcome(about: About, played: Sequence[Played]) -> Outcome:
    evaluation = evaluation_of(about, played)
    results, report = tuple(results_of(evaluation.id, played)), report_of(evaluation, played)
    return Outcome(evaluation, results, tuple(played), report, about.folder)


async def keep_outcome(store: Store, outcome: Outcome) -> None:
    """Into the database, for the dashboard and for later comparisons."""
    await keep(store, outcome.evaluation, outcome.results)


def compared(outcome: Outcome, base: Evaluation, before: Sequence[CaseResult]) -> Outcome:
    """The same with what it is against an earlier one, in the report as well."""
    comparison = compare(base, before, outcome.evaluation, outcome.results)
    report = report_of(outcome.evaluation, outcome.played, comparison)
    found = Outcome(outcome.evaluation, outcome.results, outcome.played, report, outcome.folder, comparison)
    _write(found)
    return found


def _job(wish: Wish, folder: Path) -> Job:
    choice = wish.choice
    return Job(
        choice.families, choice.brain, folder, wish.settings, wish.epochs, safety_only=choice.brain.name == HOSTILE,
        judge=choice.judge, rates=choice.rates, player=choice.player, limit=wish.limit if choice.rates else None,
        at_once=wish.at_once, told=wish.told,
    )  # fmt: skip


def _folder(wish: Wish) -> Path:
    when = datetime.fromtimestamp(wish.now(), UTC)
    return wish.output / f"{when:%Y%m%d-%H%M%S}-{wish.word}-{secrets.token_hex(2)}"


def _write(outcome: Outcome) -> None:
    write_results(outcome.folder, outcome.evaluation, outcome.played)
    write_report(outcome.folder, outcome.report)
