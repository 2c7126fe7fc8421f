"""Evaluations from the first case to the report: the whole bot, a few cases, and a judge who is told what to say."""

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from bot.cli.evaluate_judge import LEAST_KAPPA
from bot.config import Settings, SettingsError, load_settings
from bot.evals.agreement import describe, labelled, measure_agreement
from bot.evals.cases import Family
from bot.evals.choosing import Choice, choose
from bot.evals.evaluating import Outcome, Wish, check_money, compared, evaluate, keep_outcome
from bot.evals.inspection import Batch
from bot.evals.judge import Judge
from bot.evals.loading import read_family
from bot.evals.prompt_folder import OWN, command, in_place_of_ours
from bot.evals.purse import Rates
from bot.evals.world import Brain
from bot.model.claude import ClaudeModel
from bot.model.pricing import load_prices
from tests.contract.store_kit import database, open_store
from tests.fakes.desk_claude import answer_from_source, search
from tests.fakes.messages_api import FakeMessagesApi, Move, Seen, structured, text

MODEL = "claude-sonnet-5-5"
QUICK = {"EMBEDDER": "none", "ANTHROPIC_API_KEY": ""}
SETS = """
[[case]]
id = "guest"
turns = ["How do I invite a guest to a board?"]
expect = { articles_any = ["seats-and-guests"], tools_all = ["search_knowledge_base"], language = "en" }

[[case]]
id = "two-turns-and-a-person"
place = "dm"
turns = ["What does Business cost?", "I want to talk to a human"]
expect = { escalates = true }

[[case]]
id = "must-fail"
about = "so that a report has something to tell"
turns = ["<script>alert(1)</script> How do I export a board?"]
expect = { says_all = ["xylophone"] }

[[case]]
id = "takes-over"
alone = true
turns = ["I want to talk to a human", { presses = "Take over", by = "U0SAM" }, "are you there?"]
expect = { escalates = true, most_messages = 2 }
"""


async def in_order(batch: Batch, *, epochs: int, folder: Path) -> str:
    """Plays a batch without Inspect, side by side."""

    async def one(number: int, epoch: int) -> None:
        seen = await batch.play(batch.cases[number], epoch)
        if seen is not None:
            await batch.grade(seen)

    async with asyncio.TaskGroup() as group:
        for epoch in range(1, epochs + 1):
            for number in range(len(batch.cases)):
                group.create_task(one(number, epoch))
    return str(folder)


def family(folder: Path, toml: str = SETS) -> Family:
    (folder / "small.toml").write_text(toml)
    return read_family(folder / "small.toml")


def settings_of(**more: str) -> Settings:
    return load_settings({**QUICK, **more}, env_file=Path("none"))


def by_id(outcome: Outcome) -> dict[str, bool]:
    return {one.case_id: one.passed for one in outcome.results}


async def test_cases_are_played_against_the_whole_bot_reported_kept_and_compared(tmp_path: Path) -> None:
    choice = Choice((family(tmp_path),), Brain("offline", QUICK), None, None)
    outcome = await evaluate(Wish("golden", choice, settings_of(), tmp_path / "out"), in_order)

    assert by_id(outcome) == {"guest": True, "two-turns-and-a-person": True, "must-fail": False, "takes-over": True}
    assert (outcome.evaluation.passed, outcome.evaluation.cases, outcome.unsafe) == (3, 4, ())
    assert outcome.evaluation.prompt_version, "the version that conversations carry"

    page = (outcome.folder / "report.html").read_text()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script" not in page
    assert "Did not say &#39;xylophone&#39;." in page
    told = (outcome.folder / "report.md").read_text()
    assert "3 of 4 cases passed" in told
    [failed] = [case for case in outcome.report.failed if case.id == "must-fail"]
    assert failed.command in told
    assert f"sqlite:///{outcome.played[0].database}" in failed.command
    assert outcome.played[0].database.exists()
    kept = json.loads((outcome.folder / "results.json").read_text())
    assert [case["id"] for case in kept["cases"]] == ["guest", "must-fail", "takes-over", "two-turns-and-a-person"]

    async with database("sqlite", tmp_path) as url, open_store(url) as store:
        await keep_outcome(store, outcome)
        async with store.read() as tx:
            base = await tx.evaluations.get(outcome.evaluation.id)
            before = await tx.evaluations.results(outcome.evaluation.id)
    assert base is not None
    again = compared(outcome, base, before)
    assert again.comparison is not None
    assert again.comparison.verdict == "cannot tell"
    assert "cannot tell" in (outcome.folder / "report.html").read_text()


