"""What `test_store_workspaces` tries with records of another workspace: citations, gaps, lessons, evaluations."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal

from bot.domain.evaluation import CaseResult, Evaluation
from bot.domain.exchange import Citation
from bot.domain.gaps import GapCause
from bot.domain.lesson import Choice, Draft, Lesson
from bot.store.store import SqlTransaction
from tests.contract.store_kit import NOW, THREAD

LESSON = Lesson("L1", "T1", "E0", THREAD.id, Draft("Title", "Question?", "Answer."), "en", "Sam", NOW)
EVALUATION = Evaluation("V1", NOW, "golden", "v1", "d", "claude-test", "", 1, 1, 1, 0, team_id="T1")
RESULT = CaseResult("V1", "case", 1, "family", True, 1.0, "", Decimal(0), 1, 1, 1.0)  # noqa: FBT003 - it passed
CITED = [Citation("kb://guests", "Guests", "words")]

RECORD_TRIES: dict[str, list[Callable[[SqlTransaction, str], Awaitable[object]]]] = {
    "Citations.add": [lambda tx, _: tx.citations.add(THREAD.id, "R2", CITED, at=NOW)],
    "Gaps.add": [lambda tx, _: tx.gaps.add(THREAD.id, "R2", ["why?"], GapCause.UNSOURCED, at=NOW)],
    "Lessons.suggest": [
        lambda tx, _: tx.lessons.suggest(replace(LESSON, id="L9", case_id="E9")),
        lambda tx, _: tx.lessons.suggest(replace(LESSON, id="L9", case_id="E9", team_id="T2")),
    ],
    "Lessons.get": [lambda tx, _: tx.lessons.get("L1")],
    "Lessons.choose": [lambda tx, _: tx.lessons.choose("L1", Choice.TAKE_BACK, by="U9", at=NOW)],
    "Lessons.articles": [lambda tx, _: tx.lessons.articles()],
    "Lessons.cases": [lambda tx, _: tx.lessons.cases()],
    "Evaluations.add": [lambda tx, _: tx.evaluations.add(replace(EVALUATION, id="V9"), [])],
    "Evaluations.get": [lambda tx, _: tx.evaluations.get("V1")],
    "Evaluations.recent": [
        lambda tx, _: tx.evaluations.recent(5),
        lambda tx, _: tx.evaluations.recent(5, prompt_version="v1", set_name="golden"),
    ],
    "Evaluations.results": [lambda tx, _: tx.evaluations.results("V1")],
    "Evaluations.latest_by_version": [lambda tx, _: tx.evaluations.latest_by_version(["v1"])],
}


async def fill_records(tx: SqlTransaction) -> None:
    """One of each, of T1."""
    await tx.citations.add(THREAD.id, "R1", CITED, at=NOW)
    await tx.lessons.suggest(LESSON)
    for choice in (Choice.PUBLIC, Choice.CASE):
        await tx.lessons.choose("L1", choice, by="U9", at=NOW)
    await tx.evaluations.add(EVALUATION, [RESULT])
