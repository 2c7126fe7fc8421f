"""`deskhand eval`: plays sets of cases against the whole bot and says how it did."""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator
from dataclasses import replace

from bot.app import open_store
from bot.cli.database import check_database
from bot.cli.evaluate_base import Base, find_base, plays_base
from bot.cli.evaluate_judge import measure
from bot.cli.evaluate_promises import hold_promises
from bot.cli.progress import Progress
from bot.config import Settings, SettingsError, load_settings
from bot.domain.evaluation import Evaluation
from bot.domain.money import show_usd
from bot.evals.choosing import HOSTILE, OFFLINE_SETS, Choice, choose
from bot.evals.comparing import WORSE
from bot.evals.evaluating import Outcome, Wish, check_money, compared, evaluate, keep_outcome
from bot.evals.inspection import check_installed
from bot.evals.record import new_record, read_record, write_record
from bot.logs import configure_logging

FAILED = 1
_LISTED = 30


def run(arguments: argparse.Namespace) -> int:
    """0 well, 1 below the floor, unsafe or worse than the base; SettingsError before anything is played."""
    settings = load_settings({"DATABASE_URL": arguments.database} if arguments.database else None)
    configure_logging("CRITICAL" if arguments.what != "list" else "WARNING")
    if arguments.what == "list":
        return asyncio.run(_list(settings))
    if arguments.what == "judge":
        return asyncio.run(measure(arguments, settings))
    if arguments.what == "promises":
        return asyncio.run(hold_promises(arguments))
    _check_record(arguments)
    check_installed()
    code = asyncio.run(_evaluate(arguments, settings))
    return max(code, asyncio.run(hold_promises(arguments))) if arguments.what == HOSTILE else code


def _check_record(arguments: argparse.Namespace) -> None:
    """A record of a part would look like all there is, and its floor would forget the rest."""
    if arguments.record and (arguments.what != OFFLINE_SETS or arguments.case or arguments.family):
        raise SettingsError([f"--record: it is of all offline cases: deskhand eval {OFFLINE_SETS} --record FILE."])


async def _evaluate(arguments: argparse.Namespace, settings: Settings) -> int:
    await check_database(settings.database_url)
    async with open_store(settings) as store, store.read() as tx:
        lessons = await tx.lessons.cases()
    choice = choose(
        arguments.what, settings, model=arguments.model, judge=arguments.judge, cases=arguments.case,
        families=arguments.family, lessons=lessons,
    )  # fmt: skip
    progress = Progress()
    wish = Wish(
        arguments.what, choice, settings, arguments.output, arguments.epochs, arguments.max_usd, arguments.at_once,
        told=lambda done, of: progress.show("played", done, of),
        broke_off=lambda folder: _tell(arguments, f"It broke off. What was played: {folder / 'report.html'}"),
    )  # fmt: skip
    likely = check_money(wish, 2 if plays_base(arguments) else 1)
    _tell(arguments, _beginning(choice, arguments.epochs, show_usd(likely) if choice.rates else ""))
    base = await find_base(arguments, settings, arguments.max_usd - likely) if arguments.compare else None
    try:
        outcome = await evaluate(replace(wish, limit=arguments.max_usd - base.cost) if base else wish)
    finally:
        progress.clear()
        await choice.close()
    if base is not None:
        outcome = compared(outcome, base.evaluation, base.results)
    await _keep(settings, outcome)
    print(_json(outcome) if arguments.json else "\n".join(describe(outcome)))
    has_fallen = _record(arguments, outcome) if arguments.record else False
    return FAILED if has_fallen else _exit_code(outcome, arguments.floor, base)


async def _keep(settings: Settings, outcome: Outcome) -> None:
    async with open_store(settings) as store:
        await keep_outcome(store, outcome)


