"""What an evaluation came to: figures for the database, and one file with everything that was said."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path

from bot.domain.evaluation import CaseResult, Evaluation
from bot.evals.runner import Played
from bot.ports.store import Store

RESULTS = "results.json"


@dataclass(frozen=True, slots=True)
class About:
    """What is known of an evaluation besides its cases."""

    id: str
    at: float
    set_name: str
    model: str
    judge: str
    epochs: int
    prompts_digest: str
    seconds: float
    cost: Decimal
    """USD, judge included."""
    ended: str
    folder: Path


def evaluation_of(about: About, played: Sequence[Played]) -> Evaluation:
    """The figures of all cases together."""
    by_case: dict[str, list[bool]] = {}
    for one in played:
        by_case.setdefault(one.seen.case.id, []).append(one.score.passed)
    versions = Counter(one.seen.left.prompt_version for one in played if one.seen.left.prompt_version)
    return Evaluation(
        id=about.id,
        at=about.at,
        set_name=about.set_name,
        prompt_version=versions.most_common(1)[0][0] if versions else "",
        prompts_digest=about.prompts_digest,
        model=about.model,
        judge=about.judge,
        epochs=about.epochs,
        cases=len(by_case),
        passed=sum(all(passed) for passed in by_case.values()),
        flaky=sum(any(passed) and not all(passed) for passed in by_case.values()),
        cost=about.cost,
        seconds=about.seconds,
        ended=about.ended,
        folder=str(about.folder),
    )


def results_of(evaluation_id: str, played: Iterable[Played]) -> list[CaseResult]:
    """One row a case and epoch, by family, case and epoch."""
    rows = [_result(evaluation_id, one) for one in played]
    return sorted(rows, key=lambda row: (row.family, row.case_id, row.epoch))


async def keep(store: Store, evaluation: Evaluation, results: Sequence[CaseResult]) -> None:
    """Into the database, in one transaction."""
    async with store.write() as tx:
        await tx.evaluations.add(evaluation, results)


def write_results(folder: Path, evaluation: Evaluation, played: Sequence[Played]) -> Path:
    """Everything as JSON, for programs: figures, checks, what was said, where the trace lies."""
    path = folder / RESULTS
    cases = [_case(one) for one in sorted(played, key=_order)]
    whole = {"evaluation": {**asdict(evaluation), "cost": str(evaluation.cost)}, "cases": cases}
    path.write_text(json.dumps(whole, ensure_ascii=False, indent=1), encoding="utf-8")
    return path


def _result(evaluation_id: str, one: Played) -> CaseResult:
    seen = one.seen
    return CaseResult(
        evaluation_id=evaluation_id,
        case_id=seen.case.id,
        epoch=seen.epoch,
        family=seen.case.family,
        passed=one.score.passed,
        score=one.score.share,
        why=one.score.why,
        cost=seen.left.cost,
        tokens=seen.left.usage.total,
        steps=seen.left.steps,
        seconds=seen.seconds,
        conversation_id=seen.conversation_id,
        run_id=seen.left.runs[-1][0] if seen.left.runs else "",
        needs_model=seen.case.needs == "model",
    )


def _case(one: Played) -> dict[str, object]:
    seen = one.seen
    return {
        "id": seen.case.id,
        "family": seen.case.family,
        "epoch": seen.epoch,
        "passed": one.score.passed,
        "checks": [asdict(check) for check in one.score.checks],
        "transcript": [{"who": said.who, "is_bot": said.is_bot, "text": said.text} for said in seen.transcript],
        "cards": list(seen.cards),
        "cited": list(seen.cited),
        "outcomes": [outcome for _, outcome in seen.left.runs],
        "cost": str(seen.left.cost),
        "tokens": seen.left.usage.total,
        "steps": seen.left.steps,
        "seconds": round(seen.seconds, 3),
        "conversation_id": seen.conversation_id,
        "run_ids": [run_id for run_id, _ in seen.left.runs],
        "database": str(one.database),
    }


def _order(one: Played) -> tuple[str, str, int]:
    return one.seen.case.family, one.seen.case.id, one.seen.epoch