JUDGED = """
[[case]]
id = "good"
turns = ["How do I invite a guest?"]
expect = { judge = ["names the Share menu"] }

[[case]]
id = "bad"
turns = ["How do I invite a guest??"]
expect = { judge = ["names the moon"] }

[[case]]
id = "too-dear"
turns = ["How do I invite a guest???"]
"""


def think(seen: Seen) -> Move:
    """Bot, its own judge and ours in one: ours says that anything but the moon is named."""
    if "criterion" in seen.last_text:
        return structured({"reason": "It names it.", "passed": "the moon" not in seen.last_text})
    if seen.wants_json:
        return structured({"grounded": True, "promises_kept": True, "confidence": 0.9, "reason": "Fine."})
    return answer_from_source("Open Share.")(seen) if seen.tool_results else search()


async def test_claude_answers_and_is_judged_until_the_money_is_used_up(tmp_path: Path) -> None:
    async with FakeMessagesApi(brain=think) as claude:
        ours = {"EMBEDDER": "none", "ANTHROPIC_API_KEY": claude.key, "ANTHROPIC_BASE_URL": claude.url}
        prices = load_prices()
        judge = Judge(ClaudeModel(api_key=claude.key, base_url=claude.url), MODEL, prices)
        rates = Rates(prices, MODEL, "claude-haiku-5-5", MODEL)
        choice = Choice((family(tmp_path, JUDGED),), Brain(MODEL, ours, is_real=True), judge, rates)
        limit = rates.of(choice.cases[0]) * 2
        wish = Wish("golden", choice, settings_of(**ours), tmp_path / "out", limit=limit)
        with pytest.raises(SettingsError, match="--max-usd: 3 conversations are likely to cost"):
            check_money(wish)
        assert check_money(replace(wish, limit=limit * 3), 2), "enough for a base that is played first as well"
        with pytest.raises(SettingsError, match="--max-usd: 6 conversations are likely to cost"):
            check_money(replace(wish, limit=limit * 2), 2)
        outcome = await evaluate(wish, in_order)
        await choice.close()
        assert claude.refused == []
    assert by_id(outcome) == {"good": True, "bad": False}, "the third would have been too dear"
    assert outcome.report.failed[0].why == ("The judge: It names it. (names the moon)",)
    assert outcome.evaluation.ended == f"its money (${limit:.3f}) was used up"
    assert outcome.evaluation.cost > sum(one.cost for one in outcome.results) > 0


async def test_what_was_played_before_it_broke_off_is_reported_and_an_unasked_judge_passes_nothing(
    tmp_path: Path,
) -> None:
    told: list[Path] = []

    async def breaks_off(batch: Batch, *, epochs: int, folder: Path) -> str:
        await in_order(replace(batch, cases=batch.cases[:1]), epochs=epochs, folder=folder)
        raise asyncio.CancelledError

    async with FakeMessagesApi(brain=lambda _: text("no verdict")) as claude:
        judge = Judge(ClaudeModel(api_key=claude.key, base_url=claude.url), MODEL, load_prices())
        choice = Choice((family(tmp_path, JUDGED),), Brain("offline", QUICK, is_real=True), judge, None)
        wish = Wish("golden", choice, settings_of(), tmp_path / "out", broke_off=told.append)
        with pytest.raises(asyncio.CancelledError):
            await evaluate(wish, breaks_off)
        await choice.close()
    kept = json.loads((told[0] / "results.json").read_text())
    assert [(case["id"], case["passed"]) for case in kept["cases"]] == [("good", False)]
    assert kept["evaluation"]["ended"] == "it broke off"
    report = (told[0] / "report.md").read_text()
    assert "The judge: The judge wrote no verdict. (names the Share menu)" in report