def describe(outcome: Outcome) -> Iterator[str]:
    """The result for a person at a terminal."""
    one, report = outcome.evaluation, outcome.report
    interval = one.interval
    yield (
        f"{one.passed} of {one.cases} cases passed: {interval.value:.0%} "
        f"(95 %: {interval.low:.0%} to {interval.high:.0%}), {report.cost}, {one.seconds:.0f} s"
    )
    for family in report.families:
        only = f", {family.safety_only} for safety only" if family.safety_only else ""
        yield f"  {family.name:<28} {family.passed:>3} of {family.cases:<3}{only}"
    for case in report.failed:
        epoch = f" (epoch {case.epoch})" if one.epochs > 1 else ""
        yield f"{'unsafe' if not case.is_safe else 'failed'}  {case.id}{epoch}: {' '.join(case.why)}"
    if report.flaky:
        yield f"flaky   {', '.join(report.flaky)}"
    if one.ended:
        yield f"It ended early: {one.ended}."
    if outcome.comparison is not None:
        yield f"Against {outcome.comparison.base.id}: {outcome.comparison.verdict}. {outcome.comparison.reason}"
        yield from (f"  {line.name:<16} {line.value} ({line.low} to {line.high})" for line in outcome.comparison.lines)
    yield f"Report: {outcome.folder / 'report.html'} (and report.md)"
    yield f"Logs:   inspect view --log-dir {outcome.folder / 'logs'}"


def _exit_code(outcome: Outcome, floor: float, base: Base | None) -> int:
    share = outcome.evaluation.passed / max(1, outcome.evaluation.cases)
    is_worse = base is not None and outcome.comparison is not None and outcome.comparison.verdict == WORSE
    return FAILED if outcome.unsafe or share < floor or is_worse or outcome.evaluation.ended else 0


def _record(arguments: argparse.Namespace, outcome: Outcome) -> bool:
    """Write down what passed; whether a case fell that had passed before."""
    before = read_record(arguments.record)
    record = new_record(outcome.evaluation.prompts_digest, outcome.played, before, accept=arguments.accept)
    arguments.record.parent.mkdir(parents=True, exist_ok=True)
    write_record(arguments.record, record)
    _tell(arguments, f"Written: {arguments.record}.")
    if record.fell:
        _tell(arguments, f"Passed before and failed now: {', '.join(record.fell)}.")
    return bool(record.fell)


def _beginning(choice: Choice, epochs: int, likely: str) -> str:
    times = f", {epochs} times each" if epochs > 1 else ""
    cost = f"; likely to cost {likely}" if likely else ""
    judge = f", judged by {choice.judge.name}" if choice.judge else ""
    return f"{len(choice.cases)} cases{times} with {choice.brain.name}{judge}{cost}."


def _json(outcome: Outcome) -> str:
    one = outcome.evaluation
    told: dict[str, object] = {
        "id": one.id, "set": one.set_name, "model": one.model, "judge": one.judge, "epochs": one.epochs,
        "prompt_version": one.prompt_version, "prompts_digest": one.prompts_digest, "cases": one.cases,
        "passed": one.passed, "low": round(one.interval.low, 4), "high": round(one.interval.high, 4),
        "flaky": one.flaky, "unsafe": list(outcome.unsafe), "cost_usd": str(one.cost), "seconds": round(one.seconds, 1),
        "ended": one.ended, "folder": str(outcome.folder),
        "failed": [{"id": case.id, "epoch": case.epoch, "why": list(case.why)} for case in outcome.report.failed],
    }  # fmt: skip
    if outcome.comparison is not None:
        found = outcome.comparison
        told["comparison"] = {
            "base": found.base.id, "verdict": found.verdict, "cases": found.cases, "mcnemar": found.chance,
            "gained": list(found.gained), "lost": list(found.lost),
            **{name: [of.value, of.low, of.high] for name, of in
               (("passing", found.passing), ("cost_usd", found.cost), ("seconds", found.seconds))},
        }  # fmt: skip
    return json.dumps(told, ensure_ascii=False)


def _tell(arguments: argparse.Namespace, line: str) -> None:
    print(line, file=sys.stderr if arguments.json else sys.stdout, flush=True)


async def _list(settings: Settings) -> int:
    await check_database(settings.database_url)
    async with open_store(settings) as store, store.read() as transaction:
        found = await transaction.evaluations.recent(_LISTED)
    print("\n".join(_line(one) for one in found) or "Nothing has been evaluated yet; `deskhand eval` does it.")
    return 0


def _line(one: Evaluation) -> str:
    interval = one.interval
    return (
        f"{one.id}  {one.passed}/{one.cases} ({interval.low:.0%} to {interval.high:.0%})  {one.model}  "
        f"prompts {one.prompts_digest}, version {one.prompt_version or '-'}  {show_usd(one.cost)}"
    )