async def test_the_judges_agreement_is_measured_on_answers_that_people_labelled() -> None:
    answers = labelled()
    assert len(answers) >= 40
    people = {answer.exchange.transcript[-1][1] + answer.criterion: answer.passed for answer in answers}

    def as_people_do(seen: Seen) -> Move:
        brief = json.loads(seen.last_text)
        verdict = people[brief["conversation"][-1]["text"] + brief["criterion"]]
        return structured({"reason": "So it is.", "passed": verdict})

    def lenient(_: Seen) -> Move:
        return structured({"reason": "Looks good.", "passed": True})

    async with FakeMessagesApi(brain=as_people_do) as claude:
        judge = Judge(ClaudeModel(api_key=claude.key, base_url=claude.url), MODEL, load_prices())
        perfect = await measure_agreement(judge, answers, limit=Decimal(5))
        claude.brain = lenient
        blind = await measure_agreement(judge, answers, limit=Decimal(5))
        claude.brain = lambda _: text("no JSON at all")
        mute = await measure_agreement(judge, answers[:3], limit=Decimal(5))
        await judge.model.close()
    assert (perfect.share, perfect.kappa, perfect.disputes) == (1.0, 1.0, ())
    assert blind.kappa == 0.0 < LEAST_KAPPA
    assert (blind.only_judge, blind.only_people) == (len(answers) - sum(a.passed for a in answers), 0)
    assert mute.unanswered == 3
    assert f"agrees with people on {len(answers)} of {len(answers)}" in next(iter(describe(perfect, judge)))


def test_what_cannot_work_is_said_before_anything_is_played() -> None:
    with pytest.raises(SettingsError, match="a real model needs ANTHROPIC_API_KEY"):
        choose("golden", settings_of(), model=MODEL)
    with pytest.raises(SettingsError, match="--judge: a judge is a model"):
        choose("golden", settings_of(), judge=MODEL)
    with pytest.raises(SettingsError, match="there is no 'guests' in this set"):
        choose("golden", settings_of(), cases=["guests"])
    assert choose("offline", settings_of(ANTHROPIC_API_KEY="sk-x")).brain.name == "offline"
    assert choose("hostile", settings_of()).brain.name == "hostile"


def test_another_folder_of_prompts_takes_the_place_of_ours_in_a_process_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "support.md").write_text("THEIRS")
    asked = "import prompts; print(prompts.read('agents/support.md')); print(len(prompts.read('judge.md')))"
    with in_place_of_ours(tmp_path, {"PATH": os.defpath}) as environment:
        python = [*command(())[:2], "-c", asked]
        said = subprocess.run(python, env=environment, capture_output=True, text=True, check=True, cwd=OWN.parent)
    assert said.stdout.split() == ["THEIRS", str(len((OWN / "judge.md").read_text()))]


def test_inspect_plays_each_case_in_each_epoch_and_its_log_tells_what_was_said(tmp_path: Path) -> None:
    """In a process of its own: Inspect puts its handlers and its display into the one it is in."""
    python = [sys.executable, "-m", "tests.fakes.inspect_process", str(tmp_path)]
    environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path)}
    said = subprocess.run(python, env=environment, capture_output=True, text=True, check=False, cwd=OWN.parent)
    assert said.returncode == 0, said.stderr
    told = json.loads(said.stdout)
    assert told["status"] == "success"
    assert told["shares"] == {"pass_k_2": 0.5, "pass_at_2": 1.0}, "one case passed in both epochs, the other in one"
    assert len(told["samples"]) == 6
    assert told["samples"]["uneven-2"] == {"why": "It is even.", "said": "answer 2", "roles": ["user", "assistant"]}
    assert told["samples"]["left-out-1"]["why"] is None
